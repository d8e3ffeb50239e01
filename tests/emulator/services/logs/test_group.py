"""Log groups: what is kept of them, how they are chosen, and what is refused."""

import time
from typing import Any

import pytest

from tests.conftest import Emulator
from tests.emulator.services.fsx.test_file_system import refused


@pytest.fixture
def name() -> str:
    """The name of a group of the test's own."""
    return f"/test/group/{time.time_ns()}"


def described(logs: Any, name: str) -> dict[str, Any]:
    """A group as DescribeLogGroups has it."""
    [group] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return dict(group)


def test_class_key_retention_and_tags_are_kept(emulator: Emulator, name: str) -> None:
    logs = emulator.client("logs")
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    logs.create_log_group(logGroupName=name, logGroupClass="INFREQUENT_ACCESS", kmsKeyId=key, tags={"team": "ml"})
    logs.put_retention_policy(logGroupName=name, retentionInDays=30)
    group = described(logs, name)
    assert (group["logGroupClass"], group["kmsKeyId"], group["retentionInDays"]) == ("INFREQUENT_ACCESS", key, 30)
    arn = group["logGroupArn"]
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "ml"}
    logs.tag_resource(resourceArn=arn, tags={"team": "data", "stage": "test"})
    logs.untag_resource(resourceArn=arn, tagKeys=["stage", "none"])
    assert logs.list_tags_log_group(logGroupName=name)["tags"] == {"team": "data"}
    logs.tag_log_group(logGroupName=name, tags={"a": "b"})
    logs.untag_log_group(logGroupName=name, tags=["team"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b"}
    logs.disassociate_kms_key(logGroupName=name)
    logs.delete_retention_policy(logGroupName=name)
    assert not {"kmsKeyId", "retentionInDays"} & described(logs, name).keys()
    logs.associate_kms_key(resourceIdentifier=arn, kmsKeyId=key)
    assert described(logs, name)["kmsKeyId"] == key


def test_a_group_made_again_has_nothing_of_the_old_one(emulator: Emulator, name: str) -> None:
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName=name, tags={"a": "b"}, logGroupClass="INFREQUENT_ACCESS")
    logs.delete_log_group(logGroupName=name)
    logs.create_log_group(logGroupName=name)
    group = described(logs, name)
    assert group["logGroupClass"] == "STANDARD"
    assert logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"] == {}


def test_groups_are_chosen_one_way_at_a_time(emulator: Emulator, name: str) -> None:
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName=f"{name}/Train")
    logs.create_log_group(logGroupName=f"{name}/tune", logGroupClass="INFREQUENT_ACCESS")

    def names(**request: Any) -> list[str]:
        return [group["logGroupName"] for group in logs.describe_log_groups(**request)["logGroups"]]

    assert names(logGroupNamePattern=f"{name}/t".upper().lower()) == [f"{name}/Train", f"{name}/tune"]
    assert names(logGroupNamePrefix=f"{name}/t") == [f"{name}/tune"]
    assert names(logGroupNamePrefix=name, logGroupClass="STANDARD") == [f"{name}/Train"]
    arn = described(logs, f"{name}/tune")["logGroupArn"]
    assert names(logGroupIdentifiers=[f"{name}/Train", arn]) == [f"{name}/Train", f"{name}/tune"]
    error = refused(logs.describe_log_groups, logGroupNamePrefix=name, logGroupNamePattern=name)
    assert error["Code"] == "InvalidParameterException"
    assert error["Message"] == "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
    error = refused(logs.describe_log_groups, logGroupNamePrefix=name, logGroupIdentifiers=[arn])
    assert error["Code"] == "InvalidParameterException"
    error = refused(logs.describe_log_groups, includeLinkedAccounts=True)
    assert error["Code"] == "NotImplementedByEmulator"


@pytest.mark.parametrize("operation", ["describe_log_streams", "get_log_events", "filter_log_events"])
def test_a_name_and_an_identifier_are_one_too_many(emulator: Emulator, name: str, operation: str) -> None:
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    call, more = getattr(logs, operation), {"logStreamName": "s"} if operation == "get_log_events" else {}
    arn = described(logs, name)["logGroupArn"]
    error = refused(call, logGroupName=name, logGroupIdentifier=arn, **more)
    assert error["Code"] == "InvalidParameterException"
    assert "mutually exclusive" in error["Message"]
    assert refused(call, **more)["Code"] == "InvalidParameterException"
    assert call(logGroupIdentifier=arn, **more)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert call(logGroupIdentifier=name, **more)["ResponseMetadata"]["HTTPStatusCode"] == 200
    for elsewhere in (arn.replace("us-east-1", "eu-west-1"), arn.replace("123456789012", "210987654321")):
        assert refused(call, logGroupIdentifier=elsewhere, **more)["Code"] == "ResourceNotFoundException"


def test_streams_are_chosen_by_names_or_by_prefix(emulator: Emulator, name: str) -> None:
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName=name)
    for stream in ("a-1", "a-2", "b-1"):
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
        line = {"timestamp": int(time.time() * 1000), "message": stream}
        logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=[line])

    def found(**request: Any) -> list[str]:
        return [event["message"] for event in logs.filter_log_events(logGroupName=name, **request)["events"]]

    assert found() == ["a-1", "a-2", "b-1"]
    assert found(logStreamNamePrefix="a-") == ["a-1", "a-2"]
    assert found(logStreamNames=["b-1", "a-1"]) == ["a-1", "b-1"]
    both = {"logStreamNames": ["a-1"], "logStreamNamePrefix": "a"}
    assert refused(logs.filter_log_events, logGroupName=name, **both)["Code"] == "InvalidParameterException"
    missing = refused(logs.filter_log_events, logGroupName=name, logStreamNames=["none"])
    assert missing["Code"] == "ResourceNotFoundException"
    error = refused(logs.filter_log_events, logGroupName=name, filterPattern='"open')
    assert error["Code"] == "InvalidParameterException"


def test_what_is_refused_of_groups(emulator: Emulator, name: str) -> None:
    logs = emulator.client("logs")
    error = refused(logs.create_log_group, logGroupName=name, tags={"aws:mine": "x"})
    assert error["Code"] == "InvalidParameterException"
    assert logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] == []
    logs.create_log_group(logGroupName=name, tags={f"k{n}": "v" for n in range(50)})
    arn = described(logs, name)["logGroupArn"]
    assert refused(logs.tag_resource, resourceArn=arn, tags={"one": "more"})["Code"] == "TooManyTagsException"
    error = refused(logs.put_retention_policy, logGroupName=name, retentionInDays=2)
    assert error["Code"] == "InvalidParameterException"
    assert "enum value set: [1, 3, 5, 7, 14" in error["Message"]
    assert refused(logs.list_tags_for_resource, resourceArn="arn:aws:s3:::x")["Code"] == "InvalidParameterException"
    for call, request in (
        (logs.put_retention_policy, {"logGroupName": f"{name}x", "retentionInDays": 1}),
        (logs.delete_retention_policy, {"logGroupName": f"{name}x"}),
        (logs.tag_resource, {"resourceArn": f"{arn}x", "tags": {"a": "b"}}),
        (logs.tag_log_group, {"logGroupName": f"{name}x", "tags": {"a": "b"}}),
        (logs.associate_kms_key, {"logGroupName": f"{name}x", "kmsKeyId": "k"}),
    ):
        assert refused(call, **request)["Code"] == "ResourceNotFoundException"


def test_groups_are_found_by_their_tags(emulator: Emulator, name: str) -> None:
    logs, tagging = emulator.client("logs"), emulator.client("resourcegroupstaggingapi")
    logs.create_log_group(logGroupName=name, tags={"owner": name})
    logs.create_log_group(logGroupName=f"{name}/untagged")
    arn = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["logGroupArn"]
    mine = {"TagFilters": [{"Key": "owner", "Values": [name]}], "ResourceTypeFilters": ["logs"]}
    assert [found["ResourceARN"] for found in tagging.get_resources(**mine)["ResourceTagMappingList"]] == [arn]
    assert tagging.tag_resources(ResourceARNList=[arn, f"{arn}x"], Tags={"stage": "test"})[
        "FailedResourcesMap"
    ].keys() == {f"{arn}x"}
    tagging.untag_resources(ResourceARNList=[arn], TagKeys=["owner"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "test"}
