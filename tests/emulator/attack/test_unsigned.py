"""Requests that are not signed, or wrongly, in every protocol: refused in its words, and nothing is done."""

from __future__ import annotations

import datetime
import http.client
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from flytekitplugins_smfs.emulator import models
from flytekitplugins_smfs.emulator.signatures import Key, Keys
from tests.emulator.attack.conftest import House
from tests.emulator.attack.drawing import Drawing
from tests.emulator.attack.jobs import BUCKET
from tests.emulator.attack.seeds import OPERATIONS, SERVICES, Seeds
from tests.emulator.attack.speaking import read, written
from tests.matrix import points
from tests.matrix.points import SOAK

FOREIGN = {
    "query": ("iam", "sns", "rds"), "ec2": ("ec2",), "json": ("dynamodb", "kms", "secretsmanager"),
    "rest-json": ("lambda", "efs", "apigateway"), "rest-xml": ("route53", "cloudfront", "s3"),
}  # fmt: skip
"""Services that are passed to moto, and S3, by protocol."""
SAMPLE = 4
_SEEDED = {"Bucket": BUCKET, "Key": "seed/code.tar.gz"}
UNSIGNED = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")
REFUSED = {
    "AccessDenied", "AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
    "IncompleteSignatureException", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignatureException",
    "InvalidToken", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "MissingParameter",
    "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "UnrecognizedClientException",
    "XAmzContentSHA256Mismatch", "AuthorizationHeaderMalformed", "InvalidRequest", "MissingSecurityHeader",
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What is to be sent, and what it is to be signed for."""

    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    scope: str


@dataclass(frozen=True)
class Signer:
    """Signs for a host, in the region us-east-1."""

    host: str
    key: Credentials

    def headers(self, asked: Request, **changes: str) -> dict[str, str]:
        """The headers with a signature. ``changes``: of the key, or ``scope``."""
        key = Credentials(**{
            "access_key": self.key.access_key, "secret_key": self.key.secret_key, "token": self.key.token,
            **{name: text for name, text in changes.items() if name != "scope"},
        })  # fmt: skip
        scope = changes.get("scope", asked.scope)
        request = AWSRequest(asked.method, f"http://{self.host}{asked.path}", dict(asked.headers), asked.body)
        (S3SigV4Auth if scope == "s3" else SigV4Auth)(key, scope, "us-east-1").add_auth(request)
        return dict(request.headers.items())


@dataclass(frozen=True)
class Others:
    """Keys that may not sign, as the emulator knows them."""

    ended: Key
    off: Key


Way = Callable[[Signer, Others, Request], Request]


def _with(**changes: str) -> Way:
    return lambda signer, _, asked: replace(asked, headers=signer.headers(asked, **changes))


def _by(which: str, **changes: str) -> Way:
    def way(signer: Signer, others: Others, asked: Request) -> Request:
        key: Key = getattr(others, which)
        by = {"access_key": key.id, "secret_key": key.secret, **({"token": key.token} if key.token else {}), **changes}
        return replace(asked, headers=signer.headers(asked, **by))

    return way


def _changed_body(signer: Signer, _: Others, asked: Request) -> Request:
    return replace(asked, headers=signer.headers(asked), body=asked.body + b" ")


def _changed_path(signer: Signer, _: Others, asked: Request) -> Request:
    path = f"{asked.path}{'&' if '?' in asked.path else '?'}x=1"
    return replace(asked, headers=signer.headers(asked), path=path)


def _changed_method(signer: Signer, _: Others, asked: Request) -> Request:
    return replace(asked, headers=signer.headers(replace(asked, method="GET" if asked.method == "PATCH" else "PATCH")))


def _of_yesterday(signer: Signer, _: Others, asked: Request) -> Request:
    with pytest.MonkeyPatch.context() as patched:
        then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        patched.setattr(botocore.auth, "get_current_datetime", lambda *_: then)
        return replace(asked, headers=signer.headers(asked))


def _more_headers(change: Callable[[dict[str, str]], dict[str, str]]) -> Way:
    return lambda signer, _, asked: replace(asked, headers=change(signer.headers(asked)))


def _authorization(old: str, new: str) -> Way:
    return _more_headers(lambda headers: {**headers, "Authorization": headers["Authorization"].replace(old, new)})


WAYS: dict[str, Way] = {
    "unknown key": _with(access_key="AKIAUNKNOWN"),
    "wrong secret": _with(secret_key="wrong"),
    "a token that is not the key's": _with(token="x"),
    "an ended session": _by("ended"),
    "another token of a session": _by("ended", token="other"),
    "a key that is off": _by("off"),
    "another body": _changed_body,
    "another query": _changed_path,
    "another method": _changed_method,
    "of yesterday": _of_yesterday,
    "no signature": _authorization("Signature=", "X="),
    "a cut signature": _authorization("Signature=", "Signature=0"),
    "no key": _authorization("Credential=", "X="),
    "another scheme": _authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
    "the host is not signed": _more_headers(
        lambda headers: {**headers, "Authorization": headers["Authorization"].replace("host;", "", 1)}
    ),
    "basic": _more_headers(lambda headers: {**headers, "Authorization": "Basic eDp5"}),
    "no date": _more_headers(lambda headers: {n: v for n, v in headers.items() if n.lower() != "x-amz-date"}),
}


def ours(seeds: Seeds) -> Iterator[Request]:
    """Our own operations, in each protocol that their service speaks."""
    for name, operation in OPERATIONS:
        own = SERVICES[name]
        if operation in UNSIGNED:
            continue
        for protocol in ("json", "cbor", "query") if name == "cloudwatch" else (own.model.metadata["protocol"],):
            parts = written(own, operation, seeds.requests(own, operation)[0], protocol)
            yield Request(f"{name} {operation}", *parts, own.model.signing_name)


def passed_on(protocol: str) -> Iterator[Request]:
    """Operations of a protocol that other services than ours answer."""
    chance = random.Random(protocol)
    for name in FOREIGN[protocol]:
        model = models.service_model(name)
        operations = sorted(model.operation_names)
        for operation in operations if SOAK else chance.sample(operations, SAMPLE):
            asked = Drawing(chance).request(model.operation_model(operation).input_shape)
            members = getattr(model.operation_model(operation).input_shape, "members", {})
            asked |= {name: text for name, text in _SEEDED.items() if name in members and protocol == "rest-xml"}
            service: Any = _Model(model)
            yield Request(f"{name} {operation}", *written(service, operation, asked, protocol), model.signing_name)


@dataclass(frozen=True)
class _Model:
    """What `written` reads of a service."""

    model: Any


@pytest.fixture(scope="module")
def others(house: House) -> Others:
    """Keys that are known and must not sign; the table is written as another process of the emulator writes it."""
    arn = "arn:aws:iam::123456789012:user/somebody"
    found = Others(
        Key("ASIAENDEDENDEDENDEDE", "secret", "token", arn, "123456789012", "AIDAQ", time.time() - 10),
        Key("AKIAOFFOFFOFFOFFOFFO", "secret", None, arn, "123456789012", "AIDAQ", active=False),
    )
    keys = Keys(house.emulator.state / "keys.db")
    keys.add(found.ended)
    keys.add(found.off)
    keys.close()
    return found


class Port:
    """A port asked over a connection that stays open while it may."""

    def __init__(self, house: House, which: str) -> None:
        where = urlsplit(house.emulator.env[which])
        env = house.emulator.env
        self.signer = Signer(where.netloc, Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]))
        self._connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)

    def answer(self, asked: Request) -> tuple[int, str]:
        """Status, and the code of an error."""
        self._connection.putrequest(asked.method, asked.path)
        for name, text in {**asked.headers, "Content-Length": str(len(asked.body))}.items():
            self._connection.putheader(name, text.encode())
        self._connection.endheaders(asked.body)
        answer = self._connection.getresponse()
        body = answer.read()
        return answer.status, read(answer.status, body).code if body else ""

    def close(self) -> None:
        self._connection.close()


def tried(port: Port, others: Others, asked: Request) -> Iterator[str]:
    """Send a request in each wrong way; what is wrong with each answer, empty if nothing is."""
    for name, way in {"unsigned": lambda *_: asked, **WAYS}.items():
        if name == "another body" and not asked.body and asked.method in ("GET", "HEAD"):
            continue
        status, code = port.answer(way(port.signer, others, asked))
        refused = status in (400, 401, 403) and (code in REFUSED or asked.method == "HEAD")
        if asked.scope == "s3" and name == "another body":  # it is not read where the request is refused without it
            refused |= status >= 400
        yield "" if refused else f"{asked.name}, {name}: {status} {code}"


def attacked(house: House, others: Others, which: str, requests: Iterator[Request]) -> tuple[int, list[str]]:
    port, answers = Port(house, which), []
    for asked in requests:
        answers += tried(port, others, asked)
    port.close()
    return len(answers), [answer for answer in answers if answer]


def test_our_own(house: House, seeds: Seeds, others: Others, request: pytest.FixtureRequest) -> None:
    before = house.emulator.last_call()
    number, wrong = attacked(house, others, "AWS_ENDPOINT_URL", ours(seeds))
    points.several(request, "attack matrix, signatures", number)
    assert not wrong, "\n".join(wrong[:30])
    assert house.emulator.last_call() == before


@pytest.mark.parametrize("protocol", FOREIGN)
def test_passed_on(house: House, seeds: Seeds, others: Others, protocol: str, request: pytest.FixtureRequest) -> None:
    before = house.emulator.last_call()
    number, wrong = attacked(house, others, "AWS_ENDPOINT_URL", passed_on(protocol))
    points.several(request, "attack matrix, signatures", number)
    assert not wrong, "\n".join(wrong[:30])
    assert house.emulator.last_call() == before


def test_s3_on_its_own_port(house: House, seeds: Seeds, others: Others, request: pytest.FixtureRequest) -> None:
    s3 = (asked for asked in passed_on("rest-xml") if asked.name.startswith("s3 "))
    number, wrong = attacked(house, others, "AWS_ENDPOINT_URL_S3", s3)
    points.several(request, "attack matrix, signatures", number)
    assert not wrong, "\n".join(wrong[:30])
    house.unchanged()
