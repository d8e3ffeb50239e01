"""Keys of any kind, as jobs meet them: prefixes, markers, names that no file can have."""

from typing import Any

import pytest

from tests.conftest import Emulator
from tests.emulator.services.sagemaker.jobs import BUCKET, Jobs, unique

LIST = "cd $SM_CHANNEL_DATA; find . -type f | sort; find . -type d | sort"


@pytest.fixture
def jobs(emulator: Emulator) -> Jobs:
    return Jobs(emulator)


def over(jobs: Jobs, url: str, script: str = LIST, **more: Any) -> dict[str, Any]:
    """A job over one channel, at its end."""
    return jobs.run(jobs.shell(script, InputDataConfig=[jobs.channel("data", url, **more)]))


def test_a_prefix_of_keys_is_no_folder(jobs: Jobs) -> None:
    jobs.put("x/train/d.csv", b"1")
    jobs.put("x/train-old/d.csv", b"2")
    done = over(jobs, jobs.url("x/train"))
    lines = jobs.lines(done["TrainingJobName"])
    assert [line for line in lines if line.endswith(".csv")] == ["./d.csv", "./train-old/d.csv"]
    lines = jobs.lines(over(jobs, jobs.url("x/train/"))["TrainingJobName"])
    assert [line for line in lines if line.endswith(".csv")] == ["./d.csv"]


def test_rows_of_all_that_a_prefix_names_are_trained_on(jobs: Jobs) -> None:
    row = b"1,0.5\n0,0.25\n"
    jobs.put("y/train/d.csv", row * 10)
    jobs.put("y/train-old/d.csv", row * 15)
    request = jobs.xgboost()
    request["InputDataConfig"] = [
        jobs.channel(name, jobs.url("y/train"), ContentType="text/csv") for name in ("train", "validation")
    ]
    done = jobs.run(request)
    assert done["TrainingJobStatus"] == "Completed", done
    assert any("50 rows" in line or "50x" in line for line in jobs.lines(done["TrainingJobName"]))


def test_markers_are_folders(jobs: Jobs) -> None:
    for key in ("m/", "m/empty/", "m/full/"):
        jobs.put(key, b"")
    jobs.put("m/full/file", b"1")
    lines = jobs.lines(over(jobs, jobs.url("m/"))["TrainingJobName"])
    assert lines == ["./full/file", ".", "./empty", "./full"]


@pytest.mark.parametrize(
    "keys", [["a", "a/b"], ["x//y"], ["../up"], ["n" * 300], ["d/./e"]], ids=lambda keys: keys[0][:5]
)
def test_a_name_that_no_file_can_have_fails_by_name(jobs: Jobs, keys: list[str]) -> None:
    for key in keys:
        jobs.put(f"odd/{key}", b"1")
    done = over(jobs, jobs.url("odd/"))
    assert done["TrainingJobStatus"] == "Failed"
    assert f"{jobs.prefix}/odd/{keys[-1]}"[:200] in done["FailureReason"]
    assert "Data download failed" in done["FailureReason"]


@pytest.mark.parametrize("mode", ["File", "FastFile"])
def test_a_job_changes_no_object_through_its_channel(jobs: Jobs, mode: str) -> None:
    jobs.put("kept/file", b"as it was")
    script = "cd $SM_CHANNEL_DATA; chmod 666 file || true; (echo more >> file) || true; rm -f file || true"
    done = over(jobs, jobs.url("kept/"), script, InputMode=mode)
    assert done["TrainingJobStatus"] == "Completed", done
    assert jobs.get(jobs.url("kept/file")) == b"as it was"


def test_dots_in_an_output_path_are_part_of_the_key(jobs: Jobs, emulator: Emulator) -> None:
    before = sorted(path.name for path in emulator.state.parent.iterdir())
    output = {"S3OutputPath": f"s3://{BUCKET}/{jobs.prefix}/../../../out"}
    done = jobs.run(jobs.shell("echo 1 > $SM_MODEL_DIR/m", OutputDataConfig=output))
    assert done["TrainingJobStatus"] == "Completed", done
    model = done["ModelArtifacts"]["S3ModelArtifacts"]
    assert model == f"{output['S3OutputPath']}/{done['TrainingJobName']}/output/model.tar.gz"
    assert jobs.archive(model) == {"m": b"1\n"}
    assert sorted(path.name for path in emulator.state.parent.iterdir()) == before


def test_an_output_key_that_is_too_long_is_told(jobs: Jobs) -> None:
    output = {"S3OutputPath": f"s3://{BUCKET}/{'p' * 980}"}
    done = jobs.run(jobs.shell("true", OutputDataConfig=output, TrainingJobName=unique("n" * 50)))
    assert done["TrainingJobStatus"] == "Failed"
    assert "KeyTooLongError" in done["FailureReason"]
