"""XGBoost's formats, read inside a job's walls."""

import gzip

import pytest

from tests.conftest import Emulator
from tests.emulator.algorithms.container import FEATURES, LABELS
from tests.emulator.algorithms.test_xgboost_formats import RANKS, as_parquet, as_recordio

from .jobs import Jobs


@pytest.fixture
def jobs(emulator: Emulator) -> Jobs:
    return Jobs(emulator)


def test_ranking_reports_its_metric(jobs: Jobs) -> None:
    channels = []
    for name in ("train", "validation"):
        jobs.put(f"{name}/part-0", RANKS.encode())
        channels.append({**jobs.channel(name, jobs.url(f"{name}/")), "ContentType": "text/libsvm"})
    parameters = {"num_round": "3", "objective": "rank:pairwise", "eval_metric": "ndcg"}
    done = jobs.run({**jobs.xgboost(), "HyperParameters": parameters, "InputDataConfig": channels})
    assert done["TrainingJobStatus"] == "Completed", done
    assert "validation:ndcg" in {metric["MetricName"] for metric in done["FinalMetricDataList"]}


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/x-parquet", as_parquet(label=LABELS, **{f"f{n}": c for n, c in enumerate(FEATURES.T)})),
        ("application/x-recordio-protobuf", as_recordio()),
    ],
    ids=["parquet", "recordio"],
)
def test_binary_formats(jobs: Jobs, content_type: str, content: bytes) -> None:
    jobs.put("train/part-0", content)
    channel = {**jobs.channel("train", jobs.url("train/")), "ContentType": content_type}
    done = jobs.run({**jobs.xgboost(), "InputDataConfig": [channel]})
    assert done["TrainingJobStatus"] == "Completed", done


def test_a_gzipped_csv_fails_and_says_why(jobs: Jobs) -> None:
    rows = "\n".join(f"{n % 2},{n},{n % 7}" for n in range(200)).encode()
    jobs.put("train/d.csv.gz", gzip.compress(rows))
    channel = {**jobs.channel("train", jobs.url("train/")), "ContentType": "text/csv"}
    done = jobs.run({**jobs.xgboost(), "InputDataConfig": [channel]})
    assert done["TrainingJobStatus"] == "Failed"
    assert "'d.csv.gz' is compressed with gzip" in done["FailureReason"]
    assert "header" not in done["FailureReason"]
