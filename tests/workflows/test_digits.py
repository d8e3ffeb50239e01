"""The main job from end to end, as a process, and what becomes of it when a step fails. C104, N4, N6"""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.inventory import holdings
from flytekitplugins_smfs.values.settings import Settings
from tests.conftest import Emulator
from tests.workflows.conftest import Run


def left(emulator: Emulator, output: str) -> tuple[object, ...]:
    """What the execution that printed this has in AWS."""
    execution = re.search(r"Execution (local/\S+?)\.\s", output)
    assert execution is not None, output
    return tuple(holdings(Aws(Settings(endpoint="emulator", emulator_state=str(emulator.state))), execution[1]))


def test_it_ends_with_a_judged_model_and_nothing_left(own_emulator: Emulator, lustre_training: Run) -> None:
    # C104, N4, N6
    own_emulator.start()
    done = lustre_training()
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    table = dict(re.findall(r"│ (\S[^│]*?) +│ ([^│]*?) +│", done.stdout))
    assert re.match(r"fs-[0-9a-f]+ ", table["File system"])
    assert re.match(r"dra-[0-9a-f]+ .*/ns1 → s3://", table["Link"])
    assert re.match(r"digits-train", table["Training job"])
    assert table["Tuning job"].endswith(" 8 trials")
    assert re.search(r"validation:mlogloss 0\.\d+", table["Best trial"])
    assert re.search(r"colsample_bytree=[\d.]+, eta=[\d.]+, max_depth=\d, subsample=[\d.]+", done.stdout)
    assert float(table["Held-out accuracy"].split()[0]) >= 0.95
    assert table["Left in AWS"] == "Nothing is left."
    for step in ("Upload", "Create file system", "Link to S3", "Train", "Tune", "Evaluate", "Delete file system"):
        assert re.search(rf"│ +\d+\.\d  {step} ", done.stdout), step
    deck = Path(urllib.parse.unquote(urllib.parse.urlsplit(table["Deck"]).path))
    page = deck.read_text(encoding="utf-8")
    for part in ("Confusion matrix", "Timeline of the steps", table["Training job"], table["Best trial"].split()[0]):
        assert part in page
    # The emulator's word, not the run's.
    fsx, sagemaker = own_emulator.client("fsx"), own_emulator.client("sagemaker")
    assert fsx.describe_file_systems()["FileSystems"] == []
    assert fsx.describe_data_repository_associations()["Associations"] == []
    assert own_emulator.processes() == []
    assert left(own_emulator, said) == ()
    jobs = sagemaker.list_training_jobs(MaxResults=100)["TrainingJobSummaries"]
    assert {job["TrainingJobStatus"] for job in jobs} == {"Completed"}
    assert len(jobs) == 9
    trained = sagemaker.describe_training_job(TrainingJobName=table["Training job"])
    assert {channel["DataSource"]["FileSystemDataSource"]["DirectoryPath"].split("/")[-1]
            for channel in trained["InputDataConfig"]} == {"train", "validation"}  # fmt: skip


def test_a_step_that_fails_leaves_nothing_either(own_emulator: Emulator, lustre_training: Run) -> None:
    # C104, N4
    own_emulator.start()
    own_emulator.faults(
        {"service": "sagemaker", "operation": "CreateTrainingJob", "code": "AccessDeniedException", "status": 400,
         "message": "User is not authorized to perform: sagemaker:CreateTrainingJob"}
    )  # fmt: skip
    done = lustre_training()
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "sagemaker CreateTrainingJob answered AccessDeniedException: User is not authorized to perform" in said
    assert "Nothing is left." not in said
    fsx = own_emulator.client("fsx")
    assert fsx.describe_file_systems()["FileSystems"] == []
    assert fsx.describe_data_repository_associations()["Associations"] == []
    made = [call for call in own_emulator.calls() if call["operation"] == "CreateFileSystem" and not call["error"]]
    gone = [call for call in own_emulator.calls() if call["operation"] == "DeleteFileSystem" and not call["error"]]
    assert (len(made), len(gone)) == (1, 1)
    assert left(own_emulator, done.stdout + done.stderr) == ()

    # C20: what was uploaded stays, and the next run sends nothing.
    assert "(3 sent, 0 unchanged)" in said
    again = lustre_training()
    assert "(0 sent, 3 unchanged)" in " ".join((again.stdout + again.stderr).split())
    assert left(own_emulator, again.stdout + again.stderr) == ()
