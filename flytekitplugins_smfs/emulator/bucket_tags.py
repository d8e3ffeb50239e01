"""The tags of buckets, as the Resource Groups Tagging API has them."""

from collections.abc import Callable, Iterator

from .faults import AwsError
from .objects import settings
from .registry import Context
from .tagging import Tagged, check_keys

_MOST = 50
_PREFIX = "arn:aws:s3:::"


def _resources(ctx: Context) -> Iterator[tuple[str, dict[str, str]]]:
    for bucket in ctx.objects.buckets.all():
        document = ctx.objects.documents.get(bucket.name, settings.TAGGING) if bucket.region == ctx.region else None
        if document:
            yield f"{_PREFIX}{bucket.name}", settings.tags(document)


def _tag(ctx: Context, arn: str, tags: dict[str, str]) -> None:
    check_keys([{"Key": key} for key in tags], "InvalidTag")
    _change(ctx, arn, lambda before: {**before, **tags})


def _untag(ctx: Context, arn: str, keys: list[str]) -> None:
    _change(ctx, arn, lambda before: {key: value for key, value in before.items() if key not in keys})


def _change(ctx: Context, arn: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    """Replace the tags of a bucket of this region in one transaction. Objects are not tagged by this API."""
    name, documents = arn.removeprefix(_PREFIX), ctx.objects.documents
    bucket = ctx.objects.buckets.find(name)
    if bucket is None or bucket.region != ctx.region:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
    with ctx.objects.database.transaction():
        document = documents.get(name, settings.TAGGING)
        tags = change(settings.tags(document) if document else {})
        if len(tags) > _MOST:
            raise AwsError("BadRequest", f"Bucket tag count cannot be greater than {_MOST}")
        if tags:
            documents.put(name, settings.TAGGING, settings.tagging(tags))
        else:
            documents.delete(name, settings.TAGGING)


BUCKETS = Tagged(_resources, _tag, _untag)
