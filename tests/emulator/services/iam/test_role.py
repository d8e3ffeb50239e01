"""IAM refuses what is no trust policy and what its model does not allow, though moto keeps roles and users."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Emulator
from tests.emulator.services.iam.trust import STATEMENT, TRUST


@pytest.fixture
def iam(emulator: Emulator) -> Any:
    return emulator.client("iam")


@pytest.fixture
def role(iam: Any) -> Iterator[str]:
    name = f"role-{uuid.uuid4().hex[:8]}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    yield name
    iam.delete_role(RoleName=name)


def trust(*statements: Any, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


def without(*names: str, **more: Any) -> dict[str, Any]:
    return {name: value for name, value in STATEMENT.items() if name not in names} | more


TAKEN = {
    "one statement": json.dumps({"Version": "2012-10-17", "Statement": STATEMENT}),
    "everybody": trust(without("Principal", Principal="*")),
    "several actions": trust(without("Action", Action=["sts:AssumeRole", "sts:TagSession"])),
    "a denial beside": trust(STATEMENT, without("Effect", Effect="Deny", Condition={"Bool": {"a:b": "true"}})),
    "white space": trust(STATEMENT) + " " * 4000,
}
REFUSED = {
    "no JSON": ("nope", "This policy contains invalid Json"),
    "deep JSON": ("[" * 20_000, "This policy contains invalid Json"),
    "no object": ("[]", "Syntax errors in policy."),
    "nothing": ("{}", "Statement is empty!"),
    "no statement": (trust(), "Statement is empty!"),
    "a statement that is none": (trust("x"), "Syntax errors in policy."),
    "another version": (trust(STATEMENT, Version="2020-01-01"), "must contain a valid version string"),
    "no effect": (trust(without("Effect")), "Missing required field Effect"),
    "another effect": (trust(without("Effect", Effect="Maybe")), "Invalid effect: Maybe"),
    "nobody": (trust(without("Principal")), "Missing required field Principal"),
    "an empty principal": (trust(without("Principal", Principal={})), "Principal cannot be empty!"),
    "a principal that is none": (trust(without("Principal", Principal="me")), "Principal must be a JSON object."),
    "a principal unheard of": (trust(without("Principal", Principal={"Me": "x"})), 'Invalid principal in policy: "Me"'),
    "all but somebody": (trust(without("Principal", NotPrincipal={"AWS": "*"})), "Allow with NotPrincipal"),
    "no action": (trust(without("Action")), "Missing required field Action"),
    "another action": (trust(without("Action", Action="s3:GetObject")), "may only specify STS AssumeRole actions."),
    "a resource": (trust({**STATEMENT, "Resource": "*"}), "Has prohibited field Resource"),
    "a name twice": (trust({**STATEMENT, "Sid": "a"}, {**STATEMENT, "Sid": "a"}), "are not unique"),
}


@pytest.mark.parametrize("case", TAKEN)
def test_trust_policies_that_are_taken(iam: Any, role: str, case: str) -> None:
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=TAKEN[case])
    assert iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"] == json.loads(TAKEN[case])


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_trust_policy_is_refused(iam: Any, role: str, case: str) -> None:
    text, words = REFUSED[case]
    for call, more in (
        (iam.create_role, {"RoleName": f"{role}-new", "AssumeRolePolicyDocument": text}),
        (iam.update_assume_role_policy, {"RoleName": role, "PolicyDocument": text}),
    ):
        with pytest.raises(ClientError) as refusal:
            call(**more)
        assert refusal.value.response["Error"]["Code"] == "MalformedPolicyDocument"
        assert words in refusal.value.response["Error"]["Message"]
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"] == json.loads(TRUST)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=f"{role}-new")


def test_a_trust_policy_is_of_a_bounded_length(iam: Any, role: str) -> None:
    long = trust(*[{**STATEMENT, "Sid": f"statement{number}"} for number in range(30)])
    with pytest.raises(iam.exceptions.LimitExceededException, match="ACLSizePerRole: 2048"):
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=long)


@pytest.mark.parametrize(
    ("call", "request_", "place"),
    [
        ("create_role", {"RoleName": "a role", "AssumeRolePolicyDocument": TRUST}, "roleName"),
        ("create_role", {"RoleName": "r", "Path": "x", "AssumeRolePolicyDocument": TRUST}, "path"),
        ("create_user", {"UserName": "who?"}, "userName"),
        ("get_role", {"RoleName": "a/b"}, "roleName"),
        ("list_roles", {"MaxItems": 1001}, "maxItems"),
        ("put_role_policy", {"RoleName": "r", "PolicyName": "a b", "PolicyDocument": "{}"}, "policyName"),
        ("list_policies", {"Scope": "Nowhere"}, "scope"),
    ],
)
def test_what_the_model_does_not_allow_is_refused(iam: Any, call: str, request_: dict[str, Any], place: str) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(iam, call)(**request_)
    error = refusal.value.response["Error"]
    assert error["Code"] == "ValidationError"
    assert f"at '{place}' failed to satisfy constraint" in error["Message"]
