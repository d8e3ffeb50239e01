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


def bad(message: str) -> AwsError:
    """InvalidParameterException."""
    return AwsError(BAD, message)


def require(ctx: Context, group: str, stream: str | None = None) -> None:
    """ResourceNotFoundException unless the group, and the stream if one is named, exist."""
    if not ctx.logs.has_group(group):
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    if stream is not None and not ctx.logs.has_stream(group, stream):
        raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")


def group_of(ctx: Context, request: dict[str, Any]) -> str:
    """The group that a request names or identifies, but not both."""
    name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if name and identifier:
        raise bad("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
    if not name and not identifier:
        raise bad("Exactly one of logGroupName and logGroupIdentifier must be specified.")
    found = name or name_of(ctx, str(identifier))
    require(ctx, found)
    return str(found)


def name_of(ctx: Context, identifier: str) -> str:
    """The name of the group that a name or an ARN stands for; ResourceNotFoundException for an ARN of elsewhere."""
    if not identifier.startswith("arn:"):
        return identifier
    here = ctx.arn("logs", "log-group:")
    if not identifier.startswith(here):
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    return identifier.removeprefix(here).removesuffix(":*")
