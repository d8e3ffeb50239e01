"""What is looked at before moto makes or changes a role."""

from typing import Any

from ..service import service
from . import rules


@service.rule("CreateRole")
def create_role(request: dict[str, Any]) -> None:
    """The trust policy of a new role."""
    rules.trust_policy(request["AssumeRolePolicyDocument"])


@service.rule("UpdateAssumeRolePolicy")
def update_assume_role_policy(request: dict[str, Any]) -> None:
    """The trust policy of a role."""
    rules.trust_policy(request["PolicyDocument"])
