"""Names, tags and tokens that derive from an owner, so that a second start finds what the first one made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from flytekitplugins_smfs.values.operation import Owner

OWNER_TAG = "smfs:owner"
EXECUTION_TAG = "smfs:execution"
FINGERPRINT_TAG = "smfs:fingerprint"
REMOVING_TAG = "smfs:removing"
"""Put on what is to be removed, before anything of it is: whoever sees it may finish the removal."""


def slug(text: str, limit: int) -> str:
    """`text` as AWS names allow it: letters, digits and single hyphens, at most `limit` characters, never empty."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:limit].strip("-") or "smfs"


def job_name(task: str, owner: Owner, limit: int) -> str:
    """`<task>-<owner>-<attempt>`: unique for each attempt, at most `limit` characters."""
    suffix = owner.attempt_key[:10]
    return f"{slug(task, limit - len(suffix) - 1)}-{suffix}"


def client_token(*parts: str) -> str:
    """A client request token of 40 hex digits (FSx takes at most 63 characters).

    `parts` say what is made, for whom and from what, and which earlier ones of it are dead. Attempts do not count: a
    start that Flyte gave up on may still be under way when the next attempt starts.
    """
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def owner_tags(owner: Owner, mark: str, *more: Mapping[str, str]) -> dict[str, str]:
    """Tags that say whose a resource is and what it was made from (`values.identity.mark`). `more` is put under
    them."""
    tags: dict[str, str] = {}
    for extra in more:
        tags.update(extra)
    return tags | {
        OWNER_TAG: owner.key,
        EXECUTION_TAG: execution_label(owner.execution),
        FINGERPRINT_TAG: mark,
    }


def execution_label(execution: str) -> str:
    """An execution's id as a tag value: at most 256 of the characters that tags allow."""
    return re.sub(r"[^\w .:/=+\-@]", "-", execution)[:256]


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in AWS's list form."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: object) -> dict[str, str]:
    """AWS's list of tags as a mapping; absent tags give an empty one."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags} if isinstance(tags, list) else {}
