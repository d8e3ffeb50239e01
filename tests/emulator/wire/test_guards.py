"""Names that are this machine's, names that are not, and what a browser sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flytekitplugins_smfs.emulator.wire.guards import is_own, refusal

OWN = ["localhost", "LOCALHOST:80", "localhost.", "bucket.localhost:1", "a.b.localhost", "127.0.0.1", "127.9.8.7:65535",
       "[::1]", "[::1]:8080", "[::ffff:127.0.0.1]:1", "127.0.0.1:0"]  # fmt: skip
OTHER = ["", "example.com", "localhost.example.com", "notlocalhost", "127.0.0.1.nip.io", "127.0.0.1.example.com:80",
         "10.0.0.1", "0.0.0.0", "[::]", "[fe80::1]:80", "169.254.169.254", "localhost:port", "localhost:80:80", "::1",
         "[::1", "[::1]x", "[localhost]", "user@localhost", "localhost,example.com", "2130706433", "0x7f.1", "[::1]80",
         "localhost/", " ", "\udcff"]  # fmt: skip


@pytest.mark.parametrize("host", OWN)
def test_own_names(host: str) -> None:
    assert is_own(host)
    assert refusal([("Host", host)]) is None


@pytest.mark.parametrize("host", OTHER)
def test_other_names(host: str) -> None:
    assert not is_own(host)
    assert refusal([("host", host)])


def test_names_given_at_start() -> None:
    names = ("aws.test", "192.168.7.1")
    for host in ("aws.test", "bucket.AWS.test:80", "192.168.7.1:9"):
        assert is_own(host, names)
        assert not is_own(host)
    for host in ("notaws.test", "aws.test.example.com", "192.168.7.2"):
        assert not is_own(host, names)


def test_one_host_and_no_page() -> None:
    host = ("Host", "localhost")
    assert refusal([]) == "A request needs one Host header."
    assert refusal([host, host]) == "A request needs one Host header."
    for name, value in (
        ("Origin", "http://evil.example"),
        ("origin", "null"),
        ("ORIGIN", "http://localhost"),
        ("Sec-Fetch-Site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("Sec-Fetch-Site", "same-origin"),
    ):
        assert "web page" in (refusal([host, (name, value)]) or "")
    assert refusal([host, ("Sec-Fetch-Site", "none")]) is None  # a link that the user opened


@given(st.text(max_size=30))
def test_any_text_is_decided(host: str) -> None:
    assert isinstance(is_own(host), bool)
