"""Request bodies that come compressed (Content-Encoding), as newer clients send large ones."""

import zlib

from .faults import AwsError

LARGEST = 64 * 2**20
"""What a body may hold when it is inflated, in bytes."""


def inflated(body: bytes, encoding: str, most: int = LARGEST) -> bytes:
    """The plain body. Raises SerializationException for damaged or unknown compression, RequestTooLarge for a bomb."""
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise AwsError("SerializationException", f"The Content-Encoding {encoding} is not supported.", 415)
    gzip = zlib.decompressobj(wbits=31)
    try:
        plain = gzip.decompress(body, most + 1)
    except zlib.error:
        raise AwsError("SerializationException", "The request body is not gzip.") from None
    if len(plain) > most:
        raise AwsError("RequestEntityTooLarge", f"The request body is over {most} bytes when it is inflated.", 413)
    if not gzip.eof or gzip.unused_data:
        raise AwsError("SerializationException", "The request body is not one whole gzip stream.")
    return plain
