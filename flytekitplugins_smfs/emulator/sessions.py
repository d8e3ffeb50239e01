"""How a session comes to be: an access key with a token and an end, in the table that signatures are verified by."""

import base64
import hashlib
import secrets
import string
import time
from datetime import UTC, datetime
from typing import Any

from .registry import Context
from .signatures import Key

_LETTERS = string.ascii_uppercase + "234567"


def open_role_session(ctx: Context, role: str, name: str, seconds: int, origin: str = "sts") -> Key:
    """A session of a role by its ARN. Sessions end by the real clock, as signatures are made by it."""
    return _open(ctx, role_session_arn(role, name), account_of(role), f"{role_id(ctx, role)}:{name}", seconds, origin)


def open_user_session(ctx: Context, user: Key, seconds: int) -> Key:
    """A session of the user itself, as GetSessionToken makes."""
    return _open(ctx, user.arn, user.account, user.unique_id, seconds)


def open_federated_session(ctx: Context, account: str, name: str, seconds: int) -> Key:
    """A session of a name that no user has, as GetFederationToken makes."""
    return _open(ctx, f"arn:aws:sts::{account}:federated-user/{name}", account, f"{account}:{name}", seconds)


def role_session_arn(role: str, name: str) -> str:
    """``arn:aws:sts::<account>:assumed-role/<role>/<session>``, without the role's path."""
    return f"arn:aws:sts::{account_of(role)}:assumed-role/{role.rpartition('/')[2]}/{name}"


def account_of(arn: str) -> str:
    """The account in an ARN."""
    return arn.split(":")[4]


def role_id(ctx: Context, role: str) -> str:
    """The unique id of a role. One of another account is not known here: it gets one that is always the same."""
    found = ctx.iam.role(role)
    if found is not None:
        return str(found["RoleId"])
    return "AROA" + base64.b32encode(hashlib.sha256(role.encode()).digest()).decode()[:17]


def shown(key: Key) -> dict[str, Any]:
    """A session's key as STS shows it."""
    return {
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "SessionToken": key.token,
        "Expiration": datetime.fromtimestamp(key.expires or 0.0, UTC),
    }


def _open(ctx: Context, arn: str, account: str, unique_id: str, seconds: int, origin: str = "sts") -> Key:
    id = "ASIA" + "".join(secrets.choice(_LETTERS) for _ in range(16))
    secret = base64.b64encode(secrets.token_bytes(30)).decode()
    token = base64.b64encode(secrets.token_bytes(270)).decode()
    expires = float(int(time.time()) + seconds)
    key = Key(id, secret, token, arn, account, unique_id, expires, origin=origin)
    ctx.keys.add(key)
    return key
