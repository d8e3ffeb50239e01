"""Sub-resources of objects: tags, access list, attributes, and bringing back from an archive."""

from dataclasses import replace
from email.utils import formatdate

from ..errors import S3Error
from ..records import COMPOSITE
from . import bodies, xml
from .about import check_acl, check_tags
from .answers import Answer, document
from .reading import ARCHIVES, check_customer_key, check_version
from .request import S3Request, invalid
from .service import Service

_DAY = 86_400


async def get_tags(service: Service, request: S3Request) -> Answer:
    """GetObjectTagging: no tags are an empty set."""
    check_version(request)
    tags = service.store.contents.get(request.bucket, request.key).about.tags
    return document("Tagging", {"TagSet": {"Tag": [{"Key": key, "Value": value} for key, value in tags.items()]}})


async def put_tags(service: Service, request: S3Request) -> Answer:
    """PutObjectTagging: all tags anew."""
    check_version(request)
    service.store.contents.get(request.bucket, request.key)
    tags = tags_of(await bodies.small(request))
    check_tags(tags)
    return await _tagged(service, request, tags, 200)


async def delete_tags(service: Service, request: S3Request) -> Answer:
    """DeleteObjectTagging."""
    check_version(request)
    return await _tagged(service, request, {}, 204)


async def _tagged(service: Service, request: S3Request, tags: dict[str, str], status: int) -> Answer:
    contents = service.store.contents
    await service.commit(lambda: contents.change(request.bucket, request.key, lambda about: replace(about, tags=tags)))
    return Answer(status)


def tags_of(body: bytes) -> dict[str, str]:
    """The tags of a Tagging document."""
    root = xml.parsed(body, "Tagging")
    tag_set = root.find("TagSet")
    if tag_set is None or any(child.tag != "Tag" for child in tag_set):
        raise xml.malformed()
    tags: dict[str, str] = {}
    for tag in tag_set:
        key, value = xml.text_of(tag, "Key"), xml.text_of(tag, "Value")
        if key is None or value is None:
            raise xml.malformed()
        if key in tags:
            raise S3Error("InvalidTag", "Cannot provide multiple Tags with the same key", TagKey=key)
        tags[key] = value
    return tags


async def get_acl(service: Service, request: S3Request) -> Answer:
    """GetObjectAcl and GetBucketAcl: the owner may do everything."""
    if request.key:
        check_version(request)
        service.store.contents.get(request.bucket, request.key)
    else:
        service.store.buckets.get(request.bucket)
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<AccessControlPolicy xmlns="{xml.NAMESPACE}">'
        f"<Owner><ID>{service.owner}</ID></Owner><AccessControlList><Grant>"
        '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">'
        f"<ID>{service.owner}</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>"
        "</AccessControlPolicy>"
    )
    return Answer(200, {"content-type": "application/xml"}, body.encode())


async def put_acl(service: Service, request: S3Request) -> Answer:
    """PutObjectAcl and PutBucketAcl: with ACLs disabled, only the owner's full control is taken."""
    if request.key:
        check_version(request)
        service.store.contents.get(request.bucket, request.key)
    else:
        service.store.buckets.get(request.bucket)
    body = await bodies.small(request)
    if body and "x-amz-acl" in request.values:
        text = "This request does not support content"
        raise S3Error("UnexpectedContent", text)
    if not body:
        if not any(name == "x-amz-acl" or name.startswith("x-amz-grant-") for name in request.values):
            text = "Your request was missing a required header"
            raise S3Error("MissingSecurityHeader", text, MissingHeaderName="x-amz-acl")
        check_acl(request.values)
        return Answer(200)
    try:
        root = xml.parsed(body, "AccessControlPolicy")
    except S3Error:
        text = "The XML you provided was not well-formed or did not validate against our published schema"
        raise S3Error("MalformedACLError", text) from None
    grants = root.findall("AccessControlList/Grant")
    own = [
        grant.findtext("Permission") == "FULL_CONTROL" and grant.findtext("Grantee/ID") == service.owner
        for grant in grants
    ]
    if not all(own):
        raise S3Error("AccessControlListNotSupported", "The bucket does not allow ACLs")
    return Answer(200)


async def attributes(service: Service, request: S3Request) -> Answer:
    """GetObjectAttributes: those that are asked for."""
    check_version(request)
    asked = [name.strip() for name in (request.header("x-amz-object-attributes") or "").split(",") if name.strip()]
    known = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")
    if not asked:
        text = "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty"
        raise S3Error("InvalidRequest", text)
    if wrong := [name for name in asked if name not in known]:
        raise invalid("Invalid attribute name specified.", "x-amz-object-attributes", wrong[0])
    found = service.store.contents.get(request.bucket, request.key)
    check_customer_key(request.values, found)
    about = found.about
    value: dict[str, xml.Value] = {}
    if "ETag" in asked:
        value["ETag"] = found.etag
    if "Checksum" in asked and about.checksums:
        sums: dict[str, xml.Value] = {f"Checksum{name}": checksum for name, checksum in about.checksums.items()}
        value["Checksum"] = {**sums, "ChecksumType": about.checksum_type}
    if "ObjectParts" in asked and about.parts:
        value["ObjectParts"] = _parts(request, about.parts, next(iter(about.checksums), ""), about.checksum_type)
    if "StorageClass" in asked:
        value["StorageClass"] = about.storage_class
    if "ObjectSize" in asked:
        value["ObjectSize"] = found.size
    modified = {"last-modified": formatdate(int(found.modified), usegmt=True)}
    return document("GetObjectAttributesResponse", value, modified)


def _parts(request: S3Request, parts: list[list[object]], algorithm: str, kind: str) -> xml.Value:
    """How many parts there are; one by one only where each has a checksum of its own."""
    value: dict[str, xml.Value] = {"PartsCount": len(parts)}
    if kind != COMPOSITE or parts[0][2] is None:
        return value
    most = min(_header_number(request, "x-amz-max-parts", 1000), 1000)
    after = _header_number(request, "x-amz-part-number-marker", 0)
    page = parts[after : after + most]
    value |= {
        "PartNumberMarker": after,
        "NextPartNumberMarker": after + len(page),
        "MaxParts": most,
        "IsTruncated": after + len(page) < len(parts),
        "Part": [
            {"PartNumber": int(str(number)), "Size": int(str(size)), f"Checksum{algorithm}": str(checksum)}
            for number, size, checksum in page
        ],
    }
    return value


def _header_number(request: S3Request, name: str, default: int) -> int:
    text = request.header(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise invalid("Argument must be an integer", name, text)
    return int(text)


async def restore(service: Service, request: S3Request) -> Answer:
    """RestoreObject: what is archived can be read at once, for the days that are asked for."""
    check_version(request)
    found = service.store.contents.get(request.bucket, request.key)
    if found.about.storage_class not in ARCHIVES:
        text = "Restore is not allowed for the object's current storage class"
        raise S3Error("InvalidObjectState", text, StorageClass=found.about.storage_class)
    root = xml.parsed(await bodies.small(request), "RestoreRequest")
    days = xml.text_of(root, "Days") or ""
    if not (days.isascii() and days.isdecimal() and int(days[:9]) > 0):
        raise xml.malformed()
    until = (int(service.now()) // _DAY + 1 + int(days[:6])) * _DAY  # midnight, UTC, after the last day
    status = 200 if found.about.restored_until > service.now() else 202
    contents = service.store.contents
    await service.commit(
        lambda: contents.change(request.bucket, request.key, lambda about: replace(about, restored_until=until))
    )
    return Answer(status)
