"""Getting what is in S3 into a task: a file, or a trained model."""

from __future__ import annotations

from pathlib import Path

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.datasets import model
from flytekitplugins_smfs.flyte.config import settings


def download(uri: str, target: str | Path) -> Path:
    """Stream the S3 object `uri` into the file `target` and give its path. Raises Missing when there is none."""
    return model.download(Aws(settings()), uri, Path(target))


def download_model(model_uri: str, directory: str | Path, *, largest: int = model.LARGEST) -> Path:
    """Download a model.tar.gz, unpack it into `directory`/model and give that directory.

    Raises Missing when there is none, and SmfsError for an archive that is spoilt, leads elsewhere, or unpacks to more
    than `largest` bytes (20 GiB).
    """
    return model.download_model(Aws(settings()), model_uri, Path(directory), largest=largest)
