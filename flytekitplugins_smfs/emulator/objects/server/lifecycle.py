"""Lifecycle rules as S3 takes them: what its schema does not say of them, and the id that each rule gets.

The rules are kept and given back, not acted upon. Codes and texts are those of S3's API reference
(PutBucketLifecycleConfiguration), of ceph's s3-tests, and of answers that others recorded from AWS.
"""

import base64
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from ..errors import S3Error
from . import xml

ROOT = "LifecycleConfiguration"
_MOST_RULES = 1000
_LONGEST_ID = 255
_LARGEST_SIZE = 1_099_511_627_776_000
_INFREQUENT_DAYS = 30
_INFREQUENT = ("STANDARD_IA", "ONEZONE_IA")
_COUNTED = {
    "Expiration": "Days",
    "NoncurrentVersionExpiration": "NoncurrentDays",
    "AbortIncompleteMultipartUpload": "DaysAfterInitiation",
}
_ACTIONS = (*_COUNTED, "Transition", "NoncurrentVersionTransition")


def kept(body: bytes) -> bytes:
    """The configuration as it is given back: with an id for each rule. Raises S3Error for rules that S3 refuses."""
    root = xml.parsed(body, ROOT)
    rules = root.findall("Rule")
    if not 1 <= len(rules) <= _MOST_RULES:
        raise xml.malformed()
    _check_ids([xml.text_of(rule, "ID") or "" for rule in rules])
    _check_versions(rules)
    for rule in rules:
        _check_filter(rule)
        _check_actions(rule)
    for rule in rules:
        if not xml.text_of(rule, "ID"):
            for empty in rule.findall("ID"):
                rule.remove(empty)
            SubElement(rule, "ID").text = base64.b64encode(str(uuid.uuid4()).encode()).decode()
    root.set("xmlns", xml.NAMESPACE)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _check_ids(ids: list[str]) -> None:
    if any(len(id) > _LONGEST_ID for id in ids):
        raise _argument(f"ID length should not exceed allowed limit of {_LONGEST_ID}")
    given = [id for id in ids if id]
    if len(set(given)) < len(given):
        raise _argument("Rule ID must be unique. Found same ID for more than one rule")


def _check_versions(rules: Sequence[Element]) -> None:
    """A rule has a filter (the second version) or a prefix of its own (the first), and all rules the same."""
    filtered = [rule.find("Filter") is not None for rule in rules]
    prefixed = [rule.find("Prefix") is not None for rule in rules]
    if any(one == other for one, other in zip(filtered, prefixed, strict=True)):
        raise xml.malformed()
    if any(filtered) and any(prefixed):
        if filtered[0]:
            text = "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter."
        else:
            text = "Filter element can only be used in Lifecycle V2."
        raise S3Error("InvalidRequest", text)


def _check_filter(rule: Element) -> None:
    found = rule.find("Filter")
    if found is None:
        return
    if len(found) > 1:
        raise xml.malformed()
    both = found.find("And")
    if both is not None and len(both) < 2:
        raise xml.malformed()
    predicates = found if both is None else both
    keys = [xml.text_of(tag, "Key") for tag in predicates.findall("Tag")]
    if len(set(keys)) < len(keys):
        raise S3Error("InvalidRequest", "Duplicate Tag Keys are not allowed.")
    least, most = _number(predicates, "ObjectSizeGreaterThan"), _number(predicates, "ObjectSizeLessThan")
    if most is not None and not 1 <= most <= _LARGEST_SIZE:
        raise S3Error("InvalidRequest", f"'ObjectSizeLessThan' should be between 1 and {_LARGEST_SIZE}.")
    if least is not None and most is not None and least >= most:
        text = "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'."
        raise S3Error("InvalidRequest", text)


def _check_actions(rule: Element) -> None:
    if not any(rule.find(name) is not None for name in _ACTIONS):
        raise S3Error("InvalidRequest", "At least one action needs to be specified in a rule")
    for action, name in _COUNTED.items():
        found = rule.find(action)
        if found is not None and len(found) == 0:
            raise xml.malformed()
        days = None if found is None else _number(found, name)
        if days is not None and days < 1:
            raise _argument(f"'{name}' for {action} action must be a positive integer")
    _check_dates(rule)
    _check_markers(rule)
    _check_transitions(rule)


def _check_dates(rule: Element) -> None:
    for date in (found for action in ("Expiration", "Transition") for found in rule.iterfind(f"{action}/Date")):
        try:
            when = datetime.fromisoformat((date.text or "").strip())
        except ValueError:
            raise xml.malformed() from None
        if (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() % 86_400:
            raise _argument("'Date' must be at midnight GMT")
    for action in ("Expiration", "Transition"):
        if any(found.find("Date") is not None and found.find("Days") is not None for found in rule.iterfind(action)):
            raise xml.malformed()
    dated, counted = (
        any(rule.find(f"{action}/{name}") is not None for action in ("Expiration", "Transition"))
        for name in ("Date", "Days")
    )
    if dated and counted:
        text = "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule"
        raise S3Error("InvalidRequest", text)


def _check_markers(rule: Element) -> None:
    """What ends markers of deletion and uploads has no count of days beside it, and knows no tags and sizes."""
    marker = rule.find("Expiration/ExpiredObjectDeleteMarker") is not None
    if marker and len(rule.findall("Expiration/*")) > 1:
        raise xml.malformed()
    tagged = rule.find("Filter//Tag") is not None
    sized = any(rule.find(f"Filter//{name}") is not None for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"))
    for there, name in (
        (marker, "ExpiredObjectDeleteMarker"),
        (rule.find("AbortIncompleteMultipartUpload") is not None, "AbortIncompleteMultipartUpload"),
    ):
        if there and (tagged or sized):
            raise S3Error("InvalidRequest", f"{name} cannot be specified with {'Tags' if tagged else 'Object Size'}.")


def _check_transitions(rule: Element) -> None:
    transitions = rule.findall("Transition")
    classes = [xml.text_of(one, "StorageClass") for one in transitions]
    if len(set(classes)) < len(classes):
        raise _argument("'StorageClass' must be different for 'Transition' actions in same 'Rule'")
    for one, name in zip(transitions, classes, strict=True):
        days = _number(one, "Days")
        if days is not None and days < (_INFREQUENT_DAYS if name in _INFREQUENT else 0):
            text = "'Days' in Transition action must be "
            if name in _INFREQUENT:
                text += f"greater than or equal to {_INFREQUENT_DAYS} for storageClass '{name}'"
            else:
                text += "a nonnegative integer"
            raise _argument(text)


def _number(element: Element, name: str) -> int | None:
    """A number in a child, which the schema has been through."""
    text = xml.text_of(element, name)
    return None if text is None else int(text)


def _argument(text: str) -> S3Error:
    return S3Error("InvalidArgument", text)
