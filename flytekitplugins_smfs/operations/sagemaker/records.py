"""What SageMaker tells of its jobs: how each kind is described and listed, its tags and its pages in the console."""

from __future__ import annotations

from typing import Any

from flytekitplugins_smfs.aws import console
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.kinds import Kind, Page, Window, by, date_of
from flytekitplugins_smfs.aws.names import tag_map
from flytekitplugins_smfs.values.operation import Link
from flytekitplugins_smfs.values.plain import Json, Record

FINISHED = frozenset({"Completed", "Failed", "Stopped"})
MOST = 100
"""Summaries on a page, the most that SageMaker gives."""
TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"


def training_job(aws: Aws, name: str) -> Json:
    """DescribeTrainingJob; raises Missing when there is none of this name."""
    request = {"TrainingJobName": name}
    return aws.call("sagemaker", "DescribeTrainingJob", request, doing=f"reading training job {name}")


def tuning_job(aws: Aws, name: str) -> Json:
    """DescribeHyperParameterTuningJob; raises Missing when there is none of this name."""
    request = {"HyperParameterTuningJobName": name}
    return aws.call("sagemaker", "DescribeHyperParameterTuningJob", request, doing=f"reading tuning job {name}")


def tags_of(aws: Aws, arn: str) -> dict[str, str]:
    """All tags of a SageMaker resource."""
    doing = f"reading the tags of {arn}"
    return tag_map(list(aws.pages("sagemaker", "ListTags", "Tags", {"ResourceArn": arn}, doing=doing)))


def links(aws: Aws, kind: str, name: str) -> tuple[Link, ...]:
    """Console pages of a job (`kind` is the console's: `jobs` or `hyper-tuning-jobs`); none but on real AWS."""
    group = TRAINING_LOGS.replace("/", "$252F")
    log = f"#logsV2:log-groups/log-group/{group}$3FlogStreamNameFilter$3D{name}"
    return (
        *console.link(aws, "SageMaker console", f"sagemaker/home?region={aws.region}#/{kind}/{name}"),
        *console.link(aws, "CloudWatch log", f"cloudwatch/home?region={aws.region}{log}"),
    )


def _training_page(aws: Aws, window: Window, token: str | None) -> Page:
    request = _listing(window, token)
    answer = aws.call("sagemaker", "ListTrainingJobs", request, doing="listing training jobs that changed")
    summaries = by("TrainingJobName", answer["TrainingJobSummaries"])
    return Page(summaries, answer.get("NextToken"), date_of(answer))


def _tuning_page(aws: Aws, window: Window, token: str | None) -> Page:
    request = _listing(window, token)
    answer = aws.call("sagemaker", "ListHyperParameterTuningJobs", request, doing="listing tuning jobs that changed")
    summaries = by("HyperParameterTuningJobName", answer["HyperParameterTuningJobSummaries"])
    return Page(summaries, answer.get("NextToken"), date_of(answer))


def _listing(window: Window, token: str | None) -> Json:
    wanted = {
        "CreationTimeAfter": window.created_after,
        "LastModifiedTimeAfter": window.modified_after,
        "NextToken": token,
    }
    return {"MaxResults": MOST, **{name: value for name, value in wanted.items() if value is not None}}


def _ended(member: str) -> Any:
    def ended(record: Record) -> bool:
        return record.get(member) in FINISHED

    return ended


# Of the summaries only the status and the secondary status are used:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrainingJobSummary.html
TRAINING = Kind("training job", training_job, _training_page, _ended("TrainingJobStatus"))
TUNING = Kind("tuning job", tuning_job, _tuning_page, _ended("HyperParameterTuningJobStatus"))
