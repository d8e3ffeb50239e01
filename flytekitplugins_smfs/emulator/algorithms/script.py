"""Script mode: what framework images do with the hyperparameter ``sagemaker_program``.

The job's code lies in ``/opt/ml/code``. Hyperparameters are JSON texts there; those that do not begin with
``sagemaker_`` become arguments ``--name value``, and ``SM_HP_*`` and ``SM_HPS`` carry them decoded.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any, NoReturn

from .environment import TrainingEnvironment

_OWN = "sagemaker_"


def main() -> NoReturn:
    """Become the script; leave the failure file and exit with 1 when there is none."""
    environment = TrainingEnvironment.load()
    decoded = {name: _decoded(value) for name, value in environment.hyperparameters.items()}
    program = decoded.get("sagemaker_program") or os.environ.get("SAGEMAKER_PROGRAM", "")
    code = environment.model.parent / "code"
    if not (code / program).is_file():
        environment.fail(f"ClientError: No such file or directory: {code / program} (sagemaker_program)")
        sys.exit(1)
    if (code / "requirements.txt").exists():
        print("the embedded AWS does not install requirements.txt: its packages must be there", flush=True)
    hyperparameters = {name: value for name, value in decoded.items() if not name.startswith(_OWN)}
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
    command = ["/bin/bash", program] if Path(program).suffix == ".sh" else [sys.executable, program]
    os.chdir(code)
    os.execvpe(command[0], [*command, *arguments], variables)


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, dict | list) else str(value)


if __name__ == "__main__":
    main()
