"""Input channels: what lies under ``/opt/ml/input/data/<channel>`` on each host."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from ...containers.spec import Bind
from ...guard import is_plain
from ...registry import Context
from . import objects
from .placement import JobFailure, mount_of


def lay_out(ctx: Context, request: dict[str, Any], ml: Path, host: int, isolated: bool) -> list[Bind]:
    """Download S3 channels for a host (counted from 0) below ``ml``; file systems become binds (or links)."""
    binds = []
    for channel in request.get("InputDataConfig", []):
        target = ml / "input" / "data" / channel["ChannelName"]
        source = channel["DataSource"]
        if "FileSystemDataSource" in source:
            directory = _mounted(ctx, source["FileSystemDataSource"])
            if isolated:
                target.mkdir(parents=True, exist_ok=True)
                read_only = source["FileSystemDataSource"]["FileSystemAccessMode"] == "ro"
                binds.append(Bind(str(directory), _inside(target, ml), read_only))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(directory)
            continue
        _download(ctx, source["S3DataSource"], request, target, host)
        mode = channel.get("InputMode", request["AlgorithmSpecification"]["TrainingInputMode"])
        if mode == "FastFile" and isolated:
            binds.append(Bind(str(target), _inside(target, ml), read_only=True))
    return binds


def _inside(path: Path, ml: Path) -> str:
    return f"/opt/ml/{path.relative_to(ml)}"


def _mounted(ctx: Context, source: dict[str, Any]) -> Path:
    found = mount_of(ctx, source)
    directory = found.directory(source["DirectoryPath"]) if found else None
    if directory is None:
        raise JobFailure(f"ClientError: Unable to mount file system: {source['FileSystemId']}")
    return directory


def _download(ctx: Context, source: dict[str, Any], request: dict[str, Any], target: Path, host: int) -> None:
    target.mkdir(parents=True, exist_ok=True)
    bucket = objects.split(source["S3Uri"])[0]
    names = _listed(ctx, source, request["RoleArn"])
    hosts = request["ResourceConfig"]["InstanceCount"]
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    for number, (key, name) in enumerate(sorted(names.items())):
        if sharded and number % hosts != host:
            continue
        if not is_plain(name):
            raise JobFailure(f"ClientError: Data download failed:No file can have the name of s3://{bucket}/{key}")
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(objects.file(ctx, bucket, key), destination)
        except FileNotFoundError:
            raise JobFailure(f"ClientError: Data download failed:NoSuchKey (404): s3://{bucket}/{key}") from None


def _listed(ctx: Context, source: dict[str, Any], role: str) -> dict[str, str]:
    """Object key to path below the channel.

    Below a prefix, names are relative to its last slash, as SageMaker has it; an object named exactly is itself.
    """
    problem = objects.missing_objects(ctx, source["S3Uri"], role)
    if problem:
        raise JobFailure(f"ClientError: Data download failed:{problem}")
    bucket, prefix = objects.split(source["S3Uri"])
    if source["S3DataType"] == "ManifestFile":
        return _from_manifest(ctx, bucket, prefix)
    keys = objects.keys(ctx, source["S3Uri"])
    if any(key.startswith(prefix.rstrip("/") + "/") for key in keys):
        prefix = prefix.rstrip("/") + "/"
        keys = [key for key in keys if key.startswith(prefix)]
        return {key: key[len(prefix) :] for key in keys}
    folder = prefix.rpartition("/")[0]
    return {key: key[len(folder) + 1 if folder else 0 :] for key in keys}


def _from_manifest(ctx: Context, bucket: str, key: str) -> dict[str, str]:
    """A manifest is a JSON list: ``{"prefix": "s3://bucket/path/"}`` and then the names below it."""
    try:
        head, *names = json.loads(objects.file(ctx, bucket, key).read_text())
        base_bucket, base = objects.split(head["prefix"])
    except (ValueError, KeyError, TypeError):
        raise JobFailure(f"ClientError: Data download failed:Invalid manifest s3://{bucket}/{key}") from None
    if base_bucket != bucket:
        raise JobFailure("ClientError: Data download failed:The manifest and its objects must be in one bucket")
    return {base + name: name for name in names}


def loopback_address(job: str, host: int) -> str:
    """An address of this machine for a host of a job, so that two jobs do not meet on one port."""
    digest = hashlib.sha256(job.encode()).digest()
    return f"127.{16 + digest[0] % 200}.{digest[1]}.{10 + host}"
