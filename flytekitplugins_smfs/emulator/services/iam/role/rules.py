"""What a trust policy has to be.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html; the texts are those that people
report.
"""

import json
from typing import Any

from ....faults import AwsError

_VERSIONS = ("2008-10-17", "2012-10-17")
_PRINCIPALS = ("AWS", "Service", "Federated")
_MOST_CHARACTERS = 2048
"""The quota "Role trust policy length", of which IAM does not count white space."""


def trust_policy(text: str) -> None:
    """Raise AwsError MalformedPolicyDocument for what no role can have, LimitExceeded for one that is too long."""
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed("This policy contains invalid Json") from None
    if not isinstance(policy, dict):
        raise _malformed("Syntax errors in policy.")
    if policy.get("Version", _VERSIONS[0]) not in _VERSIONS:
        raise _malformed("The policy must contain a valid version string")
    statements = policy.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    if not statements:
        raise _malformed("Could not parse the policy: Statement is empty!")
    for statement in statements:
        if not isinstance(statement, dict):
            raise _malformed("Syntax errors in policy.")
        _check_statement(statement)
    named = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len({json.dumps(sid) for sid in named}) < len(named):
        raise _malformed("The Statement Ids in the policy are not unique")
    if len("".join(text.split())) > _MOST_CHARACTERS:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {_MOST_CHARACTERS}", 409)


def _check_statement(statement: dict[str, Any]) -> None:
    effect = statement.get("Effect")
    if effect is None:
        raise _malformed("Missing required field Effect")
    if effect not in ("Allow", "Deny"):
        raise _malformed(f"Invalid effect: {effect}")
    if "NotPrincipal" in statement:
        if effect == "Allow":
            raise _malformed("Allow with NotPrincipal is not allowed.")
        raise _malformed("AssumeRole policy must not contain NotPrincipal field.")
    _check_principal(statement)
    actions = statement.get("Action", statement.get("NotAction"))
    if not actions:
        raise _malformed("Missing required field Action")
    actions = actions if isinstance(actions, list) else [actions]
    if not all(isinstance(action, str) and action.lower().startswith("sts:") for action in actions):
        raise _malformed("AssumeRole policy may only specify STS AssumeRole actions.")
    if "Resource" in statement:
        raise _malformed("Has prohibited field Resource")
    if "NotResource" in statement:
        raise _malformed("AssumeRole policy must not contain resources.")


def _check_principal(statement: dict[str, Any]) -> None:
    if "Principal" not in statement:
        raise _malformed("Missing required field Principal")
    principal = statement["Principal"]
    if principal == "*":
        return
    if not isinstance(principal, dict):
        raise _malformed("Principal must be a JSON object.")
    if not principal:
        raise _malformed("Missing required field Principal cannot be empty!")
    for kind in principal:
        if kind not in _PRINCIPALS:
            raise _malformed(f'Invalid principal in policy: "{kind}"')


def _malformed(text: str) -> AwsError:
    return AwsError("MalformedPolicyDocument", text, 400)
