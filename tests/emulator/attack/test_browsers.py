"""Pages of a browser, and names that somebody else's DNS made point here: each port turns them away."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import pytest

from tests.emulator.attack.conftest import House
from tests.emulator.attack.jobs import BUCKET
from tests.emulator.attack.seeds import OPERATIONS, SERVICES, Seeds
from tests.emulator.attack.speaking import Speaker, written
from tests.matrix import points

ORIGINS = (
    "https://evil.example", "null", "file://", "chrome-extension://abcdefghijklmnop", "http://localhost:3000",
    "http://127.0.0.1", "http://[::1]:8080", "",
)  # fmt: skip
FORM = "application/x-www-form-urlencoded"
SIMPLE = ("text/plain", FORM, "multipart/form-data; boundary=x")
"""The types that a page may send without asking first."""
BODIES = (
    b'{"TrainingJobName": "x"}',
    b"Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&ImageId=ami-1",
    b"Action=CreateUser&Version=2010-05-08&UserName=evil",
    b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=a&RoleSessionName=b&WebIdentityToken=c",
    b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nevil\r\n--x--\r\n',
)
ADMIN = [("GET", "health"), ("GET", "calls?since=0"), ("GET", "credentials"), ("PUT", "settings"), ("PUT", "faults"),
         ("PUT", "clock"), ("POST", "reset"), ("GET", "processes")]  # fmt: skip
HOSTS = (
    "evil.example", "evil.example:80", "127.0.0.1.nip.io", "localhost.evil.example", "notlocalhost", "0.0.0.0", "[::]",
    "169.254.169.254", "169.254.170.2", "10.0.0.1", "2130706433", "0x7f.1", "user@localhost", "localhost,evil.example",
    "", "s3.amazonaws.com", f"{BUCKET}.s3.amazonaws.com",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What a browser sends."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def plus(self, **headers: str) -> Request:
        return replace(
            self, headers={**self.headers, **{name.replace("_", "-"): text for name, text in headers.items()}}
        )


def simple_posts() -> Iterator[Request]:
    for path in ("/", f"/{BUCKET}", f"/{BUCKET}/key"):
        for kind in SIMPLE:
            for body in BODIES:
                yield Request("POST", path, {"Content-Type": kind}, body)


def preflights() -> Iterator[Request]:
    for path in ("/", f"/{BUCKET}/key", "/_emulator/settings"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Private-Network": "true"}
            yield Request("OPTIONS", path, {**asked, "Access-Control-Request-Headers": "x-amz-target, authorization"})
    yield Request("OPTIONS", "/")


def signed(speaker: Speaker, seeds: Seeds) -> Iterator[Request]:
    """Every operation of ours, rightly signed, as a page could send it that has got hold of a key."""
    for name, operation in OPERATIONS:
        own = SERVICES[name]
        method, path, headers, body = written(
            own, operation, seeds.requests(own, operation)[0], own.model.metadata["protocol"]
        )
        yield Request(method, path, speaker.signed(path, headers, body, own.model.signing_name, method), body)


def from_pages(speaker: Speaker, seeds: Seeds) -> Iterator[Request]:
    """All that a page can make a browser send: with an Origin, or without one as images and frames are asked for."""
    for asked in (*simple_posts(), *preflights()):
        for origin in ORIGINS:
            yield asked.plus(Origin=origin)
    for method, name in ADMIN:
        yield Request(method, f"/_emulator/{name}", {"Origin": ORIGINS[0]}, b"{}")
    for path in ("/", f"/{BUCKET}/key", "/_emulator/health", f"/{BUCKET}/key?X-Amz-Credential=a"):
        for site in ("cross-site", "same-site", "same-origin", "Cross-Site"):
            yield Request("GET", path, {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
    for asked in signed(speaker, seeds):
        yield asked.plus(Origin=ORIGINS[0])
        yield asked.plus(Sec_Fetch_Site="cross-site")


def under_other_names(speaker: Speaker, seeds: Seeds) -> Iterator[Request]:
    """What a page sends whose own name was made to point here."""
    for host in HOSTS:
        for method, path in [("GET", "/"), ("GET", f"/{BUCKET}/key"), ("POST", "/"), ("OPTIONS", "/")]:
            yield Request(method, path, {"Host": host})
        for method, name in ADMIN:
            yield Request(method, f"/_emulator/{name}", {"Host": host}, b"{}")
    for asked in signed(speaker, seeds):
        yield asked.plus(Host=HOSTS[0])


Requests = Callable[[Speaker, Seeds], Iterator[Request]]


class Port:
    """One of the emulator's ports, asked over a connection that stays open while it may."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=30)

    def problem(self, asked: Request) -> str:
        """What is wrong with an answer; empty if nothing is."""
        self._connection.putrequest(asked.method, asked.path, skip_host="Host" in asked.headers)
        for name, text in {**asked.headers, "Content-Length": str(len(asked.body))}.items():
            self._connection.putheader(name, text)
        self._connection.endheaders(asked.body)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status not in (400, 403):
            return f"{answer.status} {body[:200]!r}"
        return ", ".join(name for name in answer.headers if name.lower().startswith("access-control-"))

    def close(self) -> None:
        self._connection.close()


@pytest.mark.parametrize("which", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("requests", [from_pages, under_other_names])
def test_a_page_gets_nothing_and_does_nothing(
    house: House, speaker: Speaker, seeds: Seeds, which: str, requests: Requests, request: pytest.FixtureRequest
) -> None:
    port, wrong, tried = Port(house.emulator.env[which]), [], 0
    before, objects = house.emulator.last_call(), keys(house)
    for asked in requests(speaker, seeds):
        tried += 1
        if found := port.problem(asked):
            wrong.append(f"{asked.method} {asked.path} {json.dumps(asked.headers)[:300]}: {found}")
    port.close()
    points.several(request, "attack matrix, browsers", tried)
    assert not wrong, "\n".join(wrong[:20])
    assert house.emulator.last_call() == before
    assert keys(house) == objects
    house.unchanged()


def keys(house: House) -> list[str]:
    found = house.emulator.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [one["Key"] for one in found]
