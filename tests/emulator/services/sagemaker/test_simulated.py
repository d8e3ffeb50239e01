"""Jobs of the image ``simulated``, and jobs that wait for a place."""

import time

import pytest

from tests.conftest import Emulator, wait_for

from ...services.fsx.test_file_system import refused
from .jobs import RUNNING, Jobs, unique


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Jobs of an emulator with one place, whose clock is moved."""
    running = Emulator(tmp_path_factory.mktemp("simulated") / "state").start("--set", "max_processes=1")
    yield Jobs(running)
    running.stop()


def simulated(jobs: Jobs, seconds: str | None = None, **more: object) -> str:
    hyperparameters = {} if seconds is None else {"seconds": seconds}
    specification = {"TrainingImage": "simulated:latest", "TrainingInputMode": "File"}
    request = {"AlgorithmSpecification": specification, "HyperParameters": hyperparameters}
    return jobs.start(jobs.request(**{**request, **more}))


def test_it_trains_for_a_time_of_the_clock_and_runs_nothing(jobs: Jobs) -> None:
    name = simulated(jobs, "600", StoppingCondition={"MaxRuntimeInSeconds": 3600})
    jobs.wait_for(name, "Training")
    assert jobs.emulator.processes() == []
    jobs.emulator.clock(advance=590)
    assert jobs.describe(name)["SecondaryStatus"] == "Training"
    jobs.emulator.clock(advance=20)
    ended = jobs.ended(name)
    assert ended["TrainingJobStatus"] == "Completed"
    assert 600 <= ended["TrainingTimeInSeconds"] <= 640
    assert jobs.archive(ended["ModelArtifacts"]["S3ModelArtifacts"]) == {}


def test_it_ends_as_it_is_asked_to(jobs: Jobs) -> None:
    failing = simulated(jobs, HyperParameters={"seconds": "5", "failure": "out of luck"})
    endless = simulated(jobs, "1e9", StoppingCondition={"MaxRuntimeInSeconds": 3600})
    stopped = simulated(jobs, "1e9", StoppingCondition={"MaxRuntimeInSeconds": 360000})
    for name in (failing, endless, stopped):
        jobs.wait_for(name, "Training")
    jobs.emulator.clock(advance=3700)
    failed = jobs.ended(failing)
    assert (failed["TrainingJobStatus"], failed["FailureReason"]) == (
        "Failed",
        "AlgorithmError: out of luck, exit code: 1",
    )
    assert jobs.ended(endless)["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert jobs.describe(stopped)["TrainingJobStatus"] == "InProgress"
    jobs.sagemaker.stop_training_job(TrainingJobName=stopped)
    assert jobs.ended(stopped)["TrainingJobStatus"] == "Stopped"


def test_the_time_a_spot_job_may_take_counts_its_attempts_and_its_waiting(jobs: Jobs) -> None:
    spot = {"EnableManagedSpotTraining": True}
    limits = {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    interrupted = simulated(jobs, "3500", StoppingCondition=limits, **spot)
    waiting = simulated(jobs, "9000", StoppingCondition={**limits, "MaxRuntimeInSeconds": 7200}, **spot)
    for name in (interrupted, waiting):
        jobs.wait_for(name, "Training")
    jobs.emulator.clock(advance=3000)
    jobs.emulator.faults({"job": "interruption", "name": interrupted, "times": 1})
    jobs.emulator.clock(advance=600)
    jobs.wait_for(interrupted, "Training")
    jobs.emulator.clock(advance=700)
    ended = jobs.ended(interrupted)
    assert (ended["TrainingJobStatus"], ended["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    jobs.emulator.clock(advance=3000)
    assert jobs.ended(waiting)["SecondaryStatus"] == "MaxWaitTimeExceeded"


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan", "inf"])
def test_a_time_that_is_none_is_refused(jobs: Jobs, seconds: str) -> None:
    request = jobs.request(
        AlgorithmSpecification={"TrainingImage": "simulated", "TrainingInputMode": "File"},
        HyperParameters={"seconds": seconds},
    )
    assert "seconds" in refused(jobs.sagemaker.create_training_job, **request)["Message"]


def test_a_clock_that_skips_ends_days_of_jobs_in_a_moment(own_emulator: Emulator) -> None:
    jobs = Jobs(own_emulator.start())
    jobs.emulator.clock(mode="skip")
    began = time.monotonic()
    names = [simulated(jobs, str(86400 * day), StoppingCondition={"MaxRuntimeInSeconds": 10**6}) for day in range(1, 6)]
    for name in names:
        assert jobs.ended(name)["TrainingJobStatus"] == "Completed"
    assert time.monotonic() - began < 30
    assert jobs.emulator.clock()["offset"] > 5 * 86400
    real = jobs.run(jobs.shell("sleep 1"))  # while a process runs, time is real
    assert real["TrainingTimeInSeconds"] < 60


def test_jobs_wait_in_starting_until_there_is_a_place(jobs: Jobs) -> None:
    first = jobs.start(jobs.shell("exec sleep 300"))
    jobs.wait_for(first, "Training")
    later = [jobs.start(jobs.shell("echo done", TrainingJobName=unique(f"later-{n}"))) for n in range(4)]
    given_up = later.pop(1)
    time.sleep(1.0)  # several times what a job takes to start
    assert len(jobs.emulator.processes()) == 1
    assert {jobs.describe(name)["SecondaryStatus"] for name in later} == {"Starting"}
    jobs.sagemaker.stop_training_job(TrainingJobName=given_up)
    assert jobs.ended(given_up)["TrainingJobStatus"] == "Stopped"
    jobs.sagemaker.stop_training_job(TrainingJobName=first)
    wait_for(lambda: all(jobs.describe(name)["TrainingJobStatus"] not in RUNNING for name in [first, *later]), 60)
    starts = [jobs.describe(name)["TrainingStartTime"] for name in [first, *later]]
    assert starts == sorted(starts)
