"""Resources of all services by their tags."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Emulator

from ..fsx.test_file_system import parameters, refused, subnet
from ..sagemaker.jobs import Jobs, unique

Arns = dict[str, str]


@pytest.fixture
def owner() -> str:
    return unique("owner")


@pytest.fixture
def tagged(emulator: Emulator, owner: str) -> Arns:
    """A file system, a training job and a security group of one owner, by their types."""
    jobs, tags = Jobs(emulator), [{"Key": "owner", "Value": owner}, {"Key": "stage", "Value": "test"}]
    request = jobs.shell("true", Tags=tags)
    group = emulator.client("ec2").create_security_group(
        GroupName=owner,
        Description="x",
        VpcId=subnet(emulator)["VpcId"],
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags[:1]}],
    )
    return {
        "fsx:file-system": emulator.client("fsx").create_file_system(**parameters(emulator, Tags=tags))["FileSystem"][
            "ResourceARN"
        ],
        "sagemaker:training-job": jobs.sagemaker.create_training_job(**request)["TrainingJobArn"],
        "ec2:security-group": f"arn:aws:ec2:us-east-1:123456789012:security-group/{group['GroupId']}",
    }


def found(emulator: Emulator, **request: Any) -> dict[str, dict[str, str]]:
    pages = emulator.client("resourcegroupstaggingapi").get_paginator("get_resources").paginate(**request)
    return {
        one["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in one["Tags"]}
        for page in pages
        for one in page["ResourceTagMappingList"]
    }


def test_they_are_found_by_tags_and_types(emulator: Emulator, tagged: Arns, owner: str) -> None:
    mine = {"Key": "owner", "Values": [owner, "nobody"]}
    everything = found(emulator, TagFilters=[mine])
    assert set(everything) == set(tagged.values())
    assert everything[tagged["fsx:file-system"]] == {"owner": owner, "stage": "test"}
    staged = {tagged["fsx:file-system"], tagged["sagemaker:training-job"]}
    assert set(found(emulator, TagFilters=[mine, {"Key": "stage"}])) == staged
    assert not found(emulator, TagFilters=[mine, {"Key": "stage", "Values": ["prod"]}])
    for kind, arn in tagged.items():
        assert set(found(emulator, TagFilters=[mine], ResourceTypeFilters=[kind])) == {arn}
        assert set(found(emulator, TagFilters=[mine], ResourceTypeFilters=[kind.split(":")[0]])) == {arn}
    assert set(found(emulator, ResourceARNList=[tagged["fsx:file-system"], "arn:aws:fsx:us-east-1:1:x/y"])) == {
        tagged["fsx:file-system"]
    }


def test_they_come_in_pages(emulator: Emulator, tagged: Arns, owner: str) -> None:
    tagging = emulator.client("resourcegroupstaggingapi")
    request = {"TagFilters": [{"Key": "owner", "Values": [owner]}], "ResourcesPerPage": 2}
    first = tagging.get_resources(**request)
    rest = tagging.get_resources(**request, PaginationToken=first["PaginationToken"])
    assert [len(page["ResourceTagMappingList"]) for page in (first, rest)] == [2, 1]
    assert rest["PaginationToken"] == ""
    assert refused(tagging.get_resources, PaginationToken="nonsense")["Code"] == "PaginationTokenExpiredException"


def test_a_page_ends_before_the_resource_whose_tags_are_too_many(emulator: Emulator, owner: str) -> None:
    s3, names = emulator.client("s3"), [f"{owner}-{number}" for number in range(3)]
    for name in names:
        s3.create_bucket(Bucket=name)
        tags = [{"Key": "owner", "Value": owner}, *({"Key": f"k{number}", "Value": ""} for number in range(39))]
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    tagging = emulator.client("resourcegroupstaggingapi")
    request = {"TagFilters": [{"Key": "owner", "Values": [owner]}], "TagsPerPage": 100}
    first = tagging.get_resources(**request)
    rest = tagging.get_resources(**request, PaginationToken=first["PaginationToken"])
    shown = [[one["ResourceARN"] for one in page["ResourceTagMappingList"]] for page in (first, rest)]
    assert shown == [[f"arn:aws:s3:::{name}" for name in names[:2]], [f"arn:aws:s3:::{names[2]}"]]
    assert rest["PaginationToken"] == ""
    assert len(found(emulator, **request, ResourcesPerPage=1)) == 3


def test_buckets_are_found_tagged_and_untagged(emulator: Emulator, owner: str) -> None:
    s3, tagging = emulator.client("s3"), emulator.client("resourcegroupstaggingapi")
    s3.create_bucket(Bucket=owner)
    arn, mine = f"arn:aws:s3:::{owner}", [{"Key": "owner", "Values": [owner]}]
    assert not tagging.tag_resources(ResourceARNList=[arn], Tags={"owner": owner, "a": "b"})["FailedResourcesMap"]
    assert found(emulator, TagFilters=mine, ResourceTypeFilters=["s3:bucket"]) == {arn: {"owner": owner, "a": "b"}}
    assert not found(emulator, TagFilters=mine, ResourceTypeFilters=["fsx"])
    assert s3.get_bucket_tagging(Bucket=owner)["TagSet"][0] == {"Key": "owner", "Value": owner}
    tagging.untag_resources(ResourceARNList=[arn], TagKeys=["a"])
    assert found(emulator, TagFilters=mine) == {arn: {"owner": owner}}
    tagging.untag_resources(ResourceARNList=[arn], TagKeys=["owner"])
    assert refused(s3.get_bucket_tagging, Bucket=owner)["Code"] == "NoSuchTagSet"
    nobody = f"arn:aws:s3:::{owner}-not-there"
    failed = tagging.tag_resources(ResourceARNList=[nobody, arn], Tags={"aws:x": "y"})["FailedResourcesMap"]
    assert {one: failure["ErrorCode"] for one, failure in failed.items()} == {nobody: "InvalidTag", arn: "InvalidTag"}
    failed = tagging.tag_resources(ResourceARNList=[nobody], Tags={"x": "y"})["FailedResourcesMap"]
    assert failed[nobody]["ErrorCode"] == "NoSuchBucket"


def test_keys_and_values_in_use(emulator: Emulator, tagged: Arns, owner: str) -> None:
    tagging = emulator.client("resourcegroupstaggingapi")
    keys = tagging.get_paginator("get_tag_keys").paginate().build_full_result()["TagKeys"]
    assert {"owner", "stage"} <= set(keys)
    values = tagging.get_paginator("get_tag_values").paginate(Key="owner").build_full_result()["TagValues"]
    assert owner in values


def test_several_are_tagged_and_untagged_at_once(emulator: Emulator, tagged: Arns, owner: str) -> None:
    tagging = emulator.client("resourcegroupstaggingapi")
    nobody = f"{tagged['fsx:file-system'][:-17]}{'0' * 17}"
    answer = tagging.tag_resources(ResourceARNList=[*tagged.values(), nobody], Tags={"more": owner})
    failure = answer["FailedResourcesMap"].pop(nobody)
    assert (failure["StatusCode"], failure["ErrorCode"]) == (400, "ResourceNotFound")
    assert answer["FailedResourcesMap"] == {}
    assert set(found(emulator, TagFilters=[{"Key": "more", "Values": [owner]}])) == set(tagged.values())
    shown = emulator.client("sagemaker").list_tags(ResourceArn=tagged["sagemaker:training-job"])["Tags"]
    assert {"Key": "more", "Value": owner} in shown
    assert not tagging.untag_resources(ResourceARNList=[*tagged.values()], TagKeys=["more"])["FailedResourcesMap"]
    assert not found(emulator, TagFilters=[{"Key": "more", "Values": [owner]}])
    refusal = tagging.tag_resources(ResourceARNList=[tagged["fsx:file-system"]], Tags={"aws:x": "y"})
    assert refusal["FailedResourcesMap"][tagged["fsx:file-system"]]["ErrorCode"] == "BadRequest"


def test_what_is_gone_is_not_found(emulator: Emulator, tagged: Arns, owner: str) -> None:
    jobs, arn = Jobs(emulator), tagged["sagemaker:training-job"]
    jobs.ended(arn.rpartition("/")[2])
    jobs.sagemaker.delete_training_job(TrainingJobName=arn.rpartition("/")[2])
    assert arn not in found(emulator, TagFilters=[{"Key": "owner", "Values": [owner]}])


def test_other_regions_have_others(emulator: Emulator, tagged: Arns, owner: str) -> None:
    there = emulator.client("resourcegroupstaggingapi", region_name="eu-west-1")
    assert not there.get_resources(TagFilters=[{"Key": "owner", "Values": [owner]}])["ResourceTagMappingList"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"ResourceARNList": ["arn:aws:fsx:us-east-1:1:x/y"], "ResourcesPerPage": 5}, "InvalidParameterException"),
        ({"TagFilters": [{"Values": ["a"]}]}, "InvalidParameterException"),
        ({"ResourcesPerPage": 101}, "InvalidParameterException"),
        ({"ExcludeCompliantResources": True}, "InvalidParameterException"),
        ({"IncludeComplianceDetails": True}, "NotImplementedByEmulator"),
        ({"TagsPerPage": 99}, "InvalidParameterException"),
        ({"TagsPerPage": 501}, "InvalidParameterException"),
    ],
)
def test_what_is_refused(emulator: Emulator, request_: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        emulator.client("resourcegroupstaggingapi").get_resources(**request_)
    assert caught.value.response["Error"]["Code"] == code
