"""Bodies in chunks: AWS's own published examples, and what is wrong with others."""

import base64
import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flytekitplugins_smfs.emulator.signatures import (
    Decoder,
    Dialect,
    Key,
    Keys,
    Payload,
    SignatureError,
    Verified,
    unsigned,
    verify,
)
from flytekitplugins_smfs.emulator.signatures.authorization import parse_moment

EXAMPLE = Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None, "arn", "1")
MOMENT = "20130524T000000Z"
NOW = parse_moment(MOMENT) or 0.0
CONTENT = b"a" * 66_560
HOST = "s3.amazonaws.com"
TARGET = "/examplebucket/chunkObject.txt"
Headers = list[tuple[str, str]]


@pytest.fixture
def keys(table: Keys) -> Iterator[Keys]:
    table.add(EXAMPLE)
    return table


def headers(kind: str, signature: str, **more: str) -> Headers:
    """The headers of the examples of "Signature Calculations for the Authorization Header: Transferring Payload"."""
    own = {
        "content-encoding": "aws-chunked",
        "host": HOST,
        "x-amz-content-sha256": kind,
        "x-amz-date": MOMENT,
        "x-amz-decoded-content-length": "66560",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    names = ";".join(sorted(own))
    scope = f"{EXAMPLE.id}/20130524/us-east-1/s3/aws4_request"
    value = f"AWS4-HMAC-SHA256 Credential={scope},SignedHeaders={names},Signature={signature}"
    return [("Authorization", value), *own.items()]


SIGNED = headers(
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    content_length="66824",
)
SIGNED_BODY = (
    b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
    + b"a" * 65_536
    + b"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
    + b"a" * 1024
    + b"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
)
TRAILED = headers(
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    x_amz_trailer="x-amz-checksum-crc32c",
)
TRAILED_BODY = (
    b"10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n"
    + b"a" * 65_536
    + b"\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n"
    + b"a" * 1024
    + b"\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
    + b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    + b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)


def decode(verified: Verified, sent: Headers, body: bytes, step: int = 10_000) -> tuple[bytes, dict[str, str]]:
    decoder = Decoder(verified, sent)
    content = b"".join(decoder.feed(body[at : at + step]) for at in range(0, len(body), step))
    decoder.finish()
    return content, decoder.trailers


@pytest.mark.parametrize("step", [1, 7, 1000, 70_000])
def test_published_example_of_signed_chunks(keys: Keys, step: int) -> None:
    verified = verify("PUT", TARGET, SIGNED, keys, NOW)
    assert verified.payload is Payload.SIGNED_CHUNKS
    assert decode(verified, SIGNED, SIGNED_BODY, step) == (CONTENT, {})


def test_published_example_of_a_signed_trailer(keys: Keys) -> None:
    verified = verify("PUT", TARGET, TRAILED, keys, NOW)
    assert decode(verified, TRAILED, TRAILED_BODY) == (CONTENT, {"x-amz-checksum-crc32c": "sOO8/Q=="})


@given(at=st.integers(0, len(TRAILED_BODY) - 1), bit=st.integers(0, 7))
def test_no_bit_of_a_signed_body_can_be_changed(at: int, bit: int) -> None:
    verified = _verified(TRAILED, Payload.SIGNED_CHUNKS_TRAILER)
    body = bytearray(TRAILED_BODY)
    body[at] ^= 1 << bit
    try:
        content, trailers = decode(verified, TRAILED, bytes(body))
    except SignatureError:
        return
    assert content == CONTENT  # a space or the case of a hexadecimal length, which say nothing
    assert trailers == {"x-amz-checksum-crc32c": "sOO8/Q=="}


def _verified(sent: Headers, payload: Payload) -> Verified:
    """What ``verify`` makes of the examples."""
    from flytekitplugins_smfs.emulator.signatures.canonical import signing_key

    signature = dict(sent)["Authorization"].rpartition("=")[2]
    key = signing_key(EXAMPLE.secret, "20130524", "us-east-1", "s3")
    scope = "20130524/us-east-1/s3/aws4_request"
    return Verified(
        EXAMPLE,
        "s3",
        "us-east-1",
        payload,
        Dialect.S3,
        moment=MOMENT,
        scope=scope,
        signature=signature,
        signing_key=key,
    )


def _unsigned(length: int, trailer: str = "x-amz-checksum-crc32") -> Headers:
    return [
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", str(length)),
        *([("x-amz-trailer", trailer)] if trailer else []),
    ]


@given(st.lists(st.integers(8192, 9000), max_size=3), st.binary(max_size=20), st.integers(1, 9000))
def test_unsigned_chunks_with_a_trailer(sizes: list[int], last: bytes, step: int) -> None:
    whole = [chunk for chunk in (*((bytes(range(256)) * 36)[:size] for size in sizes), last) if chunk]
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in whole)
    sent = _unsigned(sum(map(len, whole)))
    body += b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    content, trailers = decode(unsigned(sent), sent, body, step)
    assert (content, trailers) == (b"".join(whole), {"x-amz-checksum-crc32": "AAAAAA=="})
    for end in range(len(body) - 40, len(body)):
        with pytest.raises(SignatureError) as refused:
            decode(unsigned(sent), sent, body[:end], step)
        assert refused.value.code == "IncompleteBody"


@pytest.mark.parametrize(
    ("body", "length", "code"),
    [
        (b"5\r\nhello\r\n0\r\n\r\n", 5, "MalformedTrailerError"),  # announced, and not there
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-sha1:a\r\n\r\n", 5, "MalformedTrailerError"),  # another one
        (b"5\r\nhello\r\n0\r\nnonsense\r\n\r\n", 5, "MalformedTrailerError"),
        (b"5\r\nhello\r\n0\r\n" + b"x" * 5000, 5, "MalformedTrailerError"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:a\r\n\r\n", 6, "IncompleteBody"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:a\r\n\r\n", 4, "IncompleteBody"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:a\r\n\r\nmore", 5, "IncompleteBody"),
        (b"5\r\nhello!\r\n0\r\n\r\n", 5, "IncompleteBody"),
        (b"-5\r\nhello\r\n", 5, "IncompleteBody"),
        (b"\r\n", 5, "IncompleteBody"),
        (b"zz\r\n", 5, "IncompleteBody"),
        (b"fffffffffffffffff\r\n", 5, "IncompleteBody"),
        (b"1" * 5000, 5, "IncompleteBody"),
        (b"2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:a\r\n\r\n", 5, "InvalidChunkSizeError"),
    ],
)
def test_ill_made_chunks(body: bytes, length: int, code: str) -> None:
    sent = _unsigned(length)
    with pytest.raises(SignatureError) as refused:
        decode(unsigned(sent), sent, body)
    assert refused.value.code == code


@pytest.mark.parametrize("length", ["", "-1", "1e3", "٣", "9" * 20])
def test_a_decoded_length_that_is_none(length: str) -> None:
    sent = [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), ("x-amz-decoded-content-length", length)]
    with pytest.raises(SignatureError):
        Decoder(unsigned(sent), sent)
    with pytest.raises(SignatureError) as missing:
        Decoder(unsigned(sent[:1]), sent[:1])
    assert missing.value.code == "MissingContentLength"


def test_a_given_hash_is_checked_signed_or_not(keys: Keys) -> None:
    sent = [("x-amz-content-sha256", hashlib.sha256(b"content").hexdigest())]
    assert decode(unsigned(sent), sent, b"content") == (b"content", {})
    with pytest.raises(SignatureError) as refused:
        decode(unsigned(sent), sent, b"contend")
    assert refused.value.code == "XAmzContentSHA256Mismatch"
    assert base64.b64encode(bytes.fromhex(refused.value.fields["S3ComputedContentSHA256"]))


def test_unsigned_chunks_framing_is_taken_off_where_signatures_are_off() -> None:
    assert decode(unsigned(SIGNED), SIGNED, SIGNED_BODY) == (CONTENT, {})
