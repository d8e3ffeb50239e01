"""The one door to boto3: every call of this package to AWS goes through `Aws.call`."""

from __future__ import annotations

import copy
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

from flytekitplugins_smfs.aws import observed, sessions
from flytekitplugins_smfs.aws.endpoint import Endpoint, resolve, resolve_anew
from flytekitplugins_smfs.aws.faults import fault_of
from flytekitplugins_smfs.aws.pacing import TokenBucket, full_jitter, rate_of
from flytekitplugins_smfs.values.errors import AwsFault, SettingsError, Throttled, Transient
from flytekitplugins_smfs.values.plain import Json, Record
from flytekitplugins_smfs.values.settings import Settings

_accounts: dict[tuple[str | None, ...], str] = {}
_buckets: dict[tuple[str, ...], TokenBucket] = {}
_lock = threading.Lock()

PATIENT = 60.0
"""Seconds for which a call that was throttled or failed in passing is tried again."""
POLL_TURN = 1.0
"""Seconds for which a poll waits for its turn at most."""
MOVED = frozenset(
    {"EndpointConnectionError", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"}
)
"""Faults that an emulator shows which was started on another port, or made anew with other keys."""
TOO_LATE = "OutOfTime"
"""Our own code for a call that was not made because the caller's time was over."""


class Halted(Exception):
    """The caller asked to stop, and the call was not made."""


class Aws:
    """AWS in one region, as the settings say. Cheap to make; clients are shared by the whole process."""

    def __init__(
        self,
        settings: Settings,
        region: str | None = None,
        patience: float = PATIENT,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.settings = settings
        self.patience = patience
        self._sleep = sleep
        self._ends = math.inf
        self._quick = False
        self._starts = True
        self.wait: float | None = None
        """Seconds that a state may wait for AWS's present answer; None for an answer at once."""
        self._halt: threading.Event | None = None
        self.endpoint: Endpoint = resolve(settings)
        self.region: str = region or self.endpoint.region or self._ambient_region()

    def at(self, region: str) -> Self:
        """The same AWS in another region."""
        return self if region == self.region else self._but(region=region)

    def quick(self) -> Self:
        """The same AWS as patient as this, but an answer that hangs is waited for only briefly."""
        return self._but(_quick=True)

    def impatient(self) -> Self:
        """The same AWS for polling: each call is tried once, and waits for an answer only briefly."""
        return self._but(patience=0.0, _quick=True)

    def within(self, seconds: float) -> Self:
        """The same AWS for a caller who waits only so long: no call begins after that, and none is tried again."""
        return self._but(patience=seconds, _quick=True, _ends=time.monotonic() + seconds)

    def until(self, halt: threading.Event) -> Self:
        """The same AWS for a caller who may be asked to stop: from then on no call begins, and none waits."""
        return self._but(_halt=halt, _sleep=halt.wait)

    def waiting(self, seconds: float) -> Self:
        """The same AWS for a caller who would rather wait a little than be told what was known before."""
        return self._but(wait=seconds)

    def bystander(self) -> Self:
        """The same AWS for whoever merely follows: an emulator that was stopped is not started again for that."""
        return self._but(_starts=False)

    def steadfast(self) -> Self:
        """The same AWS for what must be seen through even when the caller was asked to stop."""
        return self._but(_halt=None, _sleep=time.sleep)

    def _but(self, **changes: Any) -> Self:
        other = copy.copy(self)
        other.__dict__.update(changes)
        return other

    def call(
        self,
        service: str,
        operation: str,
        request: Record | None = None,
        *,
        doing: str,
    ) -> Json:
        """Make one AWS call, by the API's own names, and return AWS's answer.

        `doing` completes the sentence "While ...:" of an error. Throttling and passing failures are tried again
        with full jitter for as many seconds as this door is patient. Raises a kind of AwsFault, or Halted.
        """
        deadline = min(time.monotonic() + self.patience, self._ends)
        attempt = 0
        last: AwsFault | None = None
        while True:
            attempt += 1
            self._await_turn(service, operation, doing, last)
            method, begun = self._method(service, operation), time.monotonic()
            try:
                answer: Json = method(**(request or {}))
                observed.tell(observed.Call(service, operation, time.monotonic() - begun, None))
                return answer
            except Exception as error:  # noqa: BLE001 - whatever botocore raises is an answer of AWS's or none
                last = fault_of(error, doing=doing, service=service, operation=operation)
                observed.tell(observed.Call(service, operation, time.monotonic() - begun, last))
                wait = full_jitter(attempt)
                moved = self._follow(last)
                if not isinstance(last, Throttled | Transient) and not (moved and attempt == 1):
                    raise last from None  # it says all that botocore's error does, without its frames
                if time.monotonic() + wait > deadline and not (moved and attempt == 1):
                    raise last from None
            self._pause(0.0 if moved else wait, last)

    def pages(
        self,
        service: str,
        operation: str,
        key: str,
        request: Record | None = None,
        *,
        doing: str,
    ) -> Iterator[Json]:
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
        """The account's id of 12 digits; asked for once, since it is its credentials'."""
        if self.place not in _accounts:
            answer = self.call("sts", "GetCallerIdentity", doing="asking which account this is")
            _accounts[self.place] = str(answer["Account"])
        return _accounts[self.place]

    def default_output_uri(self) -> str:
        """The prefix of outputs: the settings', or SageMaker's default bucket of this account and region."""
        return self.settings.output_uri or f"s3://sagemaker-{self.region}-{self.account()}"

    def client(self, service: str) -> Any:
        """The process-wide boto3 client of a service here."""
        end = self.endpoint
        return sessions.client(
            sessions.Where(
                service=service,
                region=self.region,
                url=end.s3_url if service == "s3" else end.url,
                profile=self.settings.profile,
                credentials=end.credentials,
                timeouts=sessions.QUICK if self._quick else sessions.PATIENT,
            )
        )

    @property
    def place(self) -> tuple[str | None, ...]:
        """What tells one AWS from another in this process: account (by its credentials), region and endpoint."""
        key = self.endpoint.credentials[0] if self.endpoint.credentials else None
        return (self.settings.endpoint, self.settings.emulator_state, self.settings.profile, self.region, key)

    def turn(self, service: str, operation: str) -> bool:
        """Whether a call of this operation could be made now without waiting; nothing is taken."""
        return self._bucket(service, operation).ready()

    def _await_turn(self, service: str, operation: str, doing: str, last: AwsFault | None) -> None:
        """Keep to the operation's rate. Who cannot wait that long is told so, and no call is made behind their back.

        Once a call was made, its fault is told instead: what it asked for may have been done.
        """
        left = self._ends - time.monotonic()
        place = {"doing": doing, "service": service, "operation": operation}
        if left < 0:
            raise last or Transient(code=TOO_LATE, text="there is no time left for it in this request.", **place)
        longest = left if self.patience else POLL_TURN
        wait = self._bucket(service, operation).reserve(longest)
        if wait is None:
            text = f"this process already calls it as often as AWS allows; its next turn is over {longest:.1f} s away."
            raise last or Throttled(code="Paced", text=text, **place)
        self._pause(wait, last)

    def _pause(self, seconds: float, last: AwsFault | None) -> None:
        """Wait, unless asked to stop. A call that was made and may have been carried out is told rather than lost."""
        self._sleep(seconds)
        if self._halt is not None and self._halt.is_set():
            raise last or Halted

    def _follow(self, fault: AwsFault) -> bool:
        """The emulator may have moved, or have been made anew: whether it has another address or keys than before."""
        if self.settings.endpoint != "emulator" or fault.code not in MOVED:
            return False
        before = self.endpoint
        self.endpoint = resolve_anew(self.settings, before, start=self._starts)
        return self.endpoint != before

    def _ambient_region(self) -> str:
        # boto3 reads AWS_DEFAULT_REGION alone; every other SDK, and what EKS puts into a pod, says AWS_REGION
        ambient = os.environ.get("AWS_REGION")
        region = self.settings.region or ambient or sessions.session(self.settings.profile).region_name
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
