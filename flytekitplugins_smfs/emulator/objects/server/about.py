"""What a write's headers say of an object: kept headers, metadata, tags, storage class, encryption, access."""

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from .. import checksums
from ..errors import S3Error
from ..records import STANDARD, About
from .request import invalid

KEPT = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires")
_REDIRECT = "x-amz-website-redirect-location"
_META = "x-amz-meta-"
MAX_METADATA_BYTES = 2048
_CLASSES = {
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE",
    "GLACIER_IR",
}  # fmt: skip
_ENCRYPTION = "x-amz-server-side-encryption"
_CUSTOMER = f"{_ENCRYPTION}-customer-"
_CANNED = (
    "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
    "log-delivery-write",
)  # fmt: skip
_OWN_ACLS = ("private", "bucket-owner-full-control")
MAX_TAGS = 10
_TAG = re.compile(r"[\w\s+\-=._:/@]*")


def of(values: Mapping[str, str]) -> About:
    """Everything but checksums and parts. Raises S3Error for what cannot be."""
    check_acl(values)
    headers = {name: values[name] for name in KEPT if values.get(name)}
    if "content-encoding" in headers:
        encodings = [each.strip() for each in headers["content-encoding"].split(",")]
        headers["content-encoding"] = ",".join(each for each in encodings if each and each != "aws-chunked")
        if not headers["content-encoding"]:
            del headers["content-encoding"]
    headers.setdefault("content-type", "binary/octet-stream")
    if redirect := values.get(_REDIRECT):
        if not redirect.startswith(("/", "http://", "https://")):
            text = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
            raise S3Error("InvalidRedirectLocation", text)
        headers[_REDIRECT] = redirect
    encryption, customer_key = _encryption(values)
    return About(
        headers=headers,
        metadata=_metadata(values),
        tags=tags_of_header(values.get("x-amz-tagging")),
        storage_class=_storage_class(values.get("x-amz-storage-class")),
        encryption=encryption,
        customer_key=customer_key,
    )


def check_acl(values: Mapping[str, str]) -> None:
    """Buckets have ACLs disabled, as new ones have: only the owner's own are taken."""
    grants = [name for name in values if name.startswith("x-amz-grant-")]
    acl = values.get("x-amz-acl")
    if acl is not None and acl not in _OWN_ACLS and acl not in _CANNED:
        raise invalid("", "x-amz-acl", acl)
    if grants or (acl is not None and acl not in _OWN_ACLS):
        raise S3Error("AccessControlListNotSupported", "The bucket does not allow ACLs")


def tags_of_header(text: str | None) -> dict[str, str]:
    """The tags of ``x-amz-tagging``: a query string."""
    if not text:
        return {}
    found = parse_qsl(text, keep_blank_values=True)
    tags = dict(found)
    if len(tags) != len(found):
        problem = (
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag "
            "name duplicates."
        )
        raise invalid(problem, "x-amz-tagging", text)
    check_tags(tags)
    return tags


def check_tags(tags: Mapping[str, str], most: int = MAX_TAGS) -> None:
    """Refuse tags that an object (or with ``most`` = 50 a bucket) cannot have."""
    if len(tags) > most:
        what = "Object tags" if most == MAX_TAGS else "Bucket tag count"
        raise S3Error("BadRequest", f"{what} cannot be greater than {most}")
    for key, value in tags.items():
        if not key or len(key) > 128 or not _TAG.fullmatch(key):
            raise S3Error("InvalidTag", "The TagKey you have provided is invalid", TagKey=key)
        if key.lower().startswith("aws:"):
            raise S3Error("InvalidTag", "System tags cannot be added/updated by requester", TagKey=key)
        if len(value) > 256 or not _TAG.fullmatch(value):
            raise S3Error("InvalidTag", "The TagValue you have provided is invalid", TagKey=key, TagValue=value)


def encryption_headers(about: About) -> dict[str, str]:
    """What a write answers of encryption."""
    return {f"{_ENCRYPTION}{name}": value for name, value in (about.encryption or {"": "AES256"}).items()}


def _metadata(values: Mapping[str, str]) -> dict[str, str]:
    metadata = {name[len(_META) :]: value.strip() for name, value in values.items() if name.startswith(_META)}
    size = sum(len(name) + len(value.encode("utf-8", "surrogateescape")) for name, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        text = "Your metadata headers exceed the maximum allowed metadata size"
        raise S3Error("MetadataTooLarge", text, Size=size, MaxSizeAllowed=MAX_METADATA_BYTES)
    return metadata


def _storage_class(value: str | None) -> str:
    if value is None:
        return STANDARD
    if value not in _CLASSES:
        raise S3Error(
            "InvalidStorageClass", "The storage class you specified is not valid", StorageClassRequested=value
        )
    return value


def _encryption(values: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The headers to answer, and the MD5 of the customer's key."""
    asked = values.get(_ENCRYPTION)
    if any(name.startswith(_CUSTOMER) for name in values):
        if asked is not None:
            text = "Server Side Encryption with Customer provided key is incompatible with the encryption method"
            raise invalid(text, _ENCRYPTION, asked)
        md5 = _customer_key(values)
        return {"-customer-algorithm": "AES256", "-customer-key-md5": md5}, md5
    if asked is None:
        return {}, ""
    if asked not in ("AES256", "aws:kms", "aws:kms:dsse"):
        raise invalid("The encryption method specified is not supported", _ENCRYPTION, asked)
    kept = ("-aws-kms-key-id", "-context", "-bucket-key-enabled")
    further = {name: values[f"{_ENCRYPTION}{name}"] for name in kept if f"{_ENCRYPTION}{name}" in values}
    if further and asked == "AES256":
        text = "Server Side Encryption with AWS KMS managed key requires HTTP header "
        text += f"{_ENCRYPTION} : aws:kms"
        raise invalid(text, _ENCRYPTION, asked)
    return {"": asked, **further}, ""


def _customer_key(values: Mapping[str, str]) -> str:
    """The key is checked and kept as its MD5 alone; nothing is encrypted on this machine's own disk."""
    if values.get(f"{_CUSTOMER}algorithm") != "AES256":
        text = "The encryption request you specified is not valid. Supported value: AES256."
        raise S3Error("InvalidEncryptionAlgorithmError", text)
    key = checksums.decoded(values.get(f"{_CUSTOMER}key", ""), 32)
    if key is None:
        raise invalid("The secret key was invalid for the specified algorithm.", f"{_CUSTOMER}key", "")
    md5 = values.get(f"{_CUSTOMER}key-md5", "")
    if md5 != checksums.encoded(hashlib.md5(key, usedforsecurity=False).digest()):
        text = "The calculated MD5 hash of the key did not match the hash that was provided."
        raise invalid(text, f"{_CUSTOMER}key-md5", md5)
    return md5
