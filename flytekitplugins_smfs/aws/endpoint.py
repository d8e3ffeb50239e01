"""Where AWS is: real AWS, a URL, or the embedded emulator, which is started if it does not run."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
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


_emulators: dict[str | None, Endpoint] = {}
_lock = threading.Lock()


def resolve(settings: Settings) -> Endpoint:
    """The endpoint of the settings. Starts the emulator when they say so and it does not run yet."""
    if settings.endpoint == "aws":
        return Endpoint(region=settings.region)
    if settings.endpoint == "emulator":
        found = _emulator(settings.emulator_state)
        return Endpoint(found.url, found.s3_url, settings.region or found.region, found.credentials)
    return Endpoint(settings.endpoint, settings.s3_endpoint or settings.endpoint, settings.region)


def resolve_anew(settings: Settings, stale: Endpoint) -> Endpoint:
    """The emulator's endpoint, looked up again where `stale` is what was known: it may have been started elsewhere."""
    with _lock:
        known = _emulators.get(settings.emulator_state)
        if known is not None and known.url == stale.url:
            del _emulators[settings.emulator_state]
    return resolve(settings)


def _emulator(state: str | None) -> Endpoint:
    with _lock:
        if state not in _emulators:
            _emulators[state] = _started(state)
        return _emulators[state]


def _started(state: str | None) -> Endpoint:
    where = ["--state", state] if state else []
    _emulator_command(["start", "--detach", *where])
    env: dict[str, str] = json.loads(_emulator_command(["env", "--json", *where]))
    return Endpoint(
        url=env["AWS_ENDPOINT_URL"],
        s3_url=env["AWS_ENDPOINT_URL_S3"],
        region=env["AWS_REGION"],
        credentials=(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]),
    )


def _emulator_command(arguments: list[str]) -> str:
    command = [sys.executable, "-m", "flytekitplugins_smfs.emulator", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SettingsError(
            f"The embedded AWS emulator did not answer `smfs emulator {' '.join(arguments)}`: {done.stderr.strip()}"
        )
    return done.stdout
