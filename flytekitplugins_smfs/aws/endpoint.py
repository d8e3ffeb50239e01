"""Where AWS is: real AWS, a URL, or the embedded emulator, which is started if it does not run."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

from flytekitplugins_smfs.values.errors import SettingsError
from flytekitplugins_smfs.values.settings import Settings


@dataclass(frozen=True)
class Endpoint:
    """URLs and credentials for clients; None and empty mean what botocore finds by itself."""

    url: str | None = None
    s3_url: str | None = None
    region: str | None = None
    credentials: tuple[str, str] | None = field(default=None, repr=False)


PAUSE = 3.0
"""Seconds between two looks for an emulator that does not answer."""
_emulators: dict[str | None, Endpoint] = {}
_look_again: dict[str | None, float] = {}
_lock = threading.Lock()


def resolve(settings: Settings) -> Endpoint:
    """The endpoint of the settings. Starts the emulator when they say so and it does not run yet."""
    if settings.endpoint == "aws":
        return Endpoint(region=settings.region)
    if settings.endpoint == "emulator":
        found = _emulator(settings.emulator_state)
        return Endpoint(found.url, found.s3_url, settings.region or found.region, found.credentials)
    return Endpoint(settings.endpoint, settings.s3_endpoint or settings.endpoint, settings.region)


def resolve_anew(settings: Settings, stale: Endpoint, *, start: bool) -> Endpoint:
    """The emulator's endpoint, looked up again where `stale` was not answered from: it may have been started elsewhere.

    Only with `start` one that does not run is started: not for whoever merely follows what it did.
    """
    state = settings.emulator_state
    with _lock:
        known = _emulators.get(state)
        if known is not None and known.url == stale.url and time.monotonic() >= _look_again.get(state, 0.0):
            _look_again[state] = time.monotonic() + PAUSE
            with contextlib.suppress(SettingsError):  # it does not run, and stays where it was
                _emulators[state] = _started(state) if start else _running(state)
    return resolve(settings)


def _emulator(state: str | None) -> Endpoint:
    with _lock:
        if state not in _emulators:
            _emulators[state] = _started(state)
        return _emulators[state]


def _started(state: str | None) -> Endpoint:
    _emulator_command(["start", "--detach", *_where(state)])
    return _running(state)


def _running(state: str | None) -> Endpoint:
    env: dict[str, str] = json.loads(_emulator_command(["env", "--json", *_where(state)]))
    return Endpoint(
        url=env["AWS_ENDPOINT_URL"],
        s3_url=env["AWS_ENDPOINT_URL_S3"],
        region=env["AWS_REGION"],
        credentials=(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]),
    )


def _where(state: str | None) -> list[str]:
    return ["--state", state] if state else []


def _emulator_command(arguments: list[str]) -> str:
    command = [sys.executable, "-m", "flytekitplugins_smfs.emulator", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SettingsError(
            f"The embedded AWS emulator did not answer `smfs emulator {' '.join(arguments)}`: {done.stderr.strip()}"
        )
    return done.stdout
