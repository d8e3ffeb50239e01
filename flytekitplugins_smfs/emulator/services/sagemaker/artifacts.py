"""What a job leaves in S3: model.tar.gz, output.tar.gz and its checkpoints."""

import logging
import shutil
from pathlib import Path

from ...archives import TooLarge, pack
from ...containers.job import OWN_DIRECTORIES
from ...guard import Outside, Tree
from ...objects import S3Error
from ...objects.files import copy_whole
from ...registry import Context
from ...store import Doc
from . import objects
from .configuration import host_names
from .placement import JobFailure
from .workspace import attempt_directory, checkpoint_path, ml_directory, volume_bytes

log = logging.getLogger(__name__)

_LONGEST_FAILURE = 1 << 16
"""Bytes of the failure file that are looked at; a FailureReason has at most 1,024 characters."""


def upload(ctx: Context, doc: Doc, with_model: bool) -> str | None:
    """Upload outputs of all hosts; the S3 URL of the model if there is one. Raises JobFailure."""
    request = doc["request"]
    base = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{doc['name']}/output"
    compress = request["OutputDataConfig"].get("CompressionType", "GZIP") == "GZIP"
    hosts = host_names(request)
    try:
        _store(ctx, doc, [f"{host}/ml/output/data" for host in hosts], f"{base}/output", compress, even_empty=False)
        models = [f"{host}/ml/model" for host in hosts]
        if not with_model or not _store(ctx, doc, models, f"{base}/model", compress, even_empty=True):
            return None
    except TooLarge as problem:
        raise JobFailure(f"ClientError: Artifact upload failed:Insufficient disk space: {problem}") from None
    except S3Error as refused:
        text = f"ClientError: Artifact upload failed:{refused.message} ({refused.code}): {base}"
        raise JobFailure(text) from None
    except objects.NoSuchBucket as missing:
        raise JobFailure(
            f"ClientError: Artifact upload failed:The specified bucket does not exist: {missing} (NoSuchBucket)"
        ) from None
    return f"{base}/model.tar.gz" if compress else f"{base}/model/"


def save_checkpoints(ctx: Context, doc: Doc) -> None:
    """Copy checkpoints that are new or changed to S3, as SageMaker does all through the training."""
    for host, ml, folder, url in _checkpoint_places(ctx, doc):
        with Tree(ml) as tree:
            for name, status in sorted(tree.files(folder)):
                if not name.rpartition("/")[2].startswith("."):
                    target = f"{url}{name}" if host == "algo-1" else f"{url}{host}/{name}"
                    _copy_if_newer(ctx, ml / folder / name, status.st_mtime, target)


def restore_checkpoints(ctx: Context, doc: Doc) -> None:
    """Bring the checkpoints of earlier attempts, or of earlier jobs, to the hosts."""
    for _, ml, folder, url in _checkpoint_places(ctx, doc):
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


def _checkpoint_places(ctx: Context, doc: Doc) -> list[tuple[str, Path, str, str]]:
    """Host, its ``/opt/ml``, the checkpoints' path in it, and the S3 URL they are kept at."""
    request = doc["request"]
    folder = checkpoint_path(request, Path())
    if folder is None:
        return []
    url = request["CheckpointConfig"]["S3Uri"].rstrip("/") + "/"
    return [(host, ml_directory(ctx, doc, host), str(folder), url) for host in host_names(request)]


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


def _store(ctx: Context, doc: Doc, folders: list[str], base: str, compress: bool, even_empty: bool) -> bool:
    """Put the files of the folders under ``base``, in one archive or one by one. False if there was nothing to put."""
    attempt = attempt_directory(ctx, doc)
    limit = volume_bytes(doc["request"])
    with Tree(attempt) as tree:
        if not compress:
            files = {name: f"{folder}/{name}" for folder in reversed(folders) for name, _ in tree.files(folder)}
            for name, path in sorted(files.items()):
                objects.publish(ctx, attempt / path, f"{base}/{name}")
            return bool(files) or even_empty
        archive = attempt / "archive.tar.gz"
        try:
            with archive.open("wb") as target:
                count = pack(tree, folders, target, limit)
            if count or even_empty:
                objects.publish(ctx, archive, f"{base}.tar.gz")
            return bool(count) or even_empty
        finally:
            archive.unlink(missing_ok=True)


def failure_text(ml: Path) -> str:
    """What the algorithm wrote to ``/opt/ml/output/failure``; empty if nothing, or if that is not a file."""
    try:
        with Tree(ml) as tree, tree.read("output/failure") as file:
            return file.read(_LONGEST_FAILURE).decode(errors="replace")
    except (OSError, Outside):
        return ""
