"""What is answered: a status, headers and a small body, or a piece of an object's file."""

import asyncio
import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

from aiohttp import web

from ..errors import S3Error
from . import xml

SMALL_BYTES = 256 * 1024
"""Content up to here is read and written in one go; above, the kernel sends the file."""
_STRETCH_BYTES = 16 << 20
_STRETCH_SECONDS = 60.0


@dataclass(slots=True)
class Answer:
    """One answer before it is written. ``file`` is a descriptor, an offset and a size; whoever writes it closes it."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: tuple[int, int, int] | None = None
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
    return secrets.token_hex(8).upper(), base64.b64encode(secrets.token_bytes(42)).decode("ascii")


def response(answer: Answer, ids: tuple[str, str], method: str) -> web.StreamResponse:
    """What aiohttp writes for an answer; of a file, the headers."""
    headers = {name: _one_line(value) for name, value in answer.headers.items()}
    headers["x-amz-request-id"], headers["x-amz-id-2"] = ids
    headers["Date"] = formatdate(usegmt=True)
    headers["Server"] = "AmazonS3"
    if answer.file is not None:
        return _Bare(answer.status, headers, answer.file[2])
    if method == "HEAD":
        return _Bare(answer.status, headers, len(answer.body) if answer.length is None else answer.length)
    if not answer.body:
        headers.pop("content-type", None) if answer.status >= 300 or answer.status == 204 else None
        return _Bare(answer.status, headers, 0 if answer.status not in (204, 304) else None)
    return web.Response(status=answer.status, headers=headers, body=answer.body)


class _Bare(web.StreamResponse):
    """Status and headers alone, with the Content-Length that is told."""

    def __init__(self, status: int, headers: dict[str, str], length: int | None) -> None:
        super().__init__(status=status, headers=headers)
        self._length_check = False
        if length is not None:
            self.headers["Content-Length"] = str(length)


async def sent(request: web.BaseRequest, bare: web.StreamResponse, file: tuple[int, int, int]) -> web.StreamResponse:
    """Let the kernel send a piece of a file after the headers, and close its descriptor however that ends.

    Each stretch has its deadline: who stops reading is let go, who reads slowly is served to the end.
    """
    descriptor, start, size = file
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        writer = await bare.prepare(request)
        if writer is not None:
            writer.send_headers()
        for offset in range(start, start + size, _STRETCH_BYTES):
            if request.transport is None:
                raise ConnectionResetError("the client is gone")
            count = min(_STRETCH_BYTES, start + size - offset)
            try:
                async with asyncio.timeout(_STRETCH_SECONDS):
                    await request.loop.sendfile(request.transport, stream, offset, count)
            except TimeoutError:
                raise ConnectionResetError("the client does not read") from None
        await bare.write_eof()
    return bare


def _one_line(value: str) -> str:
    """A header's value: what is not ASCII as S3 answers it (RFC 2047), no line ends."""
    if value.isascii():
        return value.replace("\r", "").replace("\n", "")
    return f"=?UTF-8?B?{base64.b64encode(value.encode('utf-8', 'surrogateescape')).decode()}?="
