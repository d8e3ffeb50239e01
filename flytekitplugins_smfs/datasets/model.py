"""A trained model as SageMaker leaves it: model.tar.gz in S3."""

from __future__ import annotations

import tarfile
from pathlib import Path

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.datasets.bucket import open_bucket, translated
from flytekitplugins_smfs.values.errors import SmfsError
from flytekitplugins_smfs.values.uris import s3_bucket_and_key

LARGEST = 20 << 30
"""Bytes that an archive may unpack to, unless the caller allows more."""


def download(aws: Aws, uri: str, target: Path) -> Path:
    """Stream the object `uri` into the file `target`. Raises Missing when there is none."""
    import obstore

    bucket, key = s3_bucket_and_key(uri)
    partial = target.with_name(target.name + ".part")
    with translated(f"downloading {uri}", "GetObject", bucket):
        answer = obstore.get(open_bucket(aws, bucket), key)
        with partial.open("wb") as stream:
            for chunk in answer:
                stream.write(chunk)
    partial.replace(target)
    return target


def download_model(aws: Aws, model_uri: str, directory: Path, *, largest: int = LARGEST) -> Path:
    """Download a model.tar.gz and unpack it into `directory`/model; give that directory."""
    archive = download(aws, model_uri, directory / "model.tar.gz")
    return extract(archive, directory / "model", largest=largest)


def extract(archive: Path, directory: Path, *, largest: int = LARGEST) -> Path:
    """Unpack a tar archive, refusing members that would leave `directory`, devices, and more than `largest` bytes."""
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as tar:
            size = 0
            for member in tar:
                size += member.size
                if size > largest:
                    raise SmfsError(f"{archive} unpacks to more than {largest:,} bytes; nothing more was unpacked.")
                tar.extract(member, directory, filter="data")
    except tarfile.TarError as error:
        raise SmfsError(f"{archive} cannot be unpacked safely: {error}") from error
    return directory
