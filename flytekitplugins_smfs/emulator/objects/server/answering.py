"""From a request on the wire to its answer: address, browser's pages, signature, region, operation."""

import logging
import time
from collections.abc import Awaitable

from ...signatures import Dialect, SignatureError, Verified, unsigned, verify
from ...wire import Arrival, Reply, WireError
from ..errors import S3Error, StoreDamaged, not_implemented
from . import bodies, buckets, cors, routes, target
from .answers import Answer, new_ids, refusal, response
from .request import S3Request
from .service import Service

log = logging.getLogger(__name__)

_OTHERS = {
    "s3express": "directory buckets",
    "s3-object-lambda": "object lambda",
    "s3-outposts": "Outposts",
}
"""What S3's clients sign for at other addresses than S3's own."""


class Answering:
    """Answers the requests of one port."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def __call__(self, arrival: Arrival) -> Reply | Awaitable[Reply]:
        """The answer to a request: at once where nothing has to be waited for."""
        ids = new_ids()
        cross: dict[str, str] = {}
        try:
            outcome = self._answer(arrival, cross)
        except Exception as error:  # noqa: BLE001  what is not S3's goes on to the front
            outcome = _refused(arrival, error, ids)
        if isinstance(outcome, Answer):
            return _written(arrival, outcome, cross, ids)
        return self._later(arrival, outcome, cross, ids)

    async def _later(
        self, arrival: Arrival, outcome: Awaitable[Answer], cross: dict[str, str], ids: tuple[str, str]
    ) -> Reply:
        try:
            answer = await outcome
        except Exception as error:  # noqa: BLE001  what is not S3's goes on to the front
            answer = _refused(arrival, error, ids)
        return _written(arrival, answer, cross, ids)

    def _answer(self, arrival: Arrival, cross: dict[str, str]) -> Answer | Awaitable[Answer]:
        """What the operation says. ``cross`` gets the headers that let a page read it."""
        service = self._service
        values = arrival.values
        asked = target.read(arrival.target, values.get("host", ""), service.names)
        if arrival.method == "OPTIONS":
            return cors.preflight(service, asked.bucket, values)
        if "origin" in values or "sec-fetch-site" in values:
            cross |= self._cross(asked.bucket, values, arrival.method)
        request = S3Request(arrival, asked, self._verified(arrival, asked))
        self._check_owner(request)
        buckets.check_region(service, request)
        return routes.operation(request)(service, request)

    def _cross(self, bucket: str, values: dict[str, str], method: str) -> dict[str, str]:
        """The headers that let a page read the answer. Refuses pages that the bucket's owner has not let in."""
        origin = values.get("origin")
        if origin is None:
            if values.get("sec-fetch-site", "none").strip().lower() != "none":
                raise cors.forbidden(method)
            return {}
        headers = cors.allowed(self._service, bucket, origin, method)
        if headers is None:
            raise cors.forbidden(method)
        return headers

    def _verified(self, arrival: Arrival, asked: target.Target) -> Verified:
        """Who asks. A form upload has its signature among its fields."""
        service = self._service
        is_form = arrival.method == "POST" and not asked.key and not asked.query
        if is_form and (arrival.header("content-type") or "").startswith("multipart/form-data"):
            return unsigned(arrival.headers)
        try:
            if service.insecure:
                return unsigned(arrival.headers)
            verified = verify(
                arrival.method,
                arrival.target,
                arrival.headers,
                service.keys,
                time.time(),
                dialect=Dialect.S3,
                host_bucket=asked.bucket if asked.by_host else None,
            )
        except SignatureError as error:
            raise bodies.of_signature(error) from None
        if verified.service in _OTHERS:
            raise not_implemented(f"{_OTHERS[verified.service]} (requests signed for {verified.service})")
        if verified.service not in ("", "s3"):
            text = f'The authorization header is malformed; incorrect service "{verified.service}".'
            raise S3Error("AuthorizationHeaderMalformed", text)
        return verified

    def _check_owner(self, request: S3Request) -> None:
        expected = request.header("x-amz-expected-bucket-owner")
        if expected is not None and expected != self._service.account:
            raise S3Error("AccessDenied", "Access Denied")


def explain(arrival: Arrival | None, error: WireError) -> Reply:
    """What the front refuses, in S3's form."""
    ids = new_ids()
    resource = arrival.target.partition("?")[0] if arrival else ""
    refused = refusal(S3Error(error.code, error.message, error.status), resource, *ids)
    return response(refused, ids, arrival.method if arrival else "GET")


def _written(arrival: Arrival, answer: Answer, cross: dict[str, str], ids: tuple[str, str]) -> Reply:
    answer.headers |= cross
    return response(answer, ids, arrival.method)


def _refused(arrival: Arrival, error: Exception, ids: tuple[str, str]) -> Answer:
    """The error document. Raises what is no refusal."""
    if isinstance(error, StoreDamaged):
        log.error("%s", error)
        error = S3Error("ServiceUnavailable", str(error))
    elif isinstance(error, OSError) and not isinstance(error, ConnectionError):
        error = _of_disk(error)
    if not isinstance(error, S3Error):
        raise error
    answer = refusal(error, arrival.target.partition("?")[0], *ids)
    if (region := error.fields.get("Region")) is not None:
        answer.headers["x-amz-bucket-region"] = str(region)
    return answer


def _of_disk(error: OSError) -> S3Error:
    """A disk that is full, or fails."""
    log.error("the disk of the object store: %s", error)
    return S3Error("InternalError", f"The disk of the embedded S3 failed: {error.strerror or error}", 500)
