"""Takes a body as it arrives: unframes ``aws-chunked``, checks hashes, chunk signatures, lengths and trailers.

S3's pages "Transferring payload in multiple chunks" and "Including trailing headers (chunked upload)". Data is handed
on as it comes, before its chunk's signature is known: keep it where it does not count until ``finish`` has returned.
"""

import hashlib
from enum import Enum, auto

from . import canonical
from .authorization import header_values, one_header
from .canonical import Headers
from .problems import Dialect, Problem, SignatureError, problem
from .verification import Payload, Verified

_LINE = 4096
_TRAILERS = 16 * 1024
_SMALLEST = 8192
"""Longest line of a frame, most of all trailers, and least of a chunk that is not the last, in bytes."""
_EMPTY = canonical.sha256(b"")
_SIGNATURE = "x-amz-trailer-signature"


class _State(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    DONE = auto()


class Decoder:
    """One body. Feed it what arrives, then ``finish``. Not for several threads at once."""

    def __init__(self, verified: Verified, headers: Headers = ()) -> None:
        """``headers`` are the request's: they announce the decoded length and the trailers of a chunked body."""
        self._verified = verified
        self._framed = verified.payload.chunked
        self._hash = hashlib.sha256() if verified.payload is Payload.HASH else None
        self._signed = self._framed and verified.signing_key is not None and _has_signatures(verified.payload)
        self._previous = verified.signature
        self._length = _decoded_length(headers) if self._framed else None
        self._announced = [
            name.strip().lower()
            for value in header_values(headers, "x-amz-trailer")
            for name in value.split(",")
            if name.strip()
        ]
        self._state = _State.SIZE
        self._buffer = bytearray()
        self._left = 0
        self._chunk_signature = ""
        self._chunk_hash = hashlib.sha256()
        self._small = False
        self._trailer_bytes = 0
        self.decoded = 0
        self.trailers: dict[str, str] = {}

    @property
    def length(self) -> int | None:
        """How long the decoded body will be, where the request says so."""
        return self._length

    def feed(self, data: bytes) -> bytes:
        """The content in the next piece of the body. Raises SignatureError as soon as something is wrong."""
        if not self._framed:
            if self._hash is not None:
                self._hash.update(data)
            self.decoded += len(data)
            return data
        self._buffer += data
        out: list[bytes] = []
        while self._step(out):
            continue
        piece = b"".join(out) if len(out) != 1 else out[0]
        self.decoded += len(piece)
        if self._length is not None and self.decoded > self._length:
            raise _incomplete()
        return piece

    def finish(self) -> None:
        """Say that nothing more comes. Raises SignatureError unless the body was whole and as it was signed."""
        if self._hash is not None and self._hash.hexdigest() != self._verified.sha256:
            computed = {
                "ClientComputedContentSHA256": self._verified.sha256 or "",
                "S3ComputedContentSHA256": self._hash.hexdigest(),
            }
            dialect = self._verified.dialect
            raise problem(Problem.WRONG_PAYLOAD, dialect, fields=computed if dialect is Dialect.S3 else None)
        if not self._framed:
            return
        if self._state is not _State.DONE or (self._length is not None and self.decoded != self._length):
            raise _incomplete()
        if any(name not in self.trailers for name in self._announced):
            raise _malformed_trailer()

    def _step(self, out: list[bytes]) -> bool:
        """Take the next thing from the buffer; False if it is not there whole."""
        if self._state is _State.DATA:
            return self._take_data(out)
        if self._state is _State.DONE:
            if self._buffer:
                raise _incomplete()
            return False
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > _LINE:
                raise _incomplete() if self._state is not _State.TRAILER else _malformed_trailer()
            return False
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        if self._state is _State.SIZE:
            self._begin_chunk(line)
        elif self._state is _State.DATA_END:
            self._end_chunk(line)
        else:
            self._take_trailer(line)
        return True

    def _begin_chunk(self, line: bytes) -> None:
        size, _, extensions = line.partition(b";")
        name, _, signature = extensions.strip().partition(b"=")
        size = size.strip()
        if not size or len(size) > 12 or size.strip(b"0123456789abcdefABCDEF"):
            raise _incomplete()
        self._left = int(size, 16)
        if self._left and self._small:
            text = "Only the last chunk is allowed to have a size less than 8192 bytes"
            raise SignatureError("InvalidChunkSizeError", text, 403)
        self._small = self._left < _SMALLEST
        if self._signed and name != b"chunk-signature":
            raise problem(Problem.MISMATCH, Dialect.S3)
        self._chunk_signature = signature.decode("latin-1")
        self._chunk_hash = hashlib.sha256()
        if self._left:
            self._state = _State.DATA
        else:
            self._check_chunk()
            self._state = _State.TRAILER

    def _take_data(self, out: list[bytes]) -> bool:
        if not self._buffer:
            return False
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        if self._signed:
            self._chunk_hash.update(piece)
        out.append(piece)
        if not self._left:
            self._state = _State.DATA_END
        return True

    def _end_chunk(self, line: bytes) -> None:
        if line:
            raise _incomplete()
        self._check_chunk()
        self._state = _State.SIZE

    def _take_trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        if self._trailer_bytes > _TRAILERS:
            raise _malformed_trailer()
        if not line:
            self._check_trailers()
            self._state = _State.DONE
            return
        name, colon, value = line.decode("latin-1").partition(":")
        name = name.strip().lower()
        if not colon or not name or name in self.trailers:
            raise _malformed_trailer()
        if self._verified.payload is Payload.SIGNED_CHUNKS or (name != _SIGNATURE and name not in self._announced):
            raise _malformed_trailer()
        self.trailers[name] = value.strip()

    def _check_chunk(self) -> None:
        if self._signed:
            self._check("PAYLOAD", f"{_EMPTY}\n{self._chunk_hash.hexdigest()}", self._chunk_signature)

    def _check_trailers(self) -> None:
        signature = self.trailers.pop(_SIGNATURE, "")
        if self._signed and self._verified.payload is Payload.SIGNED_CHUNKS_TRAILER:
            lines = "".join(f"{name}:{value}\n" for name, value in self.trailers.items())
            self._check("TRAILER", canonical.sha256(lines.encode("latin-1")), signature)

    def _check(self, what: str, hashes: str, signature: str) -> None:
        """Each signature covers the one before, from that of the request on."""
        signed = self._verified
        text = f"AWS4-HMAC-SHA256-{what}\n{signed.moment}\n{signed.scope}\n{self._previous}\n{hashes}"
        self._previous = canonical.sign(signed.signing_key or b"", text)
        if not canonical.same(self._previous, signature):
            raise problem(Problem.MISMATCH, Dialect.S3)


def _has_signatures(payload: Payload) -> bool:
    return payload in (Payload.SIGNED_CHUNKS, Payload.SIGNED_CHUNKS_TRAILER)


def _decoded_length(headers: Headers) -> int:
    text = one_header(headers, "x-amz-decoded-content-length")
    if text is None:
        raise SignatureError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise SignatureError("InvalidArgument", "x-amz-decoded-content-length is no length.", 400)
    return int(text)


def _incomplete() -> SignatureError:
    text = "The request body terminated unexpectedly"
    return SignatureError("IncompleteBody", text, 400)


def _malformed_trailer() -> SignatureError:
    text = "The request contained trailing data that was not well-formed or did not conform to our published schema."
    return SignatureError("MalformedTrailerError", text, 400)
