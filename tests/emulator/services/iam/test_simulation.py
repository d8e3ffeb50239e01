"""The policy simulator answers from the policies that a principal really has."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flytekitplugins_smfs.emulator.services.iam.simulation.conditions import hold, like
from tests.conftest import Emulator
from tests.emulator.services.iam.trust import TRUST

ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
OBJECT = "arn:aws:s3:::sagemaker-us-east-1-123456789012/*"


def policy(effect: str, action: Any, resource: Any = "*", **more: Any) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": action, "Resource": resource, **more}}
    )


@pytest.fixture
def iam(emulator: Emulator) -> Any:
    return emulator.client("iam")


@pytest.fixture
def role(iam: Any) -> Iterator[str]:
    name = f"role-{uuid.uuid4().hex[:8]}"
    yield iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=inline)
    iam.delete_role(RoleName=name)


def decided(iam: Any, arn: str, *actions: str, **more: Any) -> list[str]:
    results = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=list(actions), **more)["EvaluationResults"]
    return [result["EvalDecision"] for result in results]


def test_the_role_of_a_new_account_may_write_its_bucket(iam: Any) -> None:
    """What the SageMaker SDK 3 asks before it trains."""
    assert decided(iam, ROLE, "s3:PutObject", ResourceArns=[OBJECT]) == ["allowed"]
    assert decided(iam, ROLE, "sagemaker:CreateTrainingJob", "iam:DeleteUser") == ["allowed", "implicitDeny"]


def test_policies_decide(iam: Any, role: str) -> None:
    name = role.rpartition("/")[2]
    assert decided(iam, role, "s3:GetObject", ResourceArns=[OBJECT]) == ["implicitDeny"]
    iam.put_role_policy(RoleName=name, PolicyName="get", PolicyDocument=policy("Allow", "s3:get*", "arn:aws:s3:::*"))
    assert decided(iam, role, "S3:GetObject", "s3:PutObject", ResourceArns=[OBJECT]) == ["allowed", "implicitDeny"]
    assert decided(iam, role, "s3:GetObject") == ["implicitDeny"]  # "*" is no resource of the statement's
    iam.put_role_policy(RoleName=name, PolicyName="no", PolicyDocument=policy("Deny", "s3:GetObject"))
    result = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=["s3:GetObject"], ResourceArns=[OBJECT])
    (found,) = result["EvaluationResults"]
    assert found["EvalDecision"] == "explicitDeny"
    assert [one["SourcePolicyId"] for one in found["MatchedStatements"]] == [f"role_{name}_no"]
    iam.delete_role_policy(RoleName=name, PolicyName="no")
    bound = [policy("Allow", "s3:PutObject")]
    bounded = decided(iam, role, "s3:GetObject", ResourceArns=[OBJECT], PermissionsBoundaryPolicyInputList=bound)
    assert bounded == ["implicitDeny"]
    more = decided(iam, role, "s3:PutObject", ResourceArns=[OBJECT], PolicyInputList=bound)
    assert more == ["allowed"]


def test_conditions_and_what_is_missing(iam: Any) -> None:
    document = policy("Allow", "a:b", Condition={"StringEquals": {"aws:RequestedRegion": ["us-east-1", "us-east-2"]}})

    def ask(**more: Any) -> Any:
        answer = iam.simulate_custom_policy(PolicyInputList=[document], ActionNames=["a:b"], **more)
        return answer["EvaluationResults"][0]

    assert (ask()["EvalDecision"], ask()["MissingContextValues"]) == ("implicitDeny", ["aws:RequestedRegion"])
    for region, expected in (("us-east-2", "allowed"), ("eu-west-1", "implicitDeny")):
        entry = {"ContextKeyName": "aws:requestedregion", "ContextKeyValues": [region], "ContextKeyType": "string"}
        assert ask(ContextEntries=[entry])["EvalDecision"] == expected


def test_results_come_in_pages(iam: Any) -> None:
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=ROLE, ActionNames=[f"a:b{n}" for n in range(7)], PaginationConfig={"PageSize": 3}
    )
    assert [len(page["EvaluationResults"]) for page in pages] == [3, 3, 1]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"PolicySourceArn": ROLE + "x", "ActionNames": ["a:b"]}, "NoSuchEntity"),
        ({"PolicySourceArn": "arn:aws:iam::123456789012:user/nobody", "ActionNames": ["a:b"]}, "NoSuchEntity"),
        ({"PolicySourceArn": "arn:aws:iam::123456789012:thing/nobody", "ActionNames": ["a:b"]}, "InvalidInput"),
        ({"PolicySourceArn": ROLE, "ActionNames": ["abc"]}, "InvalidInput"),
        (
            {"PolicySourceArn": ROLE, "ActionNames": ["a:b"], "ContextEntries": [{"ContextKeyValues": ["x"]}]},
            "InvalidInput",
        ),
        ({"PolicySourceArn": ROLE, "ActionNames": ["a:b"], "PolicyInputList": ["{}"]}, "InvalidInput"),
        ({"PolicySourceArn": ROLE, "ActionNames": ["a:b"], "ResourcePolicy": "{}"}, "NotImplementedByEmulator"),
    ],
)
def test_what_is_refused(iam: Any, request_: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        iam.simulate_principal_policy(**request_)
    assert caught.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("StringEquals", "a", ["a"], True),
        ("StringEquals", "a", ["b"], False),
        ("StringNotEquals", "a", ["b"], True),
        ("StringNotEquals", "a", None, True),
        ("StringLike", "a*c", ["abc"], True),
        ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIfExists", "a", ["b"], False),
        ("Bool", "true", ["True"], True),
        ("Null", "true", None, True),
        ("Null", "true", ["a"], False),
        ("NumericLessThan", "5", ["4"], True),
        ("NumericLessThan", "5", ["x"], False),
        ("ForAnyValue:StringEquals", "a", ["b", "a"], True),
        ("ForAllValues:StringEquals", "a", ["b", "a"], False),
        ("ForAllValues:StringEquals", "a", None, True),
    ],
)
def test_operators(operator: str, wanted: str, given: list[str] | None, expected: bool) -> None:
    keys = {} if given is None else {"key": given}
    assert hold({"Condition": {operator: {"Key": wanted}}}, keys) is expected


def test_no_pattern_takes_long() -> None:
    began = time.monotonic()
    assert not like("*a" * 200 + "b", "a" * 5000)
    assert like("a*b?d*", "aXXbcd")
    assert not like("a?", "a")
    assert like("S3:GET*", "s3:GetObject", fold=True)
    assert time.monotonic() - began < 5
