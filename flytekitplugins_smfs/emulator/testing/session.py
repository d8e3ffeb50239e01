"""A boto3 session whose clients and resources talk to the embedded AWS, whatever the process's environment says."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config

_NOTHING = (None, None, None, None)
_NO_FILE = (None, None, os.devnull, None)
_ALONE = {"profile": _NOTHING, "config_file": _NO_FILE, "credentials_file": _NO_FILE}
"""No profile and no file of the user's: neither AWS_PROFILE nor ~/.aws is looked at."""


class _Core(botocore.session.Session):
    """Makes clients of the embedded AWS where nothing else is said, and where AWS's own address is.

    The SageMaker SDKs give their STS client a fixed address of AWS; a client of this session never leaves the machine.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(session_vars=_ALONE)
        self._environment = environment
        self.set_default_client_config(Config(proxies={}))

    def create_client(self, service_name: str, *args: Any, **more: Any) -> Any:
        given = more.get("endpoint_url")
        if given is None or (urlsplit(given).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
            general = self._environment["AWS_ENDPOINT_URL"]
            more["endpoint_url"] = self._environment.get(f"AWS_ENDPOINT_URL_{service_name.upper()}", general)
        return super().create_client(service_name, *args, **more)


def session(environment: Mapping[str, str], region: str | None = None) -> boto3.Session:
    """A session for what ``smfs emulator env`` prints; ``region`` is that of the account unless another is given."""
    return boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=region or environment["AWS_REGION"],
        botocore_session=_Core(environment),
    )
