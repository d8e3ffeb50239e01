"""What the other services ask of IAM: which roles there are, and whom they trust."""

from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from .moto_backend import MotoBackend


class Roles:
    """Questions to the account's IAM, which has no regions."""

    def __init__(self, moto: MotoBackend, region: str) -> None:
        self._moto = moto
        self._region = region

    def client(self) -> Any:
        """A client of IAM, for the emulator's own use."""
        return self._moto.client("iam", self._region)

    def role(self, arn: str) -> dict[str, Any] | None:
        """A role as IAM shows it; None if there is none of this ARN."""
        iam = self.client()
        try:
            role: dict[str, Any] = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]
        except (ClientError, ParamValidationError) as error:
            if isinstance(error, ParamValidationError) or error.response["Error"]["Code"] == "NoSuchEntity":
                return None
            raise
        return role if role["Arn"] == arn else None

    def trusts(self, arn: str, service: str) -> bool:
        """Whether the role exists and lets a service (``sagemaker.amazonaws.com``) assume it."""
        role = self.role(arn)
        if role is None:
            return False
        statements = _listed(role["AssumeRolePolicyDocument"].get("Statement", []))
        return any(_admits(statement, service) for statement in statements)


def _admits(statement: dict[str, Any], service: str) -> bool:
    principal = statement.get("Principal", {})
    services = _listed(principal.get("Service", [])) if isinstance(principal, dict) else [principal]
    return statement.get("Effect") == "Allow" and bool({"*", service} & set(services))


def _listed(value: Any) -> list[Any]:
    """A policy document may write a list of one without its brackets."""
    return value if isinstance(value, list) else [value]
