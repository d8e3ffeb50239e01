"""boto3's sessions and clients, shared by the whole process: one session a profile, one client a service and place."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from flytekitplugins_smfs.values.errors import SettingsError

PATIENT = (5.0, 20.0)
"""Seconds to wait for a connection and for an answer, where a person or a task waits."""
QUICK = (2.0, 3.5)
"""The same where Flyte waits: it gives a request 10 seconds in all."""

_sessions: dict[str | None, Any] = {}
_clients: dict[Where, Any] = {}
_lock = threading.RLock()


@dataclass(frozen=True)
class Where:
    """What tells one client from another."""

    service: str
    region: str
    url: str | None
    profile: str | None
    credentials: tuple[str, str] | None
    timeouts: tuple[float, float]

    def __repr__(self) -> str:
        return f"Where({self.service}, {self.region})"  # never the credentials


def session(profile: str | None) -> Any:
    """The boto3 session of a profile. Its service models are loaded once for all clients of the process."""
    import boto3
    from botocore.exceptions import ProfileNotFound

    with _lock:
        if profile not in _sessions:
            try:
                _sessions[profile] = boto3.Session(profile_name=profile)
            except ProfileNotFound as error:
                raise SettingsError(f"{error}. Set `profile` in [smfs], FLYTE_SMFS_PROFILE, or AWS_PROFILE.") from error
        return _sessions[profile]


def client(where: Where) -> Any:
    """The client. Its own retries are off: pacing is done at the door."""
    from botocore.config import Config

    with _lock:  # making one is not thread-safe; using it is
        if where not in _clients:
            config = Config(
                retries={"total_max_attempts": 1, "mode": "standard"},
                connect_timeout=where.timeouts[0],
                read_timeout=where.timeouts[1],
                max_pool_connections=32,
                s3={"addressing_style": "path"} if where.url else {},
            )
            key, secret = where.credentials or (None, None)
            _clients[where] = session(where.profile).client(
                where.service,
                region_name=where.region,
                endpoint_url=where.url,
                config=config,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
            )
        return _clients[where]


def made() -> int:
    """How many clients there are."""
    return len(_clients)
