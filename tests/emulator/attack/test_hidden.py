"""Calls that hide what they ask for from who looks whether they are signed."""

import gzip

import pytest

from .conftest import House
from .test_unsigned import UNSIGNED, Port, Request

_NO_TOKEN = "MissingAuthenticationToken"


def _compressed(inside: bytes, outside: bytes) -> bytes:
    """A form in gzip, whose file name reads as another one."""
    plain = gzip.compress(inside, mtime=0)
    return plain[:3] + b"\x08" + plain[4:10] + b"&" + outside + b"&\x00" + plain[10:]


_METRIC = (
    b"ction=PutMetricData&Version=2010-08-01&Namespace=n&MetricData.member.1.MetricName=m&MetricData.member.1.Value=1"
)
_ROLE = b"Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/service&RoleSessionName=name"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/", {}, b"A" + _METRIC),
        ("/", {}, b"%41" + _METRIC),
        ("/", {}, b"Padding=" + b"a" * 2000 + b"&A" + _METRIC),
        ("/?%41" + _METRIC.decode(), {}, b""),
        (
            "/",
            {"Content-Encoding": "gzip"},
            _compressed(b"Action=AssumeRole&" + _ROLE, b"Action=" + UNSIGNED[0].encode()),
        ),
    ],
    ids=["plain", "escaped", "late", "in the query", "compressed"],
)
def test_an_action_that_is_hidden_needs_a_signature(
    house: House, path: str, headers: dict[str, str], body: bytes
) -> None:
    before = house.emulator.last_call()
    port = Port(house, "AWS_ENDPOINT_URL")
    assert port.answer(Request("hidden", "POST", path, {**_FORM, **headers}, body, "")) == (403, _NO_TOKEN)
    assert port.answer(Request("no call", "POST", "/", _FORM, b"a=b", "")) == (405, "MethodNotAllowed")
    port.close()
    assert house.emulator.last_call() == before
