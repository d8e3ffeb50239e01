"""The one door to boto3: every call of this package to AWS goes through `Aws.call`."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flytekitplugins_smfs.aws.endpoint import Endpoint, resolve
from flytekitplugins_smfs.aws.faults import fault_of
from flytekitplugins_smfs.aws.pacing import TokenBucket, full_jitter, rate_of
from flytekitplugins_smfs.values.errors import AwsFault, SettingsError, Throttled, Transient
from flytekitplugins_smfs.values.settings import Settings

_clients: dict[tuple[Any, ...], Any] = {}
_buckets: dict[tuple[str, ...], TokenBucket] = {}
_lock = threading.Lock()

PATIENT = 60.0
"""Seconds for which a call that was throttled or failed in passing is tried again."""
POLL_TIMEOUT = 2.0
"""Seconds to wait for an answer when polling: one try, then say what is known."""
POLL_TURN = 1.0
"""Seconds for which a poll waits for its turn at most."""


class Aws:
    """AWS in one region, as the settings say. Cheap to make; clients are shared by the whole process."""

    def __init__(
        self,
        settings: Settings,
        region: str | None = None,
        patience: float = PATIENT,
        sleep: Callable[[float], None] = time.sleep,
        ends: float = math.inf,
    ) -> None:
        """`ends` is the moment, by the monotonic clock, after which nothing is waited for or tried again."""
        self.settings = settings
        self.patience = patience
        self._sleep = sleep
        self._ends = ends
        self.endpoint: Endpoint = resolve(settings)
        self.region: str = region or self.endpoint.region or self._ambient_region()

    def at(self, region: str) -> Aws:
        """The same AWS in another region."""
        return self if region == self.region else Aws(self.settings, region, self.patience, self._sleep, self._ends)

    def impatient(self) -> Aws:
        """The same AWS for polling: each call is tried once, and waits for an answer only briefly."""
        return Aws(self.settings, self.region, 0.0, self._sleep)

    def within(self, seconds: float) -> Aws:
        """The same AWS for a caller who waits only so long: within that time ends all waiting and trying again."""
        return Aws(self.settings, self.region, seconds, self._sleep, time.monotonic() + seconds)

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
        deadline = min(time.monotonic() + self.patience, self._ends)
        attempt = 0
        last: AwsFault | None = None
        while True:
            attempt += 1
            self._await_turn(service, operation, doing, last)
            try:
                answer: dict[str, Any] = method(**(request or {}))
                return answer
            except Exception as error:
                last = fault_of(error, doing=doing, service=service, operation=operation)
                if last is None:
                    raise
                wait = full_jitter(attempt)
                if not isinstance(last, Throttled | Transient) or time.monotonic() + wait > deadline:
                    raise last from None  # it says all that botocore's error does, without its frames
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

    def _await_turn(self, service: str, operation: str, doing: str, last: AwsFault | None) -> None:
        """Keep to the operation's rate. Who cannot wait that long is told so, and no call is made behind their back.

        Once a call was made, its fault is told instead: what it asked for may have been done.
        """
        longest = max(0.0, self._ends - time.monotonic()) if self.patience else POLL_TURN
        wait = self._bucket(service, operation).reserve(longest)
        if wait is None:
            text = f"this process already calls it as often as AWS allows; its next turn is over {longest:.1f} s away."
            paced = Throttled(doing=doing, service=service, operation=operation, code="Paced", text=text)
            raise last or paced
        self._sleep(wait)

    def client(self, service: str) -> Any:
        """The process-wide boto3 client of a service here. Its own retries are off: pacing is done at the door."""
        end = self.endpoint
        url = end.s3_url if service == "s3" else end.url
        timeouts = self._timeouts()
        key = (service, self.region, url, self.settings.profile, end.credentials, timeouts)
        with _lock:
            if key not in _clients:
                _clients[key] = self._new_client(service, url, timeouts)
            return _clients[key]

    def _timeouts(self) -> tuple[float, float]:
        """Seconds to wait for a connection and for an answer."""
        if not self.patience:
            return POLL_TIMEOUT, POLL_TIMEOUT
        return (5.0, 20.0) if self._ends == math.inf else (2.0, 3.5)

    def _new_client(self, service: str, url: str | None, timeouts: tuple[float, float]) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=timeouts[0],
            read_timeout=timeouts[1],
            max_pool_connections=32,
            s3={"addressing_style": "path"} if url else {},
        )
        key, secret = self.endpoint.credentials or (None, None)
        return self._session().client(
            service, endpoint_url=url, config=config, aws_access_key_id=key, aws_secret_access_key=secret
        )

    def _session(self) -> Any:
        import boto3
        from botocore.exceptions import ProfileNotFound

        try:
            return boto3.Session(profile_name=self.settings.profile, region_name=getattr(self, "region", None))
        except ProfileNotFound as error:
            raise SettingsError(f"{error}. Set `profile` in [smfs], FLYTE_SMFS_PROFILE, or AWS_PROFILE.") from error

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
