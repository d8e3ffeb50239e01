"""Leaves out the tests of clients whose environments are not there, and says so in one line.

`make clients` makes all environments and runs all; `make test` makes some, and leaves out what takes long besides.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from .clients import left_out

ALL = bool(os.environ.get("SMFS_CLIENTS_TABLE"))


def configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "client(name, long=False): runs in this client's environment; long: not in CI")


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are marked as those of a client that is not installed, and the long ones."""
    names, kept, gone = left_out(), list[pytest.Item](), list[pytest.Item]()
    for item in items:
        mark = item.get_closest_marker("client")
        out = mark is not None and (mark.args[0] in names or (mark.kwargs.get("long", False) and not ALL))
        (gone if out else kept).append(item)
    if gone:
        items[:] = kept
        config.hook.pytest_deselected(items=gone)


def told(reporter: Any) -> Iterator[str]:
    """Which clients were left out, where tests of clients ran. They are collected in other processes, maybe."""
    reports = (report for found in reporter.stats.values() for report in found)
    if any(getattr(report, "nodeid", "").startswith("tests/clients/") for report in reports) and (names := left_out()):
        yield f"clients without an environment, left out: {', '.join(names)} (`make clients` makes them)"
