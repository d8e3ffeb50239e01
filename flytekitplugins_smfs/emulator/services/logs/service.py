"""The CloudWatch Logs service that the modules of this package add their operations to, and what they all need."""

from typing import Any

from ...declarations import Errors
from ...faults import AwsError
from ...registry import Context, Service

BAD = "InvalidParameterException"
"""The code of a request that breaks a rule."""

service = Service("logs", errors=Errors(validation=BAD))

PAGE = 50
"""Groups or streams per page unless asked otherwise."""


def require(ctx: Context, group: str, stream: str | None = None) -> None:
    """ResourceNotFoundException unless the group, and the stream if one is named, exist."""
    if not ctx.logs.has_group(group):
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    if stream is not None and not ctx.logs.has_stream(group, stream):
        raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")


def group_of(ctx: Context, request: dict[str, Any]) -> str:
    """The group that a request names, or identifies by its ARN."""
    identifier = request.get("logGroupIdentifier", "")
    name = request.get("logGroupName") or identifier.partition(":log-group:")[2].removesuffix(":*") or identifier
    if not name:
        raise AwsError(BAD, "Exactly one of logGroupName and logGroupIdentifier must be specified.")
    require(ctx, name)
    return str(name)
