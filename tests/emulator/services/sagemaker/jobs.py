"""Training jobs as the tests of the emulator start them."""

import io
import tarfile
import textwrap
import uuid
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.conftest import Emulator, wait_for

BUCKET = "sagemaker-us-east-1-123456789012"
ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
XGBOOST_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
OWN_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
RUNNING = ("InProgress", "Stopping")


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def statuses(description: dict[str, Any]) -> list[str]:
    """The secondary statuses that a job went through."""
    return [transition["Status"] for transition in description["SecondaryStatusTransitions"]]


def two_classes(rows: int = 120) -> bytes:
    """A small CSV data set, label first."""
    features = np.random.default_rng(3).normal(size=(rows, 3))
    labels = (features.sum(axis=1) > 0).astype(int)
    lines = (f"{label},{','.join(f'{x:.4f}' for x in row)}" for label, row in zip(labels, features, strict=True))
    return "\n".join(lines).encode()


@dataclass
class Jobs:
    """Starts jobs on an emulator and asks about them."""

    emulator: Emulator
    prefix: str = field(default_factory=lambda: unique("tests"))

    def __post_init__(self) -> None:
        self.sagemaker = self.emulator.client("sagemaker")
        self.s3 = self.emulator.client("s3")
        self.logs = self.emulator.client("logs")

    def put(self, key: str, body: bytes) -> str:
        """Store an object; the S3 URL of it."""
        self.s3.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{key}", Body=body)
        return self.url(key)

    def url(self, key: str) -> str:
        return f"s3://{BUCKET}/{self.prefix}/{key}"

    def get(self, url: str) -> bytes:
        bucket, key = url.removeprefix("s3://").split("/", 1)
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def archive(self, url: str) -> dict[str, bytes]:
        """The files of a tar.gz in S3."""
        with tarfile.open(fileobj=io.BytesIO(self.get(url))) as tar:
            return {m.name: found.read() for m in tar.getmembers() if (found := tar.extractfile(m))}

    def request(self, **changes: Any) -> dict[str, Any]:
        """The least a CreateTrainingJob request needs."""
        return {
            "TrainingJobName": unique("job"),
            "AlgorithmSpecification": {"TrainingImage": OWN_IMAGE, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": self.url("out")},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **changes,
        }

    def shell(self, script: str, metrics: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        """A job that runs a shell script."""
        specification: dict[str, Any] = {
            "TrainingImage": OWN_IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["bash", "-ec", 'eval "$*"', "bash"],
            "ContainerArguments": textwrap.wrap(script, 250, break_long_words=False, break_on_hyphens=False),
        }
        if metrics:
            specification["MetricDefinitions"] = [{"Name": name, "Regex": regex} for name, regex in metrics.items()]
        return self.request(AlgorithmSpecification=specification, **changes)

    def xgboost(self, **changes: Any) -> dict[str, Any]:
        """A job of the built-in algorithm over a small data set."""
        hyperparameters = {"num_round": "5", "objective": "binary:logistic", "eval_metric": "logloss"}
        self.put("csv/part", two_classes())
        return self.request(
            AlgorithmSpecification={"TrainingImage": XGBOOST_IMAGE, "TrainingInputMode": "File"},
            HyperParameters=hyperparameters,
            InputDataConfig=[self.channel(name, self.url("csv/"), ContentType="text/csv") for name in CHANNELS],
            **changes,
        )

    def channel(self, name: str, url: str, distribution: str = "FullyReplicated", **more: Any) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": url, "S3DataDistributionType": distribution}
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}

    def start(self, request: dict[str, Any]) -> str:
        self.sagemaker.create_training_job(**request)
        return str(request["TrainingJobName"])

    def describe(self, name: str) -> dict[str, Any]:
        return dict(self.sagemaker.describe_training_job(TrainingJobName=name))

    def wait_for(self, name: str, *secondary: str) -> dict[str, Any]:
        """The description once the job has one of these secondary statuses."""

        def reached() -> dict[str, Any] | None:
            found = self.describe(name)
            assert found["SecondaryStatus"] in secondary or found["TrainingJobStatus"] in RUNNING, found
            return found if found["SecondaryStatus"] in secondary else None

        return wait_for(reached, 30)

    def wait_for_line(self, name: str, line: str) -> None:
        wait_for(lambda: line in self.lines(name), 30)

    def ended(self, name: str, seconds: float = 60) -> dict[str, Any]:
        """The description once the job has ended."""

        def over() -> dict[str, Any] | None:
            found = self.describe(name)
            return found if found["TrainingJobStatus"] not in RUNNING else None

        return wait_for(over, seconds)

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.ended(self.start(request))

    def lines(self, name: str, host: str = "algo-1") -> list[str]:
        """The log of a host of a job; empty while there is none."""
        try:
            found = self.logs.filter_log_events(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/{host}-")
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in found["events"]]


CHANNELS = ("train", "validation")
