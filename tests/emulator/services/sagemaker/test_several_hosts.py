"""XGBoost on several instances, whose channels are divided among them."""

import pytest

from tests.conftest import Emulator

from .jobs import Jobs

TWO = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}


@pytest.fixture
def jobs(emulator: Emulator) -> Jobs:
    return Jobs(emulator)


@pytest.mark.parametrize("idle", ["algo-1", "algo-2"])
def test_a_host_without_data_is_left_out_with_a_warning(jobs: Jobs, idle: str) -> None:
    rows = "\n".join(f"{n % 2},{n},{n % 2 + n % 3}" for n in range(60)).encode()
    # Keys go to the hosts in turn: the first to algo-1. An empty file is no data.
    jobs.put("shards/a.csv", b"" if idle == "algo-1" else rows)
    if idle == "algo-1":
        jobs.put("shards/b.csv", rows)
    channel = {**jobs.channel("train", jobs.url("shards/"), "ShardedByS3Key"), "ContentType": "text/csv"}
    done = jobs.run({**jobs.xgboost(), "ResourceConfig": TWO, "InputDataConfig": [channel]})
    assert done["TrainingJobStatus"] == "Completed", done
    assert list(jobs.archive(done["ModelArtifacts"]["S3ModelArtifacts"])) == ["xgboost-model"]
    name = done["TrainingJobName"]
    busy = {"algo-1": "algo-2", "algo-2": "algo-1"}[idle]
    told = f"Host {idle} does not have training data. Will broadcast to cluster"
    assert any(told in line for line in jobs.lines(name, idle))
    assert not any("does not have training data" in line for line in jobs.lines(name, busy))
    assert any("Train matrix has 60 rows" in line for line in jobs.lines(name, busy))
    assert any(line.startswith("[4]#011train-logloss:") for line in jobs.lines(name, busy))


def test_a_host_without_validation_data_is_left_out_too(jobs: Jobs) -> None:
    rows = "\n".join(f"{n % 2},{n},{n % 2 + n % 3}" for n in range(60)).encode()
    for number in range(2):
        jobs.put(f"shards/{number}.csv", rows)
    jobs.put("checks/0.csv", rows)
    channels = [
        {**jobs.channel(name, jobs.url(f"{prefix}/"), "ShardedByS3Key"), "ContentType": "text/csv"}
        for name, prefix in (("train", "shards"), ("validation", "checks"))
    ]
    done = jobs.run({**jobs.xgboost(), "ResourceConfig": TWO, "InputDataConfig": channels})
    assert done["TrainingJobStatus"] == "Completed", done
    lines = jobs.lines(done["TrainingJobName"], "algo-2")
    assert any("Host algo-2 does not have validation data." in line for line in lines)


def test_when_no_host_has_data_the_job_fails(jobs: Jobs) -> None:
    jobs.put("shards/a.csv", b"")
    channel = {**jobs.channel("train", jobs.url("shards/"), "ShardedByS3Key"), "ContentType": "text/csv"}
    done = jobs.run({**jobs.xgboost(), "ResourceConfig": TWO, "InputDataConfig": [channel]})
    assert done["TrainingJobStatus"] == "Failed"
    assert "No hosts received training data." in done["FailureReason"]
