"""The tags of a log group, and where an ARN of one leads."""

from collections.abc import Iterator

from ....registry import Context
from ....tagging import Tagged
from ..group.record import change, properties
from ..group.rules import check_tags
from ..service import bad, name_of, require, service


def group_named(ctx: Context, arn: str) -> str:
    """The name of the group of an ARN. Raises InvalidParameterException, ResourceNotFoundException."""
    if not arn.startswith("arn:") or ":log-group:" not in arn:
        raise bad(f"{arn} is not the ARN of a log group.")
    name = name_of(ctx, arn)
    require(ctx, name)
    return name


def tags_of(ctx: Context, name: str) -> dict[str, str]:
    """The tags of a group."""
    return dict(properties(ctx, name).get("tags", {}))


def add(ctx: Context, name: str, tags: dict[str, str]) -> None:
    """Add or replace tags. Raises TooManyTagsException, InvalidParameterException."""
    with ctx.store.transaction():
        all_tags = {**tags_of(ctx, name), **tags}
        check_tags(all_tags)
        change(ctx, name, tags=all_tags)


def remove(ctx: Context, name: str, keys: list[str]) -> None:
    """Remove tags; those that are not there are no error."""
    with ctx.store.transaction():
        change(ctx, name, tags={key: value for key, value in tags_of(ctx, name).items() if key not in keys})


def _resources(ctx: Context) -> Iterator[tuple[str, dict[str, str]]]:
    for group in ctx.logs.groups():
        yield ctx.arn("logs", f"log-group:{group.name}"), tags_of(ctx, group.name)


service.tagged = Tagged(
    _resources,
    lambda ctx, arn, tags: add(ctx, group_named(ctx, arn), tags),
    lambda ctx, arn, keys: remove(ctx, group_named(ctx, arn), keys),
)
