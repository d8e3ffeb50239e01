"""Which keys are in use, and which values of a key."""

from typing import Any

from ....paging import page
from ....registry import Context
from ..service import service

_PAGE = 100
_EXPIRED = "PaginationTokenExpiredException"


@service.operation("GetTagKeys")
def get_tag_keys(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through the keys in use, in their order."""
    keys = {key for _, tags in ctx.tags.resources(ctx) for key in tags}
    some, token = page(sorted(keys), _PAGE, request.get("PaginationToken"), _EXPIRED)
    return {"TagKeys": some, "PaginationToken": token or ""}


@service.operation("GetTagValues")
def get_tag_values(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through the values of a key, in their order."""
    values = {tags[request["Key"]] for _, tags in ctx.tags.resources(ctx) if request["Key"] in tags}
    some, token = page(sorted(values), _PAGE, request.get("PaginationToken"), _EXPIRED)
    return {"TagValues": some, "PaginationToken": token or ""}
