"""The emulator's clock, over the wire: what takes hours on AWS takes a moment, and what ends by error says so."""

import json
import sqlite3
import urllib.error

import pytest

from tests.conftest import Emulator, wait_for
from tests.emulator.services.fsx.test_file_system import at, parameters
from tests.emulator.services.iam.trust import TRUST
from tests.emulator.services.sagemaker.jobs import Jobs, unique


def test_hours_pass_at_once_and_resources_go_by_them(own_emulator: Emulator) -> None:
    running = own_emulator.start("--set", "fsx_creating_seconds=3600")
    fsx = running.client("fsx")
    made = fsx.create_file_system(**parameters(running, ClientRequestToken="one"))["FileSystem"]
    assert at(running, made["FileSystemId"], "CREATING")
    before = running.clock()["now"]
    running.clock(advance=1800)
    assert at(running, made["FileSystemId"], "CREATING")
    running.clock(advance=1800)
    assert at(running, made["FileSystemId"], "AVAILABLE")
    later = fsx.create_file_system(**parameters(running))
    assert 3600 <= later["FileSystem"]["CreationTime"].timestamp() - before < 3700
    real = later["ResponseMetadata"]["HTTPHeaders"]["date"]
    assert running.calls()[-1]["time"] - before >= 3600
    running.stop()
    running.start()
    assert running.clock()["now"] - before >= 3600, real


def test_what_moto_keeps_goes_by_the_same_clock(own_emulator: Emulator) -> None:
    running = own_emulator.start()
    running.clock(advance=30 * 86400)
    running.client("iam").create_role(RoleName="late", AssumeRolePolicyDocument=TRUST)
    made = running.client("iam").get_role(RoleName="late")["Role"]["CreateDate"]
    assert abs(made.timestamp() - running.clock()["now"]) < 60
    running.stop()
    running.start()
    again = running.client("iam").get_role(RoleName="late")["Role"]["CreateDate"]
    assert abs(again.timestamp() - made.timestamp()) <= 1


def test_client_tokens_lapse(own_emulator: Emulator) -> None:
    running = own_emulator.start()
    fsx = running.client("fsx")

    def create() -> str:
        made = fsx.create_file_system(**parameters(running, ClientRequestToken="mine"))
        return str(made["FileSystem"]["FileSystemId"])

    first = create()
    running.clock(advance=500)
    assert create() == first
    running.clock(advance=101)
    assert create() != first


@pytest.mark.parametrize(
    "change", [{"advance": -1}, {"advance": 1e12}, {"mode": "back"}, {"ahead": 1}, {"advance": "x"}]
)
def test_what_the_clock_does_not_know_is_refused(emulator: Emulator, change: dict[str, object]) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        emulator.clock(**change)
    assert caught.value.code == 400
    assert json.loads(caught.value.read())["error"]


def test_a_job_whose_turn_raises_ends_and_the_log_says_why(own_emulator: Emulator) -> None:
    running = own_emulator.start("--set", "training_starting_seconds=3600")
    jobs = Jobs(running)
    name = jobs.start(jobs.shell("true", TrainingJobName=unique("damaged")))
    jobs.wait_for(name, "Starting")
    with sqlite3.connect(running.state / "state.db") as database:
        database.execute("UPDATE documents SET doc = json_set(doc, '$.phase', 'nowhere') WHERE id = ?", (name,))
    database.close()
    running.clock(advance=3600)
    ended = jobs.ended(name)
    assert ended["TrainingJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith("InternalServerError")
    wait_for(lambda: "KeyError: 'nowhere'" in (running.state / "server.log").read_text())
    running.settings(training_starting_seconds=0.1)
    again = jobs.run(jobs.shell("true"))
    assert again["TrainingJobStatus"] == "Completed"
