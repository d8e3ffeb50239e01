"""Real clients, over the wire: boto3 in each of its ways, awscrt, obstore and rclone."""

import contextlib
import http.client
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import botocore.auth
import botocore.crt.auth
import obstore
import pytest
from awscrt import auth as crt
from awscrt.http import HttpHeaders, HttpRequest
from botocore.config import Config
from obstore.store import S3Store

from flytekitplugins_smfs.emulator.signatures import Dialect, Key, Payload

from .conftest import SESSION, USER, Recorder

pytestmark = pytest.mark.parametrize("key", [USER, SESSION], ids=["user", "session"])
KEYS = ["plain", "with space", "plus+plus", "a//b", "./dot/../dots", "ü/😀", "100%", "a=b&c", "star*~tilde'()", "tail/"]


def client(recorder: Recorder, key: Key, service: str = "s3", **config: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=recorder.url,
        region_name="us-east-1",
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        aws_session_token=key.token,
        config=Config(retries={"max_attempts": 0}, **config),
    )


def all_verified(recorder: Recorder, key: Key) -> None:
    assert recorder.seen
    assert [seen.error for seen in recorder.seen] == [None] * len(recorder.seen)
    assert {seen.verified.key for seen in recorder.seen if seen.verified} == {key}


@pytest.mark.parametrize("sign_payload", [False, True])
@pytest.mark.parametrize("addressing", ["path", "virtual"])
def test_boto3(recorder: Recorder, key: Key, sign_payload: bool, addressing: str) -> None:
    s3 = client(recorder, key, s3={"payload_signing_enabled": sign_payload, "addressing_style": addressing})
    for name in KEYS:
        s3.put_object(Bucket="bucket", Key=name, Body=b"content of " + name.encode(), Metadata={"a": "b  c"})
        assert recorder.seen[-1].content == b"content of " + name.encode()
        s3.list_objects_v2(Bucket="bucket", Prefix=name, Delimiter="/", StartAfter=name)
    s3.upload_fileobj(io.BytesIO(b"x" * 100_000), "bucket", "streamed", ExtraArgs={"ChecksumAlgorithm": "SHA256"})
    assert recorder.seen[-1].content == b"x" * 100_000
    all_verified(recorder, key)


@pytest.mark.parametrize("version", ["s3v4", "s3", None])
def test_presigned_by_boto3(recorder: Recorder, key: Key, version: str | None) -> None:
    s3 = client(recorder, key, signature_version=version)
    for name in KEYS:
        where = {"Bucket": "bucket", "Key": name}
        _send(recorder, "GET", s3.generate_presigned_url("get_object", {**where, "ResponseContentType": "a/b"}))
        put = {**where, "ContentType": "text/plain", "Metadata": {"m": "v"}}
        sent = {"Content-Type": "text/plain", "x-amz-meta-m": "v"}
        _send(recorder, "PUT", s3.generate_presigned_url("put_object", put), sent, b"content")
    all_verified(recorder, key)
    assert all(seen.verified.presigned for seen in recorder.seen if seen.verified)


def test_boto3_to_other_services(recorder: Recorder, key: Key) -> None:
    for dialect, service, operation, given in (
        (Dialect.JSON, "fsx", "describe_file_systems", {"FileSystemIds": ["fs-0123456789abcdef0"]}),
        (Dialect.QUERY, "sts", "get_caller_identity", {}),
        (Dialect.REST_JSON, "lambda", "get_function", {"FunctionName": "arn:aws:lambda:us-east-1:1:function:a b"}),
    ):
        recorder.dialect = dialect
        with contextlib.suppress(Exception):  # the recorder answers nothing that could be read
            getattr(client(recorder, key, service), operation)(**given)
    assert len(recorder.seen) == 3
    all_verified(recorder, key)


@pytest.mark.parametrize("body", [b"", b"some content"])
@pytest.mark.parametrize("how", list(crt.AwsSignatureType)[:2], ids=["header", "query"])
@pytest.mark.parametrize("service", ["s3", "sagemaker"])
def test_awscrt(recorder: Recorder, key: Key, body: bytes, how: Any, service: str) -> None:
    recorder.dialect = Dialect.S3 if service == "s3" else Dialect.REST_JSON
    for path in ("/bucket/a%20b/%C3%BC?list-type=2&prefix=a%2Bb", "/a/../b//c?x", "/bucket/star%2A~'()"):
        headers = HttpHeaders([("host", recorder.url[7:]), ("content-length", str(len(body)))])
        request = HttpRequest("PUT", path, headers, io.BytesIO(body))
        config = crt.AwsSigningConfig(
            algorithm=crt.AwsSigningAlgorithm.V4,
            signature_type=how,
            credentials_provider=crt.AwsCredentialsProvider.new_static(key.id, key.secret, key.token),
            region="us-east-1",
            service=service,
            use_double_uri_encode=service != "s3",
            should_normalize_uri_path=service != "s3",
            signed_body_value=crt.AwsSignedBodyValue.UNSIGNED_PAYLOAD if how.name.endswith("PARAMS") else None,
            signed_body_header_type=crt.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256
            if how.name.endswith("HEADERS")
            else crt.AwsSignedBodyHeaderType.NONE,
            expiration_in_seconds=60 if how.name.endswith("PARAMS") else None,
        )
        signed = crt.aws_sign_request(request, config).result(timeout=20)
        if how.name.endswith("PARAMS") and service != "s3":
            continue  # other services have no unsigned payload in the query
        _send(recorder, signed.method, signed.path, dict(signed.headers), body)
    if recorder.seen:
        all_verified(recorder, key)


def _send(recorder: Recorder, method: str, target: str, headers: Any = (), body: bytes = b"") -> None:
    """Send it as it is; URL libraries would tidy the path."""
    connection = http.client.HTTPConnection(recorder.url[7:], timeout=20)
    own_host = any(name.lower() == "host" for name in dict(headers))
    connection.putrequest(method, target.removeprefix(recorder.url), skip_host=own_host, skip_accept_encoding=True)
    for name, value in dict(headers).items():
        connection.putheader(name, value)
    connection.endheaders(body)
    connection.getresponse().read()
    connection.close()


def test_botocore_signing_with_awscrt(recorder: Recorder, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, "s3v4", botocore.crt.auth.CrtS3SigV4Auth)
    s3 = client(recorder, key, signature_version="s3v4")
    for name in KEYS:
        s3.put_object(Bucket="bucket", Key=name, Body=b"content")
        assert recorder.seen[-1].content == b"content"
    all_verified(recorder, key)


def test_obstore(recorder: Recorder, key: Key) -> None:
    token = {"session_token": key.token} if key.token else {}
    for unsigned in (False, True):
        store = S3Store(
            "bucket",
            endpoint=recorder.url,
            region="us-east-1",
            access_key_id=key.id,
            secret_access_key=key.secret,
            unsigned_payload=unsigned,
            client_options={"allow_http": True},
            **token,  # type: ignore[arg-type]
        )
        for name in KEYS:
            if "//" in name or ".." in name or name.endswith("/"):
                continue  # obstore has no such names
            obstore.put(store, name, b"content of " + name.encode())
            assert recorder.seen[-1].content == b"content of " + name.encode()
        assert recorder.seen[-1].verified is not None
        expected = Payload.UNSIGNED if unsigned else Payload.HASH
        assert recorder.seen[-1].verified.payload is expected
    all_verified(recorder, key)


def test_rclone(recorder: Recorder, key: Key, tmp_path: Path) -> None:
    (tmp_path / "a file+ü").write_bytes(b"content")
    remote = f":s3,provider=Other,access_key_id={key.id},secret_access_key='{key.secret}',endpoint='{recorder.url}'"
    remote += f",region=us-east-1,session_token='{key.token}'" if key.token else ",region=us-east-1"
    program = Path(sys.executable).with_name("rclone")
    command = [str(program), "copyto", str(tmp_path / "a file+ü"), f"{remote}:bucket/a file+ü", "--retries", "1",
               "--s3-no-check-bucket", "--ignore-times", "--config", "", "--low-level-retries", "1"]  # fmt: skip
    subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert any(seen.method == "PUT" and seen.content == b"content" for seen in recorder.seen)
    all_verified(recorder, key)
