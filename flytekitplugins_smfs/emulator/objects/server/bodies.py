"""Reading bodies: small ones into memory, content into a file, each with a bound."""

import asyncio
import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from ...signatures import Decoder, SignatureError
from ...wire import Arrival
from .. import checksums
from ..errors import S3Error
from ..files import Files
from ..intake import Intake
from ..records import Content
from .integrity import Integrity, promised
from .request import S3Request

MAX_PUT_BYTES = 5 << 30
MAX_DOCUMENT_BYTES = 1 << 20
_INLINE_BYTES = 128 * 1024
"""Content up to here is hashed and written at once; above, in a thread."""
_BLOCK_BYTES = 1 << 20

_NOTHING = Integrity(None, None, None)
_workers = ThreadPoolExecutor(4, thread_name_prefix="content")


async def small(
    request: S3Request, most: int = MAX_DOCUMENT_BYTES, needs_sum: bool = False, own_sums: bool = False
) -> bytes:
    """A document's bytes, as they were promised. ``needs_sum``: refused without Content-MD5 or a checksum.

    ``own_sums``: the checksums in the headers are not of these bytes, but of what they are about.
    """
    integrity = _NOTHING if own_sums else promised(request)
    if needs_sum and not integrity.given:
        text = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        raise S3Error("InvalidRequest", text)
    length = _length(request)
    if length > most:
        text = "Your request was too big."
        raise S3Error("MaxMessageLengthExceeded", text, MaxMessageLengthBytes=most)
    decoder = Decoder(request.verified, request.arrival.headers)
    data = bytearray()
    async for piece in request.arrival.pieces():
        data += fed(decoder, piece)
        if len(data) > most:
            raise S3Error("MaxMessageLengthExceeded", "Your request was too big.", MaxMessageLengthBytes=most)
    _finish(decoder)
    body = bytes(data)
    integrity.check(_sums(body, integrity), decoder.trailers)
    return body


async def content(request: S3Request, files: Files, algorithms: Iterable[str], integrity: Integrity) -> Content:
    """The body as a new file of the store, checked. Raises S3Error, and then nothing is left of it."""
    length = _length(request)
    if length > MAX_PUT_BYTES:
        text = "Your proposed upload exceeds the maximum allowed size"
        raise S3Error("EntityTooLarge", text, ProposedSize=length, MaxSizeAllowed=MAX_PUT_BYTES)
    decoder = Decoder(request.verified, request.arrival.headers)
    intake = Intake(files, algorithms)
    try:
        if length <= _INLINE_BYTES:
            async for piece in request.arrival.pieces():
                intake.write(fed(decoder, piece))
        else:
            await _pour(request.arrival, intake, decoder)
        _finish(decoder)
        if intake.size != length:
            raise S3Error("IncompleteBody", "The request body terminated unexpectedly")
        taken = intake.content()
        integrity.check(taken, decoder.trailers)
    except BaseException:
        intake.drop()
        raise
    return taken


def fed(decoder: Decoder, piece: bytes) -> bytes:
    """What a decoder makes of a piece, its refusal as S3's."""
    try:
        return decoder.feed(piece)
    except SignatureError as error:
        raise of_signature(error) from None


def of_signature(error: SignatureError) -> S3Error:
    """A refusal of the signature's as one of S3's."""
    return S3Error(error.code, error.message, error.status, **error.fields)


async def _pour(arrival: Arrival, intake: Intake, decoder: Decoder) -> None:
    """Let a thread decode, hash and write one block while the next comes in."""
    loop = asyncio.get_running_loop()
    working: asyncio.Future[None] | None = None
    block: list[bytes] = []
    size = 0

    def work(pieces: list[bytes]) -> None:
        intake.write(fed(decoder, b"".join(pieces)))

    try:
        async for piece in arrival.pieces():
            block.append(piece)
            size += len(piece)
            if size >= _BLOCK_BYTES:
                if working is not None:
                    await working
                working = loop.run_in_executor(_workers, work, block)
                block, size = [], 0
        if working is not None:
            await working
        working = loop.run_in_executor(_workers, work, block)
    finally:
        if working is not None:
            await working


def _length(request: S3Request) -> int:
    """How long the content will be. Raises S3Error when the request does not say so."""
    decoded = request.header("x-amz-decoded-content-length")
    if request.verified.payload.chunked:
        if decoded is None or not (decoded.isascii() and decoded.isdecimal() and len(decoded) < 19):
            raise S3Error("MissingContentLength", "You must provide the Content-Length HTTP header.")
        return int(decoded)
    if request.arrival.length is not None:
        return request.arrival.length
    if "transfer-encoding" in request.values:
        text = "A header you provided implies functionality that is not implemented"
        raise S3Error("NotImplemented", text, Header="Transfer-Encoding")
    if request.method == "POST":
        return 0
    raise S3Error("MissingContentLength", "You must provide the Content-Length HTTP header.")


def _finish(decoder: Decoder) -> None:
    try:
        decoder.finish()
    except SignatureError as error:
        raise of_signature(error) from None


def _sums(body: bytes, integrity: Integrity) -> Content:
    """The sums of a document, as if it were content."""
    sums = {}
    if integrity.algorithm is not None:
        each = checksums.new(integrity.algorithm)
        each.update(body)
        sums[integrity.algorithm] = checksums.encoded(each.digest())
    return Content("", len(body), hashlib.md5(body, usedforsecurity=False).hexdigest(), sums)
