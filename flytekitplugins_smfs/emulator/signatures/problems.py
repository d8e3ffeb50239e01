"""What can be wrong with a signature, and how each family of services says it.

Codes and texts: S3's "Error responses" and "Common errors" pages of the AWS documentation; for the other families what
their endpoints are documented to answer under "Common errors" of each service's API reference. JSON services answer 400
where the query services answer 403.
"""

from enum import Enum, auto


class Dialect(Enum):
    """How a family of services words its errors. ``S3`` also has rules of its own for what is signed."""

    S3 = auto()
    QUERY = auto()
    EC2 = auto()
    JSON = auto()
    REST_JSON = auto()


class Problem(Enum):
    """One kind of fault of a request's signature."""

    MISSING = auto()
    TWO_WAYS = auto()
    UNSUPPORTED = auto()
    MALFORMED = auto()
    MALFORMED_QUERY = auto()
    UNKNOWN_KEY = auto()
    INACTIVE_KEY = auto()
    WRONG_TOKEN = auto()
    EXPIRED_TOKEN = auto()
    MISMATCH = auto()
    SKEWED = auto()
    LAPSED = auto()
    NOT_YET = auto()
    UNSIGNED_HEADERS = auto()
    NO_PAYLOAD_HASH = auto()
    BAD_PAYLOAD_HASH = auto()
    WRONG_PAYLOAD = auto()
    WRONG_SCOPE = auto()


_UNKNOWN = "The security token included in the request is invalid."
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)
_EXPIRED = "The security token included in the request is expired"
_MISSING = "Request is missing Authentication Token"
_EC2 = "AWS was not able to validate the provided access credentials"

_Word = tuple[str, int, str]

_S3: dict[Problem, _Word] = {
    Problem.MISSING: ("AccessDenied", 403, "Access Denied"),
    Problem.TWO_WAYS: (
        "InvalidArgument",
        400,
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter "
        "or the Authorization header should be specified",
    ),
    Problem.UNSUPPORTED: (
        "InvalidRequest",
        400,
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    ),
    Problem.MALFORMED: (
        "AuthorizationHeaderMalformed",
        400,
        "The authorization header that you provided is not valid.",
    ),
    Problem.MALFORMED_QUERY: (
        "AuthorizationQueryParametersError",
        400,
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
        "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    ),
    Problem.UNKNOWN_KEY: (
        "InvalidAccessKeyId",
        403,
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    Problem.INACTIVE_KEY: (
        "InvalidAccessKeyId",
        403,
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    Problem.WRONG_TOKEN: ("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
    Problem.EXPIRED_TOKEN: ("ExpiredToken", 400, "The provided token has expired."),
    Problem.MISMATCH: (
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided. Check your key and signing "
        "method.",
    ),
    Problem.SKEWED: (
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
    ),
    Problem.LAPSED: ("AccessDenied", 403, "Request has expired"),
    Problem.NOT_YET: ("AccessDenied", 403, "Request is not valid yet"),
    Problem.UNSIGNED_HEADERS: (
        "AccessDenied",
        403,
        "There were headers present in the request which were not signed",
    ),
    Problem.NO_PAYLOAD_HASH: (
        "InvalidRequest",
        400,
        "Missing required header for this request: x-amz-content-sha256",
    ),
    Problem.BAD_PAYLOAD_HASH: (
        "InvalidArgument",
        400,
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
    ),
    Problem.WRONG_PAYLOAD: (
        "XAmzContentSHA256Mismatch",
        400,
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    ),
    Problem.WRONG_SCOPE: ("AuthorizationHeaderMalformed", 400, "The authorization header is malformed."),
}

_QUERY: dict[Problem, _Word] = {
    Problem.MISSING: ("MissingAuthenticationToken", 403, _MISSING),
    Problem.TWO_WAYS: ("IncompleteSignature", 400, "Only one way of signing may be used in a request."),
    Problem.UNSUPPORTED: ("IncompleteSignature", 400, "Unsupported AWS 'algorithm'."),
    Problem.MALFORMED: ("IncompleteSignature", 400, "The request signature does not conform to AWS standards."),
    Problem.MALFORMED_QUERY: ("IncompleteSignature", 400, "The request signature does not conform to AWS standards."),
    Problem.UNKNOWN_KEY: ("InvalidClientTokenId", 403, _UNKNOWN),
    Problem.INACTIVE_KEY: ("InvalidClientTokenId", 403, _UNKNOWN),
    Problem.WRONG_TOKEN: ("InvalidClientTokenId", 403, _UNKNOWN),
    Problem.EXPIRED_TOKEN: ("ExpiredToken", 403, _EXPIRED),
    Problem.MISMATCH: ("SignatureDoesNotMatch", 403, _MISMATCH),
    Problem.SKEWED: ("SignatureDoesNotMatch", 403, "Signature expired."),
    Problem.LAPSED: ("SignatureDoesNotMatch", 403, "Signature expired."),
    Problem.NOT_YET: ("SignatureDoesNotMatch", 403, "Signature not yet current."),
    Problem.UNSIGNED_HEADERS: (
        "IncompleteSignature",
        400,
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    ),
    Problem.NO_PAYLOAD_HASH: ("SignatureDoesNotMatch", 403, _MISMATCH),
    Problem.BAD_PAYLOAD_HASH: ("SignatureDoesNotMatch", 403, _MISMATCH),
    Problem.WRONG_PAYLOAD: ("SignatureDoesNotMatch", 403, _MISMATCH),
    Problem.WRONG_SCOPE: ("SignatureDoesNotMatch", 403, "Credential should be scoped to correct service."),
}

_JSON_CODES = {
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "IncompleteSignature": "IncompleteSignatureException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "ExpiredToken": "ExpiredTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}


def _json(status: int | None) -> dict[Problem, _Word]:
    return {
        problem: (_JSON_CODES[code], status or query_status, text)
        for problem, (code, query_status, text) in _QUERY.items()
    }


_EC2_WORDS = {
    **dict.fromkeys(_QUERY, ("AuthFailure", 401, _EC2)),
    Problem.MISSING: ("MissingParameter", 400, "The request must contain the parameter AWSAccessKeyId"),
    Problem.EXPIRED_TOKEN: ("RequestExpired", 400, "Request has expired."),
    Problem.SKEWED: ("RequestExpired", 400, "Request has expired."),
    Problem.LAPSED: ("RequestExpired", 400, "Request has expired."),
}

_WORDS: dict[Dialect, dict[Problem, _Word]] = {
    Dialect.S3: _S3,
    Dialect.QUERY: _QUERY,
    Dialect.EC2: _EC2_WORDS,
    Dialect.JSON: _json(400),
    Dialect.REST_JSON: _json(None),
}


class SignatureError(Exception):
    """A refused request, in the words of the service that was asked.

    ``code``, ``message`` and ``status`` are AWS's; ``fields`` are the further members of S3's error document.
    """

    def __init__(self, code: str, message: str, status: int, fields: dict[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields or {}


def problem(
    what: Problem, dialect: Dialect, message: str | None = None, fields: dict[str, str] | None = None
) -> SignatureError:
    """The error of a problem in a dialect; ``message`` replaces the usual text."""
    code, status, text = _WORDS[dialect][what]
    return SignatureError(code, text if message is None else message, status, fields)
