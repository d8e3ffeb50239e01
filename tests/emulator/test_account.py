"""What a new account comes with, and who answers what. C14, C15, C17."""

import json

from tests.conftest import Emulator
from tests.emulator.services.fsx.test_file_system import available, refused


def test_the_account_is_furnished(emulator: Emulator) -> None:
    ec2, iam = emulator.client("ec2"), emulator.client("iam")
    subnets = ec2.describe_subnets()["Subnets"]
    assert {"us-east-1a", "us-east-1b", "us-east-1c"} <= {subnet["AvailabilityZone"] for subnet in subnets}
    endpoint = ec2.describe_vpc_endpoints()["VpcEndpoints"][0]
    assert endpoint["ServiceName"] == "com.amazonaws.us-east-1.s3"
    main = ec2.describe_route_tables(Filters=[{"Name": "association.main", "Values": ["true"]}])["RouteTables"][0]
    assert endpoint["RouteTableIds"] == [main["RouteTableId"]]
    role = iam.get_role(RoleName="AmazonSageMaker-ExecutionRole")["Role"]
    assert role["Arn"] == "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
    assert "sagemaker.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])
    attached = iam.list_attached_role_policies(RoleName="AmazonSageMaker-ExecutionRole")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonSageMakerFullAccess"]
    emulator.client("s3").head_bucket(Bucket="sagemaker-us-east-1-123456789012")
    assert emulator.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_a_default_group_is_open_among_itself_in_every_vpc(emulator: Emulator) -> None:
    ec2 = emulator.client("ec2", region_name="us-west-2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
    assert vpc in {group["VpcId"] for group in groups}
    for group in groups:
        pairs = [pair["GroupId"] for rule in group["IpPermissions"] for pair in rule["UserIdGroupPairs"]]
        assert pairs == [group["GroupId"]]


def test_what_moto_cannot_do_is_an_error_a_client_understands(emulator: Emulator) -> None:
    error = refused(emulator.client("ec2").describe_spot_datafeed_subscription)
    assert error["Code"] == "NotImplementedByEmulator"
    assert "DescribeSpotDatafeedSubscription" in error["Message"]
    error = refused(emulator.client("ecr").describe_pull_through_cache_rules)
    assert error["Code"] == "NotImplementedByEmulator"


def test_the_account_and_its_region_can_be_chosen(own_emulator: Emulator) -> None:
    running = own_emulator.start("--set", "account=210987654321", "--set", "region=eu-central-1")
    assert running.client("sts").get_caller_identity()["Account"] == "210987654321"
    subnets = running.client("ec2").describe_subnets()["Subnets"]
    assert {subnet["AvailabilityZone"][:-1] for subnet in subnets} == {"eu-central-1"}
    assert available(running)["ResourceARN"].startswith("arn:aws:fsx:eu-central-1:210987654321:file-system/fs-")
    running.client("s3").head_bucket(Bucket="sagemaker-eu-central-1-210987654321")
