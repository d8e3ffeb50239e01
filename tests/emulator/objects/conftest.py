"""The S3 process by itself, over the wire, with a key that may sign."""

import http.client
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from flytekitplugins_smfs.emulator.instance import free_port
from flytekitplugins_smfs.emulator.signatures import Key, Keys

KEY = Key("AKIDTESTTESTTESTTEST", "secret", None, "arn:aws:iam::123456789012:user/test", "123456789012")
_buckets = itertools.count()


@dataclass(frozen=True)
class Answered:
    """A raw answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of an error document; empty without one."""
        return self.element("Code")

    def element(self, name: str) -> str:
        return self.body.partition(f"<{name}>".encode())[2].partition(b"</")[0].decode()


@dataclass
class Served:
    """A running S3 process over a directory."""

    state: Path
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    def start(self, *arguments: str) -> "Served":
        Keys(self.state / "keys.db").add(KEY)
        self.port = free_port(self.port or None)
        command = [sys.executable, "-m", "flytekitplugins_smfs.emulator.objects.server.process", str(self.state)]
        command += ["--port", str(self.port), "--account", KEY.account, "--region", "us-east-1", *arguments]
        self.process = subprocess.Popen(command)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.02)
        raise AssertionError("the S3 process does not answer")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **config: Any) -> Any:
        """A boto3 client that does not retry."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=config.pop("region_name", "us-east-1"),
            aws_access_key_id=config.pop("key_id", KEY.id),
            aws_secret_access_key=config.pop("secret", KEY.secret),
            config=Config(retries={"max_attempts": 0}, **config),
        )

    def raw(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        sign: bool = True,
        region: str = "us-east-1",
        payload: str = "UNSIGNED-PAYLOAD",
        connection: http.client.HTTPConnection | None = None,
    ) -> Answered:
        """One signed request exactly as given, on a connection of its own unless one is given."""
        if connection is None:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as own:
                return self.raw(
                    method, target, headers, body, sign=sign, region=region, payload=payload, connection=own
                )
        given = {"Host": f"127.0.0.1:{self.port}", **(headers or {})}
        if sign:
            given = signed(method, f"http://{given['Host']}{target}", given, region, payload)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            connection.putheader(name, value)
        if "Content-Length" not in given and (body or method in ("PUT", "POST")):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        return Answered(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


def signed(method: str, url: str, headers: Mapping[str, str], region: str, payload: str) -> dict[str, str]:
    """The headers with a signature of version 4, ``payload`` being what x-amz-content-sha256 says."""
    request = AWSRequest(method=method, url=url, headers=dict(headers))
    request.context["payload_signing_enabled"] = False
    signer = S3SigV4Auth(Credentials(KEY.id, KEY.secret), "s3", region)
    request.headers["X-Amz-Content-SHA256"] = payload
    signer.payload = lambda _: payload  # type: ignore[method-assign]
    signer.add_auth(request)
    return dict(request.headers.items())


def refused(call: Callable[..., Any], **parameters: Any) -> tuple[int, str]:
    """Status and code of a refusal; fails if there is none."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One S3 process for all tests of this folder."""
    running = Served(tmp_path_factory.mktemp("s3")).start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def own_served(tmp_path: Path) -> Iterator[Served]:
    """A process of the test's own, not yet started."""
    mine = Served(tmp_path)
    try:
        yield mine
    finally:
        mine.stop()


@pytest.fixture
def s3(served: Served) -> Any:
    """A client of it."""
    return served.client()


@pytest.fixture
def bucket(s3: Any) -> str:
    """A bucket of the test's own."""
    name = f"bucket-{os.getpid()}-{next(_buckets)}"
    s3.create_bucket(Bucket=name)
    return name
