"""What a new account comes with: a VPC that can train from Lustre, an execution role and a bucket."""

import json
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from .moto_backend import MotoBackend
from .objects import ObjectStore, StoreDamaged
from .settings import Settings
from .store import Store

ROLE = "AmazonSageMaker-ExecutionRole"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
_BUCKETS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
            "Resource": ["arn:aws:s3:::*"],
        },
    ],
}


def furnish(store: Store, settings: Settings, objects: ObjectStore, moto: MotoBackend) -> bool:
    """Furnish the account, once in its life; whether that was now.

    The network of each region is furnished when it is first asked for.
    """
    with suppress(StoreDamaged):  # told to who asks for the bucket; all else is there
        objects.buckets.ensure(f"sagemaker-{settings.region}-{settings.account}", settings.region)
    if store.get("account", "furnished"):
        return False
    _role(moto.client("iam", settings.region))
    moto.client("ec2", settings.region).describe_vpcs()
    store.put("account", "furnished", {"id": "furnished"})
    return True


def furnish_region(ec2: Any, region: str) -> None:
    """Give the default VPC an S3 gateway endpoint and its security group the rules AWS gives it."""
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    tables = ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{region}.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[tables[0]["RouteTableId"]],
    )
    furnish_vpc(ec2, vpc)


def furnish_vpc(ec2: Any, vpc: str) -> None:
    """Open the default security group among its own members, as AWS makes it and moto does not."""
    group = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"][0]
    if not any(rule.get("UserIdGroupPairs") for rule in group["IpPermissions"]):
        own = [{"GroupId": group["GroupId"]}]
        ec2.authorize_security_group_ingress(
            GroupId=group["GroupId"], IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": own}]
        )


def _role(iam: Any) -> None:
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=ROLE, Path="/service-role/", AssumeRolePolicyDocument=json.dumps(_TRUST))
    try:
        iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
    except ClientError as error:
        raise RuntimeError("moto knows no AmazonSageMakerFullAccess") from error
    iam.put_role_policy(RoleName=ROLE, PolicyName="buckets", PolicyDocument=json.dumps(_BUCKETS))
