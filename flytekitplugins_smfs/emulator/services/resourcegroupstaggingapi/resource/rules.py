"""What GetResources refuses, and which resources it looks for."""

import itertools
from collections.abc import Sequence
from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from ..service import BAD

_PAGING = ("ResourcesPerPage", "TagsPerPage", "PaginationToken")


def check(request: dict[str, Any]) -> None:
    """Raise what the API reference says is refused."""
    if "ResourceARNList" in request and any(request.get(name) for name in _PAGING):
        raise AwsError(
            BAD, "ResourceARNList cannot be given together with ResourcesPerPage, TagsPerPage or PaginationToken."
        )
    if not 1 <= request.get("ResourcesPerPage", 1) <= 100:
        raise AwsError(BAD, "ResourcesPerPage must be from 1 to 100.")
    if any("Key" not in one for one in request.get("TagFilters", [])):  # the reference does not say in what words
        raise AwsError(BAD, "A filter of TagFilters needs a Key.")
    if request.get("ExcludeCompliantResources") and not request.get("IncludeComplianceDetails"):
        raise AwsError(BAD, "ExcludeCompliantResources can be used only with IncludeComplianceDetails.")
    if request.get("IncludeComplianceDetails"):
        raise NotImplementedByEmulator("tag policies (IncludeComplianceDetails of GetResources)")
    if not 100 <= request.get("TagsPerPage", 100) <= 500:
        raise AwsError(BAD, "TagsPerPage must be from 100 to 500.")


def fitting(resources: Sequence[tuple[str, dict[str, str]]], tags: int) -> int:
    """How many of the resources together have so many tags at most; one at least. None are counted as one."""
    totals = itertools.accumulate(max(1, len(own)) for _, own in resources)
    return max(1, sum(total <= tags for total in totals))


def wanted(request: dict[str, Any], arn: str, tags: dict[str, str]) -> bool:
    """Whether a resource satisfies all filters: any of the values of each key, any of the types, one of the ARNs."""
    filters = request.get("TagFilters", [])
    types = request.get("ResourceTypeFilters", [])
    return (
        all(one["Key"] in tags and tags[one["Key"]] in (one.get("Values") or [tags[one["Key"]]]) for one in filters)
        and (not types or bool({*types} & _types(arn)))
        and arn in request.get("ResourceARNList", [arn])
    )


def _types(arn: str) -> set[str]:
    """``service`` and ``service:type``, as they are in the ARN."""
    _, _, service, _, _, resource = arn.split(":", 5)
    if service == "s3":  # the ARN of a bucket does not say what it is of
        return {service, "s3:bucket"}
    return {service, f"{service}:{resource.split('/')[0].split(':')[0]}"}
