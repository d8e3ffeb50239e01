"""What a job leaves in S3: model.tar.gz, output.tar.gz and its checkpoints."""

import gzip
import shutil
import tarfile
from pathlib import Path

from ...registry import Context
from ...store import Doc
from . import objects
from .placement import JobFailure
from .workspace import attempt_directory, checkpoint_path, host_names, ml_directory

_FAST = 1


def upload(ctx: Context, doc: Doc, with_model: bool) -> str | None:
    """Upload outputs of all hosts; the S3 URL of the model if there is one. Raises JobFailure."""
    request = doc["request"]
    base = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{doc['name']}/output"
    compress = request["OutputDataConfig"].get("CompressionType", "GZIP") == "GZIP"
    roots = [ml_directory(ctx, doc, host) for host in host_names(request)]
    try:
        _store(ctx, doc, [root / "output" / "data" for root in roots], base, "output", compress, even_empty=False)
        models = [root / "model" for root in roots]
        if not with_model or not _store(ctx, doc, models, base, "model", compress, even_empty=True):
            return None
    except objects.NoSuchBucket as missing:
        raise JobFailure(
            f"ClientError: Artifact upload failed:The specified bucket does not exist: {missing} (NoSuchBucket)"
        ) from None
    return f"{base}/model.tar.gz" if compress else f"{base}/model/"


def save_checkpoints(ctx: Context, doc: Doc) -> None:
    """Copy checkpoints that are new or changed to S3, as SageMaker does all through the training."""
    for host, local, url in _checkpoint_places(ctx, doc):
        for path in sorted(local.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                name = path.relative_to(local).as_posix()
                target = f"{url}{name}" if host == "algo-1" else f"{url}{host}/{name}"
                _copy_if_newer(ctx, path, target)


def restore_checkpoints(ctx: Context, doc: Doc) -> None:
    """Bring the checkpoints of earlier attempts, or of earlier jobs, to the hosts."""
    for _, local, url in _checkpoint_places(ctx, doc):
        bucket, prefix = objects.split(url)
        for key in objects.keys(ctx, url):
            target = local / key[len(prefix) :]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(objects.file(ctx, bucket, key), target)


def remove_workspace(ctx: Context, doc: Doc) -> None:
    """Free the disk: inputs and outputs of all attempts. Logs and exit records stay."""
    for host in host_names(doc["request"]):
        for attempt in (ctx.paths.jobs / doc["id"]).glob("attempt-*"):
            shutil.rmtree(attempt / host / "ml", ignore_errors=True)


def _checkpoint_places(ctx: Context, doc: Doc) -> list[tuple[str, Path, str]]:
    request = doc["request"]
    if "CheckpointConfig" not in request:
        return []
    url = request["CheckpointConfig"]["S3Uri"].rstrip("/") + "/"
    places = []
    for host in host_names(request):
        local = checkpoint_path(request, ml_directory(ctx, doc, host))
        if local is not None:
            places.append((host, local, url))
    return places


def _copy_if_newer(ctx: Context, path: Path, url: str) -> None:
    bucket, key = objects.split(url)
    known = objects.file(ctx, bucket, key)
    try:
        if not known.exists() or known.stat().st_mtime < path.stat().st_mtime:
            objects.publish(ctx, path, url)
    except FileNotFoundError:
        return  # the job removed it while we looked


def _store(ctx: Context, doc: Doc, folders: list[Path], base: str, name: str, compress: bool, even_empty: bool) -> bool:
    """Put the files of the folders under ``base``, in one archive or one by one. False if there was nothing to put."""
    files: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() or path.is_symlink():
                files.setdefault(path.relative_to(folder).as_posix(), path)
    if not files and not even_empty:
        return False
    if not compress:
        for member, path in files.items():
            objects.publish(ctx, path, f"{base}/{name}/{member}")
        return True
    archive = attempt_directory(ctx, doc) / f"{name}.tar.gz"
    with gzip.open(archive, "wb", compresslevel=_FAST) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for member, path in files.items():
            tar.add(path, member, filter=_as_root)
    objects.publish(ctx, archive, f"{base}/{name}.tar.gz")
    archive.unlink()
    return True


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def failure_text(ml: Path) -> str:
    """What the algorithm wrote to ``/opt/ml/output/failure``; empty if nothing."""
    path = ml / "output" / "failure"
    try:
        return path.read_text(errors="replace") if path.is_file() else ""
    except OSError:
        return ""
