"""Training jobs over the wire, as boto3 sees them."""

import io
import json
import os
import signal
import tarfile
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flytekitplugins_smfs.emulator import processes
from tests.conftest import Emulator, wait_for

from .jobs import BUCKET, OWN_IMAGE, ROLE, XGBOOST_IMAGE, Jobs, statuses, unique


@pytest.fixture
def jobs(emulator: Emulator) -> Jobs:
    return Jobs(emulator)


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_builtin_algorithm_from_request_to_artifact(jobs: Jobs) -> None:  # C25, C35
    done = jobs.run(jobs.xgboost())
    assert done["TrainingJobStatus"] == done["SecondaryStatus"] == "Completed"
    assert statuses(done) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert {m["MetricName"] for m in done["FinalMetricDataList"]} == {"train:logloss", "validation:logloss"}
    assert done["TrainingStartTime"] <= done["TrainingEndTime"]
    assert done["BillableTimeInSeconds"] == done["TrainingTimeInSeconds"] >= 1
    assert done["ModelArtifacts"]["S3ModelArtifacts"] == jobs.url(f"out/{done['TrainingJobName']}/output/model.tar.gz")
    assert list(jobs.archive(done["ModelArtifacts"]["S3ModelArtifacts"])) == ["xgboost-model"]
    assert any(line.startswith("[4]#011train-logloss:") for line in jobs.lines(done["TrainingJobName"]))


def test_metrics_reach_cloudwatch(jobs: Jobs) -> None:
    request = jobs.shell("for i in 3 2 1; do echo loss=$i; done", {"loss": "loss=([0-9.]+)"})
    done = jobs.run(request)
    assert [(m["MetricName"], m["Value"]) for m in done["FinalMetricDataList"]] == [("loss", 1.0)]
    dimensions = [{"Name": "TrainingJobName", "Value": done["TrainingJobName"]}]
    answer = jobs.emulator.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="loss",
        Dimensions=dimensions,
        StartTime=done["CreationTime"].timestamp() - 60,
        EndTime=time.time() + 60,
        Period=3600,
        Statistics=["SampleCount", "Minimum"],
    )
    assert sum(point["SampleCount"] for point in answer["Datapoints"]) == 3


def test_the_container_contract(jobs: Jobs) -> None:
    url = jobs.put("data/sub/file.txt", b"payload")
    script = (
        "cat $SM_INPUT_CONFIG_DIR/hyperparameters.json; echo; cat $SM_INPUT_CONFIG_DIR/inputdataconfig.json; echo;"
        "cat $SM_INPUT_CONFIG_DIR/resourceconfig.json; echo; cat $SM_CHANNEL_DATA/sub/file.txt; echo;"
        "echo $SM_HP_ALPHA $MINE $SM_CURRENT_HOST; echo weights > $SM_MODEL_DIR/w; echo table > $SM_OUTPUT_DATA_DIR/t"
    )
    request = jobs.shell(
        script,
        HyperParameters={"alpha": "0.5"},
        Environment={"MINE": "own"},
        InputDataConfig=[jobs.channel("data", jobs.url("data/"), ContentType="text/plain")],
    )
    done = jobs.run(request)
    hyperparameters, inputs, resources, payload, variables = jobs.lines(done["TrainingJobName"])
    assert json.loads(hyperparameters) == {"alpha": "0.5"}
    assert json.loads(inputs)["data"]["ContentType"] == "text/plain"
    assert json.loads(resources)["hosts"] == ["algo-1"]
    assert (payload, variables) == ("payload", "0.5 own algo-1")
    assert jobs.archive(done["ModelArtifacts"]["S3ModelArtifacts"]) == {"w": b"weights\n"}
    output = done["ModelArtifacts"]["S3ModelArtifacts"].replace("model.tar.gz", "output.tar.gz")
    assert jobs.archive(output) == {"t": b"table\n"}
    assert url.endswith("file.txt")


def test_a_job_can_call_the_embedded_aws(jobs: Jobs) -> None:
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    done = jobs.run(jobs.shell(f'python -c "{code}"'))
    assert done["TrainingJobStatus"] == "Completed", done
    assert jobs.lines(done["TrainingJobName"]) == ["123456789012"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'no data: stop' > $SM_OUTPUT_DIR/failure; exit 3", "AlgorithmError: no data: stop, exit code: 3"),
        ("exit 1", "AlgorithmError: , exit code: 1"),
        ("kill -9 $$", "AlgorithmError: , exit code: 137"),
        ("head -c 3000 /dev/zero | tr '\\0' x > $SM_OUTPUT_DIR/failure; exit 4", "x, exit code: 4"),
    ],
)
def test_a_failing_job_says_why(jobs: Jobs, script: str, reason: str) -> None:
    done = jobs.run(jobs.shell(script))
    assert done["TrainingJobStatus"] == "Failed"
    assert statuses(done)[-1] == "Failed"
    assert done["FailureReason"].endswith(reason)
    assert len(done["FailureReason"]) <= 1024
    assert "ModelArtifacts" not in done


def test_a_wrong_hyperparameter_fails_as_in_sagemakers_container(jobs: Jobs) -> None:
    request = jobs.xgboost()
    done = jobs.run({**request, "HyperParameters": {"num_round": "3", "eta": "7"}})
    assert done["FailureReason"] == "ClientError: Hyperparameter eta: 7.0 is not in [0, 1], exit code: 1"


def test_an_unknown_image_is_refused_by_name(jobs: Jobs) -> None:
    done = jobs.run(jobs.request())
    assert f"the embedded AWS has no program for image {OWN_IMAGE}; give ContainerEntrypoint" in done["FailureReason"]


def test_images_of_ones_own_get_their_command_from_a_table(jobs: Jobs) -> None:
    name = unique("image")
    table = {f"*.dkr.ecr.*.amazonaws.com/{name}:*": ["bash", "-c", "echo argument $0"]}
    (jobs.emulator.state / "images.json").write_text(json.dumps(table))
    specification = {"TrainingImage": OWN_IMAGE.replace("mine", name), "TrainingInputMode": "File"}
    done = jobs.run(jobs.request(AlgorithmSpecification=specification))
    assert jobs.lines(done["TrainingJobName"]) == ["argument train"]


def packed_script(jobs: Jobs, source: bytes) -> dict[str, str]:
    """The hyperparameters of script mode, with the script in S3."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("fit.py")
        member.size = len(source)
        tar.addfile(member, io.BytesIO(source))
    url = jobs.put(f"{unique('code')}/sourcedir.tar.gz", packed.getvalue())
    return {"sagemaker_program": '"fit.py"', "sagemaker_submit_directory": f'"{url}"', "layers": "3"}


def test_script_mode_runs_the_packed_code(jobs: Jobs) -> None:
    source = b"import os, sys\nprint(sys.argv[1:], os.environ['SM_HP_LAYERS'])\n"
    done = jobs.run(jobs.request(HyperParameters=packed_script(jobs, source)))
    assert done["TrainingJobStatus"] == "Completed", done
    assert jobs.lines(done["TrainingJobName"]) == ["['--layers', '3'] 3"]


def test_a_script_that_fails_says_why(jobs: Jobs) -> None:
    done = jobs.run(jobs.request(HyperParameters=packed_script(jobs, b"raise ValueError('no rows')")))
    reason = 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: no rows"\nCommand "'
    assert done["FailureReason"].startswith(reason)
    assert done["FailureReason"].endswith('fit.py --layers 3", exit code: 1')
    assert jobs.lines(done["TrainingJobName"])[-1] == "ValueError: no rows"
    source = b"open('/opt/ml/output/failure', 'w').write('mine'); raise SystemExit(3)"
    done = jobs.run(jobs.request(HyperParameters=packed_script(jobs, source)))
    assert done["FailureReason"] == "AlgorithmError: mine, exit code: 3"


def test_a_stopped_script_may_clean_up(jobs: Jobs) -> None:
    source = (
        b"import signal, sys, time\n"
        b"def end(*_):\n    print('cleaned up', flush=True); sys.exit(0)\n"
        b"signal.signal(signal.SIGTERM, end)\nprint('ready', flush=True)\ntime.sleep(60)\n"
    )
    name = jobs.start(jobs.request(HyperParameters=packed_script(jobs, source)))
    jobs.wait_for_line(name, "ready")
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    assert jobs.ended(name)["TrainingJobStatus"] == "Stopped"
    assert jobs.lines(name)[-1] == "cleaned up"


def test_a_job_that_never_stops_printing_can_be_stopped(jobs: Jobs) -> None:
    name = jobs.start(jobs.shell(f"exec yes loss=0.5 {'x' * 200}", metrics={"loss": "loss=([0-9.]+)"}))
    wait_for(lambda: jobs.describe(name)["SecondaryStatus"] == "Training")
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    began = time.monotonic()
    jobs.describe(name)
    assert time.monotonic() - began < 2
    assert jobs.ended(name)["TrainingJobStatus"] == "Stopped"


def test_logs_can_be_read_while_the_job_runs(jobs: Jobs) -> None:
    name = jobs.start(jobs.shell("echo early; sleep 60"))
    jobs.wait_for_line(name, "early")
    assert jobs.describe(name)["SecondaryStatus"] == "Training"
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    jobs.ended(name)


def test_stop_lets_the_job_save_its_model(jobs: Jobs) -> None:  # C38
    script = "trap 'sleep 2; echo saved > $SM_MODEL_DIR/m; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    name = jobs.start(jobs.shell(script))
    jobs.wait_for_line(name, "ready")
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    done = jobs.ended(name)
    assert statuses(done) == ["Starting", "Downloading", "Training", "Stopping", "Uploading", "Stopped"]
    assert done["TrainingJobStatus"] == "Stopped"
    assert jobs.archive(done["ModelArtifacts"]["S3ModelArtifacts"]) == {"m": b"saved\n"}
    assert name not in {process["name"] for process in jobs.emulator.processes()}


def test_stop_of_a_job_that_has_ended_is_refused(jobs: Jobs) -> None:
    name = jobs.run(jobs.shell("true"))["TrainingJobName"]
    assert refused(jobs.sagemaker.stop_training_job, TrainingJobName=name) == (
        "ValidationException",
        "The request was rejected because the training job is in status Completed.",
    )


def test_max_runtime_ends_a_job(jobs: Jobs) -> None:  # C36
    done = jobs.run(jobs.shell("sleep 60", StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert (done["TrainingJobStatus"], done["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_capacity_shortage_is_a_failure_reason(jobs: Jobs) -> None:
    request = jobs.shell("true")
    jobs.emulator.faults({"job": "capacity", "name": request["TrainingJobName"], "times": 1})
    done = jobs.run(request)
    assert done["FailureReason"].startswith("CapacityError: Unable to provision requested ML compute capacity.")


def test_a_spot_job_goes_on_from_its_checkpoint_after_an_interruption(jobs: Jobs) -> None:
    script = (
        "echo step >> /opt/ml/checkpoints/progress; [ $(wc -l < /opt/ml/checkpoints/progress) = 2 ] && exit 0;"
        "echo waiting; sleep 60"
    )
    request = jobs.shell(
        script,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 100, "MaxWaitTimeInSeconds": 200},
        CheckpointConfig={"S3Uri": jobs.url("checkpoints")},
    )
    name = jobs.start(request)
    jobs.wait_for_line(name, "waiting")
    jobs.emulator.faults({"job": "interruption", "name": name, "times": 1})
    done = jobs.ended(name)
    assert done["TrainingJobStatus"] == "Completed", done
    once = ["Starting", "Downloading", "Training"]
    assert statuses(done) == [*once, "Interrupted", *once, "Uploading", "Completed"]
    assert jobs.get(jobs.url("checkpoints/progress")) == b"step\nstep\n"


def test_two_hosts_get_disjoint_shards(jobs: Jobs) -> None:  # C24
    for number in range(4):
        jobs.put(f"shards/part-{number}", b"x")
    request = jobs.shell(
        "ls $SM_CHANNEL_DATA; echo $SM_CURRENT_HOST > $SM_MODEL_DIR/$SM_CURRENT_HOST",
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1},
        InputDataConfig=[jobs.channel("data", jobs.url("shards/"), "ShardedByS3Key")],
    )
    done = jobs.run(request)
    first, second = (jobs.lines(done["TrainingJobName"], host) for host in ("algo-1", "algo-2"))
    assert (len(first), len(second)) == (2, 2)
    assert sorted(first + second) == [f"part-{number}" for number in range(4)]
    assert set(jobs.archive(done["ModelArtifacts"]["S3ModelArtifacts"])) == {"algo-1", "algo-2"}


def test_when_one_host_fails_the_others_are_ended(jobs: Jobs) -> None:
    request = jobs.shell(
        "[ $SM_CURRENT_HOST = algo-2 ] && exit 9; sleep 60",
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1},
    )
    assert jobs.run(request)["FailureReason"] == "AlgorithmError: , exit code: 9"


def test_xgboost_trains_one_model_on_two_hosts(jobs: Jobs) -> None:
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}
    done = jobs.run({**jobs.xgboost(), "ResourceConfig": resources})
    assert done["TrainingJobStatus"] == "Completed", done
    assert list(jobs.archive(done["ModelArtifacts"]["S3ModelArtifacts"])) == ["xgboost-model"]


def test_manifests_and_fast_file(jobs: Jobs) -> None:
    for name in ("a", "b", "c"):
        jobs.put(f"pool/{name}", name.encode())
    jobs.put("some.manifest", json.dumps([{"prefix": jobs.url("pool/")}, "a", "c"]).encode())
    source = {"S3DataType": "ManifestFile", "S3Uri": jobs.url("some.manifest")}
    channels = [
        {"ChannelName": "listed", "DataSource": {"S3DataSource": source}},
        jobs.channel("fast", jobs.url("pool/"), InputMode="FastFile"),
    ]
    script = "ls $SM_CHANNEL_LISTED; cat $SM_CHANNEL_FAST/b; echo; touch $SM_CHANNEL_FAST/new || echo read only"
    done = jobs.run(jobs.shell(script, InputDataConfig=channels))
    assert jobs.lines(done["TrainingJobName"])[:3] == ["a", "c", "b"]
    assert jobs.lines(done["TrainingJobName"])[-1] == "read only"


def test_uncompressed_output(jobs: Jobs) -> None:
    output = {"S3OutputPath": jobs.url("plain"), "CompressionType": "NONE"}
    done = jobs.run(jobs.shell("mkdir $SM_MODEL_DIR/d; echo 1 > $SM_MODEL_DIR/d/m", OutputDataConfig=output))
    base = done["ModelArtifacts"]["S3ModelArtifacts"]
    assert base == jobs.url(f"plain/{done['TrainingJobName']}/output/model/")
    assert jobs.get(f"{base}d/m") == b"1\n"


def test_an_output_bucket_that_does_not_exist(jobs: Jobs) -> None:
    done = jobs.run(jobs.shell("true", OutputDataConfig={"S3OutputPath": "s3://nobody-has-this-bucket/out"}))
    assert "Artifact upload failed" in done["FailureReason"]
    assert "NoSuchBucket" in done["FailureReason"]


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        (
            {"AlgorithmSpecification": {"TrainingInputMode": "File"}},
            "ValidationException",
            "Either TrainingImage or AlgorithmName",
        ),
        (
            {"AlgorithmSpecification": {"TrainingImage": "a", "AlgorithmName": "b", "TrainingInputMode": "File"}},
            "ValidationException",
            "and not both",
        ),
        (
            {"AlgorithmSpecification": {"AlgorithmName": "b", "TrainingInputMode": "File"}},
            "NotImplementedByEmulator",
            "training with AlgorithmName",
        ),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingImage": XGBOOST_IMAGE,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "m", "Regex": "m=(.*)"}],
                }
            },
            "ValidationException",
            "You can't override the metric definitions for Amazon SageMaker algorithms.",
        ),
        ({"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "ValidationException", "Could not assume role"),
        ({"RoleArn": ROLE.replace("1234", "4321")}, "ValidationException", "Cross-account pass role is not allowed."),
        ({"EnableManagedSpotTraining": True}, "ValidationException", "Invalid MaxWaitTimeInSeconds."),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 9, "MaxWaitTimeInSeconds": 10}},
            "ValidationException",
            "Invalid MaxWaitTimeInSeconds.",
        ),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 2419201}}, "ValidationException", "28 days"),
        (
            {"ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 0, "VolumeSizeInGB": 1}},
            "ValidationException",
            "InstanceCount",
        ),
        ({"CheckpointConfig": {"S3Uri": "s3://b/c", "LocalPath": "/tmp/c"}}, "ValidationException", "/opt/ml"),
        ({"ExperimentConfig": {"ExperimentName": "x"}}, "NotImplementedByEmulator", "ExperimentConfig"),
        ({"TensorBoardOutputConfig": {"S3OutputPath": "s3://b/c"}}, "NotImplementedByEmulator", "TensorBoard"),
        ({"RemoteDebugConfig": {"EnableRemoteDebug": True}}, "NotImplementedByEmulator", "RemoteDebugConfig"),
        ({"TrainingJobName": "no_underscores"}, "ValidationException", "failed to satisfy constraint"),
        (
            {"ResourceConfig": {"InstanceType": "ml.huge", "InstanceCount": 1, "VolumeSizeInGB": 1}},
            "ValidationException",
            "failed to satisfy constraint",
        ),
        (
            {"AlgorithmSpecification": {"TrainingImage": OWN_IMAGE, "TrainingInputMode": "Pipe"}},
            "NotImplementedByEmulator",
            "Pipe",
        ),
    ],
)
def test_requests_that_are_refused(jobs: Jobs, changes: dict[str, Any], code: str, text: str) -> None:
    found_code, message = refused(jobs.sagemaker.create_training_job, **jobs.request(**changes))
    assert found_code == code
    assert text in message


def test_a_missing_prefix_is_refused_with_sagemakers_text(jobs: Jobs) -> None:
    url = jobs.url("nothing-here/")
    request = jobs.shell("true", InputDataConfig=[jobs.channel("train", url)])
    code, message = refused(jobs.sagemaker.create_training_job, **request)
    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "{url}" given in input data source.')
    request = jobs.shell("true", InputDataConfig=[jobs.channel("train", "s3://no-such-bucket-at-all/x")])
    assert "The specified bucket does not exist" in refused(jobs.sagemaker.create_training_job, **request)[1]


def test_names_are_unique_and_unknown_ones_are_not_found(jobs: Jobs) -> None:
    request = jobs.shell("true")
    jobs.run(request)
    code, message = refused(jobs.sagemaker.create_training_job, **request)
    assert code == "ResourceInUse"
    assert message.startswith("Training job names must be unique within an AWS account and region")
    for call in (jobs.sagemaker.describe_training_job, jobs.sagemaker.stop_training_job):
        assert refused(call, TrainingJobName="unknown") == ("ValidationException", "Requested resource not found.")


def test_lists_filter_sort_and_page(jobs: Jobs) -> None:
    word = unique("list")
    names = [f"{word}-{letter}" for letter in "bca"]
    for name in names:
        jobs.run(jobs.shell("exit 1" if name.endswith("c") else "true", TrainingJobName=name))
    pages = jobs.sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains=word, SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    assert [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]] == sorted(names)
    failed = jobs.sagemaker.list_training_jobs(NameContains=word, StatusEquals="Failed")["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in failed] == [f"{word}-c"]
    newest = jobs.sagemaker.list_training_jobs(NameContains=word)["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in newest] == names[::-1]


def test_tags(jobs: Jobs) -> None:
    done = jobs.run(jobs.shell("true", Tags=[{"Key": "owner", "Value": "a"}]))
    arn = done["TrainingJobArn"]
    jobs.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "b"}, {"Key": "team", "Value": "c"}])
    jobs.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert jobs.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "owner", "Value": "b"}]
    taken = refused(jobs.sagemaker.add_tags, ResourceArn=arn, Tags=[{"Key": "aws:owner", "Value": "c"}])
    assert taken == ("ValidationException", "aws: prefixed tag key names are not allowed for external use.")
    jobs.sagemaker.delete_training_job(TrainingJobName=done["TrainingJobName"])
    assert refused(jobs.sagemaker.list_tags, ResourceArn=arn) == (
        "ValidationException",
        "Requested resource not found.",
    )


def test_a_job_of_another_region_is_another_job(jobs: Jobs) -> None:
    name = jobs.run(jobs.shell("true"))["TrainingJobName"]
    elsewhere = jobs.emulator.client("sagemaker", region_name="eu-west-1")
    assert refused(elsewhere.describe_training_job, TrainingJobName=name)[1] == "Requested resource not found."


def test_without_a_private_file_tree_the_variables_carry_the_paths(jobs: Jobs) -> None:
    with jobs.emulator.changed_settings(training_isolation=False):
        done = jobs.run(jobs.xgboost())
        where = jobs.run(jobs.shell("echo $SM_MODEL_DIR"))
    notice, line = jobs.lines(where["TrainingJobName"])
    assert "no private mounts and processes" in notice
    assert line.startswith(str(jobs.emulator.state))
    assert done["TrainingJobStatus"] == "Completed", done
    assert list(jobs.archive(done["ModelArtifacts"]["S3ModelArtifacts"])) == ["xgboost-model"]


def test_a_job_outlives_a_killed_server(own_emulator: Emulator) -> None:
    own_emulator.start()
    jobs = Jobs(own_emulator)
    survivor = jobs.start(jobs.shell("for i in {1..6}; do echo line $i; sleep 0.3; done; echo m > $SM_MODEL_DIR/m"))
    victim = jobs.start(jobs.shell("echo here; sleep 60"))
    jobs.wait_for_line(survivor, "line 2")
    jobs.wait_for_line(victim, "here")
    [group] = [process for process in own_emulator.processes() if process["name"] == victim]
    os.kill(own_emulator.server["pid"], signal.SIGKILL)
    os.kill(group["pid"], signal.SIGKILL)
    own_emulator.start()
    jobs = Jobs(own_emulator)
    done = jobs.ended(survivor)
    assert done["TrainingJobStatus"] == "Completed", done
    assert jobs.lines(survivor) == [f"line {number}" for number in range(1, 7)]
    assert jobs.archive(done["ModelArtifacts"]["S3ModelArtifacts"]) == {"m": b"m\n"}
    assert jobs.ended(victim)["FailureReason"].startswith("InternalServerError: We encountered an internal error.")


def test_stopping_the_emulator_ends_its_jobs(own_emulator: Emulator) -> None:
    own_emulator.start()
    jobs = Jobs(own_emulator)
    name = jobs.start(jobs.shell("echo here; sleep 60"))
    jobs.wait_for_line(name, "here")
    [group] = own_emulator.processes()
    own_emulator.stop()
    assert not processes.ProcessGroup(**group).alive()


def test_disk_space_is_given_back(jobs: Jobs) -> None:
    done = jobs.run(jobs.xgboost())
    folder = jobs.emulator.state / "jobs" / done["TrainingJobName"]
    wait_for(lambda: not list(folder.glob("attempt-*/algo-1/ml")))
    assert BUCKET in done["ModelArtifacts"]["S3ModelArtifacts"]


def test_network_isolation_leaves_only_loopback(jobs: Jobs) -> None:
    code = "import os, socket, urllib.parse as p; u = p.urlparse(os.environ['AWS_ENDPOINT_URL']); "
    code += "print(socket.socket().connect_ex((u.hostname, u.port)))"
    script = f'python -c "{code}"'
    reached = jobs.run(jobs.shell(script))
    isolated = jobs.run(jobs.shell(script, EnableNetworkIsolation=True))
    assert jobs.lines(reached["TrainingJobName"]) == ["0"]
    assert jobs.lines(isolated["TrainingJobName"]) not in ([], ["0"])


def test_a_role_that_does_not_trust_sagemaker_is_refused(jobs: Jobs) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
    policy["Statement"][0]["Principal"] = {"Service": "ec2.amazonaws.com"}  # type: ignore[index]
    iam = jobs.emulator.client("iam")
    arn = iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]
    code, message = refused(jobs.sagemaker.create_training_job, **jobs.request(RoleArn=arn))
    assert code == "ValidationException"
    assert message.startswith(f"Could not assume role {arn}.")


def test_a_checkpoint_bucket_that_does_not_exist(jobs: Jobs) -> None:
    done = jobs.run(jobs.shell("true", CheckpointConfig={"S3Uri": "s3://nobody-has-this-bucket/c"}))
    assert done["FailureReason"] == "ClientError: The specified bucket does not exist: nobody-has-this-bucket"


def test_describe_shows_the_defaults_aws_fills_in(jobs: Jobs) -> None:
    jobs.put("data/x", b"x")
    channel = {
        "ChannelName": "c",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": jobs.url("data")}},
    }
    done = jobs.run(jobs.shell("true", InputDataConfig=[channel], StoppingCondition={}))
    assert done["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
    assert done["OutputDataConfig"]["KmsKeyId"] == ""
    [shown] = done["InputDataConfig"]
    assert shown["DataSource"]["S3DataSource"]["S3DataDistributionType"] == "FullyReplicated"
    assert (shown["CompressionType"], shown["RecordWrapperType"]) == ("None", "None")


def test_twenty_jobs_at_once(jobs: Jobs) -> None:
    names = [jobs.start(jobs.shell("sleep 0.5; echo $SM_CURRENT_HOST > $SM_MODEL_DIR/m")) for _ in range(20)]
    assert {jobs.ended(name)["TrainingJobStatus"] for name in names} == {"Completed"}


def test_a_metric_expression_that_never_ends_is_switched_off_and_holds_nothing_up(jobs: Jobs) -> None:
    fsx = jobs.emulator.client("fsx")
    metrics = {"good": r"loss=([0-9.]+)", "endless": r"(a+)+$", "after": r"end=([0-9.]+)"}
    name = jobs.start(jobs.shell(f"echo loss=0.5; echo {'a' * 40}b; echo end=2; sleep 3; echo loss=0.25", metrics))
    slowest = 0.0
    while jobs.describe(name)["TrainingJobStatus"] == "InProgress":
        began = time.monotonic()
        fsx.describe_file_systems()
        slowest = max(slowest, time.monotonic() - began)
    done = jobs.describe(name)
    assert done["TrainingJobStatus"] == "Completed"
    assert {m["MetricName"]: m["Value"] for m in done["FinalMetricDataList"]} == {"good": 0.25, "after": 2.0}
    [told] = [line for line in jobs.lines(name) if "switched off" in line]
    assert "endless" in told
    assert slowest < 5


def test_an_instance_has_metrics_of_its_use(jobs: Jobs) -> None:
    name = jobs.run(jobs.shell("head -c 50000000 /dev/zero > /opt/ml/model/zeros; for i in {1..200000}; do :; done"))[
        "TrainingJobName"
    ]
    cloudwatch = jobs.emulator.client("cloudwatch")
    found = {}
    for metric in ("CPUUtilization", "MemoryUtilization", "DiskUtilization"):
        points = cloudwatch.get_metric_statistics(
            Namespace="/aws/sagemaker/TrainingJobs",
            MetricName=metric,
            Dimensions=[{"Name": "Host", "Value": f"{name}/algo-1"}],
            StartTime=time.time() - 600,
            EndTime=time.time() + 600,
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        assert {point["Unit"] for point in points} == {"Percent"}
        found[metric] = max(point["Maximum"] for point in points)
    assert 3 < found["DiskUtilization"] < 10  # of 1 GiB
    assert 0 < found["CPUUtilization"] < 200
    assert 0 < found["MemoryUtilization"] < 5


@pytest.mark.parametrize("url", ["s3://{bucket}/../../outside", "s3://{bucket}/a/../../../outside", "s3://../outside"])
def test_an_output_path_leads_nowhere(jobs: Jobs, url: str) -> None:
    output = {"S3OutputPath": url.format(bucket=BUCKET)}
    done = jobs.run(jobs.shell("echo model > /opt/ml/model/m", OutputDataConfig=output))
    assert (done["TrainingJobStatus"] == "Completed") == ("ModelArtifacts" in done)
    above = [jobs.emulator.state, jobs.emulator.state.parent, jobs.emulator.state / "buckets"]
    assert not [place for place in above if (place / "outside").exists()]


@pytest.mark.parametrize("name", [".", ".."])
def test_a_channel_is_a_directory_of_its_own(jobs: Jobs, name: str) -> None:
    jobs.put("dots/x", b"x")
    with pytest.raises(ClientError, match="Invalid ChannelName"):
        jobs.start(jobs.shell("true", InputDataConfig=[jobs.channel(name, jobs.url("dots/"))]))


@pytest.mark.parametrize("path", ["/opt/ml/../../tmp/x", "/opt/ml/a/../../../etc", "/etc/x", "/opt/ml/."])
def test_checkpoints_stay_below_opt_ml(jobs: Jobs, path: str) -> None:
    with pytest.raises(ClientError, match="Invalid LocalPath"):
        jobs.start(jobs.shell("true", CheckpointConfig={"S3Uri": jobs.url("c"), "LocalPath": path}))
