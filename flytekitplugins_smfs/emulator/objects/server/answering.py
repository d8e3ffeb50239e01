"""From a request on the wire to its answer: address, browser's pages, signature, region, operation."""

import logging
import time

from aiohttp import web

from ...signatures import Dialect, SignatureError, Verified, unsigned, verify
from ...wire import Arrival, WireError
from ..errors import S3Error, StoreDamaged
from . import bodies, buckets, cors, routes, target
from .answers import Answer, new_ids, refusal, response, sent
from .request import S3Request
from .service import Service

log = logging.getLogger(__name__)

_DRAINED_BYTES = 1 << 20
"""What is left of a refused request's body is read away up to here, so that the connection can be used again."""


class Answering:
    """Answers the requests of one port."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, arrival: Arrival) -> web.StreamResponse:
        """The answer to a request, written if it is a file's content."""
        ids = new_ids()
        cross = dict[str, str]()
        try:
            answer, cross = await self._answer(arrival)
        except S3Error as error:
            answer = refusal(error, arrival.target.partition("?")[0], *ids)
            if (region := error.fields.get("Region")) is not None:
                answer.headers["x-amz-bucket-region"] = str(region)
        except StoreDamaged as damage:
            log.error("%s", damage)
            answer = refusal(S3Error("ServiceUnavailable", str(damage)), arrival.target.partition("?")[0], *ids)
        except OSError as error:
            answer = refusal(_of_disk(error), arrival.target.partition("?")[0], *ids)
        answer.headers |= cross
        written = response(answer, ids, arrival.method)
        if answer.status >= 400 and not arrival.request.content.at_eof() and not _short(arrival):
            written.force_close()
        return written if answer.file is None else await sent(arrival.request, written, answer.file)

    async def _answer(self, arrival: Arrival) -> tuple[Answer, dict[str, str]]:
        service = self._service
        host = arrival.header("host") or ""
        asked = target.read(arrival.target, host, service.names)
        values = {name.lower(): value for name, value in arrival.headers}
        if arrival.method == "OPTIONS":
            return cors.preflight(service, asked.bucket, values), {}
        cross = self._cross(asked.bucket, values, arrival.method)
        request = S3Request(arrival, asked, self._verified(arrival, asked))
        self._check_owner(request)
        buckets.check_region(service, request)
        return await routes.operation(request)(service, request), cross

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
        if verified.service not in ("", "s3"):
            text = f'The authorization header is malformed; incorrect service "{verified.service}".'
            raise S3Error("AuthorizationHeaderMalformed", text)
        return verified

    def _check_owner(self, request: S3Request) -> None:
        expected = request.header("x-amz-expected-bucket-owner")
        if expected is not None and expected != self._service.account:
            raise S3Error("AccessDenied", "Access Denied")


def explain(arrival: Arrival | None, error: WireError) -> web.StreamResponse:
    """What the front refuses, in S3's form."""
    ids = new_ids()
    resource = arrival.target.partition("?")[0] if arrival else ""
    refused = refusal(S3Error(error.code, error.message, error.status), resource, *ids)
    return response(refused, ids, arrival.method if arrival else "GET")


def _short(arrival: Arrival) -> bool:
    """Whether the rest of a refused body is little enough, and on its way."""
    length = arrival.request.content_length
    return length is not None and length <= _DRAINED_BYTES and arrival.header("expect") is None


def _of_disk(error: OSError) -> S3Error:
    """A disk that is full, or fails."""
    log.error("the disk of the object store: %s", error)
    return S3Error("InternalError", f"The disk of the embedded S3 failed: {error.strerror or error}", 500)
