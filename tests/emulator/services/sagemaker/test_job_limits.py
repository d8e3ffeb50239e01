"""What a job may take: time over all its attempts, attempts, memory."""

import os
import signal

import pytest

from tests.conftest import Emulator, wait_for

from .jobs import Jobs, statuses


@pytest.fixture
def jobs(emulator: Emulator) -> Jobs:
    return Jobs(emulator)


def test_max_runtime_is_for_all_attempts_in_total(own_emulator: Emulator) -> None:
    own_emulator.start("--set", "training_stop_grace_seconds=0.1")
    jobs = Jobs(own_emulator)
    limit = {"StoppingCondition": {"MaxRuntimeInSeconds": 6}, "RetryStrategy": {"MaximumRetryAttempts": 2}}
    name = jobs.start(jobs.shell("for i in {1..600}; do echo tick $SECONDS; sleep 0.1; done", **limit))
    jobs.wait_for_line(name, "tick 3")
    [group] = own_emulator.processes()
    os.kill(group["pid"], signal.SIGKILL)
    done = jobs.ended(name)
    assert (done["TrainingJobStatus"], done["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    once = ["Starting", "Downloading", "Training"]
    assert statuses(done) == [*once, "Restarting", *once, "Uploading", "MaxRuntimeExceeded"]
    trained = [t for t in done["SecondaryStatusTransitions"] if t["Status"] == "Training"]
    seconds = sum((t["EndTime"] - t["StartTime"]).total_seconds() for t in trained)
    assert 5.5 < seconds < 9


def test_a_lost_job_is_retried_as_often_as_it_says(own_emulator: Emulator) -> None:
    own_emulator.start()
    jobs = Jobs(own_emulator)
    name = jobs.start(jobs.shell("echo here; sleep 60", RetryStrategy={"MaximumRetryAttempts": 1}))
    for attempt in (1, 2):
        wait_for(lambda attempt=attempt: jobs.lines(name) == ["here"] * attempt, 30)
        os.kill(own_emulator.processes()[0]["pid"], signal.SIGKILL)
    done = jobs.ended(name)
    assert done["FailureReason"].startswith("InternalServerError: We encountered an internal error.")
    assert statuses(done).count("Restarting") == 1


def test_a_job_that_takes_more_memory_than_it_may(jobs: Jobs) -> None:
    code = "block = bytearray(600 << 20); print('allocated', flush=True); import time; time.sleep(30)"
    for isolation in (True, False):
        with jobs.emulator.changed_settings(training_memory_share=0.01, training_isolation=isolation):
            done = jobs.run(jobs.shell(f'echo before; python -c "{code}"'))
        assert (done["TrainingJobStatus"], done["SecondaryStatus"]) == ("Failed", "Failed")
        assert done["FailureReason"] == (
            "ClientError: Please use an instance type with more memory, or reduce the size of job data processed on an "
            "instance."
        )
        assert "before" in jobs.lines(done["TrainingJobName"])
        assert done["TrainingTimeInSeconds"] < 25
