"""Ordinary Flyte tasks to put between the operations of a workflow. They run where Flyte runs tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, cast

from flytekit import task
from flytekit.types.directory import FlyteDirectory
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.datasets.sync import SyncProgress, sync
from flytekitplugins_smfs.flyte import literals
from flytekitplugins_smfs.flyte.config import settings
from flytekitplugins_smfs.runs.display import introduce
from flytekitplugins_smfs.values.dataset import Dataset
from flytekitplugins_smfs.values.errors import InvalidSpec, Problem
from flytekitplugins_smfs.values.lustre.link import RepositoryLink
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput
from flytekitplugins_smfs.values.uris import s3_join

literals.register()


@task
def upload(source: FlyteDirectory, destination: str, delete: bool = False) -> Dataset:
    """Make the S3 prefix `destination` hold the files of `source`; what is there already is not sent again.

    `destination` is `s3://bucket/prefix`, or a prefix under the default output location. With `delete`, objects
    that `source` does not have are removed.
    """
    directory = source.download()  # where it is, if it is local already
    aws = Aws(settings())
    introduce(aws)
    with _bar(f"Upload to {destination}") as show:
        return sync(aws, directory, destination, delete=delete, progress=show)


@task
def file_system_input(
    link: RepositoryLink, uri: str, path: str = "", content_type: str = "", access_mode: str = "ro"
) -> FileSystemInput:
    """The channel that reads the S3 prefix `uri`/`path` through a linked file system."""
    if access_mode not in ("ro", "rw"):
        problem = Problem("access_mode", f"{access_mode!r} is not an access mode; allowed are 'ro' and 'rw'.")
        raise InvalidSpec("The channel", [problem])
    return FileSystemInput.of_link(
        link,
        s3_join(uri, path),
        access_mode=cast(Literal["ro", "rw"], access_mode),
        content_type=content_type or None,
    )


@contextmanager
def _bar(title: str) -> Iterator[Callable[[SyncProgress], None]]:
    """A progress bar on a terminal; elsewhere one line at the end."""
    console = Console(stderr=True)
    last: list[SyncProgress] = []
    columns = (BarColumn(), MofNCompleteColumn(), DownloadColumn(), TimeElapsedColumn())
    disable = not console.is_terminal
    with Progress(
        TextColumn("{task.description}"), *columns, console=console, transient=True, disable=disable
    ) as progress:
        bar = progress.add_task(title, total=None)

        def show(state: SyncProgress) -> None:
            last[:] = [state]
            progress.update(bar, total=state.files, completed=state.done_files)

        yield show
    if last:
        state = last[0]
        done = f"{state.uploaded} sent, {state.skipped} unchanged"
        console.print(f"{title}: {state.files} files, {state.size_bytes:,} bytes ({done})", highlight=False)
