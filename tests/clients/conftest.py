"""Tells how each client did, and writes it into the documents if asked to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from . import table

_OUTCOMES = pytest.StashKey[dict[tuple[str, str, str], str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_OUTCOMES] = {}
    config.pluginmanager.register(_Outcomes(config), "client-outcomes")


class _Outcomes:
    """Gathers what the tests of the matrix say of themselves; with xdist, in the process that has all reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._found: dict[tuple[str, str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == "client" and report.when == "call":
                client, where, what = str(value).split("/")
                self._found[client, where, what] = "yes" if report.passed else "no"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self._found or hasattr(self._config, "workerinput"):
            return
        terminalreporter.section("clients")
        terminalreporter.write(table.rows(self._found))
        if document := os.environ.get("SMFS_CLIENTS_TABLE"):
            table.write(Path(document), self._found)
