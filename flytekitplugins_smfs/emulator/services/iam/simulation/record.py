"""The policies of a principal, as IAM has them."""

from typing import Any

from ....faults import AwsError
from ....registry import Context
from .rules import Policy

_INLINE = "IAM Policy"


def of_principal(ctx: Context, arn: str) -> tuple[list[Policy], list[Policy] | None]:
    """The policies of a user, group or role, and of its boundary if it has one. Raises AwsError if there is none."""
    kind, _, path = arn.partition(":iam::")[2].partition(":")[2].partition("/")
    name = path.rpartition("/")[2]
    if kind not in ("user", "group", "role") or not name:
        raise AwsError("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    iam = ctx.iam.client()
    try:
        shown = getattr(iam, f"get_{kind}")(**{f"{kind.title()}Name": name})[kind.title()]
        if shown["Arn"] != arn:
            raise iam.exceptions.NoSuchEntityException({"Error": {"Code": "NoSuchEntity"}}, "")
    except iam.exceptions.NoSuchEntityException:
        raise AwsError("NoSuchEntity", f"The {kind} with name {name} cannot be found.", 404) from None
    found = _of(iam, kind, name)
    if kind == "user":
        for group in iam.list_groups_for_user(UserName=name)["Groups"]:
            found += _of(iam, "group", group["GroupName"])
    boundary = shown.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return found, [_managed(iam, boundary)] if boundary else None


def _of(iam: Any, kind: str, name: str) -> list[Policy]:
    named = {f"{kind.title()}Name": name}
    attached = getattr(iam, f"list_attached_{kind}_policies")(**named)["AttachedPolicies"]
    found = [_managed(iam, policy["PolicyArn"]) for policy in attached]
    for inline in getattr(iam, f"list_{kind}_policies")(**named)["PolicyNames"]:
        document = getattr(iam, f"get_{kind}_policy")(**named, PolicyName=inline)["PolicyDocument"]
        found.append(Policy(f"{kind}_{name}_{inline}", _INLINE, document))
    return found


def _managed(iam: Any, arn: str) -> Policy:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return Policy(arn.rpartition("/")[2], _INLINE, document)
