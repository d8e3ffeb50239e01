"""Asks a running server what is not AWS: signed JSON requests under ``/_emulator/``, past any proxy."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

SECONDS = 60.0
"""How long an answer may take. A reset and a clock that is set forward wait for what is under way."""


class EmulatorError(RuntimeError):
    """The embedded AWS did not start, does not answer, or refuses what was asked of it (not what was asked of AWS)."""


class Admin:
    """The admin API of one server."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """``environment`` is what ``smfs emulator env`` prints: the address, the region and the keys."""
        self._environment = environment
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, name: str, **query: Any) -> dict[str, Any]:
        """Ask for something. Raises EmulatorError."""
        given = {key: value for key, value in query.items() if value is not None}
        return self._ask("GET", f"{name}?{urlencode(given)}" if given else name, None)

    def put(self, name: str, document: Any) -> dict[str, Any]:
        """Replace something. Raises EmulatorError."""
        return self._ask("PUT", name, document)

    def post(self, name: str, document: Any = None) -> dict[str, Any]:
        """Have something done. Raises EmulatorError."""
        return self._ask("POST", name, {} if document is None else document)

    def _ask(self, method: str, name: str, document: Any) -> dict[str, Any]:
        url = f"{self._environment['AWS_ENDPOINT_URL']}/_emulator/{name}"
        body = b"" if document is None else json.dumps(document).encode()
        request = urllib.request.Request(url, body or None, self._signed(method, url, body), method=method)
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as refused:
            raise EmulatorError(f"{method} {name}: {_reason(refused)}") from None
        except OSError as failed:
            raise EmulatorError(f"{method} {name}: the embedded AWS does not answer ({failed})") from failed

    def _signed(self, method: str, url: str, body: bytes) -> dict[str, str]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        key = Credentials(self._environment["AWS_ACCESS_KEY_ID"], self._environment["AWS_SECRET_ACCESS_KEY"])
        request = AWSRequest(method, url, {"content-type": "application/json"}, body)
        SigV4Auth(key, "emulator", self._environment["AWS_REGION"]).add_auth(request)
        return dict(request.headers.items())


def _reason(refused: urllib.error.HTTPError) -> str:
    text = refused.read().decode(errors="replace")
    try:
        document = json.loads(text)
    except ValueError:
        return f"{refused.code} {text[:300]}"
    said = document.get("error") if isinstance(document, dict) else None
    return str(said or f"{refused.code} {text[:300]}")
