"""The embedded AWS of the release."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from recording.layout import BUCKET, ROLE, ROOM


class Emulator:
    """An embedded AWS of this recording's own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._command("start", "--detach", "--port", "0")
        self.env: dict[str, str] = json.loads(self._command("env", "--json"))

    def _command(self, *arguments: str) -> str:
        command = [sys.executable, "-m", f"{ROOM}.emulator", *arguments, "--state", str(self.state)]
        done = subprocess.run(command, text=True, capture_output=True, timeout=120)
        if done.returncode:
            raise SystemExit(f"{command}: {done.stderr}")
        return done.stdout

    def stop(self) -> None:
        """End it and everything it started."""
        self._command("stop")

    def client(self, service: str) -> Any:
        """A boto3 client of it."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.env.get(f"AWS_ENDPOINT_URL_{service.upper()}", self.env["AWS_ENDPOINT_URL"]),
            region_name=self.env["AWS_REGION"],
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
        )

    def admin(self, method: str, name: str, document: Any = None) -> Any:
        """Ask it something that is not AWS."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        body = None if document is None else json.dumps(document).encode()
        url = f"{self.env['AWS_ENDPOINT_URL']}/_emulator/{name}"
        asked = AWSRequest(method, url, {"Content-Type": "application/json"} if body else {}, body or b"")
        keys = Credentials(self.env["AWS_ACCESS_KEY_ID"], self.env["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(keys, "emulator", self.env["AWS_REGION"]).add_auth(asked)  # releases up to 0.2.0 do not look at it
        request = urllib.request.Request(url, body, dict(asked.headers.items()), method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def calls(self) -> list[dict[str, Any]]:
        """The AWS calls received so far."""
        found: list[dict[str, Any]] = self.admin("GET", "calls?since=0")["calls"]
        return found


def settings_of(emulator: Emulator) -> dict[str, Any]:
    """Settings under which resources are made on it."""
    return {
        "endpoint": "emulator",
        "emulator_state": str(emulator.state),
        "role": ROLE,
        "availability_zone": "us-east-1a",
        "tags": {"installation": "recorded"},
        "requests_per_second": 1000,
    }


def put_data(emulator: Emulator, prefix: str) -> str:
    """CSV to train from and to validate with; answers its S3 prefix."""
    rows = "".join(f"{at % 2},{at % 2 + at / 1000:.3f},{at % 7}\n" for at in range(60))
    for channel in ("train", "validation"):
        emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{prefix}/{channel}/part.csv", Body=rows.encode())
    return f"s3://{BUCKET}/{prefix}"
