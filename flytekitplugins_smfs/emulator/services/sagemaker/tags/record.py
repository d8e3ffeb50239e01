"""The tags of a resource, kept by ARN apart from it."""

from collections.abc import Callable, Iterator

from ....faults import AwsError
from ....registry import Context
from ....store import Doc
from ....tagging import Tagged
from ..service import service
from .rules import MOST, check

_TAGS = "sagemaker.tags"


def begin(ctx: Context, arn: str, tags: list[dict[str, str]]) -> None:
    """Give a new resource its tags. Only what has begun to have tags may be given more."""
    check(tags)
    ctx.store.put(_TAGS, arn, {"arn": arn, "tags": {tag["Key"]: tag["Value"] for tag in tags}})


def of(ctx: Context, arn: str) -> list[dict[str, str]]:
    """The tags of a resource now; none if it is gone."""
    return listed((ctx.store.get(_TAGS, arn) or {"tags": {}})["tags"])


def end(ctx: Context, arn: str) -> None:
    """Forget the tags of a resource that is deleted."""
    ctx.store.delete(_TAGS, arn)


def load(ctx: Context, arn: str) -> Doc:
    """The document of a resource's tags. Raises ValidationException for a resource that is not there."""
    doc = ctx.store.get(_TAGS, arn)
    if doc is None:
        raise AwsError("ValidationException", "Requested resource not found.")
    return doc


def changed(ctx: Context, arn: str, change: Callable[[dict[str, str]], dict[str, str]]) -> dict[str, str]:
    """Change a resource's tags in one transaction; the answer is all that it has now."""
    with ctx.store.transaction():
        tags = change(load(ctx, arn)["tags"])
        if len(tags) > MOST:
            raise AwsError("ValidationException", f"A resource cannot have more than {MOST} tags.")
        ctx.store.put(_TAGS, arn, {"arn": arn, "tags": tags})
    return tags


def listed(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as the API lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def add(ctx: Context, arn: str, tags: list[dict[str, str]]) -> dict[str, str]:
    """Add tags, those of the same key replaced; the answer is all that there are now."""
    check(tags)
    added = {tag["Key"]: tag["Value"] for tag in tags}
    return changed(ctx, arn, lambda now: {**now, **added})


def remove(ctx: Context, arn: str, keys: list[str]) -> dict[str, str]:
    """Remove tags by key; those that are not there are passed over."""
    return changed(ctx, arn, lambda now: {key: now[key] for key in now if key not in keys})


def _resources(ctx: Context) -> Iterator[tuple[str, dict[str, str]]]:
    for doc in ctx.store.all(_TAGS):
        arn = doc.get("arn", "")
        if arn.startswith(ctx.arn("sagemaker", "")):
            yield arn, doc["tags"]


def _add(ctx: Context, arn: str, tags: dict[str, str]) -> None:
    add(ctx, arn, listed(tags))


def _remove(ctx: Context, arn: str, keys: list[str]) -> None:
    remove(ctx, arn, keys)


service.tagged = Tagged(_resources, _add, _remove)
