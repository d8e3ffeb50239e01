"""Policies as text: what is allowed on what, without AWS. N13"""

from __future__ import annotations

import fnmatch
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flytekitplugins_smfs.aws.names import job_name
from flytekitplugins_smfs.operations import catalog, policies, trusts
from flytekitplugins_smfs.operations.policies import FREE, LIMITS, RULES, Registered, Scope
from flytekitplugins_smfs.operations.sagemaker.training import Train
from flytekitplugins_smfs.operations.sagemaker.tuning import Tune
from flytekitplugins_smfs.values.errors import SmfsError
from flytekitplugins_smfs.values.operation import Owner

SCOPE = Scope(region="eu-west-1", account="123456789012", role="arn:aws:iam::123456789012:role/jobs")
EVERY = [Registered(name, "a.b" if name in LIMITS else "*", mounts=True, vpc=True) for name in catalog.names()]
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"


def on(policy: Any, action: str) -> list[tuple[list[str], Any]]:
    """Resources and condition of each statement that allows an action."""
    found = [one for one in policy["Statement"] if action in one["Action"]]
    return [(one["Resource"], one.get("Condition")) for one in found]


def test_every_declared_action_has_a_rule_and_no_other() -> None:
    assert set(RULES) == set(catalog.actions()) - FREE


def test_what_is_allowed_is_what_the_operations_declare() -> None:
    allowed = {action for one in policies.connector(EVERY, SCOPE)["Statement"] for action in one["Action"]}
    roles = {"iam:CreateServiceLinkedRole", "iam:AttachRolePolicy", "iam:PutRolePolicy"}
    assert allowed == set(catalog.actions()) - FREE | roles


def test_limits_are_those_of_the_jobs() -> None:
    assert {one.name: one.name_limit for one in (Train, Tune)} == LIMITS


@given(st.text(min_size=1, max_size=255), st.sampled_from(sorted(LIMITS)), st.text(min_size=1, max_size=50))
def test_a_jobs_name_is_in_its_pattern_in_either_case(task: str, operation: str, execution: str) -> None:
    name = job_name(task, Owner(execution=execution, step="n0", attempt=0), LIMITS[operation])
    patterns = policies.jobs_of([Registered(operation, task)], operation)
    assert any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    assert any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in patterns)


def test_only_what_bears_our_tag_is_changed_or_removed() -> None:
    policy = policies.connector(EVERY, SCOPE)
    made, ours = "aws:RequestTag/smfs:execution", "aws:ResourceTag/smfs:execution"
    for action in ("fsx:CreateFileSystem", "sagemaker:CreateTrainingJob", "sagemaker:CreateHyperParameterTuningJob"):
        assert [when for _, when in on(policy, action)] == [{"Null": {made: "false"}}]
    for action in ("fsx:DeleteFileSystem", "fsx:DeleteDataRepositoryAssociation", "fsx:CancelDataRepositoryTask"):
        assert [when for _, when in on(policy, action)] == [{"Null": {ours: "false"}}]
    for _, when in [*on(policy, "fsx:TagResource"), *on(policy, "fsx:UntagResource")]:
        assert made in when["Null"] or (ours in when["Null"] and "aws:TagKeys" in str(when))
    anything = [one for one in policy["Statement"] if one["Resource"] == ["*"] and "Condition" not in one]
    for action in (action for one in anything for action in one["Action"]):
        assert action.partition(":")[2].startswith(("Describe", "List", "Search")), action


def test_jobs_are_known_by_the_names_of_their_tasks_and_trials_by_their_tuning_jobs() -> None:
    tasks = [Registered("training", "digits.Train"), Registered("tuning", "digits.tune"), Registered("release")]
    policy = policies.connector(tasks, SCOPE)
    jobs = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/"
    trained = [f"{jobs}digits-Train-*", f"{jobs}digits-train-*"]
    assert on(policy, "sagemaker:CreateTrainingJob")[0][0] == trained
    assert on(policy, "sagemaker:StopTrainingJob") == [(trained, None)]
    assert on(policy, "sagemaker:DescribeTrainingJob")[0][0] == [*trained, f"{jobs}digits-tune-*"]
    assert on(policy, "iam:PassRole")[0][0] == [SCOPE.role]


def test_what_only_a_call_will_say_is_not_narrowed() -> None:
    policy = policies.connector([Registered("training")], Scope(account="123456789012"))
    assert on(policy, "sagemaker:CreateTrainingJob")[0][0] == ["arn:aws:sagemaker:*:123456789012:training-job/*"]
    assert on(policy, "iam:PassRole")[0][0] == ["arn:aws:iam::123456789012:role/*"]


def test_a_release_alone_stops_only_what_bears_our_tag() -> None:
    (resources, when), *more = on(policies.connector([Registered("release")], SCOPE), "sagemaker:StopTrainingJob")
    assert not more
    assert resources == ["arn:aws:sagemaker:eu-west-1:123456789012:training-job/*"]
    assert "aws:ResourceTag/smfs:execution" in when["Null"]


def test_the_network_is_asked_for_only_where_file_systems_are_read() -> None:
    asked = {"ec2:DescribeNetworkInterfaces", "elasticfilesystem:DescribeMountTargets"}
    assert not asked & policies.actions([Registered("training", "a")])
    assert asked <= policies.actions([Registered("training", "a", mounts=True)])
    assert "ec2:CreateNetworkInterface" not in str(policies.job([Registered("training", "a")], SCOPE))
    assert "ec2:CreateNetworkInterface" in str(policies.job([Registered("training", "a", vpc=True)], SCOPE))


def test_objects_are_allowed_under_their_prefixes_alone() -> None:
    scope = Scope(store=("s3://flyte/meta/",), data=("s3://sets/digits", "s3://sets/more"))
    policy = policies.pods(scope)
    assert on(policy, "s3:PutObject")[0][0] == [
        "arn:aws:s3:::flyte/meta/*",
        "arn:aws:s3:::sets/digits/*",
        "arn:aws:s3:::sets/more/*",
    ]
    assert on(policy, "s3:ListBucket")[0][0] == ["arn:aws:s3:::flyte", "arn:aws:s3:::sets"]
    assert on(policies.connector([Registered("training", "a")], scope), "s3:GetObject")
    assert not on(policies.connector([Registered("lustre-delete")], scope), "s3:GetObject")
    assert on(policies.connector([Registered("lustre-delete", deck=True)], scope), "s3:PutObject")


def test_the_accounts_role_is_made_only_if_asked_for() -> None:
    action, tasks = "iam:CreateServiceLinkedRole", [Registered("lustre-create")]
    assert not on(policies.connector(tasks, Scope()), action)
    ((resources, when),) = on(policies.connector(tasks, Scope(first_use=True)), action)
    assert resources == ["arn:aws:iam::*:role/aws-service-role/fsx.amazonaws.com/*"]
    assert when == {"StringEquals": {"iam:AWSServiceName": "fsx.amazonaws.com"}}


def test_who_may_take_on_the_roles() -> None:
    one = trusts.of_account(PROVIDER, "flyte", "smfs-connector")["Statement"][0]
    issuer = "oidc.eks.eu-west-1.amazonaws.com/id/ABC"
    exact = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": "system:serviceaccount:flyte:smfs-connector"}
    assert (one["Principal"], one["Condition"]) == ({"Federated": PROVIDER}, {"StringEquals": exact})
    like = trusts.of_account(PROVIDER, "*-*", "default")["Statement"][0]["Condition"]
    assert like["StringLike"] == {f"{issuer}:sub": "system:serviceaccount:*-*:default"}
    assert trusts.of_account(None, "flyte", "x")["Statement"][0]["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert trusts.of_jobs("*")["Statement"][0]["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    jobs = trusts.of_jobs("123456789012")["Statement"][0]["Condition"]
    assert jobs == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    with pytest.raises(SmfsError, match="OpenID Connect"):
        trusts.of_account("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", "flyte", "x")
