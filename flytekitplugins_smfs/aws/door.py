"""The one door to boto3: every call of this package to AWS goes through `Aws.call`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flytekitplugins_smfs.aws.endpoint import Endpoint, resolve
from flytekitplugins_smfs.aws.faults import fault_of
from flytekitplugins_smfs.aws.pacing import TokenBucket, full_jitter, rate_of
from flytekitplugins_smfs.values.errors import SettingsError, Throttled, Transient
from flytekitplugins_smfs.values.settings import Settings

_clients: dict[tuple[str, ...], Any] = {}
_buckets: dict[tuple[str, ...], TokenBucket] = {}
_lock = threading.Lock()

PATIENT = 60.0
"""Seconds for which a call that was throttled or failed in passing is tried again."""
POLL_TIMEOUT = 2.0
"""Seconds to wait for an answer when polling: one try, then say what is known."""


class Aws:
    """AWS in one region, as the settings say. Cheap to make; clients are shared by the whole process."""

    def __init__(
        self,
        settings: Settings,
        region: str | None = None,
        patience: float = PATIENT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.patience = patience
        self._sleep = sleep
        self.endpoint: Endpoint = resolve(settings)
        self.region: str = region or self.endpoint.region or self._ambient_region()

    def at(self, region: str) -> Aws:
        """The same AWS in another region."""
        return self if region == self.region else Aws(self.settings, region, self.patience, self._sleep)

    def impatient(self) -> Aws:
        """The same AWS for polling: each call is tried once, and waits for an answer only briefly."""
        return Aws(self.settings, self.region, 0.0, self._sleep)

    def call(
        self,
        service: str,
        operation: str,
        request: Mapping[str, Any] | None = None,
        *,
        doing: str,
    ) -> dict[str, Any]:
        """Make one AWS call, by the API's own names, and return AWS's answer.

        `doing` completes the sentence "While ...:" of an error. Throttling and passing failures are tried again
        with full jitter for as many seconds as this door is patient. Raises a kind of AwsFault.
        """
        method = self._method(service, operation)
        deadline = time.monotonic() + self.patience
        attempt = 0
        while True:
            attempt += 1
            self._sleep(self._bucket(service, operation).reserve())
            try:
                answer: dict[str, Any] = method(**(request or {}))
                return answer
            except Exception as error:
                fault = fault_of(error, doing=doing, service=service, operation=operation)
                if fault is None:
                    raise
                wait = full_jitter(attempt)
                if not isinstance(fault, Throttled | Transient) or time.monotonic() + wait > deadline:
                    raise fault from error
            self._sleep(wait)

    def pages(
        self,
        service: str,
        operation: str,
        key: str,
        request: Mapping[str, Any] | None = None,
        *,
        doing: str,
    ) -> Iterator[dict[str, Any]]:
        """Yield the items under `key` of every page (NextToken), never only the first."""
        token: str | None = None
        while True:
            page = {**(request or {}), **({"NextToken": token} if token else {})}
            answer = self.call(service, operation, page, doing=doing)
            yield from answer.get(key, [])
            token = answer.get("NextToken")
            if not token:
                return

    def account(self) -> str:
        """The account's id of 12 digits."""
        answer = self.call("sts", "GetCallerIdentity", doing="asking which account this is")
        return str(answer["Account"])

    def default_output_uri(self) -> str:
        """The prefix of outputs: the settings', or SageMaker's default bucket of this account and region."""
        return self.settings.output_uri or f"s3://sagemaker-{self.region}-{self.account()}"

    def client(self, service: str) -> Any:
        """The process-wide boto3 client of a service here. Its own retries are off: pacing is done at the door."""
        end = self.endpoint
        url = end.s3_url if service == "s3" else end.url
        pace = "patient" if self.patience else "poll"
        key = (service, self.region, url or "", self.settings.profile or "", (end.credentials or ("",))[0], pace)
        with _lock:
            if key not in _clients:
                _clients[key] = self._new_client(service, url)
            return _clients[key]

    def _new_client(self, service: str, url: str | None) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=5 if self.patience else POLL_TIMEOUT,
            read_timeout=20 if self.patience else POLL_TIMEOUT,
            max_pool_connections=32,
            s3={"addressing_style": "path"} if url else {},
        )
        key, secret = self.endpoint.credentials or (None, None)
        return self._session().client(
            service, endpoint_url=url, config=config, aws_access_key_id=key, aws_secret_access_key=secret
        )

    def _session(self) -> Any:
        import boto3

        return boto3.Session(profile_name=self.settings.profile, region_name=getattr(self, "region", None))

    def _ambient_region(self) -> str:
        region = self.settings.region or self._session().region_name
        if not region:
            raise SettingsError("No region is chosen. Set `region` in [smfs], FLYTE_SMFS_REGION, or AWS_REGION.")
        return str(region)

    def _method(self, service: str, operation: str) -> Callable[..., Any]:
        from botocore import xform_name

        method: Callable[..., Any] = getattr(self.client(service), xform_name(operation))
        return method

    def _bucket(self, service: str, operation: str) -> TokenBucket:
        key = (service, operation, self.region, self.endpoint.url or "")
        with _lock:
            if key not in _buckets:
                _buckets[key] = TokenBucket(rate_of(service, operation, self.settings.requests_per_second))
            return _buckets[key]
