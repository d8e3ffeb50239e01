"""Which operation a request is: by method, by what its address names, and by the sub-resource in its query.

A request with a sub-resource is never taken for the plain one. What is not here is refused by name.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from ..errors import S3Error, not_implemented
from . import buckets, documents, forms, listings, multipart, policies, properties, reading, writing
from .answers import Answer
from .request import S3Request
from .service import Service

Operation = Callable[[Service, S3Request], Answer | Awaitable[Answer]]
"""What needs no waiting answers at once."""

_BUCKET: dict[tuple[str, str], Operation] = {
    ("PUT", ""): buckets.create,
    ("HEAD", ""): buckets.head,
    ("DELETE", ""): buckets.delete,
    ("GET", ""): listings.version_1,
    ("POST", ""): forms.post,
    ("GET", "list-type"): listings.version_2,
    ("GET", "versions"): listings.versions,
    ("GET", "location"): buckets.location,
    ("GET", "uploads"): multipart.list_uploads,
    ("POST", "delete"): writing.delete_many,
    ("GET", "acl"): properties.get_acl,
    ("PUT", "acl"): properties.put_acl,
    ("GET", "policy"): policies.get,
    ("PUT", "policy"): policies.put,
    ("DELETE", "policy"): policies.delete,
    ("GET", "policyStatus"): policies.status,
    ("GET", "object-lock"): documents.no_object_lock,
    ("GET", "replication"): documents.no_replication,
    ("DELETE", "replication"): documents.no_replication_to_delete,
}
for _name, _kind in documents.KINDS.items():
    _BUCKET["GET", _name] = partial(documents.get, name=_name)
    _BUCKET["PUT", _name] = partial(documents.put, name=_name)
    if _kind.delete:
        _BUCKET["DELETE", _name] = partial(documents.delete, name=_name)

_OBJECT: dict[tuple[str, str], Operation] = {
    ("GET", ""): reading.get,
    ("HEAD", ""): reading.head,
    ("PUT", ""): writing.put,
    ("PUT", "copy"): writing.copy,
    ("DELETE", ""): writing.delete,
    ("POST", "uploads"): multipart.create,
    ("PUT", "uploadId"): multipart.put_part,
    ("PUT", "uploadId copy"): multipart.copy_part,
    ("POST", "uploadId"): multipart.complete,
    ("DELETE", "uploadId"): multipart.abort,
    ("GET", "uploadId"): multipart.list_parts,
    ("GET", "tagging"): properties.get_tags,
    ("PUT", "tagging"): properties.put_tags,
    ("DELETE", "tagging"): properties.delete_tags,
    ("GET", "acl"): properties.get_acl,
    ("PUT", "acl"): properties.put_acl,
    ("GET", "attributes"): properties.attributes,
    ("POST", "restore"): properties.restore,
}

_REFUSED = {
    "object-lock": "object lock",
    "legal-hold": "object lock",
    "retention": "object lock",
    "replication": "replication",
    "torrent": "torrents",
    "select": "SelectObjectContent",
    "session": "directory buckets",
    "renameObject": "directory buckets",
    "metadataConfiguration": "S3 Metadata",
    "metadataTable": "S3 Metadata",
    "metadataInventoryTable": "S3 Metadata",
    "metadataJournalTable": "S3 Metadata",
    "metadataAnnotationTable": "S3 Metadata",
    "abac": "access control by tags",
    "encryption-object": "changing an object's encryption",
    "append": "appending to objects",
}
"""Sub-resources that are known and not implemented."""

_SUB_RESOURCES = {sub for _, sub in (*_BUCKET, *_OBJECT) if sub and " " not in sub and sub != "copy"} | set(_REFUSED)


def operation(request: S3Request) -> Operation:
    """The operation of a request. Raises S3Error MethodNotAllowed or NotImplemented."""
    if not request.bucket:
        if request.method in ("GET", "HEAD") and not request.key:
            return buckets.list_buckets
        raise _not_allowed(request, "SERVICE")
    subs = [name for name in request.query if name in _SUB_RESOURCES]
    table = _OBJECT if request.key else _BUCKET
    sub = _main(subs, request)
    found = table.get((request.method, sub))
    if found is not None:
        return found
    if any(name in _REFUSED for name in subs):
        name = next(name for name in subs if name in _REFUSED)
        raise not_implemented(f"{_REFUSED[name]} ({request.method} ?{name})")
    if subs and not any((method, sub) in table for method in ("GET", "PUT", "POST", "DELETE")):
        raise not_implemented(f"{request.method} ?{sub} for {'objects' if request.key else 'buckets'}")
    raise _not_allowed(request, "OBJECT" if request.key else "BUCKET")


def _main(subs: list[str], request: S3Request) -> str:
    """The one sub-resource that tells the operation."""
    copied = "x-amz-copy-source" in request.values and request.method == "PUT" and request.key
    if "uploadId" in subs and request.key:
        if request.method == "PUT" and "partNumber" not in request.query:
            text = "This operation does not accept a query-string."
            raise S3Error("InvalidArgument", text, ResourceType="uploadId")
        return "uploadId copy" if copied else "uploadId"
    if request.method == "PUT" and request.key and "partNumber" in request.query:
        raise S3Error("InvalidArgument", "This operation does not accept a part number without an upload id.")
    if "list-type" in subs and (request.key or request.method != "GET" or len(subs) > 1):
        subs = [name for name in subs if name != "list-type"]
    return subs[0] if subs else "copy" if copied else ""


def _not_allowed(request: S3Request, kind: str) -> S3Error:
    text = "The specified method is not allowed against this resource."
    return S3Error("MethodNotAllowed", text, Method=request.method, ResourceType=kind)
