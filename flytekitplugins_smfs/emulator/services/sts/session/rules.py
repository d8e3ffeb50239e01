"""What STS refuses, in its words. Trust policies are not asked: a signature says who asks, not what they may do."""

import json
import re
from typing import Any

from ....faults import AwsError
from ....registry import Context
from ....sessions import account_of

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\x21-\x7e]+\Z")
_CHAINED_SECONDS = 3600
_POLICY_CHARACTERS = 2048


def role_to_assume(ctx: Context, arn: str, action: str) -> None:
    """Refuse an ARN that is no role's, and a role of this account that does not exist, as if it were not allowed."""
    if not _ROLE.match(arn):
        raise AwsError("ValidationError", f"{arn} is invalid")
    if account_of(arn) == ctx.account and ctx.iam.role(arn) is None:
        who = f"User: {ctx.caller.arn} is not" if ctx.caller else "Not"
        raise AwsError("AccessDenied", f"{who} authorized to perform: sts:{action} on resource: {arn}", 403)


def duration(ctx: Context, role: str, seconds: int, *, chained: bool) -> None:
    """Refuse a session longer than the role's limit, or than an hour where a role assumes a role."""
    found = ctx.iam.role(role) or {}
    if seconds > int(found.get("MaxSessionDuration", 43_200)):
        text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise AwsError("ValidationError", text)
    if chained and seconds > _CHAINED_SECONDS:
        text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        raise AwsError("ValidationError", text)


def long_lived(ctx: Context, operation: str) -> None:
    """Refuse session credentials where a user's own are wanted."""
    if ctx.signer().token is not None:
        raise AwsError("AccessDenied", f"Cannot call {operation} with session credentials", 403)


def session_policy(request: dict[str, Any]) -> None:
    """Refuse a session policy that is no JSON object or too long."""
    policy = request.get("Policy")
    if policy is None:
        return
    if len(policy) > _POLICY_CHARACTERS:
        raise AwsError("PackedPolicyTooLarge", "Packed size of session policies is over the limit.")
    try:
        whole = json.loads(policy)
    except (ValueError, RecursionError):
        whole = None
    if not isinstance(whole, dict) or "Statement" not in whole:
        raise AwsError("MalformedPolicyDocument", "The policy is not in the valid JSON format.")
