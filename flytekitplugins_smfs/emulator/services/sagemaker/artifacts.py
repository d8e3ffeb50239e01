"""What a job leaves in S3: model.tar.gz, output.tar.gz and its checkpoints."""

import logging
import shutil
import sys
from pathlib import Path

from ...archives import TooLarge, pack
from ...containers.job import OWN_DIRECTORIES, ContainerJob, Output
from ...guard import Outside, Tree
from ...objects import S3Error
from ...objects.files import copy_whole
from ...registry import Context
from ...store import Doc
from . import objects
from .configuration import host_names
from .placement import JobFailure

log = logging.getLogger(__name__)

_LONGEST_FAILURE = 1 << 16
"""Bytes of the failure file that are looked at; a FailureReason has at most 1,024 characters."""


def upload(ctx: Context, doc: Doc, job: ContainerJob, succeeded: bool) -> str | None:
    """Upload what is kept at the end, of all hosts; the S3 URL of the model if there is one. Raises JobFailure."""
    compress = doc["request"]["OutputDataConfig"].get("CompressionType", "GZIP") == "GZIP"
    model = None
    for output in job.outputs:
        if output.continuous or (output.of_success and not succeeded):
            continue
        try:
            kept = _store(ctx, job, output, compress)
        except TooLarge as problem:
            raise JobFailure(f"ClientError: Artifact upload failed:Insufficient disk space: {problem}") from None
        except S3Error as refused:
            text = f"ClientError: Artifact upload failed:{refused.message} ({refused.code}): {output.url}"
            raise JobFailure(text) from None
        except objects.NoSuchBucket as missing:
            raise JobFailure(
                f"ClientError: Artifact upload failed:The specified bucket does not exist: {missing} (NoSuchBucket)"
            ) from None
        if kept and output.of_success:
            model = f"{output.url}.tar.gz" if compress else f"{output.url}/"
    return model


def save_checkpoints(ctx: Context, job: ContainerJob) -> None:
    """Copy checkpoints that are new or changed to S3, as SageMaker does all through the training."""
    for host, ml, folder, url in _checkpoint_places(job):
        with Tree(ml) as tree:
            for name, status in sorted(tree.files(folder)):
                if not name.rpartition("/")[2].startswith("."):
                    target = f"{url}{name}" if host == "algo-1" else f"{url}{host}/{name}"
                    _copy_if_newer(ctx, ml / folder / name, status.st_mtime, target)


def restore_checkpoints(ctx: Context, job: ContainerJob) -> None:
    """Bring the checkpoints of earlier attempts, or of earlier jobs, to the hosts."""
    for _, ml, folder, url in _checkpoint_places(job):
        bucket, prefix = objects.split(url)
        with Tree(ml) as tree:
            for key in (found.key for found in objects.listed(ctx, url)):
                path = f"{folder}/{key[len(prefix) :]}"
                if key.endswith("/"):  # the marker of a folder
                    tree.make_directory(path)
                    continue
                with objects.reading(ctx, bucket, key) as content, tree.replacing(path) as copy:
                    copy_whole(content.fileno(), copy.fileno())


def remove_workspace(ctx: Context, doc: Doc) -> None:
    """Free the disk: inputs, outputs and environments of all attempts. Logs and exit records stay."""
    for host in host_names(doc["request"]):
        for attempt in (ctx.paths.jobs / doc["id"]).glob("attempt-*"):
            for name in OWN_DIRECTORIES:
                shutil.rmtree(attempt / host / name, ignore_errors=True)


def _checkpoint_places(job: ContainerJob) -> list[tuple[str, Path, str, str]]:
    """Host, its ``/opt/ml``, the path in it of what is kept all the time, and the S3 URL it is kept at."""
    return [
        (host.name, job.files(host.name), output.folder, output.url)
        for output in job.outputs
        if output.continuous
        for host in job.hosts
    ]


def _copy_if_newer(ctx: Context, path: Path, modified: float, url: str) -> None:
    bucket, key = objects.split(url)
    try:
        known = objects.find(ctx, bucket, key)
        if known is None or known.modified < modified:
            objects.publish(ctx, path, url)
    except S3Error as refused:
        log.warning("a checkpoint of %s is not kept: %s", url, refused)
    except (FileNotFoundError, Outside):
        return  # the job removed it, or put something else in its place, while we looked


def _store(ctx: Context, job: ContainerJob, output: Output, compress: bool) -> bool:
    """Put an output of all hosts in one archive, or file by file. False if there was nothing to put."""
    folders = [f"{host.name}/ml/{output.folder}" for host in job.hosts]
    with Tree(job.directory) as tree:
        if not compress:
            files = {name: f"{folder}/{name}" for folder in reversed(folders) for name, _ in tree.files(folder)}
            for name, path in sorted(files.items()):
                objects.publish(ctx, job.directory / path, f"{output.url}/{name}")
            return bool(files) or output.of_success
        archive = job.directory / "archive.tar.gz"
        try:
            with archive.open("wb") as target:
                count = pack(tree, folders, target, job.limits.disk_bytes or sys.maxsize)
            if count or output.of_success:
                objects.publish(ctx, archive, f"{output.url}.tar.gz")
            return bool(count) or output.of_success
        finally:
            archive.unlink(missing_ok=True)


def failure_text(ml: Path) -> str:
    """What the algorithm wrote to ``/opt/ml/output/failure``; empty if nothing, or if that is not a file."""
    try:
        with Tree(ml) as tree, tree.read("output/failure") as file:
            return file.read(_LONGEST_FAILURE).decode(errors="replace")
    except (OSError, Outside):
        return ""
