"""The tags of all resources of a region, whichever service has them: what the Resource Groups Tagging API asks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .faults import AwsError

if TYPE_CHECKING:
    from .moto_backend import MotoBackend
    from .registry import Context

_SERVICE = "resourcegroupstaggingapi"


@dataclass(frozen=True)
class Tagged:
    """A service's resources that have tags. ``tag`` and ``untag`` raise the service's own errors.

    ``resources`` gives the ARN and the tags of each of the context's region, ``tag`` adds tags to what an ARN names,
    ``untag`` takes keys from it.
    """

    resources: Callable[["Context"], Iterator[tuple[str, dict[str, str]]]]
    tag: Callable[["Context", str, dict[str, str]], None]
    untag: Callable[["Context", str, list[str]], None]


class Tags:
    """The tags of the emulator's own services, by their names in ARNs, and of those that moto has."""

    def __init__(self, moto: "MotoBackend", own: Mapping[str, Tagged]) -> None:
        self._moto = moto
        self._own = own

    def resources(self, ctx: "Context") -> Iterator[tuple[str, dict[str, str]]]:
        """All that has tags in the context's region."""
        for tagged in self._own.values():
            yield from ((arn, tags) for arn, tags in tagged.resources(ctx) if tags)
        pages = self._client(ctx).get_paginator("get_resources").paginate()
        for page in pages:
            for found in page["ResourceTagMappingList"]:
                yield found["ResourceARN"], {tag["Key"]: tag["Value"] for tag in found["Tags"]}

    def tag(self, ctx: "Context", arn: str, tags: dict[str, str]) -> None:
        """Add tags to what an ARN names."""
        if (own := self._own.get(_service_of(arn))) is not None:
            own.tag(ctx, arn, tags)
        else:
            _raise(arn, self._client(ctx).tag_resources(ResourceARNList=[arn], Tags=tags))

    def untag(self, ctx: "Context", arn: str, keys: list[str]) -> None:
        """Take the tags of these keys from what an ARN names."""
        if (own := self._own.get(_service_of(arn))) is not None:
            own.untag(ctx, arn, keys)
        else:
            _raise(arn, self._client(ctx).untag_resources(ResourceARNList=[arn], TagKeys=keys))

    def _client(self, ctx: "Context") -> Any:
        return self._moto.client(_SERVICE, ctx.region)


def _service_of(arn: str) -> str:
    return arn.split(":")[2] if arn.count(":") >= 5 else ""


def _raise(arn: str, answer: dict[str, Any]) -> None:
    if (failure := answer["FailedResourcesMap"].get(arn)) is not None:
        raise AwsError(failure["ErrorCode"], failure["ErrorMessage"], failure["StatusCode"])


def check_keys(tags: list[dict[str, str]], code: str) -> None:
    """Raise an error of this code for keys that are AWS's own, or given twice."""
    keys = [tag["Key"] for tag in tags]
    if any(key.lower().startswith("aws:") for key in keys):
        raise AwsError(code, "aws: prefixed tag key names are not allowed for external use.")
    if len(set(keys)) < len(keys):
        raise AwsError(code, "Duplicate tag keys are not allowed.")
