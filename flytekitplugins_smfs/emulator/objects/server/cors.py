"""Pages of a browser: refused, unless the user has told a bucket to let their origin in."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from ..errors import S3Error
from . import xml
from .answers import Answer
from .service import Service


def preflight(service: Service, bucket: str, values: dict[str, str]) -> Answer:
    """The answer to OPTIONS, by the bucket's CORS configuration."""
    origin, method = values.get("origin"), values.get("access-control-request-method")
    if not origin:
        raise S3Error("BadRequest", "Insufficient information. Origin request header needed.")
    if not method:
        raise S3Error("BadRequest", "Invalid Access-Control-Request-Method: null")
    asked = [
        each.strip().lower() for each in values.get("access-control-request-headers", "").split(",") if each.strip()
    ]
    headers = allowed(service, bucket, origin, method, asked)
    if headers is None:
        raise forbidden(method)
    return Answer(200, headers)


def allowed(
    service: Service, bucket: str, origin: str, method: str, asked: Sequence[str] = ()
) -> dict[str, str] | None:
    """The headers that let a page read the answer; None if no rule of the bucket lets it in."""
    if not bucket or service.store.buckets.find(bucket) is None:
        return None
    body = service.store.documents.get(bucket, "cors")
    if not body:
        return None
    for rule in xml.parsed(body, "CORSConfiguration").iterfind("CORSRule"):
        if _matches(rule, origin, method, asked):
            return _headers(rule, origin, asked)
    return None


def forbidden(method: str) -> S3Error:
    """The refusal of a browser's request."""
    text = (
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request "
        "method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the "
        "resource's CORS spec."
    )
    return S3Error("AccessForbidden", text, Method=method, ResourceType="OBJECT")


def _matches(rule: ElementTree.Element, origin: str, method: str, asked: Sequence[str]) -> bool:
    origins = [each.text or "" for each in rule.iterfind("AllowedOrigin")]
    methods = [each.text for each in rule.iterfind("AllowedMethod")]
    headers = [(each.text or "").lower() for each in rule.iterfind("AllowedHeader")]
    return (
        method in methods
        and any(_like(pattern, origin) for pattern in origins)
        and all(any(_like(pattern, name) for pattern in headers) for name in asked)
    )


def _like(pattern: str, text: str) -> bool:
    """``*`` stands for anything; nothing else is special."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None


def _headers(rule: ElementTree.Element, origin: str, asked: Sequence[str]) -> dict[str, str]:
    everybody = any(each.text == "*" for each in rule.iterfind("AllowedOrigin"))
    headers = {
        "access-control-allow-origin": "*" if everybody else origin,
        "access-control-allow-methods": ", ".join(each.text or "" for each in rule.iterfind("AllowedMethod")),
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }
    if not everybody:
        headers["access-control-allow-credentials"] = "true"
    if asked:
        headers["access-control-allow-headers"] = ", ".join(asked)
    if exposed := [each.text or "" for each in rule.iterfind("ExposeHeader")]:
        headers["access-control-expose-headers"] = ", ".join(exposed)
    if age := xml.text_of(rule, "MaxAgeSeconds"):
        headers["access-control-max-age"] = age
    return headers
