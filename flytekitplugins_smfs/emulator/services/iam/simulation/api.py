"""SimulatePrincipalPolicy and SimulateCustomPolicy."""

from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from ....registry import Context
from ..service import service
from . import record, rules
from .rules import Policy

_GIVEN = "IAM Policy"
_UNKNOWN = ("ResourcePolicy", "ResourceHandlingOption")
"""What would need policies of resources: refused rather than left out of the decision."""
_PAGE = 100


@service.operation("SimulatePrincipalPolicy")
def simulate_principal_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What a user's, group's or role's own policies allow, with more policies if some are given."""
    policies, boundaries = record.of_principal(ctx, request["PolicySourceArn"])
    return _simulated(request, policies, boundaries)


@service.operation("SimulateCustomPolicy")
def simulate_custom_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What the given policies allow."""
    return _simulated(request, [], None)


def _simulated(request: dict[str, Any], policies: list[Policy], boundaries: list[Policy] | None) -> dict[str, Any]:
    if given := [name for name in _UNKNOWN if name in request]:
        raise NotImplementedByEmulator(f"{given[0]} in the policy simulator")
    policies = policies + _given(request.get("PolicyInputList", []), "PolicyInputList")
    if "PermissionsBoundaryPolicyInputList" in request:
        boundaries = _given(request["PermissionsBoundaryPolicyInputList"], "PermissionsBoundaryPolicyInputList")
    if any("ContextKeyName" not in one for one in request.get("ContextEntries", [])):
        raise AwsError("InvalidInput", "An entry of ContextEntries needs a ContextKeyName.")
    keys = {one["ContextKeyName"].lower(): one.get("ContextKeyValues", []) for one in request.get("ContextEntries", [])}
    results = []
    for action in request["ActionNames"]:
        if ":" not in action:
            raise AwsError("InvalidInput", f"Invalid Action: {action}")
        for resource in request.get("ResourceArns", ["*"]):
            results.append(_result(action, resource, policies, boundaries, keys))
    return _page(request, results)


def _result(
    action: str, resource: str, policies: list[Policy], boundaries: list[Policy] | None, keys: dict[str, list[str]]
) -> dict[str, Any]:
    decision = rules.decide(action, resource, policies, boundaries, keys)
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision.word,
        "MatchedStatements": [{"SourcePolicyId": one.name, "SourcePolicyType": one.kind} for one in decision.matched],
        "MissingContextValues": list(decision.missing),
    }
    if boundaries is not None:
        allowed = rules.within(action, resource, boundaries, keys)
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
    return result


def _given(texts: list[str], member: str) -> list[Policy]:
    return [rules.read(text, f"{member}.{number}", _GIVEN) for number, text in enumerate(texts, 1)]


def _page(request: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    marker = request.get("Marker", "0")
    if not (marker.isascii() and marker.isdigit() and len(marker) < 20):
        raise AwsError("InvalidInput", "Invalid Marker.")
    start, size = int(marker), request.get("MaxItems", _PAGE)
    more = start + size < len(results)
    page: dict[str, Any] = {"EvaluationResults": results[start : start + size], "IsTruncated": more}
    return {**page, "Marker": str(start + size)} if more else page
