"""How policies decide: what is denied stays denied, what no policy allows is not allowed.

"Policy evaluation logic" of the IAM user guide, for one account without organisation and resource policies.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....faults import AwsError
from . import conditions
from .conditions import like, listed

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Policy:
    """A policy document with the name and type that the simulator gives of it."""

    name: str
    kind: str
    document: Document


@dataclass(frozen=True)
class Decision:
    """``allowed``, ``explicitDeny`` or ``implicitDeny``; the policies that made it so; the keys that were not given."""

    word: str
    matched: tuple[Policy, ...] = ()
    missing: tuple[str, ...] = ()


def read(text: str, name: str, kind: str) -> Policy:
    """A policy from its text. Raises AwsError for what is none."""
    try:
        document = json.loads(text)
        statements = listed(document["Statement"])
        whole = all(isinstance(one, dict) and one.get("Effect") in ("Allow", "Deny") for one in statements)
    except (ValueError, TypeError, KeyError, RecursionError):
        whole = False
    if not whole:
        raise AwsError("InvalidInput", f"Policy {name} is not a valid policy document.")
    return Policy(name, kind, document)


def decide(
    action: str, resource: str, policies: Sequence[Policy], boundaries: Sequence[Policy] | None, keys: conditions.Keys
) -> Decision:
    """What the policies say, within the boundaries if there are any."""
    denied, allowed, missing = _matching(action, resource, [*policies, *(boundaries or [])], keys)
    if denied:
        return Decision("explicitDeny", tuple(denied), missing)
    allowing = [policy for policy in allowed if policy in policies]
    if not allowing or (boundaries is not None and not any(policy in boundaries for policy in allowed)):
        return Decision("implicitDeny", (), missing)
    return Decision("allowed", tuple(allowing), missing)


def within(action: str, resource: str, boundaries: Sequence[Policy], keys: conditions.Keys) -> bool:
    """Whether a permissions boundary lets something through."""
    denied, allowed, _ = _matching(action, resource, boundaries, keys)
    return bool(allowed) and not denied


def _matching(
    action: str, resource: str, policies: Iterable[Policy], keys: conditions.Keys
) -> tuple[list[Policy], list[Policy], tuple[str, ...]]:
    denied: list[Policy] = []
    allowed: list[Policy] = []
    missing: set[str] = set()
    for policy in policies:
        for statement in listed(policy.document["Statement"]):
            if not _is_about(statement, action, resource):
                continue
            missing |= {key for key in conditions.asked(statement) if key.lower() not in keys}
            found = denied if statement["Effect"] == "Deny" else allowed
            if conditions.hold(statement, keys) and policy not in found:
                found.append(policy)
    return denied, allowed, tuple(sorted(missing))


def _is_about(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    if "Action" in statement:
        about = any(like(one, action, fold=True) for one in listed(statement["Action"]))
    else:
        about = not any(like(one, action, fold=True) for one in listed(statement.get("NotAction", ["*"])))
    if "NotResource" in statement:
        return about and not any(like(one, resource) for one in listed(statement["NotResource"]))
    return about and any(like(one, resource) for one in listed(statement.get("Resource", "*")))
