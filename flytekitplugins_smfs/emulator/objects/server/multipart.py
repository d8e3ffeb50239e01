"""The operations of multipart uploads."""

import asyncio
import os
from xml.etree import ElementTree

from .. import checksums, names
from ..checksums import ALGORITHMS, CRC64NVME, LINEAR
from ..conditions import iso_time
from ..errors import S3Error
from ..intake import take_in
from ..listing import Wanted
from ..records import COMPOSITE, FULL_OBJECT, Content, Part, Upload
from ..uploads import MAX_PARTS, Claim, Done
from . import about as headers_about
from . import bodies, xml
from .answers import Answer, document
from .integrity import promised
from .reading import checksum_headers
from .request import S3Request, invalid, refuse_unknown
from .service import Service
from .writing import source

MAX_COMPLETION_BYTES = 4 << 20


async def create(service: Service, request: S3Request) -> Answer:
    """CreateMultipartUpload."""
    names.check_key(request.key)
    refuse_unknown(request)
    service.store.buckets.get(request.bucket)
    asked = request.header("x-amz-checksum-algorithm")
    algorithm = (asked or CRC64NVME).upper()
    if algorithm not in ALGORITHMS:
        raise S3Error("InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the "
                      f"valid types: [{', '.join(ALGORITHMS)}]")  # fmt: skip
    kind = _checksum_type(request.header("x-amz-checksum-type"), asked, algorithm)
    about = headers_about.of(request.values)
    upload = await service.commit(
        lambda: service.store.uploads.create(request.bucket, request.key, about, algorithm, kind, asked is not None)
    )
    headers = headers_about.encryption_headers(upload.about)
    if asked is not None:
        headers |= {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": kind}
    value: dict[str, xml.Value] = {"Bucket": request.bucket, "Key": request.key, "UploadId": upload.id}
    return document("InitiateMultipartUploadResult", value, headers)


async def put_part(service: Service, request: S3Request) -> Answer:
    """UploadPart."""
    number = _number(request)
    upload = _upload(service, request)
    integrity = promised(request)
    _same_algorithm(upload, integrity.algorithm)
    algorithms = {upload.algorithm, *integrity.algorithms} if integrity.algorithm else {upload.algorithm}
    content = await bodies.content(request, service.store.files, algorithms, integrity)
    part = await _keep(service, request, upload, number, content)
    shown = {integrity.algorithm or upload.algorithm: content.checksums[integrity.algorithm or upload.algorithm]}
    headers = {name: value for name, value in checksum_headers(shown, "").items() if value}
    return Answer(200, {"etag": f'"{part.etag}"', **headers_about.encryption_headers(upload.about), **headers})


async def copy_part(service: Service, request: S3Request) -> Answer:
    """UploadPartCopy: all of an object, or a range."""
    number = _number(request)
    upload = _upload(service, request)
    await bodies.small(request)
    _, found = source(service, request)
    start, size = _copy_range(request.header("x-amz-copy-source-range"), found.size)
    descriptor = service.store.files.open(found.file)
    loop = asyncio.get_running_loop()
    try:
        files, algorithms = service.store.files, [upload.algorithm]
        content = await loop.run_in_executor(None, take_in, files, descriptor, algorithms, start, size)
    finally:
        os.close(descriptor)
    part = await _keep(service, request, upload, number, content)
    value: dict[str, xml.Value] = {"LastModified": iso_time(part.modified), "ETag": f'"{part.etag}"'}
    if upload.asked:
        value[f"Checksum{upload.algorithm}"] = part.checksum
    return document("CopyPartResult", value, headers_about.encryption_headers(upload.about))


async def complete(service: Service, request: S3Request) -> Answer:
    """CompleteMultipartUpload. Asked again, it answers the same."""
    refuse_unknown(request)
    uploads, id = service.store.uploads, request.query["uploadId"]
    body = await bodies.small(request, MAX_COMPLETION_BYTES, own_sums=True)
    if (earlier := uploads.completed(request.bucket, request.key, id)) is not None:
        return _completed(request, earlier)
    upload = uploads.get(request.bucket, request.key, id)
    claims = _claims(body)
    parts = uploads.chosen(upload, claims)
    done = uploads.summed(upload, parts)
    _check_whole(request, upload, parts, done)
    conditions = request.conditions()
    if conditions:
        conditions.to_write(request.key, service.store.contents.find(request.bucket, request.key))
    file = await asyncio.get_running_loop().run_in_executor(None, uploads.join, parts)
    with service.store.keeping([file]):
        await service.commit(lambda: uploads.finish(request.bucket, upload, parts, file, done, conditions))
    return _completed(request, done)


async def abort(service: Service, request: S3Request) -> Answer:
    """AbortMultipartUpload."""
    id = request.query["uploadId"]
    await service.commit(lambda: service.store.uploads.abort(request.bucket, request.key, id))
    return Answer(204)


async def list_parts(service: Service, request: S3Request) -> Answer:
    """ListParts, in pages."""
    upload = _upload(service, request)
    most = min(request.number("max-parts", 1000), 1000)
    after = request.number("part-number-marker", 0)
    found = service.store.uploads.parts(upload, after, most + 1)
    page, truncated = found[:most], len(found) > most
    owner: xml.Value = {"ID": service.owner}
    value: dict[str, xml.Value] = {
        "Bucket": request.bucket,
        "Key": request.key,
        "UploadId": upload.id,
        "Initiator": owner,
        "Owner": owner,
        "StorageClass": upload.about.storage_class,
        "PartNumberMarker": after,
        "NextPartNumberMarker": page[-1].number if page else 0,
        "MaxParts": most,
        "IsTruncated": truncated,
    }
    if upload.asked:
        value |= {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": upload.checksum_type}
    value["Part"] = [_part_element(upload, part) for part in page]
    return document("ListPartsResult", value)


async def list_uploads(service: Service, request: S3Request) -> Answer:
    """ListMultipartUploads, in pages."""
    query = request.query
    most = min(request.number("max-uploads", 1000), 1000)
    after, after_id = query.get("key-marker", ""), query.get("upload-id-marker", "")
    wanted = Wanted(query.get("prefix", ""), query.get("delimiter", ""), after, most)
    page = service.store.uploads.page(request.bucket, wanted, after_id if after else "")
    owner: xml.Value = {"ID": service.owner}
    last = page.items[-1].id if page.truncated and page.items and page.items[-1].key == page.last else ""
    value: dict[str, xml.Value] = {
        "Bucket": request.bucket,
        "KeyMarker": after,
        "UploadIdMarker": after_id,
        "NextKeyMarker": page.last if page.truncated else "",
        "NextUploadIdMarker": last,
        "Prefix": wanted.prefix or None,
        "Delimiter": wanted.delimiter or None,
        "MaxUploads": most,
        "IsTruncated": page.truncated,
        "Upload": [
            {
                "Key": item.key,
                "UploadId": item.id,
                "Initiator": owner,
                "Owner": owner,
                "StorageClass": item.about.storage_class,
                "Initiated": iso_time(item.started),
                **({"ChecksumAlgorithm": item.algorithm, "ChecksumType": item.checksum_type} if item.asked else {}),
            }
            for item in page.items
        ],
        "CommonPrefixes": [{"Prefix": prefix} for prefix in page.prefixes],
    }
    return document("ListMultipartUploadsResult", value)


async def _keep(service: Service, request: S3Request, upload: Upload, number: int, content: Content) -> Part:
    uploads = service.store.uploads
    with service.store.keeping([content.file]):
        return await service.commit(lambda: uploads.put_part(upload, request.bucket, number, content))


def _upload(service: Service, request: S3Request) -> Upload:
    return service.store.uploads.get(request.bucket, request.key, request.query["uploadId"])


def _number(request: S3Request) -> int:
    text = request.query["partNumber"]
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MAX_PARTS):
        raise invalid(f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive", "partNumber", text)
    return int(text)


def _checksum_type(given: str | None, asked: str | None, algorithm: str) -> str:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html, by algorithm."""
    kind = given.upper() if given else None
    if kind is None:
        return FULL_OBJECT if asked is None or algorithm == CRC64NVME else COMPOSITE
    if kind not in (FULL_OBJECT, COMPOSITE):
        raise S3Error("InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
    if asked is None:
        text = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
        raise S3Error("InvalidRequest", text)
    if (kind == FULL_OBJECT and algorithm not in LINEAR) or (kind == COMPOSITE and algorithm == CRC64NVME):
        text = f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        raise S3Error("InvalidRequest", text)
    return kind


def _same_algorithm(upload: Upload, given: str | None) -> None:
    if upload.asked and given not in (None, upload.algorithm):
        text = (
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm.lower()}, actual checksum "
            f"Type: {str(given).lower()}"
        )
        raise S3Error("InvalidRequest", text)


def _copy_range(text: str | None, size: int) -> tuple[int, int]:
    if text is None:
        return 0, size
    first, dash, last = text.removeprefix("bytes=").partition("-")
    if not (text.startswith("bytes=") and dash and first.isdecimal() and last.isdecimal() and len(first + last) < 36):
        problem = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
        raise invalid(
            f"{problem}zero-based offsets of the first and last bytes to copy", "x-amz-copy-source-range", text
        )
    if int(first) > int(last) or int(last) >= size:
        problem = f"Range specified is not valid for source object of size: {size}"
        raise invalid(problem, "x-amz-copy-source-range", text)
    return int(first), int(last) - int(first) + 1


def _claims(body: bytes) -> list[Claim]:
    root = xml.parsed(body, "CompleteMultipartUpload")
    claims = [_claim(entry) for entry in root.findall("Part")]
    if not claims or len(claims) > MAX_PARTS:
        raise xml.malformed()
    return claims


def _claim(entry: ElementTree.Element) -> Claim:
    number, etag = xml.text_of(entry, "PartNumber"), xml.text_of(entry, "ETag")
    if number is None or etag is None or not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise xml.malformed()
    given = {name: value for name in ALGORITHMS if (value := xml.text_of(entry, f"Checksum{name}"))}
    return Claim(int(number), etag, given)


def _check_whole(request: S3Request, upload: Upload, parts: list[Part], done: Done) -> None:
    """What the request says of the whole."""
    size = request.header("x-amz-mp-object-size")
    total = sum(part.size for part in parts)
    if size is not None and size != str(total):
        text = f"The provided 'x-amz-mp-object-size' header value {size} does not match what was computed: {total}"
        raise S3Error("InvalidRequest", text)
    kind = request.header("x-amz-checksum-type")
    if kind is not None and kind.upper() != upload.checksum_type:
        text = (
            f"The upload was created using the {upload.checksum_type} checksum mode. The complete request must use "
            "the same checksum mode."
        )
        raise S3Error("InvalidRequest", text)
    for header, algorithm in checksums.HEADERS.items():
        value = request.header(header)
        if value is not None and (algorithm != upload.algorithm or value != done.about.checksums[algorithm]):
            raise checksums.bad_digest(algorithm)


def _part_element(upload: Upload, part: Part) -> xml.Value:
    element: dict[str, xml.Value] = {
        "PartNumber": part.number,
        "LastModified": iso_time(part.modified),
        "ETag": f'"{part.etag}"',
        "Size": part.size,
    }
    if upload.asked:
        element[f"Checksum{upload.algorithm}"] = part.checksum
    return element


def _completed(request: S3Request, done: Done) -> Answer:
    value: dict[str, xml.Value] = {
        "Location": f"http://{request.header('host')}/{request.bucket}/{request.key}",
        "Bucket": request.bucket,
        "Key": request.key,
        "ETag": f'"{done.etag}"',
    }
    value |= {f"Checksum{name}": checksum for name, checksum in done.about.checksums.items()}
    value["ChecksumType"] = done.about.checksum_type
    headers = headers_about.encryption_headers(done.about)
    return document("CompleteMultipartUploadResult", value, headers)
