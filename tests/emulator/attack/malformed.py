"""Bytes that are no good request: HTTP that is none, headers that say nothing, several requests at once."""

from __future__ import annotations

from collections.abc import Callable

from tests.emulator.attack.bodies import cbor_body, compressed_body, json_body, query_body
from tests.emulator.attack.maker import Maker, Sent, head


def malformed(maker: Maker) -> Sent:
    """One of all kinds."""
    kind, make = maker.chance.choice(_KINDS)
    sent = make(maker)
    return Sent(f"{kind} {sent.kind}", sent.data, sent.answers, sent.leaves)


def _headers(maker: Maker) -> Sent:
    path, headers, body, scope = maker.good()
    choice, more = maker.chance.choice, {}
    kind = choice(["type", "target", "date", "signature", "protocol", "expect", "sum", "token", "missing", "long"])
    if kind == "type":
        more["Content-Type"] = choice(
            ["", "text/xml", "multipart/form-data; boundary=", "a" * 3000, "application/json; charset=utf-99", "\u00e9"]
        )
    elif kind == "target":
        more["X-Amz-Target"] = choice(
            [
                "",
                ".",
                "SageMaker.",
                ".CreateTrainingJob",
                "SageMaker.__init__",
                "A.B.C",
                "SageMaker.Nothing",
                "a" * 5000,
            ]
        )
    elif kind == "protocol":
        more["Smithy-Protocol"] = choice(["rpc-v2-cbor", "rpc-v2-json", "", "x"])
        path = choice(
            ["/", "/service", "/service//operation/", "/service/x/operation/y", "//", "/service/SageMaker/operation/"]
        )
    elif kind == "expect":
        more["Expect"] = choice(["100-continue", "200-ok", "", "x" * 3000])
    elif kind == "sum":
        more["X-Amz-Content-SHA256"] = choice(
            ["UNSIGNED-PAYLOAD", "0" * 64, "", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-X"]
        )
    elif kind == "token":
        more["X-Amz-Security-Token"] = choice(["", "x", "a" * 8000, "\u00ff"])
    elif kind == "long":
        more["X-Long"] = "a" * choice([7_000, 60_000, 70_000, 200_000])
    drop = (
        (choice(["Host", "Content-Length", "X-Amz-Date", "Authorization", "X-Amz-Target"]),)
        if kind == "missing"
        else ()
    )
    whole = maker.signed(path, {**headers, **more}, body, scope, drop)
    if kind == "date":
        whole = whole.replace(b"X-Amz-Date: 2", b"X-Amz-Date: " + choice([b"", b"9", b"x", b"-2", b"\xff"]), 1)
    elif kind == "signature":
        whole = whole.replace(
            b"Signature=", choice([b"Signature=0", b"Signatur=", b"Signature==,", b"", b"Signature=\xff"]), 1
        )
        whole = whole.replace(
            b"Credential=", choice([b"Credential=/", b"Credential=", b"Credential=a/b/c/d/", b"X="]), 1
        )
    return Sent(kind, whole)


def _framing(maker: Maker) -> Sent:
    """Lengths and chunks."""
    path, headers, body, scope = maker.good()
    whole = maker.signed(path, headers, body, scope)
    length = f"Content-Length: {len(body)}".encode()
    choice = maker.chance.choice
    lengths = [b"-1", b"x", b"", b"1e3", b"0x10", b"+5", b"99999999999999999999", b"5, 6", b" 5 5", b"\xb2"]
    chunked = [
        b"zz\r\n",
        b"-5\r\nabcde\r\n0\r\n\r\n",
        b"5\r\nabc",
        b"5\r\nabcdeXX0\r\n\r\n",
        b"ffffffffffffffffff\r\n",
        b"5;" + b"x" * 70_000 + b"\r\nabcde\r\n0\r\n\r\n",
        b"\r\n\r\n",
        b"0\r\nTrailer: x\r\n\r\n",
        b"0\r\n" + b"A: b\r\n" * 3000 + b"\r\n",
        b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"5\nabcde\n0\n\n",
        b"",
    ]
    kind = choice(["length", "two lengths", "chunks", "both", "coding", "short", "left", "more"])
    if kind == "length":
        return Sent(kind, whole.replace(length, b"Content-Length: " + choice(lengths), 1))
    if kind == "two lengths":
        return Sent(kind, whole.replace(length, length + b"\r\nContent-Length: " + choice(lengths), 1))
    if kind == "chunks":
        start, _, _ = whole.replace(length, b"Transfer-Encoding: chunked", 1).partition(b"\r\n\r\n")
        return Sent(kind, start + b"\r\n\r\n" + choice(chunked))
    if kind == "both":
        return Sent(kind, whole.replace(length, length + b"\r\nTransfer-Encoding: chunked", 1))
    if kind == "coding":
        codings = [b"gzip, chunked", b"identity", b"chunked, chunked", b"x", b"", b"chunked\t", b"chunked, gzip"]
        return Sent(kind, whole.replace(length, b"Transfer-Encoding: " + choice(codings), 1))
    if kind == "more":
        return Sent(kind, whole + maker.chance.randbytes(30))
    cut = whole[: maker.chance.randrange(1, len(whole))]
    return Sent(kind, cut, answers=0 if kind == "left" else 1, leaves=kind == "left")


def _lines(maker: Maker) -> Sent:
    """Request lines and header lines that are none."""
    choice, host = maker.chance.choice, ("Host", maker.host)
    targets = [
        "*",
        "x",
        "//",
        "/%",
        "/%00",
        "/" + "a" * 70_000,
        "http://127.0.0.1/",
        "http://",
        "/?" + "&" * 5000,
        "/#x",
        "/\\..\\",
        "/\u00e9",
        "/ /",
        "/?X-Amz-Credential=a&X-Amz-Signature=b",
        "/?Action=ListMetrics",
        "/_emulator/../x",
        "/_emulator/%2e%2e/settings",
        "/_emulator/settings",
        "/_emulator/nothing",
    ]
    odd = [
        [],
        [host, host],
        [host, ("Host", "evil.example")],
        [("Host", "")],
        [("Host", "[::1")],
        [("Host", "a:b:c")],
        [host, ("", "x")],
        [host, ("A b", "c")],
        [host, ("A\0", "b")],
        [host, ("A", "b\0c")],
        [host, ("A", "b\rc")],
        [host, ("A", "x\r\n y")],
        [host, ("A ", "b")],
        [host, *[("A", "b")] * 300],
        [host, *[(f"A{n}", "b") for n in range(3000)]],
        [host, ("Cookie", "=;;=")],
        [host, ("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings")],
        [host, ("Connection", "close, keep-alive, x")],
        [host, ("Range", "bytes=-")],
        [host, ("Authorization", "Basic eDp5")],
        [host, ("Authorization", "AWS4-HMAC-SHA256 ")],
    ]
    methods = [
        "GET",
        "POST",
        "PUT",
        "DELETE",
        "HEAD",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "PATCH",
        "get",
        "G\u00e9T",
        "A" * 300,
        "PRI",
        "",
    ]
    versions = ["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/11", "http/1.1", "", "HTTP/1.1 x"]
    raw = [
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc",
        b"\0" * 100,
        b"\n",
        b"\r\n\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-x\r\n",
        maker.chance.randbytes(200),
    ]
    kind = choice(["target", "headers", "method", "version", "raw"])
    if kind == "raw":
        sent = choice(raw)
        return Sent(kind, sent, answers=1 if sent.strip() else 0)
    method, target, version, headers = "GET", "/", "HTTP/1.1", [host]
    if kind == "target":
        target = choice(targets)
    elif kind == "headers":
        headers = choice(odd)
    elif kind == "method":
        method = choice(methods)
    else:
        version = choice(versions)
    return Sent(kind, head(method, target, headers, version))


def _pipelined(maker: Maker) -> Sent:
    """Several requests at once, the last perhaps cut off."""
    count = maker.chance.randint(2, 12)
    requests = [maker.signed(*maker.good()) for _ in range(count)]
    if maker.chance.random() < 0.3:
        return Sent("cut", b"".join(requests[:-1]) + requests[-1][:-1] + b"", answers=count - 1)
    return Sent("whole", b"".join(requests), answers=count)


_KINDS: list[tuple[str, Callable[[Maker], Sent]]] = [
    ("json", json_body),
    ("json", json_body),
    ("cbor", cbor_body),
    ("query", query_body),
    ("compressed", compressed_body),
    ("headers", _headers),
    ("framing", _framing),
    ("framing", _framing),
    ("lines", _lines),
    ("pipelined", _pipelined),
]
