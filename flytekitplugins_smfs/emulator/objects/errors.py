"""What S3 answers when it refuses: code, text, status, and the members that some codes carry.

Codes and statuses: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

_STATUS = {
    "AccessControlListNotSupported": 400,
    "AccessDenied": 403,
    "AccessForbidden": 403,
    "AuthorizationHeaderMalformed": 400,
    "BucketAlreadyOwnedByYou": 409,
    "BucketNotEmpty": 409,
    "InternalError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidBucketState": 409,
    "InvalidObjectState": 403,
    "InvalidRange": 416,
    "MethodNotAllowed": 405,
    "MissingContentLength": 411,
    "NoSuchBucket": 404,
    "NoSuchBucketPolicy": 404,
    "NoSuchCORSConfiguration": 404,
    "NoSuchConfiguration": 404,
    "NoSuchKey": 404,
    "NoSuchLifecycleConfiguration": 404,
    "NoSuchObjectLockConfiguration": 404,
    "NoSuchPublicAccessBlockConfiguration": 404,
    "NoSuchTagSet": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    "NoSuchWebsiteConfiguration": 404,
    "NotImplemented": 501,
    "ObjectLockConfigurationNotFoundError": 404,
    "OwnershipControlsNotFoundError": 404,
    "PreconditionFailed": 412,
    "ReplicationConfigurationNotFoundError": 404,
    "RequestTimeTooSkewed": 403,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
}
"""The statuses of codes that are not 400."""


class S3Error(Exception):
    """A refusal in S3's own words. ``fields`` are further elements of the error document, such as ``Key``."""

    def __init__(self, code: str, message: str, status: int | None = None, **fields: str | int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status or _STATUS.get(code, 400)
        self.fields = fields


class StoreDamaged(OSError):
    """The index of the store cannot be read; the text names its file."""


def no_such_key(key: str) -> S3Error:
    """The refusal of a key that holds nothing."""
    return S3Error("NoSuchKey", "The specified key does not exist.", Key=key)


def no_such_bucket(bucket: str) -> S3Error:
    """The refusal of a name that is no bucket's."""
    return S3Error("NoSuchBucket", "The specified bucket does not exist", BucketName=bucket)


def no_such_upload(upload: str) -> S3Error:
    """The refusal of an upload that is not under way."""
    text = (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted "
        "or completed."
    )
    return S3Error("NoSuchUpload", text, UploadId=upload)


def precondition_failed(condition: str) -> S3Error:
    """The refusal of a request whose condition does not hold."""
    text = "At least one of the pre-conditions you specified did not hold"
    return S3Error("PreconditionFailed", text, Condition=condition)


def not_implemented(what: str) -> S3Error:
    """The refusal by name of what this store does not do."""
    return S3Error("NotImplemented", f"The embedded S3 does not implement {what}.")
