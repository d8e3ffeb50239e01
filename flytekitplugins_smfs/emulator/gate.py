"""Who comes in at the API's port: each request's signature verified, a few kinds let in without one."""

import time
from dataclasses import replace

from .access import Access
from .admin import PREFIX
from .dialects import dialect_of
from .faults import AwsError
from .messages import Request
from .signatures import Decoder, Dialect, Key, Keys, verify

_UNSIGNED_ACTIONS = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")
"""Calls of STS by those who have no key yet."""
UNSIGNED_PATHS = (f"{PREFIX}health", f"{PREFIX}credentials")
"""What answers without a signature: one says only that it is there, the other asks for a token of its own."""


class Gate:
    """Admits requests. Safe from many threads."""

    def __init__(self, keys: Keys, access: Access) -> None:
        self._keys = keys
        self._access = access

    def admit(self, request: Request) -> Request:
        """The request with its caller. Raises SignatureError or AwsError.

        Requests for S3 do not come here: the store verifies them, for it also signs bodies in pieces. What is left of
        that dialect is forms nobody has signed: one with an Action, however that is written, is a call like any other;
        one without is passed on, for nobody answers it.
        """
        dialect = dialect_of(request)
        admin = request.path.startswith(PREFIX)
        if admin:
            dialect = Dialect.REST_JSON
        elif dialect is Dialect.S3:
            if not request.form().get("Action"):
                return request
            dialect = Dialect.QUERY
        key = self._caller(request, dialect)
        if admin and request.path not in UNSIGNED_PATHS and (key is None or key.origin != "emulator"):
            raise AwsError("AccessDeniedException", "Only the emulator's own key may use its admin API.", 403)
        return replace(request, caller=key)

    def _caller(self, request: Request, dialect: Dialect) -> Key | None:
        if request.path in UNSIGNED_PATHS or _asks_sts_for_a_key(request):
            return None
        if self._access.insecure:
            claimed = request.headers.get("authorization", "") or request.query
            return self._keys.find(_claimed_id(claimed)) or self._keys.own()
        verified = verify(
            request.method,
            request.target,
            request.header_lines,
            self._keys,
            time.time(),
            dialect=dialect,
            body=request.body,
        )
        decoder = Decoder(verified)
        decoder.feed(request.body)
        decoder.finish()
        return verified.key


def _asks_sts_for_a_key(request: Request) -> bool:
    """Read as it came: what is compressed may say another thing inside, and no client compresses these."""
    return (
        "content-encoding" not in request.headers
        and any(
            f"Action={action}" in request.query or f"Action={action}".encode() in request.body[:4000]
            for action in _UNSIGNED_ACTIONS
        )
        and request.form().get("Action") in _UNSIGNED_ACTIONS
    )


def _claimed_id(text: str) -> str:
    """The key id that a signature names, believed where signatures are off."""
    return text.partition("Credential=")[2].partition("/")[0].partition("%2F")[0]
