"""A browser's form upload: POST with ``multipart/form-data``, allowed by a signed policy.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ...signatures import SignatureError, verify_form
from .. import names
from ..checksums import CRC64NVME, HEADERS
from ..errors import S3Error
from ..intake import Intake
from ..records import Content, Stored
from . import about as headers_about
from . import bodies, xml
from .answers import Answer, document
from .form_parts import Event, Part, events
from .properties import tags_of
from .request import S3Request, invalid
from .service import Service
from .writing import written_headers

_MAX_FIELDS_BYTES = 20 * 1024
_MAX_FIELDS = 100
_FREE = {"x-amz-signature", "signature", "awsaccesskeyid", "policy", "file"}
"""Fields that a policy need not name; those that begin with x-ignore- too."""


@dataclass(frozen=True)
class Bounds:
    """How many bytes the policy lets the content have."""

    least: int = 0
    most: int = bodies.MAX_PUT_BYTES


async def post(service: Service, request: S3Request) -> Answer:
    """Take a form: its fields first, then its file, which is the last field."""
    service.store.buckets.get(request.bucket)
    if not (request.header("content-type") or "").lower().startswith("multipart/form-data"):
        condition = "Bucket POST must be of the enclosure-type multipart/form-data"
        text = "At least one of the pre-conditions you specified did not hold"
        raise S3Error("PreconditionFailed", text, Condition=condition)
    form = events(request.arrival)
    try:
        fields, filename = await _fields(form)
    except ValueError:
        raise _malformed() from None
    key = _key(fields, filename)
    if not service.insecure:
        _verify(service, fields)
    bounds = _check_policy(service, request.bucket, fields) if "policy" in fields else Bounds()
    about = replace(headers_about.of({**fields, "x-amz-tagging": ""}), tags=_tags(fields))
    content = await _content(service, form, bounds, fields)
    about = replace(about, checksums=content.checksums)
    with service.store.keeping([content.file]):
        stored = await service.commit(lambda: service.store.contents.put(request.bucket, key, content, about))
    return _answer(request, fields, stored)


def _tags(fields: Mapping[str, str]) -> dict[str, str]:
    tags = tags_of(fields["tagging"].encode()) if "tagging" in fields else {}
    headers_about.check_tags(tags)
    return tags


async def _fields(form: AsyncIterator[Event]) -> tuple[dict[str, str], str]:
    """The fields by lower-case name, and the file's name; its content has not been read."""
    fields: dict[str, str] = {}
    name, value, size = "", b"", 0
    async for event in form:
        if isinstance(event, Part):
            name, value = event.name.lower(), b""
            if name == "file":
                return fields, event.filename
            if len(fields) > _MAX_FIELDS:
                raise ValueError("too many fields")
        elif event is None:
            fields[name] = value.decode()
        else:
            value += event
            size += len(event)
            if size > _MAX_FIELDS_BYTES:
                text = "Your POST request fields preceding the upload file were too large."
                raise S3Error("MaxPostPreDataLengthExceededError", text)
    raise invalid("POST requires exactly one file upload per request.", "file", "0")


def _key(fields: dict[str, str], filename: str) -> str:
    if "key" not in fields:
        text = (
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields."
        )
        raise invalid(text, "key", "")
    name = filename.replace("\\", "/").rpartition("/")[2]
    key = fields["key"].replace("${filename}", name)
    names.check_key(key)
    return key


def _verify(service: Service, fields: Mapping[str, str]) -> None:
    try:
        verify_form(fields, service.keys, service.now())
    except SignatureError as error:
        raise bodies.of_signature(error) from None


def _check_policy(service: Service, bucket: str, fields: Mapping[str, str]) -> Bounds:
    """Hold the form to its policy: each condition met, and no field that no condition names."""
    try:
        policy = json.loads(base64.b64decode(fields["policy"]))
        expires = datetime.fromisoformat(policy["expiration"]).timestamp()
        conditions = list(policy["conditions"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise S3Error("InvalidPolicyDocument", "Invalid Policy: Invalid JSON.") from None
    if service.now() > expires:
        raise _against("Policy expired.")
    bounds = Bounds()
    named = set()
    for condition in conditions:
        kind, name, value = _condition(condition)
        if kind == "content-length-range":
            bounds = Bounds(int(name), int(value))
            continue
        named.add(name)
        given = bucket if name == "bucket" else fields.get(name, "")
        if given != value if kind == "eq" else not given.startswith(value):
            raise _against(f'Policy Condition failed: ["{kind}", "${name}", "{value}"]')
    extra = [name for name in fields if name not in named | _FREE and not name.startswith("x-ignore-")]
    if extra:
        raise _against(f"Extra input fields: {', '.join(extra)}")
    return bounds


def _condition(condition: Any) -> tuple[str, str, str]:
    """Kind, field (lower case, without $) and value."""
    if isinstance(condition, dict) and len(condition) == 1:
        ((name, value),) = condition.items()
        return "eq", str(name).lower(), str(value)
    if isinstance(condition, list) and len(condition) == 3:
        kind, name, value = str(condition[0]).lower(), str(condition[1]), str(condition[2])
        if kind == "content-length-range" and _is_size(name) and _is_size(value):
            return kind, name, value
        if kind in ("eq", "starts-with") and name.startswith("$"):
            return kind, name[1:].lower(), value
    raise S3Error("InvalidPolicyDocument", "Invalid Policy: Invalid Condition.")


def _malformed() -> S3Error:
    text = "The body of your POST request is not well-formed multipart/form-data."
    return S3Error("MalformedPOSTRequest", text)


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _against(what: str) -> S3Error:
    return S3Error("AccessDenied", f"Invalid according to Policy: {what}")


async def _content(service: Service, form: AsyncIterator[Event], bounds: Bounds, fields: Mapping[str, str]) -> Content:
    """The file as content of the store, with the sum that the form has a field for."""
    given = {HEADERS[name]: value for name, value in fields.items() if name in HEADERS}
    algorithm = next(iter(given), CRC64NVME)
    intake = Intake(service.store.files, [algorithm])
    try:
        async for event in form:
            if not isinstance(event, bytes):
                break
            intake.write(event)
            if intake.size > bounds.most:
                text = "Your proposed upload exceeds the maximum allowed size"
                raise S3Error("EntityTooLarge", text, ProposedSize=intake.size, MaxSizeAllowed=bounds.most)
        if intake.size < bounds.least:
            text = "Your proposed upload is smaller than the minimum allowed size"
            raise S3Error("EntityTooSmall", text, ProposedSize=intake.size, MinSizeAllowed=bounds.least)
        content = intake.content()
        if given and given[algorithm] != content.checksums[algorithm]:
            raise S3Error("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")
    except ValueError:
        intake.drop()
        raise _malformed() from None
    except BaseException:
        intake.drop()
        raise
    return content


def _answer(request: S3Request, fields: Mapping[str, str], stored: Stored) -> Answer:
    """By the form: a redirect, a document (201), 200, or 204."""
    host = request.header("host")
    place = f"http://{host}/{quote(request.bucket)}/{quote(stored.key)}"
    headers = {**written_headers(stored), "location": place}
    redirect = fields.get("success_action_redirect") or fields.get("redirect")
    if redirect and redirect.startswith(("http://", "https://")):
        mark = "&" if "?" in redirect else "?"
        etag = quote(f'"{stored.etag}"')
        told = f"bucket={quote(request.bucket)}&key={quote(stored.key, safe='')}&etag={etag}"
        return Answer(303, {**headers, "location": f"{redirect}{mark}{told}"})
    status = fields.get("success_action_status")
    if status == "201":
        value: dict[str, xml.Value] = {
            "Location": place,
            "Bucket": request.bucket,
            "Key": stored.key,
            "ETag": f'"{stored.etag}"',
        }
        answer = document("PostResponse", value, headers)
        answer.status = 201
        return answer
    return Answer(200 if status == "200" else 204, headers)
