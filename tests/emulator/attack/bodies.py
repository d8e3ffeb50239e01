"""Bodies that no parser can read, in requests that are signed as if they were good."""

from __future__ import annotations

import gzip
import json

from tests.emulator.attack.maker import Maker, Sent

_BOMB = gzip.compress(b"\0" * 150_000_000, 9)


def json_body(maker: Maker) -> Sent:
    path, headers, body, scope = maker.good("json")
    deep = maker.chance.choice([50, 990, 5_000, 100_000])
    spoilt = {
        "spoilt": maker.spoilt(body),
        "cut": body[: maker.chance.randrange(len(body))],
        "noise": maker.chance.randbytes(maker.chance.randint(1, 400)),
        "deep list": b"[" * deep + b"]" * deep,
        "deep object": b'{"a":' * deep + b"1" + b"}" * deep,
        "deep member": b'{"Tags":' + b"[" * deep + b"]" * deep + b"}",
        "no object": maker.chance.choice([b"1", b'"a"', b"null", b"[]", b"true", b"-", b"\xef\xbb\xbf{}"]),
        "numbers": b'{"StorageCapacity":'
        + maker.chance.choice([b"1" * 5000, b"1e999", b"NaN", b"-Infinity", b"1.5e308"])
        + b',"MaxResults":'
        + maker.chance.choice([b"99999999999999999999", b"1.5", b"-0", b"1e2"])
        + b"}",
        "surrogates": b'{"NextToken":"\\ud800","TrainingJobName":"\\udfff\\u0000","logGroupName":"\\ud83d"}',
        "another code": body.decode().encode("utf-16"),
        "nulls": json.dumps(dict.fromkeys(json.loads(body) or ["Tags"])).encode(),
        "types": json.dumps(
            {name: maker.chance.choice([1, "1", [], {}, [[]], [{}], True, 1.5]) for name in json.loads(body)}
        ).encode(),
    }
    kind = maker.chance.choice(list(spoilt))
    return Sent(kind, maker.signed(path, headers, spoilt[kind], scope))


def cbor_body(maker: Maker) -> Sent:
    path, headers, body, scope = maker.good("cbor")
    deep = maker.chance.choice([500, 5_000, 100_000])
    spoilt = {
        "spoilt": maker.spoilt(body),
        "cut": body[: maker.chance.randrange(len(body) or 1)],
        "noise": maker.chance.randbytes(maker.chance.randint(1, 400)),
        "deep": b"\x81" * deep + b"\x01",
        "deep map": b"\xa1\x61a" * deep + b"\x01",
        "deep tag": b"\xc1" * deep + b"\x01",
        "endless": maker.chance.choice([b"\xbf", b"\x9f", b"\x5f\x41a", b"\x7f\x61a", b"\xbf\x61a"]),
        "lengths": maker.chance.choice([b"\xbb", b"\x9b", b"\x5b", b"\x7b"]) + b"\xff" * 8,
        "keys": maker.chance.choice([b"\xa1\x80\x01", b"\xa1\xa0\x01", b"\xa1\x01\x01", b"\xa1\x41a\x01"]),
        "text": b"\xa1\x69Namespace\x62\xff\xfe",
        "floats": b"\xa1\x69StartTime\xc1\xfb\x7f\xf8\0\0\0\0\0\0",
        "simple": b"\xa1\x69Namespace" + maker.chance.choice([b"\xf8\x20", b"\xfc", b"\xff", b"\xf9\x7e\0"]),
    }
    kind = maker.chance.choice(list(spoilt))
    return Sent(kind, maker.signed(path, headers, spoilt[kind], scope))


def query_body(maker: Maker) -> Sent:
    path, headers, body, scope = maker.good("query")
    many = maker.chance.choice([900, 20_000])
    spoilt = {
        "spoilt": maker.spoilt(body),
        "cut": body[: maker.chance.randrange(len(body))],
        "noise": maker.chance.randbytes(maker.chance.randint(1, 400)),
        "no action": b"Version=2010-08-01&a=b",
        "two actions": b"Action=ListMetrics&Action=GetMetricData&Version=2010-08-01",
        "unknown": b"Action=" + maker.chance.choice([b"", b"%00", b"../..", b"A" * 5000, b"%ff%fe", b"__init__"]),
        "deep": b"Action=ListMetrics&Dimensions" + b".member.1" * many + b"=a",
        "many": b"Action=PutMetricData&Namespace=n" + b"".join(b"&a.%d=b" % n for n in range(many)),
        "indices": b"Action=ListMetrics&Dimensions.member."
        + maker.chance.choice([b"0", b"-1", b"x", b"9" * 5000])
        + b".Name=a",
        "both": b"Action=ListMetrics&Dimensions=a&Dimensions.member.1.Name=b&Dimensions.member.1.Name.x=c",
        "numbers": b"Action=GetMetricStatistics&Namespace=n&MetricName=m&Period="
        + maker.chance.choice([b"1" * 5000, b"1e3", b"nan", b""])
        + b"&StartTime="
        + maker.chance.choice([b"x", b"9" * 400, b"2020-13-45", b"0000-00-00T00:00:00Z"])
        + b"&EndTime=1&Statistics.member.1=Sum",
        "percents": b"Action=ListMetrics&Namespace=%&MetricName=%zz%2&NextToken=%ff",
    }
    kind = maker.chance.choice(list(spoilt))
    return Sent(kind, maker.signed(path, headers, spoilt[kind], scope))


def compressed_body(maker: Maker) -> Sent:
    path, headers, body, scope = maker.good()
    packed = gzip.compress(body)
    coding, content = maker.chance.choice(
        [
            ("gzip", body),
            ("gzip", packed[:-6]),
            ("gzip", packed[:5]),
            ("gzip", b""),
            ("gzip", _BOMB),
            ("gzip", packed + b"x"),
            ("gzip, gzip", packed),
            ("br", body),
            ("identity", body),
            ("deflate", packed),
            ("", packed),
            ("aws-chunked", body),
            ("gzip", gzip.compress(packed)),
            ("x-unknown", body),
            ("GZIP", packed),
        ]
    )
    return Sent(coding, maker.signed(path, {**headers, "Content-Encoding": coding}, content, scope))
