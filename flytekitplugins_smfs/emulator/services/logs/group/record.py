"""What a log group has besides its streams, and how it is described."""

from typing import Any

from ....faults import AwsError
from ....logbook import Group
from ....registry import Context

_KIND = "logs.group"


def properties(ctx: Context, name: str) -> dict[str, Any]:
    """Class, key, retention and tags of a group, as far as they were set."""
    return ctx.store.get(_KIND, _id(ctx, name)) or {}


def change(ctx: Context, name: str, **changes: Any) -> None:
    """Set some of them; None takes one away."""
    with ctx.store.transaction():
        known = {**properties(ctx, name), **changes}
        ctx.store.put(_KIND, _id(ctx, name), {key: value for key, value in known.items() if value is not None})


def forget(ctx: Context, name: str) -> None:
    """A group of the same name starts anew."""
    ctx.store.delete(_KIND, _id(ctx, name))


def described(ctx: Context, group: Group) -> dict[str, Any]:
    """A group of DescribeLogGroups' answer. The size of what is stored lags behind on AWS; here it is never told."""
    known = properties(ctx, group.name)
    return {
        "logGroupName": group.name,
        "creationTime": group.created,
        "retentionInDays": known.get("retention"),
        "metricFilterCount": 0,
        "arn": ctx.arn("logs", f"log-group:{group.name}:*"),
        "logGroupArn": ctx.arn("logs", f"log-group:{group.name}"),
        "storedBytes": 0,
        "kmsKeyId": known.get("key"),
        "logGroupClass": class_of(known),
    }


def class_of(known: dict[str, Any]) -> str:
    """STANDARD unless the group was made with another class."""
    return str(known.get("class", "STANDARD"))


def check_standard(ctx: Context, name: str, operation: str) -> None:
    """InvalidOperationException for a group of a class whose events are read by Logs Insights alone.

    The text is one that a client quotes. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html
    """
    if (found := class_of(properties(ctx, name))) != "STANDARD":
        text = f"The log group {name} is of log-group-class {found}. {operation} is not supported for this log class."
        raise AwsError("InvalidOperationException", text)


def _id(ctx: Context, name: str) -> str:
    return f"{ctx.region}/{name}"
