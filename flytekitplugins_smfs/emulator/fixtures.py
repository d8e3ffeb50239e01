"""pytest fixtures of the embedded AWS. A project asks for them in its ``conftest.py``:

    pytest_plugins = ["flytekitplugins_smfs.emulator.fixtures"]

One server runs for the whole session (with pytest-xdist, one for each worker); each test that uses it finds it as new.
"""

import os
from collections.abc import Iterator

import boto3
import pytest

from . import Emulator

_OTHERS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""Variables that would lead clients elsewhere."""


@pytest.fixture(scope="session")
def emulator_settings() -> dict[str, str | int | float | bool]:
    """The settings to start with, such as ``{"fsx_creating_seconds": 0}``. Define your own to change them."""
    return {}


@pytest.fixture(scope="session")
def emulator_server(emulator_settings: dict[str, str | int | float | bool]) -> Iterator[Emulator]:
    """The server itself, as earlier tests left it. For fixtures of a wide scope; tests take ``emulator``."""
    with Emulator(settings=emulator_settings) as running:
        yield running


@pytest.fixture
def emulator(emulator_server: Emulator) -> Emulator:
    """An embedded AWS that is as new."""
    emulator_server.reset()
    return emulator_server


@pytest.fixture
def emulator_session(emulator: Emulator) -> "boto3.Session":
    """A boto3 session whose clients talk to ``emulator``. The environment stays as it is."""
    return emulator.session()


@pytest.fixture
def emulator_environment(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """For code that makes its own clients: while the test runs, ``os.environ`` leads all of them to ``emulator``.

    Answers the variables. boto3's default session, which remembers an earlier environment, is made anew.
    """
    for name in _OTHERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return emulator.environment
