"""The signature of a browser's form upload to S3: over its policy, by version 4 or 2.

S3's "Browser-based uploads using POST" pages. Whether the form keeps to its policy is not decided here.
"""

from collections.abc import Mapping

from . import authorization as read
from . import canonical, version2
from .keys import Key, Keys
from .problems import Dialect, Problem, problem


def verify_form(fields: Mapping[str, str], keys: Keys, now: float) -> Key:
    """Who signed a form's policy. ``fields`` are the form's, their names in lower case. Raises SignatureError."""
    if not fields.get("policy"):
        raise problem(Problem.MISSING, Dialect.S3)
    token = fields.get("x-amz-security-token")
    if "x-amz-signature" in fields or "x-amz-algorithm" in fields:
        return _version4(fields, token, keys, now)
    if not (fields.get("awsaccesskeyid") and fields.get("signature")):
        raise problem(Problem.MISSING, Dialect.S3)
    key = version2.find_key(fields["awsaccesskeyid"], token, keys, now)
    if not canonical.same(version2.sign(key.secret, fields["policy"]), fields["signature"]):
        raise problem(Problem.MISMATCH, Dialect.S3, fields={"AWSAccessKeyId": key.id})
    return key


def _version4(fields: Mapping[str, str], token: str | None, keys: Keys, now: float) -> Key:
    names = ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")
    if missing := [name for name in names if not fields.get(name)]:
        text = (
            f"Bucket POST must contain a field named '{missing[0]}'.  "
            "If it is specified, please check the order of the fields."
        )
        raise problem(Problem.BAD_PAYLOAD_HASH, Dialect.S3, text)
    if fields["x-amz-algorithm"] != "AWS4-HMAC-SHA256":
        raise problem(Problem.UNSUPPORTED, Dialect.S3)
    id, date, region, service = read.credential(fields["x-amz-credential"], Dialect.S3, Problem.MALFORMED)
    if read.parse_moment(fields["x-amz-date"]) is None or fields["x-amz-date"][:8] != date:
        raise problem(Problem.MALFORMED, Dialect.S3, "X-Amz-Date must be in ISO8601 and of the credential's day")
    key = version2.find_key(id, token, keys, now)
    signing_key = canonical.signing_key(key.secret, date, region, service)
    if not canonical.same(canonical.sign(signing_key, fields["policy"]), fields["x-amz-signature"]):
        raise problem(Problem.MISMATCH, Dialect.S3, fields={"AWSAccessKeyId": key.id})
    return key
