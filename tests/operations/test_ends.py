"""An end is told when it is known, whatever logs, lists and permissions do meanwhile; and cheaply. N3"""

from __future__ import annotations

import itertools
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.base import now
from flytekitplugins_smfs.operations.lustre.create import CreateLustre, LustreHandle
from flytekitplugins_smfs.operations.sagemaker.training import Train, TrainingHandle
from flytekitplugins_smfs.operations.sagemaker.tuning import Tune, TuningHandle
from flytekitplugins_smfs.operations.watch import Watch
from flytekitplugins_smfs.values.errors import AwsFault, Denied, Throttled
from flytekitplugins_smfs.values.operation import Owner, Phase
from flytekitplugins_smfs.values.settings import Settings

OWNER = Owner(execution="p/d/f1", step="n0")
LONG_AGO = now().replace(year=2020)
EXTRAS = 1.0


class Account(Aws):
    """An account in memory: what each operation answers is a function of its request, a value, or a fault."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(Settings(endpoint="http://127.0.0.1:9", region="us-east-1"))
        self.answers = answers
        self.calls: Counter[str] = Counter()
        self.requests: list[tuple[str, Mapping[str, Any]]] = []
        self.me = object()
        self.lock = threading.Lock()

    @property
    def place(self) -> tuple[Any, ...]:
        return (self.me,)

    def call(self, service: str, operation: str, request: Any = None, *, doing: str) -> dict[str, Any]:
        with self.lock:
            self.calls[operation] += 1
            self.requests.append((operation, request or {}))
        answer = self.answers[operation]
        if callable(answer):
            answer = answer(request or {})
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)


def fault(kind: type[AwsFault], service: str = "logs", operation: str = "DescribeLogStreams") -> AwsFault:
    return kind(doing="testing", service=service, operation=operation, code=kind.__name__, text="!")


def job(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}",
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        "AlgorithmSpecification": {},
        "FinalMetricDataList": [{"MetricName": "train:mlogloss", "Value": 0.5, "Timestamp": LONG_AGO}],
        "StoppingCondition": {},
        **more,
    }


def training(name: str) -> TrainingHandle:
    return TrainingHandle(region="us-east-1", owner=OWNER, started_at=LONG_AGO, job_name=name, algorithm="xgboost")


@pytest.mark.parametrize(("status", "phase"), [("Completed", Phase.SUCCEEDED), ("Failed", Phase.FAILED)])
def test_a_finished_job_whose_log_is_throttled_is_told_as_finished(status: str, phase: Phase) -> None:
    account = Account(
        DescribeTrainingJob=job("a", status, FailureReason="AlgorithmError: it broke"),
        DescribeLogStreams=fault(Throttled),
    )
    answer = Watch(Train(), training("a"), EXTRAS).ask(account.waiting(2.0))
    assert answer.phase == phase
    if answer.result is not None:
        assert (answer.result.metrics, answer.result.curve) == ({"train:mlogloss": 0.5}, ())
    else:
        assert "AlgorithmError: it broke" in answer.message


def test_thirty_jobs_that_end_together_with_long_slow_logs_are_all_told() -> None:
    def page(request: Mapping[str, Any]) -> dict[str, Any]:
        time.sleep(0.3)
        number = int(request.get("nextToken", 0)) + 1
        events = [{"timestamp": 0, "message": f"[{number}]#011train-mlogloss:0.5"}]
        return {"events": events, "nextForwardToken": str(number)}

    account = Account(
        DescribeTrainingJob=lambda request: job(request["TrainingJobName"], "Completed"),
        ListTrainingJobs={"TrainingJobSummaries": []},
        DescribeLogStreams=lambda request: {
            "logStreams": [{"logStreamName": request["logStreamNamePrefix"] + "algo-1"}]
        },
        GetLogEvents=page,
    )
    watches: list[Watch] = [Watch(Train(), training(f"j{number}"), EXTRAS) for number in range(30)]
    took: list[float] = []

    def told(watch: Watch) -> Phase:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            began = time.monotonic()
            answer = watch.ask(account)
            took.append(time.monotonic() - began)
            if answer.phase.final:
                return answer.phase
            time.sleep(0.05)
        return answer.phase

    with ThreadPoolExecutor(30) as pool:
        assert set(pool.map(told, watches)) == {Phase.SUCCEEDED}
    assert max(took) < 2 + EXTRAS + 2  # the first answer, the extras, and a busy machine


def trial(number: int, status: str = "Completed") -> dict[str, Any]:
    value = {"MetricName": "loss", "Value": float(number)}
    return {
        "TrainingJobName": f"t{number}",
        "TrainingJobStatus": status,
        "TunedHyperParameters": {"eta": "0.1"},
        "FinalHyperParameterTuningJobObjectiveMetric": value,
        "CreationTime": datetime.now(UTC),
    }


def search(status: str, **counters: int) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": "tune",
        "HyperParameterTuningJobArn": "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/tune",
        "HyperParameterTuningJobStatus": status,
        "TrainingJobStatusCounters": counters,
        "BestTrainingJob": trial(0),
    }


def trials(request: Mapping[str, Any]) -> dict[str, Any]:
    """750 of them, in pages as large as was asked for; 10 by default."""
    begin, size = int(request.get("NextToken", 0)), request.get("MaxResults", 10)
    page = [trial(number) for number in range(begin, min(750, begin + size))]
    return {"TrainingJobSummaries": page, **({"NextToken": str(begin + size)} if begin + size < 750 else {})}


TUNING = TuningHandle(
    region="us-east-1",
    owner=OWNER,
    started_at=LONG_AGO,
    tuning_job_name="tune",
    objective_type="Minimize",
    objective_metric="loss",
    max_jobs=750,
)


def test_a_tuning_job_of_750_trials_costs_few_calls() -> None:
    account = Account(
        DescribeHyperParameterTuningJob=search("InProgress", Completed=600, InProgress=10),
        StopHyperParameterTuningJob={},
        ListTrainingJobsForHyperParameterTuningJob=trials,
        DescribeTrainingJob=job("t0", "Completed", ModelArtifacts={"S3ModelArtifacts": "s3://b/m"}, HyperParameters={}),
    )
    watch: Watch = Watch(Tune(), TUNING, EXTRAS)
    assert "600 of 750 trials done, 10 running" in watch.ask(account.waiting(2.0)).message
    assert account.calls == {"DescribeHyperParameterTuningJob": 1}
    assert not Tune().cancel(account, TUNING)
    account.answers["DescribeHyperParameterTuningJob"] = search("Stopped", Completed=600, InProgress=1)
    assert not Tune().cancel(account, TUNING)  # one of its trials runs still
    account.answers["DescribeHyperParameterTuningJob"] = search("Stopped", Completed=600, Stopped=10)
    assert Tune().cancel(account, TUNING)
    assert account.calls["ListTrainingJobsForHyperParameterTuningJob"] == 0
    account.answers["DescribeHyperParameterTuningJob"] = search("Completed", Completed=750)
    account.calls.clear()
    result = watch.ask(account.waiting(2.0)).result
    assert len(result.trials) == 750
    assert account.calls["ListTrainingJobsForHyperParameterTuningJob"] == 8


def test_a_paid_file_system_that_cannot_be_followed_is_given_up_and_removed() -> None:
    """Flyte calls no delete for what failed: what costs money is removed before that is told."""
    described = {
        "FileSystemId": "fs-0123456789abcdef0",
        "ResourceARN": "arn",
        "FileSystemType": "LUSTRE",
        "Lifecycle": "AVAILABLE",
        "NetworkInterfaceIds": ["eni-1"],
        "LustreConfiguration": {"MountName": "m", "DeploymentType": "SCRATCH_2"},
        "DNSName": "d",
        "StorageCapacity": 1200,
        "VpcId": "v",
        "SubnetIds": ["s"],
    }
    account = Account(
        DescribeFileSystems={"FileSystems": [described]},
        DescribeNetworkInterfaces=fault(Denied, "ec2", "DescribeNetworkInterfaces"),
        DescribeDataRepositoryAssociations={"Associations": []},
        TagResource={},
        DeleteFileSystem={},
    )
    handle = LustreHandle(
        region="us-east-1", owner=OWNER, started_at=LONG_AGO, file_system_id=described["FileSystemId"], created=True
    )
    clock = [0.0]
    watch: Watch = Watch(CreateLustre(), handle, EXTRAS, clock=lambda: clock[0])
    for clock[0] in (0.0, 100.0, 299.0):
        answer = watch.ask(account.waiting(2.0))
        assert not answer.phase.final
        assert "DescribeNetworkInterfaces" in answer.message
    clock[0] = 301.0
    answer = watch.ask(account.waiting(2.0))
    assert answer.phase == Phase.FAILED
    assert account.calls["DeleteFileSystem"] == 1
    assert "could not be followed for 5 minutes" in answer.message


def test_what_cannot_be_removed_either_is_told_with_what_it_costs() -> None:
    account = Account(
        DescribeFileSystems=fault(Denied, "fsx", "DescribeFileSystems"),
    )
    handle = LustreHandle(
        region="us-east-1", owner=OWNER, started_at=LONG_AGO, file_system_id="fs-0123456789abcdef0", created=True
    )
    clock = [0.0]
    watch: Watch = Watch(CreateLustre(), handle, EXTRAS, clock=lambda: clock[0])
    watch.ask(account.waiting(2.0))
    clock[0] = 301.0
    answer = watch.ask(account.waiting(2.0))
    assert answer.phase == Phase.FAILED
    assert "fs-0123456789abcdef0 costs money for as long as it is there" in answer.message


@pytest.fixture
def endless() -> Iterator[Account]:
    """A job of a user's image whose metric's expression never comes to an end on its log."""
    return Account(
        DescribeTrainingJob=job(
            "a",
            "Completed",
            AlgorithmSpecification={"MetricDefinitions": [{"Name": "train:mlogloss", "Regex": "(a+)+b"}]},
        ),
        DescribeLogStreams={"logStreams": [{"logStreamName": "a/algo-1-1"}]},
        GetLogEvents={"events": [{"timestamp": 0, "message": "a" * 40}], "nextForwardToken": "1"},
    )


def test_a_users_expression_that_never_ends_stops_no_other_thread(endless: Account) -> None:
    handle = training("a").model_copy(update={"algorithm": ""})
    ticks: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    other = threading.Thread(target=tick)
    other.start()
    try:
        answer = Watch(Train(), handle, EXTRAS).ask(endless.waiting(2.0))
    finally:
        stop.set()
        other.join()
    assert (answer.phase, answer.result.curve) == (Phase.SUCCEEDED, ())
    assert max(later - earlier for earlier, later in itertools.pairwise(ticks)) < 0.5
    children = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    deadline = time.monotonic() + 20
    while 'work["patterns"]' in children and time.monotonic() < deadline:
        time.sleep(0.2)
        children = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert 'work["patterns"]' not in children
