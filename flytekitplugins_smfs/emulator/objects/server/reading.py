"""GetObject and HeadObject."""

import os
import re

from ...wire import Piece
from ...wire.replies import http_date
from ..errors import S3Error
from ..records import COMPOSITE, STANDARD, Stored
from .answers import SMALL_BYTES, Answer
from .request import S3Request, invalid
from .service import Service

_OVERRIDES = {
    f"response-{name}": name
    for name in ("content-type", "content-language", "expires", "cache-control", "content-disposition")
} | {"response-content-encoding": "content-encoding"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")


def get(service: Service, request: S3Request) -> Answer:
    """GetObject: all of it, a range, or a part."""
    check_version(request)
    found, descriptor = service.store.open(request.bucket, request.key)
    try:
        answer = _described(service, request, found)
        if answer.status == 304:
            os.close(descriptor)
            return answer
        start, size = _piece(request, found, answer)
        if size <= SMALL_BYTES:
            answer.body = os.pread(descriptor, size, start)
            os.close(descriptor)
        else:
            answer.file = Piece(descriptor, start, size)
        return answer
    except BaseException:
        os.close(descriptor)
        raise


def head(service: Service, request: S3Request) -> Answer:
    """HeadObject: as GetObject, without content."""
    check_version(request)
    found = service.store.contents.get(request.bucket, request.key)
    answer = _described(service, request, found, content=False)
    if answer.status != 304:
        answer.length = _piece(request, found, answer)[1]
    return answer


def check_version(request: S3Request) -> None:
    """Refuse a version there cannot be: without versioning each object has the version ``null``."""
    version = request.query.get("versionId")
    if version not in (None, "null"):
        raise invalid("Invalid version id specified", "versionId", str(version))


def check_readable(found: Stored, now: float) -> None:
    """Refuse what is archived and not restored."""
    if found.about.storage_class in ARCHIVES and found.about.restored_until < now:
        text = "The operation is not valid for the object's storage class"
        raise S3Error("InvalidObjectState", text, StorageClass=found.about.storage_class)


def check_customer_key(values: dict[str, str], found: Stored, beginning: str = "x-amz-") -> None:
    """Refuse who does not present the key that an object was put with (SSE-C)."""
    given = values.get(f"{beginning}server-side-encryption-customer-key-md5")
    if found.about.customer_key and given is None:
        text = (
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to "
            "retrieve the object."
        )
        raise S3Error("InvalidRequest", text)
    if given is not None and not found.about.customer_key:
        text = "The encryption parameters are not applicable to this object."
        raise S3Error("InvalidRequest", text)
    if given != (found.about.customer_key or None):
        raise S3Error("AccessDenied", "Access Denied")


def _described(service: Service, request: S3Request, found: Stored, content: bool = True) -> Answer:
    """Status 200 or 304 and the object's headers."""
    check_customer_key(request.values, found)
    headers = {"last-modified": http_date(int(found.modified)), "etag": f'"{found.etag}"'}
    if not request.conditions().to_read(found):
        return Answer(304, headers)
    about = found.about
    if content:
        check_readable(found, service.now())
    headers["accept-ranges"] = "bytes"
    headers |= about.headers
    headers |= {f"x-amz-meta-{name}": value for name, value in about.metadata.items()}
    headers |= {f"x-amz-server-side-encryption{name}": value for name, value in encryption(found).items()}
    if about.storage_class != STANDARD:
        headers["x-amz-storage-class"] = about.storage_class
    if about.tags:
        headers["x-amz-tagging-count"] = str(len(about.tags))
    if about.restored_until:
        until = http_date(about.restored_until)
        headers["x-amz-restore"] = f'ongoing-request="false", expiry-date="{until}"'
    if request.query.get("versionId") is not None:
        headers["x-amz-version-id"] = "null"
    for name, header in _OVERRIDES.items():
        if name in request.query:
            headers[header] = request.query[name]
    return Answer(200, headers)


def encryption(found: Stored) -> dict[str, str]:
    """What is said of encryption: S3 encrypts everything, with AES256 unless asked otherwise."""
    return found.about.encryption or {"": "AES256"}


def _piece(request: S3Request, found: Stored, answer: Answer) -> tuple[int, int]:
    """Where the piece that is asked for begins, and its size; the answer says which it is."""
    range_ = request.header("range")
    number = request.query.get("partNumber")
    if number is not None:
        if range_ is not None:
            raise S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
        return _part(request, found, answer)
    span = _span(range_, found, request.header("if-range"))
    if span is None:
        _checksums(request, found, answer)
        return 0, found.size
    start, size = span
    answer.status = 206
    answer.headers["content-range"] = f"bytes {start}-{start + size - 1}/{found.size}"
    return start, size


def _checksums(request: S3Request, found: Stored, answer: Answer) -> None:
    """The checksums of the whole, for who asks; never on a piece, whose sum they are not."""
    if (request.header("x-amz-checksum-mode") or "").upper() == "ENABLED":
        answer.headers |= checksum_headers(found.about.checksums, found.about.checksum_type)


def checksum_headers(checksums: dict[str, str], type: str) -> dict[str, str]:
    """Checksums as headers."""
    headers = {f"x-amz-checksum-{name.lower()}": value for name, value in checksums.items()}
    return {**headers, "x-amz-checksum-type": type} if headers else {}


def _span(text: str | None, found: Stored, if_range: str | None) -> tuple[int, int] | None:
    """Start and size of a range; None for the whole, which S3 also sends for what it does not understand."""
    parts = _RANGE.fullmatch(text.replace(" ", "")) if text else None
    if parts is None or parts.group(0) == "bytes=-" or (if_range and if_range.strip('"') != found.etag):
        return None
    first, last = parts.groups()
    if len(first) > 18 or len(last) > 18:
        raise _beyond(text, found)
    if not first:
        size = min(int(last), found.size)
        if size == 0:
            raise _beyond(text, found)
        return found.size - size, size
    if last and int(last) < int(first):
        return None
    if int(first) >= found.size:
        raise _beyond(text, found)
    end = min(int(last), found.size - 1) if last else found.size - 1
    return int(first), end - int(first) + 1


def _beyond(text: str | None, found: Stored) -> S3Error:
    return S3Error(
        "InvalidRange",
        "The requested range is not satisfiable",
        RangeRequested=text or "",
        ActualObjectSize=found.size,
    )


def _part(request: S3Request, found: Stored, answer: Answer) -> tuple[int, int]:
    number = request.number("partNumber", 1, most=10_000, least=1)
    parts = found.about.parts or [[1, found.size, None]]
    if number > len(parts):
        text = "The requested partnumber is not satisfiable"
        raise S3Error("InvalidPartNumber", text, 416, PartNumberRequested=number, ActualPartCount=len(parts))
    start = sum(size for _, size, _ in parts[: number - 1])
    size = parts[number - 1][1]
    if found.about.parts:
        answer.headers["x-amz-mp-parts-count"] = str(len(parts))
    if found.size:
        answer.status = 206
        answer.headers["content-range"] = f"bytes {start}-{start + size - 1}/{found.size}"
    checksum = parts[number - 1][2]
    if checksum is not None and (request.header("x-amz-checksum-mode") or "").upper() == "ENABLED":
        algorithm = next(iter(found.about.checksums))
        answer.headers |= checksum_headers({algorithm: checksum}, COMPOSITE)
    return start, size
