"""AWS's errors, sorted into the kinds that decide what to do next."""

from __future__ import annotations

from flytekitplugins_smfs.values.errors import (
    AwsFault,
    Capacity,
    Conflict,
    Credentials,
    Denied,
    Invalid,
    Missing,
    Throttled,
    Transient,
)
from flytekitplugins_smfs.values.plain import Json

# Codes from the service models and https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
KINDS: dict[type[AwsFault], frozenset[str]] = {
    Throttled: frozenset(
        "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException "
        "TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded LimitExceededException "
        "SlowDown ProvisionedThroughputExceededException PriorRequestNotComplete "
        "TransactionInProgressException".split()
    ),
    Transient: frozenset(
        "InternalFailure InternalServerError InternalServerException InternalError ServiceUnavailable "
        "ServiceUnavailableException RequestTimeout RequestTimeoutException ServiceLinkedRoleFailure".split()
    ),
    Capacity: frozenset(
        "ResourceLimitExceeded ServiceLimitExceeded InsufficientThroughputCapacity "
        "InsufficientFreeAddressesInSubnet FileSystemLimitExceeded InsufficientCapacityException "
        "SecurityGroupLimitExceeded".split()
    ),
    Credentials: frozenset(
        "AuthFailure ExpiredToken ExpiredTokenException RequestExpired UnrecognizedClientException "
        "InvalidClientTokenId InvalidAccessKeyId SignatureDoesNotMatch InvalidSignatureException "
        "MissingAuthenticationToken MissingAuthenticationTokenException IncompleteSignature "
        "TokenRefreshRequired".split()
    ),
    Denied: frozenset(
        "AccessDenied AccessDeniedException UnauthorizedOperation UnauthorizedAccess OptInRequired".split()
    ),
    Conflict: frozenset(
        "ResourceInUse ConflictException FileSystemInUse FileSystemAlreadyExists MountTargetConflict "
        "IncompatibleParameterError ResourceConflict DataRepositoryTaskExecuting BucketAlreadyExists".split()
    ),
    Missing: frozenset(
        "ResourceNotFound ResourceNotFoundException FileSystemNotFound DataRepositoryAssociationNotFound "
        "DataRepositoryTaskNotFound NoSuchBucket NoSuchKey NoSuchEntity NotFound InvalidSubnetID.NotFound "
        "InvalidGroup.NotFound InvalidNetworkInterfaceID.NotFound InvalidVpcID.NotFound".split()
    ),
}
_KIND_OF = {code: kind for kind, codes in KINDS.items() for code in codes}


ADVICE = {
    "FileSystemNotFound": (
        "Either it is in another region or account, or it was removed: by hand, or by the clean-up of the execution "
        "that made it. A recovered execution takes over what a node gave, but not the file system behind it: relaunch "
        "it instead (`pyflyte execution --execution-id ID relaunch`)."
    )
}
"""Code -> what to do next, where it says more than the kind of fault does."""


def kind_of(code: str, text: str, status: int) -> type[AwsFault]:
    """The kind of an AWS error, from its code, its text and its HTTP status."""
    if code in _KIND_OF:
        return _KIND_OF[code]
    if code == "ValidationException" and ("not found" in text.lower() or "could not find" in text.lower()):
        return Missing  # SageMaker's way of saying so: "Requested resource not found."
    if code == "ValidationException" and "rate exceeded" in text.lower():
        return Throttled
    if status == 429:
        return Throttled
    if status >= 500:
        return Transient
    if status in (401, 403):
        return Denied
    return Invalid


def fault_of(error: Exception, *, doing: str, service: str, operation: str) -> AwsFault:
    """Translate what botocore raised out of a call. What is none of its own exceptions stands for an answer that it
    could not make sense of: its parsers fail in many ways on a body that is not AWS's."""
    import botocore.exceptions as failures

    place = {"doing": doing, "service": service, "operation": operation}
    if isinstance(error, failures.ClientError):
        answer: Json = error.response
        code, text = str(answer["Error"].get("Code", "Unknown")), str(answer["Error"].get("Message", ""))
        kind = kind_of(code, text, int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)))
        return kind(code=code, text=text, advice=ADVICE.get(code, ""), **place)
    code, text = type(error).__name__, str(error)
    if isinstance(error, failures.ParamValidationError):
        return Invalid(code="ParamValidation", text=text, **place)
    unusable = (failures.NoCredentialsError, failures.PartialCredentialsError, failures.TokenRetrievalError)
    if isinstance(error, (*unusable, failures.CredentialRetrievalError, failures.SSOError)) or _expired(error):
        return Credentials(code=code, text=text, **place)
    passing = (failures.HTTPClientError, failures.ConnectionError, failures.IncompleteReadError)
    if isinstance(error, passing):
        return Transient(code=code, text=text, **place)
    return Transient(code="UnreadableAnswer", text=f"the answer could not be read ({code}: {text})", **place)


def _expired(error: BaseException) -> bool:
    """botocore has no exception of its own for credentials that were renewed and are expired all the same."""
    return type(error) is RuntimeError and "still expired" in str(error)
