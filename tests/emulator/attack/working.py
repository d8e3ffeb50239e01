"""Clients that keep an emulator busy with boto3, each with things of its own, and look after each of its deaths."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tests.conftest import Emulator
from tests.emulator.attack.jobs import BUCKET, IMAGE, ROLE
from tests.emulator.attack.ledger import ABSENT, Ledger, Thing, answered
from tests.emulator.services.iam.trust import TRUST

SERVICES = ("s3", "fsx", "sagemaker", "logs", "ec2", "iam")
GROUP = "busy"
_PART = 5 << 20
_MISSING = ("NoSuchKey", "404", "InvalidGroup.NotFound", "NoSuchEntity", "ValidationException")


class Client:
    """One client, whose things nobody else touches."""

    def __init__(self, number: int, emulator: Emulator, subnet: dict[str, Any]) -> None:
        self.name = f"client-{number}"
        self.ledger = Ledger()
        self.connect(emulator)
        self.file_systems: dict[str, str] = {}
        """Ids by the tokens they were asked for with."""
        self._chance = random.Random(number)
        self._subnet = subnet
        self._count = 0
        doings: list[tuple[Callable[[], None], int]] = [
            (self._put, 10), (self._delete, 2), (self._put_in_parts, 1), (self._label, 2), (self._log, 6),
            (self._file_system, 1), (self._tag_file_system, 2), (self._job, 1), (self._tag_job, 2),
            (self._security_group, 1), (self._role, 1),
        ]  # fmt: skip
        self._doings = [doing for doing, weight in doings for _ in range(weight)]

    def connect(self, emulator: Emulator) -> None:
        """Make the clients of boto3; not to be done by several threads at once."""
        self._aws = {name: emulator.client(name, read_timeout=30, connect_timeout=5) for name in SERVICES}

    def begin(self) -> None:
        """Make what the others need to be there."""
        create = partial(self._aws["logs"].create_log_stream, logGroupName=GROUP, logStreamName=self.name)
        self.ledger.write(("stream", self.name), [], create)

    def work(self, leave: threading.Event) -> None:
        """Do one thing after the other until told to leave. Raises Lost when an answer does not come."""
        while not leave.is_set():
            self._chance.choice(self._doings)()

    def compare(self, everything: bool = False) -> list[str]:
        """What is not as it was acknowledged. Raises Lost."""
        return [f"{self.name}: {text}" for text in self.ledger.compare(self._read, everything)]

    def _next(self, kind: str) -> str:
        self._count += 1
        return f"{self.name}-{kind}-{self._count}"

    def _some(self, kind: str) -> str | None:
        there = sorted(self.ledger.known(kind))
        return self._chance.choice(there) if there else None

    def _put(self) -> None:
        """A new object, or another content for one that is there."""
        key = (self._some("object") if self._chance.random() < 0.4 else None) or f"{self.name}/{self._next('object')}"
        body = self._chance.randbytes(self._chance.choice([0, 10, 4_000, 70_000, 1_000_000]))
        put = partial(self._aws["s3"].put_object, Bucket=BUCKET, Key=key, Body=body)
        self.ledger.write(("object", key), (_hash(body), {}), put)

    def _delete(self) -> None:
        if key := self._some("object"):
            delete = partial(self._aws["s3"].delete_object, Bucket=BUCKET, Key=key)
            self.ledger.write(("object", key), ABSENT, delete)

    def _label(self) -> None:
        if key := self._some("object"):
            tags = self._other_tags()
            put = partial(self._aws["s3"].put_object_tagging, Bucket=BUCKET, Key=key, Tagging={"TagSet": _tags(tags)})
            self.ledger.write(("object", key), (self.ledger.known("object")[key][0], tags), put)

    def _put_in_parts(self) -> None:
        s3, key = self._aws["s3"], f"{self.name}/{self._next('parts')}"
        upload = answered(lambda: s3.create_multipart_upload(Bucket=BUCKET, Key=key))["UploadId"]
        whole = {"Bucket": BUCKET, "Key": key, "UploadId": upload}
        bodies = [self._chance.randbytes(1000) * (_PART // 1000 + 1), self._chance.randbytes(10)]
        parts = []
        for number, body in enumerate(bodies, 1):
            part = answered(partial(s3.upload_part, **whole, PartNumber=number, Body=body))
            parts.append({"PartNumber": number, "ETag": part["ETag"]})
        complete = partial(s3.complete_multipart_upload, **whole, MultipartUpload={"Parts": parts})
        self.ledger.write(("object", key), (_hash(b"".join(bodies)), {}), complete)

    def _log(self) -> None:
        lines = [self._next("line") for _ in range(self._chance.randint(1, 20))]
        events = [{"timestamp": int(time.time() * 1000), "message": line} for line in lines]
        whole = [*self.ledger.known("stream")[self.name], *lines]
        put = partial(self._aws["logs"].put_log_events, logGroupName=GROUP, logStreamName=self.name, logEvents=events)
        self.ledger.write(("stream", self.name), whole, put)

    def _file_system(self) -> None:
        token = self._next("token")
        self.ledger.write(("file system", token), {"a": token}, lambda: self._ask_for(token))

    def _ask_for(self, token: str) -> None:
        """The file system of a token; the same as before if it was made before."""
        made = self._aws["fsx"].create_file_system(
            ClientRequestToken=token,
            FileSystemType="LUSTRE",
            StorageCapacity=1200,
            SubnetIds=[self._subnet["SubnetId"]],
            LustreConfiguration={"DeploymentType": "SCRATCH_2"},
            Tags=_tags({"a": token}),
        )
        self.file_systems[token] = made["FileSystem"]["FileSystemId"]

    def _tag_file_system(self) -> None:
        if token := self._some("file system"):
            tags = self._other_tags()
            arn = f"arn:aws:fsx:us-east-1:123456789012:file-system/{self.file_systems[token]}"
            tag = partial(self._aws["fsx"].tag_resource, ResourceARN=arn, Tags=_tags(tags))
            self.ledger.write(("file system", token), tags, tag)

    def _job(self) -> None:
        name = self._next("job")
        image = self._chance.choice([IMAGE, "here/simulated:1", "here/simulated:1"])
        create = partial(
            self._aws["sagemaker"].create_training_job,
            TrainingJobName=name,
            RoleArn=ROLE,
            AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/jobs"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
            Tags=_tags({"a": name}),
        )
        self.ledger.write(("job", name), {"a": name}, create)

    def _tag_job(self) -> None:
        if name := self._some("job"):
            tags = self._other_tags()
            tag = partial(self._aws["sagemaker"].add_tags, ResourceArn=_arn(name), Tags=_tags(tags))
            self.ledger.write(("job", name), tags, tag)

    def _security_group(self) -> None:
        name, vpc = self._next("group"), self._subnet["VpcId"]
        create = partial(self._aws["ec2"].create_security_group, GroupName=name, Description=name, VpcId=vpc)
        self.ledger.write(("group", name), name, create)

    def _role(self) -> None:
        name = self._next("role")
        create = partial(self._aws["iam"].create_role, RoleName=name, Description=name, AssumeRolePolicyDocument=TRUST)
        self.ledger.write(("role", name), name, create)

    def _other_tags(self) -> dict[str, str]:
        return {"a": str(self._chance.random())}

    def _read(self, thing: Thing) -> Any:
        """The value that a thing has."""
        kind, name = thing
        try:
            return getattr(self, f"_read_{kind.replace(' ', '_')}")(name)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return ABSENT
            raise

    def _read_object(self, key: str) -> tuple[str, dict[str, str]]:
        answer = self._aws["s3"].get_object(Bucket=BUCKET, Key=key)
        tags = self._aws["s3"].get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
        return _hash(answer["Body"].read()), _texts(tags)

    def _read_stream(self, name: str) -> list[str]:
        pages = self._aws["logs"].get_paginator("filter_log_events").paginate(logGroupName=GROUP, logStreamNames=[name])
        return [event["message"] for page in pages for event in page["events"]]

    def _read_file_system(self, token: str) -> dict[str, str] | None:
        if token not in self.file_systems:  # the answer was lost: asked again, it is the same one
            self._ask_for(token)
        [found] = self._aws["fsx"].describe_file_systems(FileSystemIds=[self.file_systems[token]])["FileSystems"]
        assert found["Lifecycle"] in ("CREATING", "AVAILABLE")
        return _texts(found["Tags"])

    def _read_job(self, name: str) -> dict[str, str]:
        found = self._aws["sagemaker"].describe_training_job(TrainingJobName=name)
        assert found["RoleArn"] == ROLE
        return _texts(self._aws["sagemaker"].list_tags(ResourceArn=_arn(name))["Tags"])

    def _read_group(self, name: str) -> str | None:
        filters = [{"Name": "group-name", "Values": [name]}]
        found = self._aws["ec2"].describe_security_groups(Filters=filters)["SecurityGroups"]
        return str(found[0]["Description"]) if found else ABSENT

    def _read_role(self, name: str) -> str:
        return str(self._aws["iam"].get_role(RoleName=name)["Role"]["Description"])


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _tags(texts: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in texts.items()]


def _texts(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _arn(job: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{job}"
