"""Invocations of endpoints. CreateEndpoint is refused by name, so there is none to invoke."""

from typing import Any, NoReturn

from ....faults import AwsError
from ....registry import Context
from ..service import service


@service.operation("InvokeEndpoint")
def invoke_endpoint(ctx: Context, request: dict[str, Any]) -> NoReturn:
    """Answer as AWS does for an endpoint that does not exist."""
    _not_found(ctx, request)


@service.operation("InvokeEndpointAsync")
def invoke_endpoint_async(ctx: Context, request: dict[str, Any]) -> NoReturn:
    """Answer as AWS does for an endpoint that does not exist."""
    _not_found(ctx, request)


@service.operation("InvokeEndpointWithResponseStream")
def invoke_endpoint_with_response_stream(ctx: Context, request: dict[str, Any]) -> NoReturn:
    """Answer as AWS does for an endpoint that does not exist."""
    _not_found(ctx, request)


def _not_found(ctx: Context, request: dict[str, Any]) -> NoReturn:
    raise AwsError("ValidationError", f"Endpoint {request['EndpointName']} of account {ctx.account} not found.")
