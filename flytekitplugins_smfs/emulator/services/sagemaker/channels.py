"""Input channels: what lies under ``/opt/ml/input/data/<channel>`` on each host."""

import json
import shutil
from pathlib import Path
from typing import Any

from ...containers.job import Mount
from ...guard import is_plain
from ...registry import Context
from . import objects
from .placement import JobFailure, mount_of


def lay_out(ctx: Context, request: dict[str, Any], ml: Path, host: int, isolated: bool) -> list[Mount]:
    """Download S3 channels for a host (counted from 0) below ``ml``; file systems become mounts (or links)."""
    mounts = []
    for channel in request.get("InputDataConfig", []):
        target = ml / "input" / "data" / channel["ChannelName"]
        source = channel["DataSource"]
        if "FileSystemDataSource" in source:
            system = source["FileSystemDataSource"]
            root, path = _mounted(ctx, system)
            read_only = system["FileSystemAccessMode"] == "ro"
            mounts.append(Mount(path, _inside(target, ml), read_only, below=str(root)))
            if isolated:
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(root / path)
            continue
        _download(ctx, source["S3DataSource"], request, target, host)
        mode = channel.get("InputMode", request["AlgorithmSpecification"]["TrainingInputMode"])
        if mode == "FastFile" and isolated:
            mounts.append(Mount(str(target), _inside(target, ml), read_only=True))
    return mounts


def _inside(path: Path, ml: Path) -> str:
    return f"/opt/ml/{path.relative_to(ml)}"


def _mounted(ctx: Context, source: dict[str, Any]) -> tuple[Path, str]:
    """The directory of a file system, and the path in it."""
    found = mount_of(ctx, source)
    directory = found.directory(source["DirectoryPath"]) if found else None
    if found is None or directory is None:
        raise JobFailure(f"ClientError: Unable to mount file system: {source['FileSystemId']}")
    return found.root, "/".join(directory.relative_to(found.root).parts)


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
