"""A data repository task's document, and what its paths reach."""

from collections.abc import Iterator
from typing import Any

from ....registry import Context
from ..association.record import associations_of
from ..documents import TASK, of_region

UNFINISHED = ("PENDING", "EXECUTING", "CANCELING")


def task(ctx: Context, id: str) -> dict[str, Any]:
    """A task of the request's region. Raises DataRepositoryTaskNotFound."""
    return of_region(ctx, TASK, id, "DataRepositoryTaskNotFound", "Data repository task")


def reached(ctx: Context, file_system_id: str, paths: list[str]) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The associations that paths of a task lie in, with the paths below their directories; without paths all."""
    paths = [path.strip("/") for path in paths]
    for association in associations_of(ctx, file_system_id):
        root = association["FileSystemPath"].strip("/")
        inside = [path.removeprefix(root).strip("/") for path in paths if _within(path, root)]
        if inside or not paths:
            yield association, inside


def _within(path: str, root: str) -> bool:
    return root == "" or path == root or path.startswith(f"{root}/")


def matches(document: dict[str, Any], filter: dict[str, Any]) -> bool:
    """Whether a task is one that a filter of the request asks for."""
    values = {
        "file-system-id": [document["FileSystemId"]],
        "task-lifecycle": [document["Lifecycle"]],
        "data-repository-association-id": document.get("associations", []),
        "file-cache-id": [],
    }
    return any(value in filter.get("Values", []) for value in values[filter["Name"]])
