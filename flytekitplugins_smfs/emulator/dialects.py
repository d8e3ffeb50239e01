"""Which family of services a request speaks to, and how an error that comes before any service is worded for it."""

from botocore.exceptions import UnknownServiceError

from . import models
from .faults import AwsError
from .messages import Request, Response, request_id
from .protocols.errors import ec2_error, error_for, escaped, xml_error
from .protocols.rpc_cbor import RpcCbor
from .signatures import Dialect

_EC2_VERSION = "Version=2016-11-15"
_NAMED_OTHERWISE = frozenset(("x-amz-target", "smithy-protocol"))
"""Headers that name a service which is not S3."""
_HEAD = 2000
"""The bytes of a form in which its Action is looked for."""


def scope(request: Request) -> tuple[str, str]:
    """The service and region that a request says it was signed for; empty strings if it was not signed."""
    text = request.headers.get("authorization", "") or request.query
    marker = "Credential="
    if marker not in text:
        return "", ""
    parts = text.split(marker, 1)[1].split(",")[0].split("&")[0].replace("%2F", "/").split("/")
    return (parts[3], parts[2]) if len(parts) >= 5 else ("", "")


def has_action(request: Request) -> bool:
    """Whether this is a call of the query protocols."""
    return "Action=" in request.query or b"Action=" in request.body[:_HEAD]


def dialect_of(request: Request) -> Dialect:
    """The family of services that a request speaks to, told from the request alone."""
    if not _NAMED_OTHERWISE.isdisjoint(request.headers):
        return Dialect.JSON
    service, _ = scope(request)
    if service == "s3":
        return Dialect.S3
    if has_action(request):
        form = f"{request.query}&{request.body[:_HEAD].decode('latin-1')}"
        return Dialect.EC2 if service == "ec2" or _EC2_VERSION in form else Dialect.QUERY
    return _by_model(service) if service else Dialect.S3


def is_for_s3(head: Request) -> bool:
    """Whether a request is for S3, told without its body: signed for it, or not signed and no form with an Action."""
    if not _NAMED_OTHERWISE.isdisjoint(head.headers):
        return False
    service, _ = scope(head)
    form = head.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return service == "s3" or (not service and not form and "Action=" not in head.query)


def worded(request: Request, dialect: Dialect, error: AwsError) -> Response:
    """An error as the clients of a family read it. ``error.fields`` are elements of S3's document only."""
    if "smithy-protocol" in request.headers:
        return RpcCbor.refusal(error)
    if dialect is Dialect.S3:
        return s3_error(error)
    if dialect is Dialect.QUERY:
        return xml_error(error)
    if dialect is Dialect.EC2:
        return ec2_error(error)
    return error_for("json", error)


def s3_error(error: AwsError) -> Response:
    """An error of S3."""
    id = request_id()
    members = {"Code": error.code, "Message": error.message, **error.fields, "RequestId": id, "HostId": id}
    inner = "".join(f"<{name}>{escaped(str(value))}</{name}>" for name, value in members.items())
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'
    headers = {"content-type": "application/xml", "x-amz-request-id": id, "x-amz-id-2": id}
    return Response(error.status, text.encode("utf-8", "replace"), headers)


def _by_model(service: str) -> Dialect:
    try:
        protocol = models.service_model(service).metadata["protocol"]
    except UnknownServiceError:
        return Dialect.REST_JSON
    known = {"query": Dialect.QUERY, "ec2": Dialect.EC2, "json": Dialect.JSON, "rest-xml": Dialect.QUERY}
    return known.get(protocol, Dialect.REST_JSON)
