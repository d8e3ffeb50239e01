"""What the makers of malformed requests to S3 begin with: a bucket, an object, an upload, and how S3 signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.conftest import Emulator
from tests.emulator.attack.jobs import BUCKET
from tests.emulator.attack.maker import Sent, head, spoilt

KEY = "malformed/key"
UNSIGNED = "UNSIGNED-PAYLOAD"
_REGION = "us-east-1"


class S3Maker:
    """Makes requests for an emulator's S3 with a random generator."""

    def __init__(self, emulator: Emulator, chance: random.Random) -> None:
        env = emulator.env
        self.chance = chance
        self.host = urlsplit(env["AWS_ENDPOINT_URL_S3"]).netloc
        self._key = Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        s3 = emulator.client("s3")
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"0123456789")
        self.upload = s3.create_multipart_upload(Bucket=BUCKET, Key=KEY)["UploadId"]

    @property
    def object(self) -> str:
        return f"/{BUCKET}/{KEY}"

    def request(
        self,
        kind: str,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        payload: str = UNSIGNED,
    ) -> Sent:
        """A signed request; the signature says ``payload`` of its body. Headers without a length get the body's."""
        asked = AWSRequest(method, f"http://{self.host}{path}", dict(headers or {}))
        signer = S3SigV4Auth(self._key, "s3", _REGION)
        asked.headers["X-Amz-Content-SHA256"] = payload
        asked.context["payload_signing_enabled"] = False
        signer.payload = lambda _: payload  # type: ignore[method-assign]
        signer.add_auth(asked)
        lines = {"Host": self.host, "Content-Length": str(len(body)), **dict(asked.headers.items())}
        return Sent(kind, head(method, path, lines) + body)

    def plain(self, kind: str, method: str, path: str, headers: dict[str, str], body: bytes) -> Sent:
        """A request without a signature in its headers."""
        return Sent(kind, head(method, path, {"Content-Length": str(len(body)), **headers}) + body)

    def spoilt(self, body: bytes) -> bytes:
        return spoilt(self.chance, body)

    def form_fields(self, **policy: Any) -> dict[str, str]:
        """The fields of a form whose policy lets any key in, rightly signed. ``policy``: other members of it."""
        now = datetime.now(UTC)
        scope = f"{now:%Y%m%d}/{_REGION}/s3/aws4_request"
        conditions = [
            {"bucket": BUCKET}, ["starts-with", "$key", ""], ["starts-with", "$x-amz-credential", ""],
            ["starts-with", "$x-amz-algorithm", ""], ["starts-with", "$x-amz-date", ""],
        ]  # fmt: skip
        document = {"expiration": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}", "conditions": conditions, **policy}
        encoded = base64.b64encode(json.dumps(document).encode()).decode()
        key = f"AWS4{self._key.secret_key}".encode()
        for part in (f"{now:%Y%m%d}", _REGION, "s3", "aws4_request", encoded):
            key = hmac.digest(key, part.encode(), hashlib.sha256)
        return {
            "key": KEY,
            "policy": encoded,
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": f"{self._key.access_key}/{scope}",
            "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
            "x-amz-signature": key.hex(),
        }
