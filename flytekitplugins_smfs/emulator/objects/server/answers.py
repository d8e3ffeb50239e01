"""What is answered: a status, headers and a small body, or a piece of an object's file."""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...wire import Piece, Reply
from ...wire.replies import now
from ..errors import S3Error
from . import xml

SMALL_BYTES = 256 * 1024
"""Content up to here is read and written in one go; above, the kernel sends the file."""


@dataclass(slots=True)
class Answer:
    """One answer before it is written."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: Piece | None = None
    length: int | None = None
    """What Content-Length says where no body follows, as for HEAD."""


def document(name: str, value: Mapping[str, xml.Value], headers: dict[str, str] | None = None) -> Answer:
    """An XML document."""
    return Answer(200, {"content-type": "application/xml", **(headers or {})}, xml.written(name, value))


def refusal(error: S3Error, resource: str, request_id: str, host_id: str) -> Answer:
    """The error document. 304 has none."""
    fields: dict[str, xml.Value] = {"Code": error.code, "Message": error.message, **error.fields}
    fields |= {"Resource": resource, "RequestId": request_id, "HostId": host_id}
    return Answer(error.status, {"content-type": "application/xml"}, xml.written("Error", fields, namespace=False))


def new_ids() -> tuple[str, str]:
    """``x-amz-request-id`` and ``x-amz-id-2``."""
    random = os.urandom(50)
    return random[:8].hex().upper(), base64.b64encode(random[8:]).decode("ascii")


def response(answer: Answer, ids: tuple[str, str], method: str) -> Reply:
    """What goes to the wire for an answer."""
    headers = [(name, _one_line(value)) for name, value in answer.headers.items()]
    headers += (("x-amz-request-id", ids[0]), ("x-amz-id-2", ids[1]), ("Date", now()), ("Server", "AmazonS3"))
    body = answer.body
    if method == "HEAD":
        length = len(body) if answer.length is None and answer.status not in (204, 304) else answer.length
        return Reply(answer.status, headers, length=length)
    if answer.file is None and not body and (answer.status >= 300 or answer.status == 204):
        headers = [header for header in headers if header[0] != "content-type"]
    return Reply(answer.status, headers, body, answer.file)


def _one_line(value: str) -> str:
    """A header's value: what is not ASCII as S3 answers it (RFC 2047), no line ends."""
    if value.isascii():
        return value.replace("\r", "").replace("\n", "")
    return f"=?UTF-8?B?{base64.b64encode(value.encode('utf-8', 'surrogateescape')).decode()}?="
