"""The credentials of jobs: each job asks for its role's, with a token that only it has.

AWS's SDKs find them by two variables, ``AWS_CONTAINER_CREDENTIALS_FULL_URI`` and ``AWS_CONTAINER_AUTHORIZATION_TOKEN``
("Container credential provider" of the SDKs' reference guide), and ask again before they expire.
"""

import hashlib
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from .instance import read_server_file
from .registry import Context
from .sessions import open_role_session
from .store import Store

PATH = "/_emulator/credentials"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS job_tokens (hash TEXT PRIMARY KEY, job TEXT NOT NULL, role TEXT NOT NULL, session TEXT);
CREATE INDEX IF NOT EXISTS job_tokens_by_job ON job_tokens (job);
"""
_SESSION = "SageMaker"
"""The name that SageMaker gives the sessions of the roles it assumes."""
_SESSION_SECONDS = 6 * 3600
_FRESH_SECONDS = 3600
"""A session is given out while it holds so much longer, then a new one is made."""


def prepare(store: Store) -> None:
    """Make the table of tokens, once at start."""
    store.create_tables(_SCHEMA)


def issue(ctx: Context, job: str, role: str) -> dict[str, str]:
    """The variables by which a job finds its role's credentials. ``job`` names it among all, as its ARN does.

    The token holds until ``revoke``, also over a restart of the emulator.
    """
    token = secrets.token_urlsafe(32)
    ctx.store.run("INSERT INTO job_tokens VALUES (?, ?, ?, NULL)", _hash(token), job, role)
    address = f"{read_server_file(ctx.paths).get('url', '')}{PATH}"
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": address, "AWS_CONTAINER_AUTHORIZATION_TOKEN": token}


def revoke(ctx: Context, job: str) -> None:
    """End a job's tokens and the sessions that were given out for them."""
    for (session,) in ctx.store.run("DELETE FROM job_tokens WHERE job = ? RETURNING session", job):
        if session:
            ctx.keys.remove(session)


def answer(ctx: Context, token: str) -> dict[str, Any] | None:
    """The credentials document for a token; None for one that is not known."""
    with ctx.store.transaction():
        rows = ctx.store.run("SELECT role, session FROM job_tokens WHERE hash = ?", _hash(token))
        if not rows:
            return None
        role, session = rows[0]
        key = ctx.keys.find(session) if session else None
        if key is None or key.expires is None or key.expires < time.time() + _FRESH_SECONDS:
            key = open_role_session(ctx, role, _SESSION, _SESSION_SECONDS, origin="job")
            ctx.store.run("UPDATE job_tokens SET session = ? WHERE hash = ?", key.id, _hash(token))
    return {
        "RoleArn": role,
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "Token": key.token,
        "Expiration": datetime.fromtimestamp(key.expires or 0.0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _hash(token: str) -> str:
    """What is kept of a token: who reads the state cannot ask with it."""
    return hashlib.sha256(token.encode()).hexdigest()
