"""What web identity tokens and SAML assertions say. They are read, not verified: no identity provider is reached."""

import base64
import binascii
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from ....faults import AwsError

_NAMES = {"saml": "urn:oasis:names:tc:SAML:2.0:assertion"}
_ROLE = "https://aws.amazon.com/SAML/Attributes/Role"
_SESSION = "https://aws.amazon.com/SAML/Attributes/RoleSessionName"


@dataclass(frozen=True)
class Assertion:
    """What a SAML assertion says: the session's name, the provider's and subject's names, the pairs of roles."""

    session: str
    issuer: str
    subject: str
    subject_type: str
    audience: str
    roles: list[set[str]]


def claims(token: str) -> dict[str, Any]:
    """The claims of a JWT. Raises AwsError for what is none, or has expired."""
    parts = token.split(".")
    try:
        payload = parts[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        found = None
    if len(parts) != 3 or not isinstance(found, dict):
        text = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        raise AwsError("InvalidIdentityToken", text)
    if missing := [name for name in ("iss", "sub", "aud") if not found.get(name)]:
        raise AwsError("InvalidIdentityToken", f"Missing a required claim: {missing[0]}")
    expires = found.get("exp")
    if isinstance(expires, (int, float)) and not isinstance(expires, bool) and expires < time.time():
        text = f"Token expired: current date/time {_date(time.time())} must be before the expiration date/time"
        raise AwsError("ExpiredTokenException", f"{text} {_date(max(float(expires), 0.0))}")
    return found


def assertion(text: str) -> Assertion:
    """What a SAML response says, in base64. Raises AwsError for what is none."""
    try:
        document = base64.b64decode(text, validate=True)
        if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
            raise ValueError("a document type")
        root = ElementTree.fromstring(document)
    except (binascii.Error, ValueError, ElementTree.ParseError):
        raise AwsError("InvalidIdentityToken", "Invalid base64 SAMLResponse") from None
    attributes: dict[str, list[str]] = {}
    for attribute in root.iterfind(".//saml:Attribute", _NAMES):
        values = [(value.text or "").strip() for value in attribute.iterfind("saml:AttributeValue", _NAMES)]
        attributes.setdefault(attribute.get("Name", ""), []).extend(values)
    if not attributes.get(_SESSION) or not attributes.get(_ROLE):
        raise AwsError("InvalidIdentityToken", "RoleSessionName and Role are required in AuthnResponse")
    subject = root.find(".//saml:Subject/saml:NameID", _NAMES)
    return Assertion(
        session=attributes[_SESSION][0],
        issuer=(root.findtext(".//saml:Issuer", "", _NAMES) or "").strip(),
        subject=(subject.text or "").strip() if subject is not None else "",
        subject_type=(subject.get("Format", "") if subject is not None else "").rpartition(":")[2],
        audience=(root.findtext(".//saml:Audience", "", _NAMES) or "").strip(),
        roles=[{part.strip() for part in pair.split(",")} for pair in attributes[_ROLE]],
    )


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")
    except (ValueError, OverflowError, OSError):
        return str(seconds)
