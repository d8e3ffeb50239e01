"""What each state that SageMaker tells of a job means here, as tables. C36"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.base import now
from flytekitplugins_smfs.operations.sagemaker.training import Train, TrainingHandle
from flytekitplugins_smfs.operations.sagemaker.tuning import Tune, TuningHandle
from flytekitplugins_smfs.values.errors import Invalid
from flytekitplugins_smfs.values.operation import Owner, Phase
from flytekitplugins_smfs.values.settings import Settings
from tests.operations.driving import ask

OWNER = Owner(execution="p/d/f1", step="n0")
TRAINING = TrainingHandle(region="us-east-1", owner=OWNER, started_at=now(), job_name="job", algorithm="")
TUNING = TuningHandle(
    region="us-east-1",
    owner=OWNER,
    started_at=now(),
    tuning_job_name="tune",
    objective_type="Minimize",
    objective_metric="loss",
    max_jobs=4,
)


class Canned(Aws):
    """An AWS that answers each operation with what it is given, or raises it; a list is used up one by one."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        super().__init__(Settings(endpoint="http://127.0.0.1:9", region="us-east-1"))
        self.answers = {"DescribeLogStreams": {"logStreams": []}, **answers}
        self.calls: list[str] = []
        self.me = object()

    @property
    def place(self) -> tuple[Any, ...]:
        """An account of its own: the status view of another must not answer for it."""
        return (self.me,)

    def call(self, service: str, operation: str, request: Any = None, *, doing: str) -> dict[str, Any]:
        self.calls.append(operation)
        answer = self.answers[operation]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def impatient(self) -> Aws:
        return self


def training(status: str, secondary: str, **more: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": "job",
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/job",
        "TrainingJobStatus": status,
        "SecondaryStatus": secondary,
        "AlgorithmSpecification": {},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90},
        **more,
    }


@pytest.mark.parametrize(
    ("status", "secondary", "phase"),
    [
        ("InProgress", "Starting", Phase.INITIALIZING),
        ("InProgress", "Pending", Phase.INITIALIZING),
        ("InProgress", "LaunchingMLInstances", Phase.INITIALIZING),
        ("InProgress", "PreparingTrainingStack", Phase.INITIALIZING),
        ("InProgress", "Downloading", Phase.RUNNING),
        ("InProgress", "Training", Phase.RUNNING),
        ("InProgress", "Uploading", Phase.RUNNING),
        ("InProgress", "Interrupted", Phase.RUNNING),
        ("InProgress", "Restarting", Phase.RUNNING),
        ("InProgress", "Updating", Phase.RUNNING),
        ("InProgress", "SomethingNew", Phase.RUNNING),
        ("Stopping", "Stopping", Phase.RUNNING),
        ("Completed", "Completed", Phase.SUCCEEDED),
        ("Failed", "Failed", Phase.FAILED),
        ("Stopped", "Stopped", Phase.FAILED),
        ("Stopped", "MaxRuntimeExceeded", Phase.FAILED),
        ("Stopped", "MaxWaitTimeExceeded", Phase.FAILED),
    ],
)
def test_training_states(status: str, secondary: str, phase: Phase) -> None:
    progress = ask(Train(), Canned({"DescribeTrainingJob": training(status, secondary)}), TRAINING)
    assert progress.phase == phase
    assert (progress.result is not None) == (phase is Phase.SUCCEEDED)


@pytest.mark.parametrize(
    ("reason", "phase"),
    [
        ("CapacityError: Unable to provision requested ML compute capacity.", Phase.RETRYABLE_FAILED),
        ("InternalServerError: We encountered an internal error. Please try again.", Phase.RETRYABLE_FAILED),
        ("Spot interruption: the capacity was taken back.", Phase.RETRYABLE_FAILED),
        ("AlgorithmError: ExecuteUserScriptError: the API said InternalServerError", Phase.FAILED),
        ("ClientError: Please use an instance type with more memory", Phase.FAILED),
    ],
)
def test_reasons_of_failure(reason: str, phase: Phase) -> None:
    job = training("Failed", "Failed", FailureReason=reason)
    progress = ask(Train(), Canned({"DescribeTrainingJob": job}), TRAINING)
    assert progress.phase == phase
    assert reason in progress.message


@pytest.mark.parametrize(
    ("secondary", "told"),
    [
        ("MaxRuntimeExceeded", "it ran longer than max_runtime_in_seconds (60)"),
        ("MaxWaitTimeExceeded", "it waited and ran longer than max_wait_time_in_seconds (90)"),
    ],
)
def test_limits_are_told_by_name(secondary: str, told: str) -> None:
    progress = ask(Train(), Canned({"DescribeTrainingJob": training("Stopped", secondary)}), TRAINING)
    assert told in progress.message


def tuning(status: str, **counters: int) -> dict[str, Any]:
    return {"HyperParameterTuningJobStatus": status, "TrainingJobStatusCounters": counters}


@pytest.mark.parametrize(
    ("answer", "phase", "told"),
    [
        (tuning("InProgress"), Phase.INITIALIZING, "0 of 4 trials done"),
        (tuning("InProgress", InProgress=2), Phase.RUNNING, "2 running"),
        (tuning("InProgress", Completed=1, NonRetryableError=1, Stopped=1), Phase.RUNNING, "3 of 4 trials done"),
        (tuning("Stopping", Stopped=4), Phase.RUNNING, "4 of 4 trials done"),
        (tuning("Stopped"), Phase.FAILED, "stopped"),
        (tuning("Failed") | {"FailureReason": "ResourceLimitExceeded"}, Phase.FAILED, "ResourceLimitExceeded"),
        (tuning("Completed"), Phase.FAILED, "no trial ended with a value of the objective metric"),
    ],
)
def test_tuning_states(answer: dict[str, Any], phase: Phase, told: str) -> None:
    trials = {"TrainingJobSummaries": []}
    answers = {"DescribeHyperParameterTuningJob": answer, "ListTrainingJobsForHyperParameterTuningJob": trials}
    progress = ask(Tune(), Canned(answers), TUNING)
    assert progress.phase == phase
    assert told in progress.message


# C38
def test_a_job_that_ends_just_before_it_is_stopped_counts_as_stopped() -> None:
    """SageMaker refuses to stop what has ended: "The request was rejected because the ... is in status Stopped."."""
    refused = Invalid(doing="", service="sagemaker", operation="Stop", code="ValidationException", text="in status")
    jobs = [training("InProgress", "Training"), training("Completed", "Completed")]
    aws = Canned({"DescribeTrainingJob": jobs, "StopTrainingJob": refused})
    assert Train().cancel(aws, TRAINING)
    assert aws.calls == ["DescribeTrainingJob", "StopTrainingJob", "DescribeTrainingJob"]
    searches = [tuning("InProgress"), tuning("Completed")]
    trials = {"TrainingJobSummaries": [{"TrainingJobStatus": "Completed"}]}
    answers = {"DescribeHyperParameterTuningJob": searches, "StopHyperParameterTuningJob": refused}
    assert Tune().cancel(Canned({**answers, "ListTrainingJobsForHyperParameterTuningJob": trials}), TUNING)


# C38
def test_a_refusal_to_stop_a_running_job_is_not_success() -> None:
    refused = Invalid(doing="", service="sagemaker", operation="Stop", code="ValidationException", text="no")
    running = {"DescribeTrainingJob": training("InProgress", "Training"), "StopTrainingJob": refused}
    with pytest.raises(Invalid):
        Train().cancel(Canned(running), TRAINING)
    assert not Train().cancel(Canned({"DescribeTrainingJob": training("Stopping", "Stopping")}), TRAINING)
