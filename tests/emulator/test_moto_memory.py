"""What moto remembers is kept and brought back. Says what breaks when moto's private names move."""

import boto3
from moto import mock_aws
from moto.core.base_backend import BackendDict

from flytekitplugins_smfs.emulator import moto_memory


@mock_aws
def test_it_is_brought_back_and_what_came_later_is_forgotten() -> None:
    ec2 = boto3.client("ec2", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    kept_vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    before = ec2.describe_subnets()["Subnets"]
    memory = moto_memory.kept()
    later = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    ec2.delete_vpc(VpcId=kept_vpc)
    moto_memory.bring_back(memory)
    vpcs = {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]}
    assert kept_vpc in vpcs
    assert later not in vpcs
    assert ec2.describe_subnets()["Subnets"] == before
    moto_memory.bring_back(memory)  # as often as one likes
    assert kept_vpc in {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]}
    moto_memory.forget()
    assert kept_vpc not in {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]}


def test_motos_private_list_is_where_it_was() -> None:
    assert isinstance(BackendDict._instances, list)
