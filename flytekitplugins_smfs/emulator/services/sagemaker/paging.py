"""Sorting, filtering and paging of SageMaker's list operations, which all look alike."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ... import paging
from ...store import Doc

Item = TypeVar("Item")


def select(docs: list[Doc], request: dict[str, Any], sort_by: str = "CreationTime") -> list[Doc]:
    """Apply the filters on times, then the order: newest first, by name from A, unless asked otherwise."""
    keep: list[Callable[[Doc], bool]] = []
    for member, field, after in (
        ("CreationTimeAfter", "created", True),
        ("CreationTimeBefore", "created", False),
        ("LastModifiedTimeAfter", "modified", True),
        ("LastModifiedTimeBefore", "modified", False),
    ):
        if request.get(member) is not None:
            keep.append(_compare(field, float(request[member]), after))
    found = [doc for doc in docs if all(test(doc) for test in keep)]
    field = {"Name": "name", "Status": "status", "CreationTime": "created"}[request.get("SortBy", sort_by)]
    default_order = "Ascending" if field == "name" else "Descending"
    found.sort(key=lambda doc: doc[field], reverse=request.get("SortOrder", default_order) == "Descending")
    return found


def narrow(docs: Sequence[Doc], request: dict[str, Any]) -> list[Doc]:
    """Apply the filters on name and status."""
    wanted = request.get("NameContains", "").lower()
    status = request.get("StatusEquals")
    return [doc for doc in docs if wanted in doc["name"].lower() and status in (None, doc["status"])]


def page(items: Sequence[Item], request: dict[str, Any], default: int = 10) -> tuple[Sequence[Item], str | None]:
    """The page that NextToken and MaxResults ask for, and the next token if there is more."""
    return paging.page(items, request.get("MaxResults", default), request.get("NextToken"), "ValidationException")


def _compare(field: str, moment: float, after: bool) -> Callable[[Doc], bool]:
    """Whether a time, in milliseconds as it is shown, is strictly later or earlier."""
    return lambda doc: round(doc[field], 3) > moment if after else round(doc[field], 3) < moment
