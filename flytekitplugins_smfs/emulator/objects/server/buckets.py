"""The operations of buckets: make, find, remove, list."""

from functools import cache

import botocore.session

from .. import names
from ..conditions import iso_time
from ..errors import S3Error, not_implemented
from . import bodies, xml
from .about import check_acl
from .answers import Answer, document
from .request import S3Request
from .service import Service

_EU = "EU"
_GLOBAL = "us-east-1"


async def list_buckets(service: Service, request: S3Request) -> Answer:
    """ListBuckets, by name, of a prefix or region if asked."""
    query = request.query
    most = request.number("max-buckets", 10_000, most=10_000, least=1)
    prefix, region = query.get("prefix", ""), query.get("bucket-region")
    found = service.store.buckets.all(prefix, query.get("continuation-token", ""))
    if region is not None:
        found = [bucket for bucket in found if bucket.region == region]
    page = found[:most]
    value: dict[str, xml.Value] = {
        "Owner": {"ID": service.owner},
        "Buckets": {
            "Bucket": [
                {
                    "Name": bucket.name,
                    "CreationDate": iso_time(bucket.created),
                    "BucketRegion": bucket.region,
                    "BucketArn": f"arn:aws:s3:::{bucket.name}",
                }
                for bucket in page
            ]
        },
        "Prefix": prefix or None,
        "ContinuationToken": page[-1].name if len(found) > most else None,
    }
    return document("ListAllMyBucketsResult", value)


async def create(service: Service, request: S3Request) -> Answer:
    """CreateBucket, in the region that was asked or that the request is signed for."""
    names.check_bucket(request.bucket)
    check_acl(request.values)
    if (request.header("x-amz-bucket-object-lock-enabled") or "").lower() == "true":
        raise not_implemented("object lock (the header x-amz-bucket-object-lock-enabled)")
    ownership = request.header("x-amz-object-ownership")
    if ownership not in (None, "BucketOwnerEnforced"):
        raise not_implemented(f"buckets with ACLs (x-amz-object-ownership: {ownership})")
    body = await bodies.small(request)
    region = _location(body, request.verified.region or service.region)
    await service.commit(lambda: service.store.buckets.create(request.bucket, region))
    # As the examples of `aws s3api create-bucket` have it: a path in us-east-1, an address for other regions.
    path = f"/{request.bucket}" if region == _GLOBAL else f"http://{request.bucket}.s3.amazonaws.com/"
    return Answer(200, {"location": path, "x-amz-bucket-arn": f"arn:aws:s3:::{request.bucket}"})


async def head(service: Service, request: S3Request) -> Answer:
    """HeadBucket: whether it is there, and where."""
    bucket = service.store.buckets.get(request.bucket)
    headers = {"x-amz-bucket-region": bucket.region, "x-amz-access-point-alias": "false"}
    return Answer(200, {**headers, "content-type": "application/xml"})


async def delete(service: Service, request: S3Request) -> Answer:
    """DeleteBucket, if it is empty."""
    await service.commit(lambda: service.store.buckets.delete(request.bucket))
    return Answer(204)


async def location(service: Service, request: S3Request) -> Answer:
    """GetBucketLocation: nothing for us-east-1, as S3 has it."""
    region = service.store.buckets.get(request.bucket).region
    return Answer(200, {"content-type": "application/xml"}, xml.text("LocationConstraint", _named(region)))


def _named(region: str) -> str:
    return "" if region == _GLOBAL else region


def check_region(service: Service, request: S3Request) -> None:
    """Refuse a request that is signed for another region than the bucket's."""
    signed = request.verified.region
    bucket = service.store.buckets.find(request.bucket) if signed and request.bucket else None
    if bucket is None or signed == bucket.region:
        return
    wrong = f"the region '{signed}' is wrong; expecting '{bucket.region}'"
    if request.verified.presigned:
        text = f"Error parsing the X-Amz-Credential parameter; {wrong}"
        raise S3Error("AuthorizationQueryParametersError", text, Region=bucket.region)
    text = f"The authorization header is malformed; {wrong}"
    raise S3Error("AuthorizationHeaderMalformed", text, Region=bucket.region)


@cache
def _regions() -> frozenset[str]:
    session = botocore.session.get_session()
    partitions = session.get_available_partitions()
    return frozenset(region for each in partitions for region in session.get_available_regions("s3", each))


def _location(body: bytes, signed: str) -> str:
    """The region of a new bucket. A request to us-east-1 may make it anywhere, others only where they are sent."""
    constraint = None
    if body:
        root = xml.parsed(body, "CreateBucketConfiguration")
        if root.find("Location") is not None or root.find("Bucket") is not None:
            raise not_implemented("directory buckets")
        constraint = xml.text_of(root, "LocationConstraint") or None
    if constraint is not None:
        constraint = "eu-west-1" if constraint == _EU else constraint
        if constraint not in _regions() or constraint == _GLOBAL:
            text = "The specified location-constraint is not valid"
            raise S3Error("InvalidLocationConstraint", text, LocationConstraint=constraint)
    if signed == _GLOBAL:
        return constraint or _GLOBAL
    if constraint != signed:
        text = (
            f"The {constraint or 'unspecified'} location constraint is incompatible for the region specific endpoint "
            "this request was sent to."
        )
        raise S3Error("IllegalLocationConstraintException", text)
    return constraint
