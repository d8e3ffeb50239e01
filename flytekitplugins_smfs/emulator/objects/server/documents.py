"""Sub-resources of buckets that are documents: kept as they were given, and given back.

They are not acted upon, but for CORS and the default encryption. What was never set is answered as by a new bucket.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import S3Error, not_implemented
from . import bodies, lifecycle, schema, xml
from .about import check_tags
from .answers import Answer
from .properties import tags_of
from .request import S3Request
from .service import Service

_GONE = b""
"""What stands for a document that was deleted where a new bucket has one by default."""


def _default(root: str, inner: str = "") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{xml.NAMESPACE}">{inner}</{root}>'.encode()


@dataclass(frozen=True)
class Kind:
    """One sub-resource. ``unset`` is the error's code and text, or the document of a bucket on which it was not set."""

    root: str
    operation: str
    unset: tuple[str, str] | bytes
    delete: bool = False
    by_id: bool = False
    put_status: int = 200
    gone: tuple[str, str] | None = None
    """The error after a deletion, where it differs from what a new bucket answers."""
    check: Callable[[S3Request, bytes], None] | None = None
    kept: Callable[[bytes], bytes] | None = None
    """What is kept of a document, where that is not just what was given; checks it, too."""


def _check_tagging(_: S3Request, body: bytes) -> None:
    check_tags(tags_of(body), most=50)


def _check_cors(_: S3Request, body: bytes) -> None:
    for method in xml.parsed(body, "CORSConfiguration").iterfind("CORSRule/AllowedMethod"):
        if method.text not in ("GET", "PUT", "HEAD", "POST", "DELETE"):
            text = f"Found unsupported HTTP method in CORS config. Unsupported method is {method.text}"
            raise S3Error("InvalidRequest", text)


def _check_versioning(_: S3Request, body: bytes) -> None:
    root = xml.parsed(body, "VersioningConfiguration")
    if xml.text_of(root, "Status") == "Enabled":
        raise not_implemented("versioning (PutBucketVersioning with Status Enabled)")


_NO_ID = ("NoSuchConfiguration", "The specified configuration does not exist.")
_BLOCKED = "".join(
    f"<{name}>true</{name}>"
    for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
)
_AES256 = (
    "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
    "<BucketKeyEnabled>false</BucketKeyEnabled></Rule>"
)

KINDS = {
    "tagging": Kind("Tagging", "PutBucketTagging", ("NoSuchTagSet", "The TagSet does not exist"), True,
                    put_status=204, check=_check_tagging),
    "lifecycle": Kind(lifecycle.ROOT, "PutBucketLifecycleConfiguration",
                      ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"), True,
                      kept=lifecycle.kept),
    "cors": Kind("CORSConfiguration", "PutBucketCors",
                 ("NoSuchCORSConfiguration", "The CORS configuration does not exist"), True, check=_check_cors),
    "encryption": Kind("ServerSideEncryptionConfiguration", "PutBucketEncryption",
                       _default("ServerSideEncryptionConfiguration", _AES256), True),
    "publicAccessBlock": Kind("PublicAccessBlockConfiguration", "PutPublicAccessBlock",
                              _default("PublicAccessBlockConfiguration", _BLOCKED), True,
                              gone=("NoSuchPublicAccessBlockConfiguration",
                                    "The public access block configuration was not found")),
    "ownershipControls": Kind("OwnershipControls", "PutBucketOwnershipControls",
                              _default("OwnershipControls",
                                       "<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>"), True,
                              gone=("OwnershipControlsNotFoundError",
                                    "The bucket ownership controls were not found")),
    "website": Kind("WebsiteConfiguration", "PutBucketWebsite",
                    ("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"), True),
    "notification": Kind("NotificationConfiguration", "PutBucketNotificationConfiguration",
                         _default("NotificationConfiguration")),
    "logging": Kind("BucketLoggingStatus", "PutBucketLogging", _default("BucketLoggingStatus")),
    "requestPayment": Kind("RequestPaymentConfiguration", "PutBucketRequestPayment",
                           _default("RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>")),
    "accelerate": Kind("AccelerateConfiguration", "PutBucketAccelerateConfiguration",
                       _default("AccelerateConfiguration")),
    "versioning": Kind("VersioningConfiguration", "PutBucketVersioning", _default("VersioningConfiguration"),
                       check=_check_versioning),
    "metrics": Kind("MetricsConfiguration", "PutBucketMetricsConfiguration", _NO_ID, True, True),
    "analytics": Kind("AnalyticsConfiguration", "PutBucketAnalyticsConfiguration", _NO_ID, True, True),
    "inventory": Kind("InventoryConfiguration", "PutBucketInventoryConfiguration", _NO_ID, True, True),
    "intelligent-tiering": Kind("IntelligentTieringConfiguration", "PutBucketIntelligentTieringConfiguration", _NO_ID,
                                True, True),
}  # fmt: skip


async def get(service: Service, request: S3Request, name: str) -> Answer:
    """The document, or what a bucket answers on which it was never set."""
    kind = KINDS[name]
    if kind.by_id and "id" not in request.query:
        return _listed(service, request, name, kind)
    body = service.store.documents.get(request.bucket, name, _id(request, kind))
    if body == _GONE and kind.gone is not None:
        raise S3Error(*kind.gone, BucketName=request.bucket)
    if not body:
        if not isinstance(kind.unset, bytes):
            raise S3Error(*kind.unset, BucketName=request.bucket)
        body = kind.unset
    return Answer(200, {"content-type": "application/xml"}, body)


async def put(service: Service, request: S3Request, name: str) -> Answer:
    """Keep a document that S3's model allows."""
    kind = KINDS[name]
    service.store.buckets.get(request.bucket)
    id = _id(request, kind)
    body = await bodies.small(request)
    schema.check(xml.parsed(body, kind.root), kind.operation)
    if kind.check is not None:
        kind.check(request, body)
    if kind.kept is not None:
        body = kind.kept(body)
    await service.commit(lambda: service.store.documents.put(request.bucket, name, body, id))
    return Answer(kind.put_status)


async def delete(service: Service, request: S3Request, name: str) -> Answer:
    """Forget a document; the bucket and its objects stay."""
    kind = KINDS[name]
    id = _id(request, kind)
    documents = service.store.documents
    if kind.by_id and documents.get(request.bucket, name, id) is None:
        raise S3Error(*_NO_ID)
    if kind.gone is not None:
        await service.commit(lambda: documents.put(request.bucket, name, _GONE, id))
    else:
        await service.commit(lambda: documents.delete(request.bucket, name, id))
    return Answer(204)


def _id(request: S3Request, kind: Kind) -> str:
    if not kind.by_id:
        return ""
    if not request.query.get("id"):
        raise S3Error("InvalidConfigurationId", "The specified configuration id is invalid.")
    return request.query["id"]


def _listed(service: Service, request: S3Request, name: str, kind: Kind) -> Answer:
    """All configurations of a kind, in one page."""
    found = service.store.documents.all(request.bucket, name)
    inner = "".join(body.decode("utf-8", "replace").partition("?>")[2] or body.decode() for body in found)
    root = f"List{kind.root}sResult"
    return Answer(200, {"content-type": "application/xml"}, _default(root, f"<IsTruncated>false</IsTruncated>{inner}"))


async def no_object_lock(service: Service, request: S3Request) -> Answer:
    """GetObjectLockConfiguration: no bucket has one."""
    service.store.buckets.get(request.bucket)
    text = "Object Lock configuration does not exist for this bucket"
    raise S3Error("ObjectLockConfigurationNotFoundError", text, BucketName=request.bucket)


async def no_replication(service: Service, request: S3Request) -> Answer:
    """GetBucketReplication: no bucket has any."""
    service.store.buckets.get(request.bucket)
    text = "The replication configuration was not found"
    raise S3Error("ReplicationConfigurationNotFoundError", text, BucketName=request.bucket)


async def no_replication_to_delete(service: Service, request: S3Request) -> Answer:
    """DeleteBucketReplication: there is none, which is success."""
    service.store.buckets.get(request.bucket)
    return Answer(204)
