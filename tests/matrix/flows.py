"""Small workflows for real `pyflyte run` processes: everything is made, used and removed again.

`SMFS_TEST_STATE` is a directory by whose files a test steers them. While `hold-<name>` is there, the pause of that name
lasts and `held-<name>` says that it was reached. `hold-job` keeps the training job going, `stubborn-job` keeps it going
when it is asked to stop, and `fail-job` lets it fail.
"""

import datetime
import os
import time
from pathlib import Path

from flytekit import task, workflow

from flytekitplugins_smfs import (
    FileSystemInput,
    LustreSpec,
    ReleaseTask,
    Removed,
    TrainingTask,
    create_lustre,
    delete_lustre,
    file_system_input,
    link_repository,
    unlink_repository,
)
from flytekitplugins_smfs.values.sagemaker.training import ImageAlgorithm
from tests.matrix.dying import arm

STATE = Path(os.environ["SMFS_TEST_STATE"])
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/matrix:1"
JOB = """
[ ! -e "$0/stubborn-job" ] || trap "" TERM
while [ -e "$0/hold-job" ]; do sleep 0.05; done
echo trained
[ ! -e "$0/fail-job" ]
"""

arm()
job = ImageAlgorithm(IMAGE, entrypoint=("sh", "-c", JOB, str(STATE)))
train = TrainingTask("matrix.train", job, {"train": FileSystemInput})
limited = TrainingTask("matrix.limited", job, {"train": FileSystemInput}, timeout=datetime.timedelta(seconds=1))
release = ReleaseTask("matrix.release", inputs={"repository": str})


@task
def chat(lines: int) -> int:
    """An ordinary task that prints."""
    for number in range(lines):
        print(f"line {number}", flush=True)
        time.sleep(0.01)
    return lines


@task
def pause(name: str) -> str:
    """An ordinary task; it lasts as long as the test says."""
    while (STATE / f"hold-{name}").exists():
        (STATE / f"held-{name}").touch()
        time.sleep(0.02)
    return name


def steps(repository: str, training: TrainingTask = train) -> Removed:
    ready = pause(name="first")
    file_system = create_lustre(spec=LustreSpec())
    link = link_repository(file_system=file_system, repository=repository)
    paused = pause(name="between")
    trained = training(train=file_system_input(link=link, uri=repository))
    unlinked = unlink_repository(link=link)
    deleted = delete_lustre(file_system=file_system)
    ready >> file_system
    link >> paused >> trained >> unlinked >> deleted
    return deleted


@workflow
def kept(repository: str) -> Removed:
    return steps(repository=repository)


@workflow(on_failure=release)
def released(repository: str) -> Removed:
    return steps(repository=repository)


@workflow(on_failure=release)
def late(repository: str) -> Removed:
    return steps(repository=repository, training=limited)


clean_up = ReleaseTask("matrix.clean_up", inputs={"repository": str, "lines": int})


@workflow(on_failure=clean_up)
def talkative(repository: str, lines: int) -> Removed:
    file_system = create_lustre(spec=LustreSpec())
    said = chat(lines=lines)
    removed = steps(repository=repository)
    file_system >> said >> removed
    return removed
