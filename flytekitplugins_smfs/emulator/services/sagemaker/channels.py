"""Input channels: what lies under ``/opt/ml/input/data/<channel>`` on each host."""

import json
from pathlib import Path
from typing import Any

from ...containers.job import Mount
from ...guard import is_plain
from ...objects import S3Error
from ...registry import Context
from . import objects
from .placement import JobFailure, mount_of

_LARGEST_MANIFEST = 64 << 20
"""Bytes of a manifest that are read."""


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
        mode = channel.get("InputMode", request["AlgorithmSpecification"]["TrainingInputMode"])
        # What a job cannot write may be the store's own files; without walls it gets copies.
        linked = mode == "FastFile" and isolated
        _download(ctx, source["S3DataSource"], request, target, host, linked)
        if linked:
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


def _download(
    ctx: Context, source: dict[str, Any], request: dict[str, Any], target: Path, host: int, linked: bool
) -> None:
    target.mkdir(parents=True, exist_ok=True)
    bucket = objects.split(source["S3Uri"])[0]
    names = _listed(ctx, source, request["RoleArn"])
    hosts = request["ResourceConfig"]["InstanceCount"]
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    markers = {key for key in names if key.endswith("/")}
    for marker in sorted(markers):
        if is_plain(names[marker]):
            (target / names[marker]).mkdir(parents=True, exist_ok=True)
    for number, (key, name) in enumerate(sorted(names.items())):
        if key in markers or (sharded and number % hosts != host):
            continue
        _fetch(ctx, bucket, key, target, name, linked)


def _fetch(ctx: Context, bucket: str, key: str, target: Path, name: str, linked: bool) -> None:
    """Give an object a path below the channel. Raises JobFailure, naming the key, where no file can be there."""
    try:
        if not is_plain(name) or "//" in name or name.startswith("/"):
            raise FileExistsError(name)
        found = objects.find(ctx, bucket, key)
        if found is None:
            raise JobFailure(f"ClientError: Data download failed:NoSuchKey (404): s3://{bucket}/{key}")
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        ctx.objects.fetch(bucket, found, target / name, linked)
    except S3Error as refused:
        text = f"ClientError: Data download failed:{refused.code} ({refused.status}): s3://{bucket}/{key}"
        raise JobFailure(text) from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        text = "No file can have its name, or another object's file is in its place"
        raise JobFailure(f"ClientError: Data download failed:{text}: s3://{bucket}/{key}") from None


def _listed(ctx: Context, source: dict[str, Any], role: str) -> dict[str, str]:
    """Object key to path below the channel.

    The URI is a prefix of keys: ``.../train`` also takes ``.../train-old/...``. What lies in the folder of that name is
    relative to it, all else to the last slash of the prefix; an object named exactly is itself.
    """
    problem = objects.missing_objects(ctx, source["S3Uri"], role)
    if problem:
        raise JobFailure(f"ClientError: Data download failed:{problem}")
    bucket, prefix = objects.split(source["S3Uri"])
    if source["S3DataType"] == "ManifestFile":
        return _from_manifest(ctx, bucket, prefix)
    inside = prefix if prefix.endswith("/") else f"{prefix}/"
    above = len(prefix.rpartition("/")[0]) + 1 if "/" in prefix else 0
    keys = [found.key for found in objects.listed(ctx, source["S3Uri"])]
    names = {key: key[len(inside) if key.startswith(inside) and prefix else above :] for key in keys}
    return {key: name for key, name in names.items() if name}


def _from_manifest(ctx: Context, bucket: str, key: str) -> dict[str, str]:
    """A manifest is a JSON list: ``{"prefix": "s3://bucket/path/"}`` and then the names below it."""
    try:
        with objects.reading(ctx, bucket, key) as manifest:
            head, *names = json.loads(manifest.read(_LARGEST_MANIFEST))
        base_bucket, base = objects.split(head["prefix"])
    except (OSError, ValueError, KeyError, TypeError):
        raise JobFailure(f"ClientError: Data download failed:Invalid manifest s3://{bucket}/{key}") from None
    if base_bucket != bucket:
        raise JobFailure("ClientError: Data download failed:The manifest and its objects must be in one bucket")
    if not all(isinstance(name, str) for name in names):
        raise JobFailure(f"ClientError: Data download failed:Invalid manifest s3://{bucket}/{key}")
    return {base + name: name for name in names}
