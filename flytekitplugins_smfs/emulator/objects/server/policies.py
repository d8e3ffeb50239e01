"""Bucket policies: kept and given back; nobody is let in or kept out by them."""

import json
from fnmatch import fnmatchcase
from typing import Any

from ..errors import S3Error
from . import bodies
from .answers import Answer, document
from .request import S3Request
from .service import Service

_MAX_POLICY_BYTES = 20 * 1024


async def get(service: Service, request: S3Request) -> Answer:
    """GetBucketPolicy."""
    return Answer(200, {"content-type": "application/json"}, _policy(service, request))


async def put(service: Service, request: S3Request) -> Answer:
    """PutBucketPolicy: kept if it could be a policy of this bucket."""
    service.store.buckets.get(request.bucket)
    body = await bodies.small(request)
    _check_policy(body, request.bucket)
    await service.commit(lambda: service.store.documents.put(request.bucket, "policy", body))
    return Answer(204)


async def delete(service: Service, request: S3Request) -> Answer:
    """DeleteBucketPolicy."""
    await service.commit(lambda: service.store.documents.delete(request.bucket, "policy"))
    return Answer(204)


async def status(service: Service, request: S3Request) -> Answer:
    """GetBucketPolicyStatus: public is a policy that allows something to everybody without a condition."""
    statements = _statements(json.loads(_policy(service, request)))
    public: bool = any(
        each.get("Effect") == "Allow" and not each.get("Condition") and each.get("Principal") in ("*", {"AWS": "*"})
        for each in statements
    )
    return document("PolicyStatus", {"IsPublic": public})


def _policy(service: Service, request: S3Request) -> bytes:
    body = service.store.documents.get(request.bucket, "policy")
    if body is None:
        raise S3Error("NoSuchBucketPolicy", "The bucket policy does not exist", BucketName=request.bucket)
    return body


def _statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    found = policy.get("Statement")
    return found if isinstance(found, list) else [found] if isinstance(found, dict) else []


def _check_policy(body: bytes, bucket: str) -> None:
    """The rules of a policy's form that S3 checks when it is put."""

    def wrong(text: str) -> S3Error:
        return S3Error("MalformedPolicy", text)

    if len(body) > _MAX_POLICY_BYTES:
        raise wrong("Normalized policy document exceeds the maximum allowed size of 20480 bytes.")
    try:
        policy = json.loads(body)
    except (ValueError, RecursionError):
        policy = None
    if not isinstance(policy, dict):
        raise wrong("This policy contains invalid Json")
    statements = _statements(policy)
    if not statements or not all(isinstance(each, dict) for each in statements):
        raise wrong("Missing required field Statement")
    for each in statements:
        for names in (("Effect",), ("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource")):
            if not any(name in each for name in names):
                raise wrong(f"Missing required field {names[0]}")
        if each["Effect"] not in ("Allow", "Deny"):
            raise wrong(f"Invalid effect: {each['Effect']}")
        resources = each.get("Resource", each.get("NotResource"))
        for resource in resources if isinstance(resources, list) else [resources]:
            if not _is_of(resource, bucket):
                raise wrong("Policy has invalid resource")


def _is_of(resource: Any, bucket: str) -> bool:
    """Whether a resource is the bucket or in it; its name may have wildcards."""
    beginning = "arn:aws:s3:::"
    if not isinstance(resource, str) or not resource.startswith(beginning):
        return bool(resource == "*")
    return fnmatchcase(bucket, resource.removeprefix(beginning).partition("/")[0])
