"""ListObjects, ListObjectsV2 and ListObjectVersions."""

import base64
import binascii
from collections.abc import Callable
from urllib.parse import quote_plus

from ..conditions import iso_time
from ..listing import Page, Wanted
from ..records import Stored
from . import xml
from .answers import Answer, document
from .request import S3Request, invalid
from .service import Service

_MOST = 1000
Shown = Callable[[str], str]


async def version_1(service: Service, request: S3Request) -> Answer:
    """ListObjects."""
    query, shown = request.query, _encoding(request)
    marker = query.get("marker", "")
    page, wanted = _page(service, request, marker)
    value = _head(request, wanted, shown)
    value["Marker"] = shown(marker)
    if page.truncated and wanted.delimiter:
        value["NextMarker"] = shown(page.last)
    return document("ListBucketResult", value | _body(service, page, shown, owner=True))


async def version_2(service: Service, request: S3Request) -> Answer:
    """ListObjectsV2."""
    query, shown = request.query, _encoding(request)
    if query["list-type"] != "2":
        raise invalid("Invalid List Type specified in Request", "list-type", query["list-type"])
    token, start = query.get("continuation-token"), query.get("start-after", "")
    page, wanted = _page(service, request, start if token is None else _after(token))
    value = _head(request, wanted, shown)
    value["KeyCount"] = len(page.items) + len(page.prefixes)
    value["ContinuationToken"] = token
    value["StartAfter"] = shown(start) if start else None
    if page.truncated:
        value["NextContinuationToken"] = _token(page.last)
    return document("ListBucketResult", value | _body(service, page, shown, owner=query.get("fetch-owner") == "true"))


async def versions(service: Service, request: S3Request) -> Answer:
    """ListObjectVersions: without versioning each object has one version, ``null``."""
    query, shown = request.query, _encoding(request)
    marker = query.get("key-marker", "")
    page, wanted = _page(service, request, marker)
    value = _head(request, wanted, shown)
    value["KeyMarker"] = shown(marker)
    value["VersionIdMarker"] = query.get("version-id-marker", "")
    if page.truncated:
        value["NextKeyMarker"] = shown(page.last)
        value["NextVersionIdMarker"] = "null"
    entries = [
        {**_entry(item, shown), "VersionId": "null", "IsLatest": True, "Owner": {"ID": service.owner}}
        for item in page.items
    ]
    value["IsTruncated"] = page.truncated
    value["Version"] = entries
    value["CommonPrefixes"] = [{"Prefix": shown(prefix)} for prefix in page.prefixes]
    return document("ListVersionsResult", value)


def _page(service: Service, request: S3Request, after: str) -> tuple[Page[Stored], Wanted]:
    query = request.query
    most = min(request.number("max-keys", _MOST), _MOST)
    wanted = Wanted(query.get("prefix", ""), query.get("delimiter", ""), after, most)
    return service.store.listing.page(request.bucket, wanted), wanted


def _head(request: S3Request, wanted: Wanted, shown: Shown) -> dict[str, xml.Value]:
    return {
        "Name": request.bucket,
        "Prefix": shown(wanted.prefix),
        "Delimiter": shown(wanted.delimiter) if wanted.delimiter else None,
        "MaxKeys": wanted.limit,
        "EncodingType": request.query.get("encoding-type"),
    }


def _body(service: Service, page: Page[Stored], shown: Shown, owner: bool) -> dict[str, xml.Value]:
    entries = [_entry(item, shown) for item in page.items]
    if owner:
        for entry in entries:
            entry["Owner"] = {"ID": service.owner}
    return {
        "IsTruncated": page.truncated,
        "Contents": entries,
        "CommonPrefixes": [{"Prefix": shown(prefix)} for prefix in page.prefixes],
    }


def _entry(item: Stored, shown: Shown) -> dict[str, xml.Value]:
    about = item.about
    return {
        "Key": shown(item.key),
        "LastModified": iso_time(item.modified),
        "ETag": f'"{item.etag}"',
        "ChecksumAlgorithm": list(about.checksums),
        "ChecksumType": about.checksum_type if about.checksums else None,
        "Size": item.size,
        "StorageClass": about.storage_class,
    }


def _encoding(request: S3Request) -> Shown:
    """How keys are written: as they are, or as in a URL for those that XML cannot hold."""
    encoding = request.query.get("encoding-type")
    if encoding is None:
        return str
    if encoding != "url":
        raise invalid("Invalid Encoding Method specified in Request", "encoding-type", encoding)
    return lambda text: quote_plus(text, safe="/*")


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(b"1" + last.encode()).decode()


def _after(token: str) -> str:
    try:
        data = base64.urlsafe_b64decode(token.encode("ascii"))
        if not data.startswith(b"1"):
            raise ValueError(token)
        return data[1:].decode()
    except (binascii.Error, ValueError):
        raise invalid("The continuation token provided is incorrect", "continuation-token", token) from None
