"""Resources found, tagged and untagged by their ARNs."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ....faults import AwsError
from ....paging import page
from ....registry import Context
from ..service import service
from .rules import check, fitting, wanted

_PAGE = 50
_EXPIRED = "PaginationTokenExpiredException"


@service.operation("GetResources")
def get_resources(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through the tagged resources of the region. What has lost its last tag is not shown, as AWS would."""
    check(request)
    found = [(arn, tags) for arn, tags in ctx.tags.resources(ctx) if wanted(request, arn, tags)]
    tags_per_page = request.get("TagsPerPage")
    fits = partial(fitting, tags=tags_per_page) if tags_per_page else None
    some, token = page(found, request.get("ResourcesPerPage", _PAGE), request.get("PaginationToken"), _EXPIRED, fits)
    shown = [
        {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        for arn, tags in some
    ]
    return {"ResourceTagMappingList": shown, "PaginationToken": token or ""}


@service.operation("TagResources")
def tag_resources(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags to each of several resources."""
    return _each(request, lambda arn: ctx.tags.tag(ctx, arn, request["Tags"]))


@service.operation("UntagResources")
def untag_resources(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags from each of several resources."""
    return _each(request, lambda arn: ctx.tags.untag(ctx, arn, request["TagKeys"]))


def _each(request: dict[str, Any], change: Callable[[str], None]) -> dict[str, Any]:
    """What failed is told by ARN, with the code of the service that has the resource; the others are done."""
    failed = {}
    for arn in request["ResourceARNList"]:
        try:
            change(arn)
        except AwsError as error:
            failed[arn] = {"StatusCode": error.status, "ErrorCode": error.code, "ErrorMessage": error.message}
    return {"FailedResourcesMap": failed}
