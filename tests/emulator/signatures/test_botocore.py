"""Whatever botocore signs is verified; any one change to it is refused."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flytekitplugins_smfs.emulator.signatures import Decoder, Dialect, Key, Keys, SignatureError, verify

from .conftest import SESSION, USER

HOST = "127.0.0.1:4321"
Headers = list[tuple[str, str]]

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
paths = st.lists(text, max_size=4).map(lambda parts: "/" + quote("/".join(parts), safe="/~"))
queries = st.lists(st.tuples(text.filter(bool), text), max_size=4, unique_by=lambda pair: pair[0])
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
names = st.from_regex(r"x-amz-meta-[a-z0-9]{1,8}", fullmatch=True)
requests = st.tuples(
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    paths,
    queries,
    st.dictionaries(names, values, max_size=3),
    st.binary(max_size=40),
    st.sampled_from([USER, SESSION]),
)
Signer = Callable[[Credentials], Any]
SIGNERS: dict[str, tuple[Dialect, Signer]] = {
    "s3 header": (Dialect.S3, lambda c: S3SigV4Auth(c, "s3", "us-east-1")),
    "s3 query": (Dialect.S3, lambda c: S3SigV4QueryAuth(c, "s3", "us-east-1", expires=60)),
    "other header": (Dialect.JSON, lambda c: SigV4Auth(c, "fsx", "eu-west-1")),
    "other query": (Dialect.QUERY, lambda c: SigV4QueryAuth(c, "sts", "eu-west-1", expires=60)),
}


def signed(signer: Signer, key: Key, method: str, path: str, query: Any, headers: Any, body: bytes) -> AWSRequest:
    """The request, as botocore signs it."""
    encoded = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query)
    url = f"http://{HOST}{path}" + (f"?{encoded}" if encoded else "")
    request = AWSRequest(method, url, dict(headers), body)
    request.context["payload_signing_enabled"] = True
    signer(Credentials(key.id, key.secret, key.token)).add_auth(request)
    return request


def on_wire(request: AWSRequest) -> tuple[str, Headers]:
    """Target and headers as they are sent."""
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return target, [("Host", HOST), *((name, str(value)) for name, value in request.headers.items())]


def take(keys: Keys, dialect: Dialect, method: str, target: str, headers: Headers, body: bytes) -> Key | None:
    """Who sent it, the body looked at too."""
    given = b"" if dialect is Dialect.S3 else body
    verified = verify(method, target, headers, keys, time.time(), dialect=dialect, body=given)
    decoder = Decoder(verified, headers)
    decoder.feed(body)
    decoder.finish()
    return verified.key


@pytest.mark.parametrize("how", SIGNERS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=requests)
def test_what_botocore_signs_is_verified(keys: Keys, how: str, request: Any) -> None:
    dialect, signer = SIGNERS[how]
    method, path, query, headers, body, key = request
    body = b"" if "query" in how else body  # botocore takes a body for further parameters
    sent = signed(signer, key, method, path, query, headers, body)
    assert take(keys, dialect, method, *on_wire(sent), body) == key


def _flip(text: str, at: int) -> str:
    """The text with one letter or digit replaced by another."""
    places = [number for number, letter in enumerate(text) if letter.isascii() and letter.isalnum()]
    place = places[at % len(places)]
    return text[:place] + ("b" if text[place] != "b" else "c") + text[place + 1 :]


@pytest.mark.parametrize("how", SIGNERS)
@pytest.mark.parametrize("what", ["method", "path", "query", "header", "host", "body", "added header"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 500), key=st.sampled_from([USER, SESSION]))
def test_any_one_change_is_refused(keys: Keys, how: str, what: str, at: int, key: Key) -> None:
    dialect, signer = SIGNERS[how]
    if (what == "body" and how == "s3 query") or (what == "added header" and dialect is not Dialect.S3):
        return  # not signed there
    body = b"" if "query" in how else b"some body"
    sent = signed(signer, key, "PUT", "/some/path%20here", [("some", "query")], {"x-amz-meta-a": "value"}, body)
    target, headers = on_wire(sent)
    method, changed = "PUT", dict(headers)
    path, _, query = target.partition("?")
    if what == "method":
        method = "POST"
    elif what == "path":
        target = f"/some/{_flip('path', at)}%20here?{query}"
    elif what == "query":
        target = f"{path}?{_flip('some=query', at)}&{query.partition('&')[2]}"
    elif what == "header":
        changed["x-amz-meta-a"] = _flip("value", at)
    elif what == "host":
        changed["Host"] = "localhost:4321"
    elif what == "added header":
        changed["x-amz-meta-b"] = "another"
    else:
        body = _flip(body.decode() or "a", at).encode()
    with pytest.raises(SignatureError) as refused:
        take(keys, dialect, method, target, list(changed.items()), body)
    assert refused.value.status in (400, 403)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 2000))
def test_any_letter_of_a_signature_counts(keys: Keys, at: int) -> None:
    sent = signed(SIGNERS["s3 header"][1], USER, "GET", "/bucket/key", [], {}, b"")
    target, headers = on_wire(sent)
    changed = [(name, _flip(value, at) if name == "Authorization" else value) for name, value in headers]
    with pytest.raises(SignatureError):
        take(keys, Dialect.S3, "GET", target, changed, b"")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=paths, key=st.sampled_from([USER, SESSION]), kind=st.sampled_from(["", "text/plain"]))
def test_presigned_by_version_2(keys: Keys, path: str, key: Key, kind: str) -> None:
    request = AWSRequest(
        "PUT", f"http://{HOST}{path}?partNumber=1&uploadId=u%2B1", {"content-type": kind} if kind else {}
    )
    HmacV1QueryAuth(Credentials(key.id, key.secret, key.token), 60).add_auth(request)
    target, _ = on_wire(request)
    sent = [("Host", HOST), *([("Content-Type", kind)] if kind else [])]
    assert take(keys, Dialect.S3, "PUT", target, sent, b"anything") == key
    for method, other, headers in (
        ("GET", target, sent),
        ("PUT", target.replace("partNumber=1", "partNumber=2"), sent),
        ("PUT", "/x" + target, sent),
        ("PUT", target.replace("Expires=", "Expires=1"), sent),
        ("PUT", target, [("Host", HOST), ("Content-Type", "text/html")]),
    ):
        with pytest.raises(SignatureError) as refused:
            take(keys, Dialect.S3, method, other, headers, b"")
        assert refused.value.code == "SignatureDoesNotMatch"
