"""Training jobs over file systems and S3, run for real by the emulator."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.lustre.link import LinkRepository
from flytekitplugins_smfs.operations.sagemaker import records
from flytekitplugins_smfs.operations.sagemaker.training import Train, TrainingHandle
from flytekitplugins_smfs.operations.sagemaker.training_request import channel_request, image_of
from flytekitplugins_smfs.values.errors import Conflict, FingerprintMismatch, Invalid, InvalidSpec
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem
from flytekitplugins_smfs.values.lustre.link import LinkSpec
from flytekitplugins_smfs.values.operation import Owner, Phase
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput, TrainingInput
from flytekitplugins_smfs.values.sagemaker.training import (
    BuiltinAlgorithm,
    Hyperparameters,
    ImageAlgorithm,
    MetricDefinition,
    Resources,
    Stopping,
    TrainingSpec,
)
from flytekitplugins_smfs.values.settings import Settings
from tests.operations.driving import BUCKET, XGBOOST, ask, cancelled, finish, succeed

BINARY = Hyperparameters(objective="binary:logistic", num_round=5, max_depth=2, eval_metric="error")
ECHO = "123456789012.dkr.ecr.us-east-1.amazonaws.com/echo:1"


def shell(script: str, **fields: Any) -> TrainingSpec:
    """A job that runs a shell script."""
    algorithm = ImageAlgorithm(ECHO, entrypoint=("bash", "-c"), arguments=(script,))
    return TrainingSpec(name="shell", algorithm=algorithm, **fields)


def requests(emulator: Any, job: str) -> list[dict[str, Any]]:
    return [
        call["request"]
        for call in emulator.calls()
        if call["operation"] == "CreateTrainingJob" and call["request"].get("TrainingJobName") == job
    ]


def test_it_trains_from_the_linked_lustre_file_system(
    emulator: Any, aws: Aws, owner: Owner, prefix: str, file_system: LustreFileSystem
) -> None:  # C21, C25, C35
    link = succeed(LinkRepository(), aws, LinkSpec(file_system=file_system, repository=prefix), owner)
    channels = {
        name: FileSystemInput.of_link(link, f"{prefix}/{name}", content_type="text/csv")
        for name in ("train", "validation")
    }
    spec = TrainingSpec(name="tests.lustre", algorithm=XGBOOST, channels=channels, hyperparameters=BINARY)
    result = succeed(Train(), aws, spec, owner)
    (request,) = requests(emulator, result.job_name)
    source = request["InputDataConfig"][0]["DataSource"]["FileSystemDataSource"]
    assert source == {
        "FileSystemId": file_system.id,
        "FileSystemType": "FSxLustre",
        "FileSystemAccessMode": "ro",
        "DirectoryPath": f"/{file_system.mount_name}/ns1/train",
    }
    assert request["VpcConfig"] == {
        "Subnets": [file_system.subnet_id],
        "SecurityGroupIds": list(file_system.security_group_ids),
    }
    assert result.metrics["validation:error"] < 0.1
    assert set(result.metrics) == {"train:error", "validation:error"}
    curve = [point.value for point in result.curve if point.name == "validation:error"]
    assert len(curve) == 5
    assert curve[-1] == pytest.approx(result.metrics["validation:error"])
    bucket, _, key = result.model_uri.removeprefix("s3://").partition("/")
    assert emulator.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    assert result.hyperparameters["num_round"] == "5"


def test_the_network_is_looked_up_where_the_channel_does_not_say(
    emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem
) -> None:  # C7, C21
    bare = FileSystemInput(file_system_id=file_system.id, directory_path=f"/{file_system.mount_name}")
    result = succeed(Train(), aws, shell("ls /opt/ml/input/data/data", channels={"data": bare}), owner)
    (request,) = requests(emulator, result.job_name)
    assert request["VpcConfig"]["Subnets"] == [file_system.subnet_id]
    assert request["VpcConfig"]["SecurityGroupIds"] == list(file_system.security_group_ids)


def test_read_only_is_read_only_and_rw_writes_to_the_file_system(
    emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem
) -> None:  # C21
    def channel(mode: Any) -> dict[str, FileSystemInput]:
        root = f"/{file_system.mount_name}"
        return {
            "data": FileSystemInput(file_system_id=file_system.id, directory_path=root, file_system_access_mode=mode)
        }

    script = 'echo written > "$SM_CHANNEL_DATA/made-here"'
    refused = finish(Train(), aws, Train().start(aws, shell(script, channels=channel("ro")), owner))
    assert refused.phase == Phase.FAILED
    written = emulator.state / "filesystems" / file_system.id / "made-here"
    assert not written.exists()
    succeed(Train(), aws, shell(script, channels=channel("rw")), owner.model_copy(update={"attempt": 1}))
    assert written.read_text() == "written\n"


def test_two_hosts_see_disjoint_shards_of_s3(emulator: Any, aws: Aws, owner: Owner) -> None:  # C24
    names = [f"part-{n}" for n in range(6)]
    for name in names:
        emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{owner.key}/shards/{name}", Body=name.encode())
    sharded = TrainingInput(s3_uri=f"s3://{BUCKET}/{owner.key}/shards/", s3_data_distribution_type="ShardedByS3Key")
    whole = TrainingInput(s3_uri=f"s3://{BUCKET}/{owner.key}/shards/", input_mode="FastFile")
    spec = shell(
        "for c in sharded whole; do echo $c $(ls /opt/ml/input/data/$c); done",
        channels={"sharded": sharded, "whole": whole},
        resources=Resources(instance_count=2),
    )
    operation = Train()
    handle = operation.start(aws, spec, owner)
    assert finish(operation, aws, handle).phase == Phase.SUCCEEDED
    lines = operation.logs(aws, handle).lines
    shards = {line.split()[0]: set(line.split()[2:]) for line in lines if line.split()[1:2] == ["sharded"]}
    assert set(shards) == {"[algo-1]", "[algo-2]"}
    first, second = shards.values()
    assert not first & second
    assert first | second == set(names)
    assert all(set(line.split()[2:]) == set(names) for line in lines if line.split()[1:2] == ["whole"])


def test_unknown_algorithm_version_or_region_is_named(aws: Aws) -> None:  # C25
    with pytest.raises(InvalidSpec, match="version") as caught:
        image_of(aws, TrainingSpec(name="t", algorithm=BuiltinAlgorithm("xgboost", "9.9-9")))
    assert "1.7-1" in str(caught.value)
    with pytest.raises(InvalidSpec, match="xgboost"):
        image_of(aws, TrainingSpec(name="t", algorithm=BuiltinAlgorithm("xgbost", "1.7-1")))
    elsewhere = aws.at("eu-central-1")
    assert ".eu-central-1." in image_of(elsewhere, TrainingSpec(name="t", algorithm=XGBOOST))


def test_own_metrics_are_read_from_the_log(aws: Aws, owner: Owner) -> None:  # C35
    spec = shell(
        'for i in 3 2 1; do echo "epoch loss=$i.5;"; done',
        metrics=(MetricDefinition(name="loss", regex="loss=([0-9.]+);"),),
    )
    result = succeed(Train(), aws, spec, owner)
    assert result.metrics == {"loss": 1.5}
    assert [(point.step, point.value) for point in result.curve] == [(0, 3.5), (1, 2.5), (2, 1.5)]


def test_hyperparameters_arrive_as_strings_whatever_is_in_them(aws: Aws, owner: Owner) -> None:
    given = Hyperparameters(eta=0.5, depth=3, quiet=True, layers='{"a": [1, {"b": "{}"}]}')
    script = "cat /opt/ml/input/config/hyperparameters.json"
    handle = Train().start(aws, shell(script, hyperparameters=given), owner)
    progress = finish(Train(), aws, handle)
    assert progress.phase == Phase.SUCCEEDED
    assert json.loads("".join(Train().logs(aws, handle).lines)) == given.encoded()
    assert progress.result.hyperparameters == given.encoded()


@pytest.mark.parametrize("mode", ["File", "FastFile", "Pipe"])
def test_every_input_mode_is_asked_for_as_it_is(mode: Any) -> None:  # C24
    channel = TrainingInput(s3_uri="s3://bucket/x", input_mode=mode, s3_data_distribution_type="ShardedByS3Key")
    request = channel_request("train", channel)
    assert (request["ChannelName"], request["InputMode"]) == ("train", mode)
    assert request["DataSource"]["S3DataSource"]["S3DataDistributionType"] == "ShardedByS3Key"


def test_a_failing_job_says_why_and_shows_its_last_lines(aws: Aws, owner: Owner) -> None:  # C36, N11
    script = "echo before the end; echo 'no such column: age' > /opt/ml/output/failure; exit 3"
    progress = finish(Train(), aws, Train().start(aws, shell(script), owner))
    assert progress.phase == Phase.FAILED
    assert "no such column: age" in progress.message
    assert "before the end" in progress.message


def test_capacity_errors_may_be_tried_again(emulator: Any, aws: Aws, owner: Owner) -> None:  # C36
    operation = Train()
    emulator.faults({"job": "capacity", "times": 1})
    progress = finish(operation, aws, operation.start(aws, shell("true"), owner))
    assert progress.phase == Phase.RETRYABLE_FAILED
    assert "CapacityError" in progress.message
    retry = owner.model_copy(update={"attempt": 1})
    assert finish(operation, aws, operation.start(aws, shell("true"), retry)).phase == Phase.SUCCEEDED


def test_too_long_a_job_is_stopped_by_sagemaker(aws: Aws, owner: Owner) -> None:  # C36
    spec = shell("exec sleep 60", stopping=Stopping(max_runtime_in_seconds=1))
    progress = finish(Train(), aws, Train().start(aws, spec, owner))
    assert progress.phase == Phase.FAILED
    assert "max_runtime_in_seconds (1)" in progress.message


def test_its_phases_are_told_in_order(emulator: Any, aws: Aws, owner: Owner) -> None:  # C36
    operation = Train()
    handle = operation.start(aws, shell("read -t 1 < <(:) ; sleep 1"), owner)
    phases = []
    while not phases or not phases[-1].final:
        phase = ask(operation, aws, handle).phase
        if phase not in phases:
            phases.append(phase)
    order = [Phase.QUEUED, Phase.INITIALIZING, Phase.RUNNING, Phase.SUCCEEDED]
    assert phases == [phase for phase in order if phase in phases]  # a slow machine may miss a short one
    assert phases[-2:] == order[-2:]


def test_its_times_are_aws_own(emulator: Any, aws: Aws, owner: Owner) -> None:
    done = succeed(Train(), aws, shell("true"), owner)
    job = emulator.client("sagemaker").describe_training_job(TrainingJobName=done.job_name)
    assert (done.timing.started_at, done.timing.ended_at) == (job["CreationTime"], job["TrainingEndTime"])


def test_links_lead_to_the_console_and_the_log() -> None:  # C37
    on_aws = Aws(Settings(endpoint="aws", region="eu-west-1"))
    console, log = records.links(on_aws, "jobs", "digits-train-0123456789")
    assert (
        console.url
        == "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/digits-train-0123456789"
    )
    assert log.url == (
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/"
        "$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Ddigits-train-0123456789"
    )


def test_cancel_stops_the_job_and_sees_it_stopped(emulator: Any, aws: Aws, owner: Owner) -> None:  # C38, N1
    operation = Train()
    handle = operation.start(aws, shell("exec sleep 300"), owner)
    while ask(operation, aws, handle).phase != Phase.RUNNING:
        pass
    cancelled(operation, aws, handle)
    job = emulator.client("sagemaker").describe_training_job(TrainingJobName=handle.job_name)
    assert job["TrainingJobStatus"] == "Stopped"
    assert handle.job_name not in json.dumps(emulator.processes())
    assert operation.cancel(aws, handle)  # what is finished counts as stopped
    assert ask(operation, aws, handle).phase == Phase.FAILED


def test_cancel_of_a_finished_or_unknown_job_is_success(aws: Aws, owner: Owner) -> None:  # C38
    operation = Train()
    handle = operation.start(aws, shell("true"), owner)
    finish(operation, aws, handle)
    assert operation.cancel(aws, handle)
    unknown = handle.model_copy(update={"job_name": "never-was"})
    assert not operation.cancel(aws, unknown)  # AWS may not show yet what was just made
    assert operation.cancel(aws, unknown.model_copy(update={"started_at": handle.started_at - timedelta(minutes=1)}))


def test_a_second_start_finds_the_first(emulator: Any, aws: Aws, owner: Owner) -> None:  # N2
    operation, spec = Train(), shell("true")
    first = operation.start(aws, spec, owner)
    assert operation.start(aws, spec, owner).job_name == first.job_name
    assert len(requests(emulator, first.job_name)) == 1
    with pytest.raises(FingerprintMismatch):
        operation.start(aws, shell("false"), owner)


def test_a_retry_takes_up_what_runs_and_makes_anew_what_failed(emulator: Any, aws: Aws, owner: Owner) -> None:  # N2
    """A create that Flyte gave up on costs the user a retry; its job must not run beside the retry's."""
    operation, spec = Train(), shell("exec sleep 300")
    first = operation.start(aws, spec, owner)
    retry = operation.start(aws, spec, owner.at(1))
    assert retry.job_name == first.job_name
    assert operation.start(aws, spec, owner.at(3)).job_name == first.job_name
    assert operation.start(aws, shell("exec sleep 301"), owner.at(2)).job_name != first.job_name
    cancelled(operation, aws, first)
    assert operation.start(aws, spec, owner.at(4)).job_name not in (first.job_name, retry.job_name)


def test_a_retry_takes_up_what_has_done_its_work_meanwhile(emulator: Any, aws: Aws, owner: Owner) -> None:  # N2
    operation, spec = Train(), shell("true")
    first = operation.start(aws, spec, owner)
    assert finish(operation, aws, first).phase == Phase.SUCCEEDED
    assert operation.start(aws, spec, owner.at(1)).job_name == first.job_name
    failing = shell("false")
    broken = operation.start(aws, failing, owner.at(2))
    assert finish(operation, aws, broken).phase == Phase.FAILED
    assert operation.start(aws, failing, owner.at(3)).job_name not in (first.job_name, broken.job_name)


def test_what_aws_refuses_says_what_was_done_and_leaves_nothing(aws: Aws, owner: Owner) -> None:
    nowhere = aws.settings.model_copy(update={"role": "arn:aws:iam::123456789012:role/" + "x" * 2048})
    with pytest.raises((Invalid, Conflict)) as caught:
        Train().start(Aws(nowhere), shell("true"), owner)
    assert "starting training job shell-" in str(caught.value)
    with pytest.raises(InvalidSpec, match="FLYTE_SMFS_ROLE"):
        Train().start(Aws(aws.settings.model_copy(update={"role": None})), shell("true"), owner)


def test_handles_survive_as_json(aws: Aws, owner: Owner) -> None:
    handle = Train().start(aws, shell("true"), owner)
    assert TrainingHandle.model_validate_json(handle.encode()) == handle
    assert len(handle.encode()) < 2000
    assert timedelta(0) <= handle.started_at.utcoffset() <= timedelta(0)  # type: ignore[operator]


def test_a_log_that_may_not_be_read_does_not_hold_the_result_back(emulator: Any, aws: Aws, owner: Owner) -> None:
    denied = {
        "service": "logs",
        "operation": "DescribeLogStreams",
        "code": "AccessDeniedException",
        "message": "not you",
    }
    operation = Train()
    emulator.faults(denied)
    try:
        spec = shell("echo 'loss=1;'", metrics=(MetricDefinition(name="loss", regex="loss=([0-9]+);"),))
        result = succeed(operation, aws, spec, owner)
        failed = finish(operation, aws, operation.start(aws, shell("exit 1"), owner.model_copy(update={"attempt": 1})))
    finally:
        emulator.faults()
    assert (result.metrics, result.curve) == ({"loss": 1.0}, ())
    assert failed.phase == Phase.FAILED
    assert "not you" in failed.message
