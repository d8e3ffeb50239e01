"""Malformed requests to S3's port: each is answered in bounded time, in S3's words, and touches nothing outside."""

from __future__ import annotations

import collections
import random
import time
from urllib.parse import urlsplit

import pytest

from tests.conftest import wait_for
from tests.emulator.attack.conftest import House
from tests.emulator.attack.exchanging import exchanged, open_files, problem
from tests.emulator.attack.jobs import BUCKET
from tests.emulator.attack.s3_malformed import malformed
from tests.emulator.attack.s3_requests import KEY, S3Maker
from tests.matrix import points
from tests.matrix.points import SOAK

REQUESTS = 10_000 if SOAK else 600
FEW = 20
"""So many files more or less are open by chance: connections that are kept, databases of threads."""
SHARES = 4


@pytest.mark.parametrize("share", range(SHARES))
def test_whatever_is_sent(house: House, share: int, request: pytest.FixtureRequest) -> None:
    port = int(urlsplit(house.emulator.env["AWS_ENDPOINT_URL_S3"]).port or 0)
    maker, found = S3Maker(house.emulator, random.Random(share)), collections.Counter[str]()
    before = open_files(house.emulator)
    for _ in range(REQUESTS // SHARES):
        sent = malformed(maker)
        began = time.monotonic()
        answer = exchanged(port, sent)
        if wrong := problem(sent, answer, time.monotonic() - began):
            found[f"{sent.kind}: {wrong}\n  {sent.data[:400]!r} ... {sent.data[-300:]!r}\n  {answer[:400]!r}"] += 1
    wait_for(lambda: open_files(house.emulator) < before + FEW, 30)
    points.several(request, "fuzz, S3 malformed", REQUESTS // SHARES)
    assert not found, f"{len(found)}\n" + "\n".join(list(found)[:12])
    s3 = house.emulator.client("s3")
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"right")
    assert s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == b"right"
    house.unchanged()


def test_a_form_with_these_fields_is_right(house: House) -> None:
    """Otherwise all forms would be refused for something else."""
    maker = S3Maker(house.emulator, random.Random(0))
    body = b"".join(
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in {**maker.form_fields(), "file": "content"}.items()
    )
    headers = {"Host": maker.host, "Content-Type": "multipart/form-data; boundary=xyz"}
    sent = maker.plain("right", "POST", f"/{BUCKET}", headers, body + b"--xyz--\r\n")
    answer = exchanged(int(maker.host.rpartition(":")[2]), sent)
    assert answer.startswith(b"HTTP/1.1 204"), answer
