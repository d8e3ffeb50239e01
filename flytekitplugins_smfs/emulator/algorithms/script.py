"""Script mode: what framework images do with the hyperparameter ``sagemaker_program``.

The job's code lies in ``/opt/ml/code``. Hyperparameters are JSON texts there; those that do not begin with
``sagemaker_``, and are not a tuning job's own, become arguments ``--name value``, and ``SM_HP_*`` and ``SM_HPS`` carry
them decoded.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from .environment import TrainingEnvironment

_OWN = "sagemaker_"
_TORCHRUN = "sagemaker_torch_distributed_enabled"
_MASTER_PORT = "7777"
"""The port that the training toolkit gives torchrun."""
_TUNING = "_tuning_objective_metric"
_LAST_WORDS_SECONDS = 2.0
"""What a script left running may hold its stderr open; it ends with the script."""


def main() -> NoReturn:
    """Run the script, and exit as it did; leave the failure file when it fails or is not there."""
    environment = TrainingEnvironment.load()
    decoded = {name: _decoded(value) for name, value in environment.hyperparameters.items()}
    program = decoded.get("sagemaker_program") or os.environ.get("SAGEMAKER_PROGRAM", "")
    code = environment.model.parent / "code"
    if not (code / program).is_file():
        environment.fail(f"ClientError: No such file or directory: {code / program} (sagemaker_program)")
        sys.exit(1)
    _install_requirements(environment, code)
    hyperparameters = {name: value for name, value in decoded.items() if not name.startswith(_OWN)}
    hyperparameters.pop(_TUNING, None)
    arguments = [text for name, value in hyperparameters.items() for text in (f"--{name}", _plain(value))]
    variables = {
        **os.environ,
        **{f"SM_HP_{re.sub('[^A-Z0-9]', '_', name.upper())}": _plain(value) for name, value in hyperparameters.items()},
        "SM_HPS": json.dumps(hyperparameters),
        "SM_USER_ARGS": json.dumps(arguments),
        "SM_USER_ENTRY_POINT": program,
        "SM_MODULE_DIR": str(code),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(code), os.environ.get("PYTHONPATH", "")])),
    }
    command = _launcher(environment, decoded, program)
    os.chdir(code)
    status, message = _run([*command, *arguments], variables)
    if status != 0 and not (environment.output / "failure").exists():
        shown = shlex.join([*command, *arguments])
        environment.fail(f'ExecuteUserScriptError:\nExitCode {status}\nErrorMessage "{message}"\nCommand "{shown}"')
    sys.exit(status)


def _install_requirements(environment: TrainingEnvironment, code: Path) -> None:
    """Install the code's requirements.txt into the job's own environment; the job fails if that does."""
    if not (code / "requirements.txt").is_file():
        return
    command = [sys.executable, "-m", "pip", "install", "-r", "requirements.txt"]
    print(f"Installing dependencies from requirements.txt: {shlex.join(command)}", flush=True)
    os.chdir(code)
    status, message = _run(command, dict(os.environ))
    if status != 0:
        shown = shlex.join(command)
        environment.fail(f'InstallRequirementsError:\nExitCode {status}\nErrorMessage "{message}"\nCommand "{shown}"')
        sys.exit(status)


def _launcher(environment: TrainingEnvironment, hyperparameters: dict[str, Any], program: str) -> list[str]:
    """What runs the script: bash, Python, or torchrun on every host where the job asks for ``torch_distributed``."""
    if Path(program).suffix == ".sh":
        return ["/bin/bash", program]
    if not hyperparameters.get(_TORCHRUN):
        return [sys.executable, program]
    hosts = environment.hosts
    where = ["--master_addr", hosts[0], "--master_port", _MASTER_PORT, "--node_rank"]
    rank = str(hosts.index(environment.current_host))
    per_host = os.environ.get("SM_NUM_GPUS", "0")
    counts = ["--nnodes", str(len(hosts)), "--nproc_per_node", per_host if per_host != "0" else "1"]
    return [sys.executable, "-m", "torch.distributed.run", *counts, *where, rank, program]


def _run(command: list[str], variables: dict[str, str]) -> tuple[int, str]:
    """The exit code of the script, and the last line it wrote to stderr, all of which is passed on."""
    process = subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True, errors="replace")
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    last: deque[str] = deque(maxlen=1)
    relay = threading.Thread(target=_relay, args=(process.stderr, last), daemon=True)
    relay.start()
    code = process.wait()
    relay.join(_LAST_WORDS_SECONDS)
    return (code if code >= 0 else 128 - code), "".join(last)


def _relay(lines: Iterable[str], last: deque[str]) -> None:
    for line in lines:
        sys.stderr.write(line)
        sys.stderr.flush()
        if line.strip():
            last.append(line.strip())


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, dict | list) else str(value)


if __name__ == "__main__":
    main()
