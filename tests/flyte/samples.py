"""A run as it might have been, made from a seed."""

import random
from datetime import UTC, datetime, timedelta

from flytekitplugins_smfs.flyte.report import RunReport
from flytekitplugins_smfs.values.base import Timing
from flytekitplugins_smfs.values.dataset import Dataset, Evaluation
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem
from flytekitplugins_smfs.values.lustre.link import RepositoryLink
from flytekitplugins_smfs.values.removal import Removed
from flytekitplugins_smfs.values.sagemaker.training import MetricPoint, TrainingResult
from flytekitplugins_smfs.values.sagemaker.tuning import Minimize, Trial, TuningResult

START = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
REGION = "us-east-1"
BUCKET = "sagemaker-us-east-1-123456789012"


def span(begin: float, seconds: float) -> Timing:
    return Timing(started_at=START + timedelta(seconds=begin), ended_at=START + timedelta(seconds=begin + seconds))


def curve(rounds: int = 60) -> tuple[MetricPoint, ...]:
    chance = random.Random(3)
    points = []
    for name, floor, rate in (("train:mlogloss", 0.006, 0.12), ("validation:mlogloss", 0.098, 0.11)):
        for step in range(rounds):
            value = floor + 1.7 * (1 - rate) ** step * (1 + chance.uniform(-0.01, 0.01))
            points.append(MetricPoint(name=name, step=step, value=value, at=START + timedelta(seconds=20 + step / 20)))
    return tuple(points)


def tuning(trials: int = 8, begin: float = 19.0, each: float = 4.6) -> TuningResult:
    chance = random.Random(5)
    made = []
    for at in range(trials):
        parameters = {
            "eta": str(chance.uniform(0.05, 0.5)),
            "max_depth": str(chance.randint(3, 8)),
            "subsample": str(chance.uniform(0.5, 1)),
            "colsample_bytree": str(chance.uniform(0.3, 1)),
        }
        loss = 0.09 + 0.12 * abs(float(parameters["eta"]) - 0.3) + chance.uniform(0, 0.05)
        timing = span(begin + 0.4 + at // 2 * each + (0.7 if at % 2 else 0), each - chance.uniform(0.3, 1.2))
        name = f"digits-tune-4f2a9c01-{at + 1:03}-{chance.randrange(16**8):08x}"
        made.append(Trial(job_name=name, status="Completed", parameters=parameters, objective=loss, timing=timing))
    made[3] = made[3].model_copy(update={"status": "Failed", "objective": None})
    best = min((one for one in made if one.objective is not None), key=lambda one: one.objective or 0.0)
    return TuningResult(
        tuning_job_name="digits-tune-4f2a9c01",
        tuning_job_arn=f"arn:aws:sagemaker:{REGION}:123456789012:hyper-parameter-tuning-job/digits-tune-4f2a9c01",
        region=REGION,
        objective=Minimize("validation:mlogloss"),
        best=best,
        best_model_uri=f"s3://{BUCKET}/digits-tune/{best.job_name}/output/model.tar.gz",
        best_hyperparameters={**best.parameters, "num_class": "10"},
        trials=tuple(made),
        timing=span(begin, each * ((trials + 1) // 2) + 1.5),
    )


def evaluation(begin: float = 40.0) -> Evaluation:
    rows = [[0] * 10 for _ in range(10)]
    for label in range(10):
        rows[label][label] = 36
    for true, said in ((8, 1), (8, 1), (3, 9), (9, 3), (1, 8), (4, 7), (5, 9), (9, 7)):
        rows[true][true] -= 1
        rows[true][said] += 1
    model = f"s3://{BUCKET}/digits-tune/model.tar.gz"
    labels = tuple(map(str, range(10)))
    return Evaluation(model_uri=model, labels=labels, confusion=tuple(map(tuple, rows)), timing=span(begin, 0.6))


def training() -> TrainingResult:
    return TrainingResult(
        job_name="digits-train-09c77e1f2b",
        job_arn=f"arn:aws:sagemaker:{REGION}:123456789012:training-job/digits-train-09c77e1f2b",
        region=REGION,
        model_uri=f"s3://{BUCKET}/digits-train/model.tar.gz",
        metrics={"train:mlogloss": 0.0072, "validation:mlogloss": 0.0991},
        curve=curve(),
        hyperparameters={"eta": "0.2", "max_depth": "4"},
        training_seconds=4,
        billable_seconds=4,
        timing=span(11.4, 7.2),
    )


def run_report(**changes: object) -> RunReport:
    file_system = LustreFileSystem(
        id="fs-0a1b2c3d4e5f60718",
        arn=f"arn:aws:fsx:{REGION}:123456789012:file-system/fs-0a1b2c3d4e5f60718",
        region=REGION,
        mount_name="x7kqbbmv",
        dns_name="fs-0a1b2c3d4e5f60718.fsx.us-east-1.amazonaws.com",
        deployment_type="PERSISTENT_2",
        capacity_gib=1200,
        vpc_id="vpc-0123456789abcdef0",
        subnet_id="subnet-0123456789abcdef0",
        security_group_ids=("sg-0123456789abcdef0",),
        network_interface_ids=("eni-0123456789abcdef0",),
        timing=span(2.0, 5.3),
    )
    link = RepositoryLink(
        association_id="dra-0f1e2d3c4b5a69788",
        file_system=file_system,
        repository=f"s3://{BUCKET}/digits",
        path="/ns1",
        timing=span(7.5, 3.6),
    )
    dataset = Dataset(
        uri=f"s3://{BUCKET}/digits",
        files=3,
        size_bytes=284_417,
        uploaded=3,
        skipped=0,
        digest="0" * 32,
        timing=span(0.4, 1.1),
    )
    fields: dict[str, object] = {
        "title": "Handwritten digits",
        "dataset": dataset,
        "link": link,
        "training": training(),
        "tuning": tuning(),
        "evaluation": evaluation(),
        "unlinked": Removed(removed=("data repository association dra-0f1e2d3c4b5a69788",), timing=span(40.8, 1.9)),
        "deleted": Removed(removed=("file system fs-0a1b2c3d4e5f60718",), timing=span(43.0, 2.8)),
    }
    return RunReport(**{**fields, **changes})  # type: ignore[arg-type]
