"""Requests that are right: those that need something that is there are written here, others drawn from the model."""

from __future__ import annotations

import io
import json
import random
import tarfile
import time
from collections.abc import Callable
from typing import Any

from flytekitplugins_smfs.emulator import services
from flytekitplugins_smfs.emulator.registry import Service
from tests.conftest import Emulator, wait_for
from tests.emulator.attack.drawing import Drawing, Path
from tests.emulator.attack.jobs import BUCKET, ROLE, Jobs, Request
from tests.emulator.attack.speaking import Answer, Speaker
from tests.emulator.services.fsx.test_file_system import available, parameters, subnet

NOWHERE = "fs-0123456789abcdef0"
SERVICES = services.load()
OPERATIONS = [(name, operation) for name, service in SERVICES.items() for operation in sorted(service.operations)]
"""Every operation of ours; what is new is in it by itself."""


class Seeds(Jobs):
    """Right requests for an emulator, over things that it has made there."""

    def __init__(self, emulator: Emulator, speaker: Speaker) -> None:
        self._emulator, self._speaker = emulator, speaker
        s3, logs = emulator.client("s3"), emulator.client("logs")
        for key in ("seed/train/part", "seed/link/part", "seed/code.tar.gz"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=_script() if key.endswith("gz") else b"1,2\n")
        self.subnet = subnet(emulator)["SubnetId"]
        groups = emulator.client("ec2").describe_security_groups()["SecurityGroups"]
        self.group = groups[0]["GroupId"]
        made = available(emulator)
        self.file_system, self.mount = made["FileSystemId"], made["LustreConfiguration"]["MountName"]
        self.file_system_arn = made["ResourceARN"]
        self.association = self._linked()
        logs.create_log_group(logGroupName="seed")
        logs.create_log_stream(logGroupName="seed", logStreamName="seed")
        self.job = self._ended("CreateTrainingJob", "TrainingJob")
        self.tuning = self._ended("CreateHyperParameterTuningJob", "HyperParameterTuningJob")
        self.written = self._all()
        """What is not drawn, by operation."""

    def requests(self, service: Service, operation: str) -> list[Request]:
        """The requests that are right for an operation, with names that nothing has yet."""
        if written := self.written.get(operation):
            return written()
        return [Drawing(random.Random(operation)).request(service.model.operation_model(operation).input_shape)]

    def nearest(self, service: Service, operation: str, path: Path) -> Request:
        """Of these the one that has most of what a path leads through."""
        return max(self.requests(service, operation), key=lambda request: _depth(request, path))

    def undo(self, operation: str, answer: Answer) -> None:
        """Remove what has been made, so that no quota ends the attack."""
        if not operation.startswith("Create") or not answer.body.startswith(b"{"):
            return
        made = _document(answer)
        fsx = SERVICES["fsx"]
        if operation == "CreateFileSystem":
            id = made["FileSystem"]["FileSystemId"]
            wait_for(lambda: self._speaker.say(fsx, "DeleteFileSystem", {"FileSystemId": id}).status in (200, 400))
        elif operation == "CreateDataRepositoryAssociation":
            asked = {"AssociationId": made["Association"]["AssociationId"], "DeleteDataInFileSystem": True}
            time.sleep(0.15)  # it is imported and exported meanwhile
            wait_for(lambda: "Not" in self._speaker.say(fsx, "DeleteDataRepositoryAssociation", asked).code)
        elif operation == "CreateDataRepositoryTask":
            id = made["DataRepositoryTask"]["TaskId"]
            wait_for(lambda: self._over(id))

    def at_rest(self) -> None:
        """Return when no job is under way."""
        sagemaker = self._emulator.client("sagemaker")

        def over() -> bool:
            running = [sagemaker.list_training_jobs(StatusEquals=status) for status in ("InProgress", "Stopping")]
            tuning = sagemaker.list_hyper_parameter_tuning_jobs(StatusEquals="InProgress")
            return (
                not any(one["TrainingJobSummaries"] for one in running)
                and not tuning["HyperParameterTuningJobSummaries"]
            )

        wait_for(over, 300)

    def _over(self, id: str) -> bool:
        answer = self._speaker.say(SERVICES["fsx"], "DescribeDataRepositoryTasks", {"TaskIds": [id]})
        [task] = _document(answer)["DataRepositoryTasks"]
        return task["Lifecycle"] not in ("PENDING", "EXECUTING")

    def _linked(self) -> str:
        fsx = self._emulator.client("fsx")
        [asked] = self._association()
        asked["S3"] = {
            "AutoImportPolicy": asked["S3"]["AutoImportPolicy"]
        }  # where exports are automatic, tasks are not
        id = fsx.create_data_repository_association(**{**asked, "FileSystemPath": "/seed"})["Association"][
            "AssociationId"
        ]

        def there() -> bool:
            found = fsx.describe_data_repository_associations(AssociationIds=[id])["Associations"]
            return bool(found[0]["Lifecycle"] == "AVAILABLE")

        wait_for(there)
        return str(id)

    def _ended(self, operation: str, noun: str) -> str:
        service = SERVICES["sagemaker"]
        asked = (self._training if noun == "TrainingJob" else self._tuning)()[0]
        answer = self._speaker.say(service, operation, asked)
        assert answer.status == 200, answer
        name = asked[f"{noun}Name"]

        def over() -> bool:
            found = _document(self._speaker.say(service, f"Describe{noun}", {f"{noun}Name": name}))
            assert found[f"{noun}Status"] in ("InProgress", "Completed"), found
            return bool(found[f"{noun}Status"] == "Completed")

        wait_for(over, 60)
        return str(name)

    def _association(self) -> list[Request]:
        events = {"Events": ["NEW", "CHANGED", "DELETED"]}
        number = next(self.numbers)
        return [
            {
                "FileSystemId": self.file_system,
                "FileSystemPath": f"/link-{number}",
                "DataRepositoryPath": f"s3://{BUCKET}/seed/link-{number}",
                "BatchImportMetaDataOnCreate": True,
                "S3": {"AutoImportPolicy": events, "AutoExportPolicy": events},
                "Tags": [{"Key": "a", "Value": "b"}],
            }
        ]

    def _all(self) -> dict[str, Callable[[], list[Request]]]:
        tags = [{"Key": "a", "Value": "b"}]
        job = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{self.job}"
        now = int(time.time() * 1000)
        points = [{"MetricName": "m", "Value": 1.0, "Dimensions": [{"Name": "a", "Value": "b"}]}]
        stat = {"Metric": {"Namespace": "seed", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
        span = {"StartTime": 1.7e9, "EndTime": 1.7e9 + 3600}
        named = {"logGroupName": "seed"}
        both = {**named, "logStreamName": "seed"}
        fixed: dict[str, list[Request]] = {
            "CreateFileSystem": [parameters(self._emulator, Tags=tags, SecurityGroupIds=[self.group])],
            "UpdateFileSystem": [
                {"FileSystemId": self.file_system, "LustreConfiguration": {"WeeklyMaintenanceStartTime": "1:02:30"}}
            ],
            "DeleteFileSystem": [{"FileSystemId": NOWHERE, "ClientRequestToken": "a"}],
            "DescribeFileSystems": [{"FileSystemIds": [self.file_system]}],
            "CreateDataRepositoryTask": [
                {
                    "Type": kind,
                    "FileSystemId": self.file_system,
                    "Paths": ["seed"],
                    "Report": {"Enabled": False},
                    "Tags": tags,
                }
                for kind in ("EXPORT_TO_REPOSITORY", "IMPORT_METADATA_FROM_REPOSITORY")
            ],
            "UpdateDataRepositoryAssociation": [{"AssociationId": self.association}],
            "DescribeDataRepositoryAssociations": [{"AssociationIds": [self.association]}],
            "DescribeTrainingJob": [{"TrainingJobName": self.job}],
            "DescribeHyperParameterTuningJob": [{"HyperParameterTuningJobName": self.tuning}],
            "ListTrainingJobsForHyperParameterTuningJob": [{"HyperParameterTuningJobName": self.tuning}],
            "AddTags": [{"ResourceArn": job, "Tags": tags}],
            "DeleteTags": [{"ResourceArn": job, "TagKeys": ["z"]}],
            "ListTags": [{"ResourceArn": job}],
            "PutLogEvents": [{**both, "logEvents": [{"timestamp": now, "message": "m"}]}],
            "GetLogEvents": [both],
            "FilterLogEvents": [named],
            "DescribeLogStreams": [named],
            "PutRetentionPolicy": [{**named, "retentionInDays": 7}],
            "PutMetricData": [{"Namespace": "seed", "MetricData": points}],
            "GetMetricData": [{"MetricDataQueries": [{"Id": "q", "MetricStat": stat}], **span}],
            "GetMetricStatistics": [
                {"Namespace": "seed", "MetricName": "m", "Period": 60, "Statistics": ["Sum"], **span}
            ],
            "AssumeRole": [{"RoleArn": ROLE, "RoleSessionName": "seed"}],
            "TagResources": [{"ResourceARNList": [self.file_system_arn], "Tags": {"a": "b"}}],
        }
        fresh: dict[str, Callable[[], list[Request]]] = {
            "CreateDataRepositoryAssociation": self._association,
            "CreateTrainingJob": self._training,
            "CreateHyperParameterTuningJob": self._tuning,
            "CreateLogGroup": lambda: [{"logGroupName": self._next(), "tags": {"a": "b"}}],
            "CreateLogStream": lambda: [{**named, "logStreamName": self._next()}],
        }
        return {name: lambda same=same: same for name, same in fixed.items()} | fresh


def _depth(request: Any, path: Path) -> int:
    """How far a path leads in a request."""
    for number, step in enumerate(path):
        if isinstance(step, str) and step in ("<key>", "<value>"):
            return number
        try:
            request = request[step]
        except (KeyError, IndexError):
            return number
    return len(path)


def _document(answer: Answer) -> dict[str, Any]:
    return dict(json.loads(answer.body))


def _script() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("train.py")
        member.size = 12
        tar.addfile(member, io.BytesIO(b"print('ok')\n"))
    return packed.getvalue()
