"""Tuning jobs that really search."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.lustre.link import LinkRepository
from flytekitplugins_smfs.operations.sagemaker.tuning import Tune, ranges_request
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem
from flytekitplugins_smfs.values.lustre.link import LinkSpec
from flytekitplugins_smfs.values.operation import Owner, Phase
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput
from flytekitplugins_smfs.values.sagemaker.training import (
    Checkpoints,
    Hyperparameters,
    ImageAlgorithm,
    MetricDefinition,
    TrainingSpec,
)
from flytekitplugins_smfs.values.sagemaker.tuning import (
    Categorical,
    Continuous,
    Integer,
    Maximize,
    Minimize,
    Ranges,
    TuningSpec,
)
from tests.operations.driving import BUCKET, XGBOOST, ask, cancelled, finish, s3_channels, succeed

FIXED = Hyperparameters(objective="binary:logistic", num_round=3, max_depth=2, eval_metric="logloss")
RANGES = Ranges(eta=Continuous(0.05, 0.9, "Logarithmic"), max_depth=Integer(1, 4))


def spec_of(channels: dict[str, Any], **fields: Any) -> TuningSpec:
    training = TrainingSpec(name="tests.train", algorithm=XGBOOST, channels=channels, hyperparameters=FIXED)
    given = {"training": training, "ranges": RANGES, "max_jobs": 4, "max_parallel": 2, "random_seed": 7, **fields}
    return TuningSpec(name="tests.tune", objective=Minimize("validation:logloss"), **given)


@pytest.mark.parametrize("strategy", ["Bayesian", "Random"])
def test_the_best_of_all_trials_is_found(
    emulator: Any,
    aws: Aws,
    owner: Owner,
    prefix: str,
    strategy: Any,
) -> None:  # C41, C42, C43, C45
    result = succeed(Tune(), aws, spec_of(s3_channels(prefix), strategy=strategy), owner)
    assert len(result.trials) == 4
    values = [trial.objective for trial in result.trials]
    assert all(value is not None for value in values)
    assert result.best.objective == min(value for value in values if value is not None)
    best = next(trial for trial in result.trials if trial.job_name == result.best.job_name)
    assert best.parameters == result.best.parameters
    assert {trial.parameters["eta"] for trial in result.trials} != {best.parameters["eta"]}
    for trial in result.trials:
        assert 0.05 <= float(trial.parameters["eta"]) <= 0.9
        assert 1 <= int(trial.parameters["max_depth"]) <= 4
    assert result.best_hyperparameters["num_round"] == "3"
    assert result.best_hyperparameters["max_depth"] == result.best.parameters["max_depth"]
    assert result.best_model_uri.endswith(f"{result.best.job_name}/output/model.tar.gz")
    assert _most_at_once(result.trials) <= 2  # C43
    client = emulator.client("sagemaker")
    job = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=result.tuning_job_name)
    assert (result.timing.started_at, result.timing.ended_at) == (
        job["CreationTime"],
        job["HyperParameterTuningEndTime"],
    )


def _most_at_once(trials: Any) -> int:
    moments = [(t.timing.started_at, 1) for t in trials] + [(t.timing.ended_at, -1) for t in trials]
    running = most = 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    return most


def test_every_trial_begins_anew(emulator: Any, aws: Aws, owner: Owner, prefix: str) -> None:
    """With the training's checkpoints, which all trials would share, later ones would go on with another's model."""
    training = spec_of(s3_channels(prefix)).training
    kept = training.model_copy(update={"checkpoints": Checkpoints(s3_uri=f"{prefix}/checkpoints")})
    result = succeed(Tune(), aws, spec_of(s3_channels(prefix), training=kept, max_jobs=3, max_parallel=1), owner)
    logs = emulator.client("logs")
    for trial in result.trials:
        stream = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": trial.job_name}
        lines = [event["message"] for event in logs.filter_log_events(**stream)["events"]]
        rounds = [line.split("]")[0].rpartition("[")[2] for line in lines if "train-logloss" in line]
        assert rounds == ["0", "1", "2"]


def test_what_is_searched_is_not_fixed(emulator: Any, aws: Aws, owner: Owner, prefix: str) -> None:  # C44
    operation = Tune()
    handle = operation.start(aws, spec_of(s3_channels(prefix)), owner)
    job = emulator.client("sagemaker").describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=handle.tuning_job_name
    )
    fixed = job["TrainingJobDefinition"]["StaticHyperParameters"]
    assert "max_depth" not in fixed
    assert fixed["num_round"] == "3"
    cancelled(operation, aws, handle)


def test_every_trial_reads_the_file_system(
    emulator: Any,
    aws: Aws,
    owner: Owner,
    prefix: str,
    file_system: LustreFileSystem,
) -> None:  # C47
    link = succeed(LinkRepository(), aws, LinkSpec(file_system=file_system, repository=prefix), owner)
    channels = {
        n: FileSystemInput.of_link(link, f"{prefix}/{n}", content_type="text/csv") for n in ("train", "validation")
    }
    result = succeed(Tune(), aws, spec_of(channels, max_jobs=2), owner)
    for trial in result.trials:
        job = emulator.client("sagemaker").describe_training_job(TrainingJobName=trial.job_name)
        source = job["InputDataConfig"][0]["DataSource"]["FileSystemDataSource"]
        assert source["DirectoryPath"] == f"/{file_system.mount_name}/ns1/train"
        assert job["VpcConfig"]["Subnets"] == [file_system.subnet_id]


def test_cancel_stops_the_search_and_its_trials(emulator: Any, aws: Aws, owner: Owner, prefix: str) -> None:  # C38, N1
    operation = Tune()
    fixed = Hyperparameters(objective="binary:logistic", num_round=200000, eval_metric="logloss")
    training = TrainingSpec(name="t", algorithm=XGBOOST, channels=s3_channels(prefix), hyperparameters=fixed)
    spec = TuningSpec(
        name="long", training=training, objective=Minimize("validation:logloss"), ranges=RANGES, max_jobs=3
    )
    handle = operation.start(aws, spec, owner)
    while handle.tuning_job_name not in json.dumps(emulator.processes()):
        assert not ask(operation, aws, handle).phase.final
    cancelled(operation, aws, handle)
    sagemaker = emulator.client("sagemaker")
    job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=handle.tuning_job_name)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert handle.tuning_job_name not in json.dumps(emulator.processes())
    assert operation.cancel(aws, handle)


def test_trials_that_all_fail_fail_the_search_with_their_reason(emulator: Any, aws: Aws, owner: Owner) -> None:  # C41
    emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{owner.key}/train/x.csv", Body=b"not,a,number\n")
    channels = {"train": s3_channels(f"s3://{BUCKET}/{owner.key}")["train"]}
    operation = Tune()
    progress = finish(operation, aws, operation.start(aws, spec_of(channels, max_jobs=2), owner))
    assert progress.phase == Phase.FAILED
    assert "tests-tune-" in progress.message


def test_progress_counts_trials(aws: Aws, owner: Owner, prefix: str) -> None:  # C43
    operation = Tune()
    handle = operation.start(aws, spec_of(s3_channels(prefix)), owner)
    fractions = []
    while not (progress := ask(operation, aws, handle)).phase.final:
        if progress.fraction is not None:
            fractions.append(progress.fraction)
    assert fractions == sorted(fractions)
    assert max(fractions) > 0


def test_ranges_as_aws_takes_them() -> None:  # C42
    ranges = Ranges(root={**RANGES.root, "booster": Categorical(["gbtree"])})
    assert ranges_request(ranges.root) == {
        "ContinuousParameterRanges": [
            {"Name": "eta", "MinValue": "0.05", "MaxValue": "0.9", "ScalingType": "Logarithmic"}
        ],
        "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "4", "ScalingType": "Auto"}],
        "CategoricalParameterRanges": [{"Name": "booster", "Values": ["gbtree"]}],
    }


SCRIPT = """import json
given = json.load(open("/opt/ml/input/config/hyperparameters.json"))
print("score=%s;" % ({"red": 1, "green": 5, "blue": 2}[given["colour"]] + float(given["bonus"])))
"""


def test_an_image_of_ones_own_is_searched_over_choices(emulator: Any, aws: Aws, owner: Owner) -> None:  # C41, C42
    images = emulator.state / "images.json"
    images.write_text(json.dumps({"*/colours:1": ["python", "-c", SCRIPT]}))
    training = TrainingSpec(
        name="colours",
        algorithm=ImageAlgorithm("123456789012.dkr.ecr.us-east-1.amazonaws.com/colours:1"),
        hyperparameters=Hyperparameters(bonus=0.5),
        metrics=(MetricDefinition(name="score", regex="score=([0-9.]+);"),),
    )
    spec = TuningSpec(
        name="colours.tune",
        training=training,
        objective=Maximize("score"),
        ranges=Ranges(colour=Categorical(["red", "green", "blue"])),
        strategy="Random",
        max_jobs=12,
        max_parallel=4,
        random_seed=1,
    )
    result = succeed(Tune(), aws, spec, owner)
    scores = {"red": 1.5, "green": 5.5, "blue": 2.5}
    assert {trial.objective for trial in result.trials} <= set(scores.values())
    assert all(trial.objective == scores[trial.parameters["colour"]] for trial in result.trials)
    assert result.best.objective == max(trial.objective or 0 for trial in result.trials)
    assert result.best.parameters == {"colour": max(scores, key=lambda colour: scores[colour])}  # C45: of all there are
