"""Malformed requests over raw sockets: each is answered in bounded time, none with a failure."""

from __future__ import annotations

import collections
import random
import time
from urllib.parse import urlsplit

import pytest

from tests.conftest import wait_for
from tests.emulator.attack.conftest import House
from tests.emulator.attack.exchanging import exchanged, open_files, problem
from tests.emulator.attack.maker import Maker
from tests.emulator.attack.malformed import malformed
from tests.emulator.attack.seeds import SERVICES
from tests.emulator.attack.speaking import Speaker
from tests.matrix import points
from tests.matrix.points import SOAK

REQUESTS = 10_000 if SOAK else 300
FEW = 20
"""So many files more or less are open by chance: connections that are kept, databases of threads."""
SHARES = 5


@pytest.mark.parametrize("share", range(SHARES))
def test_whatever_is_sent(house: House, share: int, request: pytest.FixtureRequest) -> None:
    url = urlsplit(house.emulator.env["AWS_ENDPOINT_URL"])
    speaker, found = Speaker(house.emulator), collections.Counter[str]()
    maker = Maker(speaker, url.netloc, random.Random(share))
    before = open_files(house.emulator)
    for _ in range(REQUESTS // SHARES):
        sent = malformed(maker)
        began = time.monotonic()
        answer = exchanged(int(url.port or 0), sent)
        if wrong := problem(sent, answer, time.monotonic() - began):
            shown = f"{sent.data[:60]!r} ... {sent.data[-300:]!r}\n  {answer[:80]!r} {answer[-400:]!r}"
            found[f"{sent.kind}: {wrong}\n  {shown}"] += 1
    wait_for(lambda: open_files(house.emulator) < before + FEW, 30)
    points.several(request, "fuzz, malformed", REQUESTS // SHARES)
    assert not found, "\n".join(list(found)[:12])
    assert speaker.say(SERVICES["fsx"], "DescribeFileSystems", {}).status == 200
    speaker.hang_up()
