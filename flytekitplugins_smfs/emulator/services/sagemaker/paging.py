"""Sorting, filtering and paging of SageMaker's list operations, which all look alike."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ... import paging
from ...store import Doc

Item = TypeVar("Item")


def select(docs: list[Doc], request: dict[str, Any]) -> list[Doc]:
    """Apply the filters on name, times and status, then the order (newest first unless asked otherwise)."""
    keep: list[Callable[[Doc], bool]] = []
    for member, field, after in (
        ("CreationTimeAfter", "created", True),
        ("CreationTimeBefore", "created", False),
        ("LastModifiedTimeAfter", "modified", True),
        ("LastModifiedTimeBefore", "modified", False),
    ):
        if request.get(member) is not None:
            keep.append(_compare(field, float(request[member]), after))
    if request.get("NameContains"):
        wanted = request["NameContains"].lower()
        keep.append(lambda doc: wanted in doc["name"].lower())
    if request.get("StatusEquals"):
        keep.append(lambda doc: bool(doc["status"] == request["StatusEquals"]))
    found = [doc for doc in docs if all(test(doc) for test in keep)]
    field = {"Name": "name", "Status": "status"}.get(request.get("SortBy", ""), "created")
    default_order = "Ascending" if field == "name" and request.get("SortBy") == "Name" else "Descending"
    found.sort(key=lambda doc: doc[field], reverse=request.get("SortOrder", default_order) == "Descending")
    return found


def page(items: Sequence[Item], request: dict[str, Any], default: int = 10) -> tuple[Sequence[Item], str | None]:
    """The page that NextToken and MaxResults ask for, and the next token if there is more."""
    return paging.page(items, request.get("MaxResults", default), request.get("NextToken"), "ValidationException")


def _compare(field: str, moment: float, after: bool) -> Callable[[Doc], bool]:
    return lambda doc: doc[field] > moment if after else doc[field] < moment
