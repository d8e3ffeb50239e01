"""Jobs of SageMaker that have not ended. They are found by their tags through Search, not by walking all jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import EXECUTION_TAG, tag_map
from flytekitplugins_smfs.operations.base import now
from flytekitplugins_smfs.operations.sagemaker import records
from flytekitplugins_smfs.operations.sagemaker.job import Job
from flytekitplugins_smfs.operations.sagemaker.training import Train
from flytekitplugins_smfs.operations.sagemaker.tuning import Tune
from flytekitplugins_smfs.operations.service import Holding, Holdings
from flytekitplugins_smfs.values.operation import Owner
from flytekitplugins_smfs.values.plain import Json

UNFINISHED = "InProgress,Stopping"


class Jobs(Holdings):
    """Unfinished jobs of one kind."""

    resource: ClassVar[str]
    """Search's name of the kind."""
    name: ClassVar[str]
    """The member that is its name."""
    status: ClassVar[str]

    def find(self, aws: Aws, label: str | None = None) -> Iterator[Holding]:
        for found in _search(aws, self.resource, self.status, label):
            job = found.get(self.resource, {})
            execution = tag_map(job.get("Tags")).get(EXECUTION_TAG)
            if execution is not None and not job.get("TuningJobArn"):  # trials end with their tuning job
                yield Holding(self.kind, job[self.name], job[self.status], execution, job["CreationTime"], aws.region)


class TrainingJobs(Jobs):
    """Training jobs but for the trials of a tuning job."""

    kind = "training job"
    order = 20
    resource = "TrainingJob"
    name = "TrainingJobName"
    status = "TrainingJobStatus"

    def remove(self, aws: Aws, id: str) -> bool:
        return _stopped(aws, Train(), job_name=id)


class TuningJobs(Jobs):
    """Tuning jobs."""

    kind = "tuning job"
    order = 10
    resource = "HyperParameterTuningJob"
    name = "HyperParameterTuningJobName"
    status = "HyperParameterTuningJobStatus"

    def remove(self, aws: Aws, id: str) -> bool:
        return _stopped(aws, Tune(), tuning_job_name=id, objective_type="", objective_metric="", max_jobs=0)


def _search(aws: Aws, resource: str, status: str, label: str | None) -> Iterator[Json]:
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Filter.html
    tag = f"Tags.{EXECUTION_TAG}"
    mine = {"Name": tag, "Operator": "Equals", "Value": label} if label else {"Name": tag, "Operator": "Exists"}
    request = {
        "Resource": resource,
        "SearchExpression": {"Filters": [mine, {"Name": status, "Operator": "In", "Value": UNFINISHED}]},
        "MaxResults": records.MOST,
    }
    yield from aws.pages("sagemaker", "Search", "Results", request, doing=f"searching for unfinished {resource}s")


def _stopped(aws: Aws, job: Job[Any, Any, Any], **fields: Any) -> bool:
    nobody = Owner(execution="unknown", step="unknown")
    long_ago = now().replace(year=2000)
    return job.cancel(aws, job.handle_type(region=aws.region, owner=nobody, started_at=long_ago, **fields))
