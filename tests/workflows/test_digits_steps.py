"""The steps of the main workflow by themselves: its data, and its judgement of a model."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from flytekitplugins_smfs.values.dataset import Dataset
from flytekitplugins_smfs.values.errors import SmfsError
from tests.conftest import Emulator
from tests.flyte.samples import run_report
from workflows.digits import digits_dataset, evaluate

BUCKET = "sagemaker-us-east-1-123456789012"


def rows(directory: object, part: str) -> list[str]:
    return (Path(str(directory)) / part / "digits.csv").read_text().splitlines()


def test_the_digits_are_all_there_once_and_fairly_divided() -> None:
    made = digits_dataset()
    parts = {part: rows(made, part) for part in ("train", "validation", "test")}
    assert [len(part) for part in parts.values()] == [1221, 216, 360]
    everything = Counter(row for part in parts.values() for row in part)
    assert sum(everything.values()) == 1797
    assert not set(parts["test"]) & {*parts["train"], *parts["validation"]}
    for part in parts.values():
        labels = Counter(row.split(",")[0] for row in part)
        assert len(labels) == 10
        assert max(labels.values()) <= 1.15 * min(labels.values()) + 1
        assert all(len(row.split(",")) == 65 for row in part)


def test_the_same_seed_gives_the_same_files() -> None:
    first, again, other = digits_dataset(), digits_dataset(), digits_dataset(seed=8)
    assert rows(first, "train") == rows(again, "train") != rows(other, "train")


@pytest.fixture
def dataset(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Held-out digits in S3, and settings of the emulator."""
    monkeypatch.setenv("FLYTE_SMFS_ENDPOINT", "emulator")
    monkeypatch.setenv("FLYTE_SMFS_EMULATOR_STATE", str(emulator.state))
    prefix = f"judged/{tmp_path.name}"
    body = ("1," + ",".join("0" * 64) + "\n").encode() * 3
    emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{prefix}/test/digits.csv", Body=body)
    return run_report().dataset.model_copy(update={"uri": f"s3://{BUCKET}/{prefix}"})


@pytest.mark.parametrize(
    ("name", "said"), [("xgboost-model", "cannot read s3://"), ("model.bin", "holds no file named xgboost-model")]
)
def test_a_model_that_cannot_be_read_is_told(emulator: Emulator, dataset: Dataset, name: str, said: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = 9
        tar.addfile(info, io.BytesIO(b"not trees"))
    uri = f"{dataset.uri}/model.tar.gz"
    emulator.client("s3").put_object(Bucket=BUCKET, Key=uri.split("/", 3)[3], Body=packed.getvalue())
    with pytest.raises(SmfsError, match=said):
        evaluate(dataset=dataset, model_uri=uri)
