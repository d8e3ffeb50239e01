"""Where the events of a file system's data repositories are logged.

Source: the API reference of LustreLogCreateConfiguration; "Logging with Amazon CloudWatch Logs" in the Lustre guide.
Nothing is written there yet; the log group must exist, or is made, as on AWS.
"""

from typing import Any

from ....faults import AwsError
from ....registry import Context

_DEFAULT_GROUP = "/aws/fsx/lustre"
_PREFIX = "/aws/fsx/"


def check(ctx: Context, configuration: dict[str, Any]) -> None:
    """Raise BadRequest for a destination that FSx cannot log to."""
    destination = configuration.get("Destination")
    if destination is None:
        return
    if configuration["Level"] == "DISABLED":
        raise AwsError("BadRequest", "A log destination cannot be specified when the log level is DISABLED.")
    home, _, group = destination.partition(":log-group:")
    group = group.split(":")[0]
    if home != ctx.arn("logs", "").rstrip(":"):
        text = (
            f"The log destination {destination} must be a CloudWatch Logs log group in the partition, Region and "
            "account of the file system."
        )
        raise AwsError("BadRequest", text)
    if not group.startswith(_PREFIX):
        raise AwsError("BadRequest", f"The name of the log group {group} must begin with the {_PREFIX} prefix.")
    if not ctx.logs.has_group(group):
        raise AwsError("BadRequest", f"The log destination {destination} does not exist.")


def shown(ctx: Context, id: str, configuration: dict[str, Any]) -> dict[str, Any]:
    """A configuration as DescribeFileSystems shows it: with the log stream of the file system. Makes the stream."""
    if configuration["Level"] == "DISABLED":
        return {"Level": "DISABLED"}
    given = configuration.get("Destination", ctx.arn("logs", f"log-group:{_DEFAULT_GROUP}"))
    group = given.partition(":log-group:")[2].split(":")[0]
    stream = f"datarepo_{id}"
    ctx.logs.create_stream(group, stream)
    return {"Level": configuration["Level"], "Destination": ctx.arn("logs", f"log-group:{group}:log-stream:{stream}")}
