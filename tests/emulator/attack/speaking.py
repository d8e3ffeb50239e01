"""Signed requests of any content, in each protocol, over connections that stay open; nothing is checked before."""

from __future__ import annotations

import base64
import http.client
import json
import re
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.serialize import create_serializer

from flytekitplugins_smfs.emulator.protocols import cbor
from flytekitplugins_smfs.emulator.registry import Service
from tests.conftest import Emulator

_CONTROL = re.compile(r"[\x00-\x1f\x7f]|[^\x00-\xff]")
"""What no client puts into a header."""
_CODE = re.compile(r"<Code>([^<]*)</Code>")
_MESSAGE = re.compile(r"<Message>([^<]*)</Message>")
_IDLE_SECONDS = 20.0
"""A connection that was not used for so long is not used again: the server may be closing it."""


@dataclass(frozen=True)
class Answer:
    """What came back; code and message are empty where nothing was refused."""

    status: int
    code: str
    message: str
    body: bytes


class Speaker:
    """Speaks to an emulator with its own key, from any thread."""

    def __init__(self, emulator: Emulator) -> None:
        self._where = urlsplit(emulator.env["AWS_ENDPOINT_URL"])
        self._region = emulator.env["AWS_REGION"]
        self._keys = Credentials(emulator.env["AWS_ACCESS_KEY_ID"], emulator.env["AWS_SECRET_ACCESS_KEY"])
        self._local = threading.local()

    def say(self, service: Service, operation: str, parameters: dict[str, Any], protocol: str = "") -> Answer:
        """Ask for an operation. Raises OSError or HTTPException where no answer comes."""
        spoken = protocol or service.model.metadata["protocol"]
        method, path, headers, body = written(service, operation, parameters, spoken)
        headers = self.signed(path, headers, body, service.model.signing_name, method)
        return self.post(path, headers, body, method)

    def signed(
        self, path: str, headers: dict[str, str], body: bytes, scope: str, method: str = "POST"
    ) -> dict[str, str]:
        """The headers with a signature."""
        asked = AWSRequest(method, f"{self._where.scheme}://{self._where.netloc}{path}", headers, body)
        SigV4Auth(self._keys, scope, self._region).add_auth(asked)
        return dict(asked.headers.items())

    def post(self, path: str, headers: dict[str, str], body: bytes, method: str = "POST") -> Answer:
        """One request on this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None and time.monotonic() - self._local.used > _IDLE_SECONDS:
            self.hang_up()
            connection = None
        if connection is None:
            connection = http.client.HTTPConnection(str(self._where.hostname), self._where.port, timeout=60)
            self._local.connection = connection
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            found = read(answer.status, answer.read())
            self._local.used = time.monotonic()
            return found
        except BaseException:
            self.hang_up()
            raise

    def hang_up(self) -> None:
        """Close this thread's connection."""
        connection, self._local.connection = getattr(self._local, "connection", None), None
        if connection is not None:
            connection.close()


def written(
    service: Service, operation: str, parameters: dict[str, Any], protocol: str
) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body of a request. Protocols: json, cbor, and those that botocore writes."""
    model = service.model
    if protocol in ("json", "cbor"):
        target = model.metadata.get("targetPrefix") or service.targets[0]
        if protocol == "cbor":
            headers = {"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"}
            return "POST", f"/service/{target}/operation/{operation}", headers, cbor.dumps(parameters)
        version = model.metadata.get("jsonVersion", "1.0")
        headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": f"{target}.{operation}"}
        return "POST", "/", headers, json.dumps(parameters, default=_base64).encode()
    made = create_serializer(protocol, False).serialize_to_request(parameters, model.operation_model(operation))
    query = urlencode(made["query_string"], doseq=True)
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body, errors="surrogatepass").encode()
    path, _, fixed = made["url_path"].partition("?")
    whole = "&".join(part for part in (fixed, query) if part)
    path = quote(path, safe="/%~", errors="replace") + (f"?{whole}" if whole else "")
    headers = {name: _CONTROL.sub("", str(value)) for name, value in made["headers"].items()}
    return made["method"], path, headers, body if isinstance(body, bytes) else str(body).encode()


def _base64(blob: bytes) -> str:
    return base64.b64encode(blob).decode()


def read(status: int, body: bytes) -> Answer:
    """An answer with its error, in whatever protocol."""
    if status < 400:
        return Answer(status, "", "", body)
    text = body.decode("utf-8", "replace")
    if found := _CODE.search(text):
        said = _MESSAGE.search(text)
        return Answer(status, found[1], said[1] if said else "", body)
    try:
        document = json.loads(text)
    except ValueError:
        document = cbor.loads(body) if 0xA0 <= body[0] <= 0xBF else {}
    if not isinstance(document, dict):
        document = {}
    return Answer(status, document.get("__type", ""), document.get("message") or document.get("Message") or "", body)
