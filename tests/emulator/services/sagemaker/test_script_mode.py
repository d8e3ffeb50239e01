"""What the code of script mode brings along: requirements, a launcher, odd members of its archive."""

import io
import sys
import tarfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Emulator
from tests.emulator.containers.test_walls import installed, wheel

from .jobs import Jobs, unique


@pytest.fixture
def jobs(emulator: Emulator) -> Jobs:
    return Jobs(emulator)


def packed(jobs: Jobs, files: dict[str, bytes], odd: tuple[tarfile.TarInfo, ...] = ()) -> dict[str, str]:
    """The hyperparameters of a job that runs ``fit.py`` of these files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for info in odd:
            archive.addfile(info)
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    url = jobs.put(f"{unique('code')}.tar.gz", content.getvalue())
    return {"sagemaker_program": '"fit.py"', "sagemaker_submit_directory": f'"{url}"'}


def test_requirements_are_installed_for_the_job_alone(jobs: Jobs, tmp_path: Path) -> None:
    name = unique("smfs_required").replace("-", "_")
    path = wheel(tmp_path, name)
    files = {
        "fit.py": f"import {name}, sys; print({name}.ANSWER, {name}.__file__.startswith(sys.prefix))".encode(),
        "requirements.txt": f"./{path.name}\n".encode(),
        path.name: path.read_bytes(),
    }
    before = installed(sys.prefix)
    done = jobs.run(jobs.request(HyperParameters=packed(jobs, files)))
    assert done["TrainingJobStatus"] == "Completed", done["FailureReason"]
    assert jobs.lines(done["TrainingJobName"])[-1] == "42 True"
    assert installed(sys.prefix) == before


def test_requirements_that_cannot_be_installed_fail_the_job(jobs: Jobs) -> None:
    files = {"fit.py": b"print('never')", "requirements.txt": b"./there-is-no-such-package.whl\n"}
    done = jobs.run(jobs.request(HyperParameters=packed(jobs, files)))
    assert done["FailureReason"].startswith("AlgorithmError: InstallRequirementsError:\nExitCode 1\nErrorMessage ")
    assert "there-is-no-such-package" in done["FailureReason"]
    assert "never" not in jobs.lines(done["TrainingJobName"])


def test_torchrun_is_started_on_every_host(jobs: Jobs) -> None:
    launcher = b"import sys; print('torchrun', *sys.argv[1:])"
    files = {"fit.py": b"", "torch/__init__.py": b"", "torch/distributed/__init__.py": b""}
    hyperparameters = packed(jobs, {**files, "torch/distributed/run.py": launcher})
    request = jobs.request(HyperParameters={**hyperparameters, "sagemaker_torch_distributed_enabled": "true", "x": "1"})
    request["ResourceConfig"]["InstanceCount"] = 2
    done = jobs.run(request)
    assert done["TrainingJobStatus"] == "Completed", done["FailureReason"]
    for rank in (0, 1):
        [line] = jobs.lines(done["TrainingJobName"], f"algo-{rank + 1}")
        where = f"--master_addr algo-1 --master_port 7777 --node_rank {rank}"
        assert line == f"torchrun --nnodes 2 --nproc_per_node 1 {where} fit.py --x 1"


@pytest.mark.parametrize("name", ["sagemaker_mpi_enabled", "sagemaker_distributed_dataparallel_enabled"])
def test_other_launchers_are_refused_by_name(jobs: Jobs, name: str) -> None:
    with pytest.raises(ClientError, match=name):
        jobs.start(jobs.request(HyperParameters={"sagemaker_program": "fit.py", name: "true"}))


@pytest.mark.point("attack matrix, members of archives")
def test_odd_members_of_the_code_are_left_out(jobs: Jobs) -> None:
    up, link, pipe = tarfile.TarInfo("../../up"), tarfile.TarInfo("link"), tarfile.TarInfo("pipe")
    link.type, link.linkname, pipe.type = tarfile.SYMTYPE, "/etc/passwd", tarfile.FIFOTYPE
    files = {"fit.py": b"import os; print(sorted(os.listdir('/opt/ml/code')), os.path.exists('/opt/ml/../up'))"}
    done = jobs.run(jobs.request(HyperParameters=packed(jobs, files, (up, link, pipe))))
    assert jobs.lines(done["TrainingJobName"]) == ["['fit.py'] False"]
