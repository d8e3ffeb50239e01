"""A bucket as obstore sees it, opened with the settings' endpoint and credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flytekitplugins_smfs.aws import sessions
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.faults import kind_of
from flytekitplugins_smfs.values.errors import AwsFault, Credentials, Missing, Transient
from flytekitplugins_smfs.values.plain import Json

RETRIES: Any = {"max_retries": 6, "retry_timeout": timedelta(seconds=60)}
TIMEOUTS: Any = {"connect_timeout": timedelta(seconds=5), "timeout": timedelta(minutes=5)}


def open_bucket(aws: Aws, bucket: str, prefix: str = "") -> Any:
    """The obstore store of a bucket; keys are relative to `prefix`. Makes no request yet."""
    from obstore.store import S3Store

    url = aws.endpoint.s3_url
    options: Json = {"region": aws.region, "retry_config": RETRIES, "client_options": dict(TIMEOUTS)}
    if url:
        options |= {"aws_endpoint_url_s3": url, "virtual_hosted_style_request": False}
        options["client_options"]["allow_http"] = url.startswith("http://")
    if aws.endpoint.credentials:
        key, secret = aws.endpoint.credentials
        options |= {"access_key_id": key, "secret_access_key": secret}
    else:
        options["credential_provider"] = _provider(aws, bucket)
    return S3Store(bucket, prefix=prefix or None, **options)


def _provider(aws: Aws, bucket: str) -> Any:
    """Credentials as boto3 finds them (environment, profile, SSO, role), renewed before they expire."""
    from obstore.auth.boto3 import Boto3CredentialProvider

    session = sessions.session(aws.settings.profile)
    if session.get_credentials() is None:
        text = "no credentials were found."
        raise Credentials(doing=f"opening {bucket}", service="s3", operation="", code="NoCredentials", text=text)
    return Boto3CredentialProvider(session)


@contextmanager
def translated(doing: str, operation: str, bucket: str) -> Iterator[None]:
    """Turn obstore's exceptions into kinds of AwsFault with S3's own code and text."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        if isinstance(error, FileNotFoundError) and error.errno is not None:
            raise  # a local file, not an object
        raise _fault(str(error), doing, operation, bucket) from error


def _fault(text: str, doing: str, operation: str, bucket: str) -> AwsFault:
    code, message = (re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL) for tag in ("Code", "Message"))
    status = re.search(r"status code: (\d{3})", text)
    place = {"doing": doing, "service": "s3", "operation": operation}
    if code is None and status is None:
        return Transient(code="ConnectionError", text=text.split("\n", 1)[0], **place)
    name = code[1] if code else f"HTTP {status[1] if status else 'error'}"
    said = message[1] if message else text.split("\n", 1)[0]
    if name in ("NoSuchBucket", "NoSuchKey", "HTTP 404"):
        hint = f"Create the bucket {bucket}, or name another." if name == "NoSuchBucket" else ""
        return Missing(code=name, text=said, advice=hint, **place)
    return kind_of(name, said, int(status[1]) if status else 400)(code=name, text=said, **place)
