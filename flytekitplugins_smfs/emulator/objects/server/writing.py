"""PutObject, CopyObject, DeleteObject and DeleteObjects."""

import asyncio
from dataclasses import replace
from urllib.parse import unquote

from .. import names
from ..checksums import ALGORITHMS, CRC64NVME
from ..conditions import Conditions, http_time, iso_time
from ..errors import S3Error, no_such_key
from ..files import Files
from ..intake import summed
from ..records import FULL_OBJECT, About, Content, Stored
from . import about as headers_about
from . import bodies, xml
from .answers import Answer, document
from .integrity import promised
from .reading import check_customer_key, check_readable, check_version, checksum_headers
from .request import S3Request, invalid, refuse_unknown
from .service import Service

MAX_COPY_BYTES = 5 << 30
_MAX_DELETIONS = 1000
_SOURCE = "x-amz-copy-source"


async def put(service: Service, request: S3Request) -> Answer:
    """PutObject."""
    names.check_key(request.key)
    refuse_unknown(request)
    integrity = promised(request)
    about = headers_about.of(request.values)
    conditions = request.conditions()
    before = service.store.contents.find(request.bucket, request.key)
    if conditions:
        conditions.to_write(request.key, before)  # seen early, so that nothing is sent in vain
    content = await bodies.content(request, service.store.files, integrity.algorithms, integrity)
    about = replace(about, checksums=content.checksums)
    stored = await _commit(service, request, content, about, conditions)
    return Answer(200, written_headers(stored))


async def copy(service: Service, request: S3Request) -> Answer:
    """CopyObject. What a copy needs no new sums for shares the source's content and is made at once."""
    names.check_key(request.key)
    refuse_unknown(request)
    service.store.buckets.get(request.bucket)
    await bodies.small(request)
    bucket, found = source(service, request)
    check_readable(found, service.now())
    if found.size > MAX_COPY_BYTES:
        text = (
            f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_COPY_BYTES}"
        )
        raise S3Error("InvalidRequest", text)
    about = _copied(request, found.about, itself=(bucket, found.key) == (request.bucket, request.key))
    content = await _duplicate(service, found, request.header("x-amz-checksum-algorithm"))
    about = replace(about, checksums=content.checksums, checksum_type=FULL_OBJECT, parts=[])
    stored = await _commit(service, request, content, about, request.conditions())
    result: dict[str, xml.Value] = {"LastModified": iso_time(stored.modified), "ETag": f'"{stored.etag}"'}
    result |= {f"Checksum{name}": value for name, value in stored.about.checksums.items()}
    result["ChecksumType"] = FULL_OBJECT
    return document("CopyObjectResult", result, headers_about.encryption_headers(stored.about))


async def delete(service: Service, request: S3Request) -> Answer:
    """DeleteObject: what is not there is deleted with success."""
    check_version(request)
    refuse_unknown(request)
    conditions = request.conditions()
    await service.commit(lambda: service.store.contents.delete(request.bucket, request.key, conditions))
    return Answer(204)


async def delete_many(service: Service, request: S3Request) -> Answer:
    """DeleteObjects: up to 1,000 keys in one transaction, each answered by itself."""
    service.store.buckets.get(request.bucket)
    refuse_unknown(request)
    body = await bodies.small(request, most=4 << 20, needs_sum=True)
    root = xml.parsed(body, "Delete")
    entries = root.findall("Object")
    if not 0 < len(entries) <= _MAX_DELETIONS or any(xml.text_of(entry, "Key") is None for entry in entries):
        raise xml.malformed()
    quiet = xml.text_of(root, "Quiet") == "true"
    deleted: list[xml.Value] = []
    errors: list[xml.Value] = []

    def work() -> None:
        for entry in entries:
            key, version, etag = (xml.text_of(entry, name) for name in ("Key", "VersionId", "ETag"))
            try:
                if version not in (None, "", "null"):
                    raise S3Error("NoSuchVersion", "The specified version does not exist.")
                service.store.contents.delete(request.bucket, key or "", Conditions(match=etag))
                deleted.append({"Key": key, "VersionId": version or None})
            except S3Error as error:
                if error.code == "NoSuchBucket":
                    raise
                errors.append({"Key": key, "VersionId": version, "Code": error.code, "Message": error.message})

    await service.commit(work)
    return document("DeleteResult", {"Deleted": None if quiet else deleted, "Error": errors})


def written_headers(stored: Stored) -> dict[str, str]:
    """What a write answers."""
    return {
        "etag": f'"{stored.etag}"',
        **headers_about.encryption_headers(stored.about),
        **checksum_headers(stored.about.checksums, stored.about.checksum_type),
    }


def source(service: Service, request: S3Request) -> tuple[str, Stored]:
    """Bucket and object of ``x-amz-copy-source``, its conditions checked."""
    text = request.values[_SOURCE]
    path, _, query = text.partition("?")
    try:
        bucket, _, key = unquote(path.removeprefix("/"), errors="strict").partition("/")
    except UnicodeDecodeError:
        bucket = key = ""
    if not bucket or not key:
        raise invalid("Invalid copy source object key", _SOURCE, text)
    if query not in ("", "versionId=null"):
        raise invalid("Invalid version id specified", "versionId", query.removeprefix("versionId="))
    expected = request.header("x-amz-source-expected-bucket-owner")
    if expected not in (None, service.account):
        raise S3Error("AccessDenied", "Access Denied")
    found = service.store.contents.get(bucket, key)
    beginning = f"{_SOURCE}-"
    check_customer_key(request.values, found, f"{beginning}")
    values = request.values
    Conditions(
        values.get(f"{beginning}if-match"),
        values.get(f"{beginning}if-none-match"),
        http_time(values.get(f"{beginning}if-modified-since")),
        http_time(values.get(f"{beginning}if-unmodified-since")),
    ).to_copy(found)
    return bucket, found


def _copied(request: S3Request, before: About, itself: bool) -> About:
    """What the copy says of itself, by the directives."""
    given = headers_about.of(request.values)
    metadata = _directive(request, "x-amz-metadata-directive", "metadata")
    tagging = _directive(request, "x-amz-tagging-directive", "tagging")
    anew = ("x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-website-redirect-location")
    if itself and metadata == "COPY" and not any(name in request.values for name in anew):
        text = (
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )
        raise S3Error("InvalidRequest", text)
    kept = before if metadata == "COPY" else given
    return replace(
        given,
        headers=kept.headers,
        metadata=kept.metadata,
        tags=before.tags if tagging == "COPY" else given.tags,
    )


def _directive(request: S3Request, name: str, what: str) -> str:
    value = request.header(name) or "COPY"
    if value not in ("COPY", "REPLACE"):
        raise invalid(f"Unknown {what} directive.", name, value)
    return value


async def _duplicate(service: Service, found: Stored, algorithm: str | None) -> Content:
    """The same content under another name; read again where its MD5 or the sum that is asked for is not known."""
    files = service.store.files
    known = found.about.checksums if found.about.checksum_type == FULL_OBJECT else {}
    wanted = (algorithm or next(iter(known), None) or next(iter(found.about.checksums), None) or CRC64NVME).upper()
    if wanted not in ALGORITHMS:
        raise S3Error("InvalidRequest", "Value for x-amz-checksum-algorithm header is invalid.")
    try:
        name = files.same(found.file)
    except FileNotFoundError:
        raise no_such_key(found.key) from None  # deleted a moment ago
    if wanted in known and "-" not in found.etag:
        return Content(name, found.size, found.etag, {wanted: known[wanted]})
    return await asyncio.get_running_loop().run_in_executor(None, _summed, files, name, wanted)


def _summed(files: Files, name: str, algorithm: str) -> Content:
    try:
        return summed(files, name, [algorithm])
    except BaseException:
        files.discard([name])
        raise


async def _commit(
    service: Service, request: S3Request, content: Content, about: About, conditions: Conditions
) -> Stored:
    """Make the content the object; if that is refused, the content goes."""
    contents = service.store.contents
    with service.store.keeping([content.file]):
        return await service.commit(lambda: contents.put(request.bucket, request.key, content, about, conditions))
