"""The rules of training jobs, channels and tuning jobs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput, TrainingInput
from flytekitplugins_smfs.values.sagemaker.training import (
    BuiltinAlgorithm,
    Checkpoints,
    Hyperparameters,
    ImageAlgorithm,
    MetricDefinition,
    Resources,
    Stopping,
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

XGBOOST = BuiltinAlgorithm("xgboost", "1.7-1")
IMAGE = ImageAlgorithm("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1")
LUSTRE = FileSystemInput(file_system_id="fs-0123456789abcdef0", directory_path="/mount/ns1/train")


def wrong_fields(error: ValidationError) -> list[str]:
    return [".".join(map(str, line["loc"])) for line in error.errors()]


scalars = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=50)
)


@given(st.dictionaries(st.text(max_size=20), scalars, max_size=100))
def test_hyperparameters_survive_json_and_become_strings(values: dict[str, bool | int | float | str]) -> None:  # N7
    hyperparameters = Hyperparameters(root=values)
    again = Hyperparameters.model_validate_json(hyperparameters.model_dump_json())
    assert again == hyperparameters
    assert {name: type(value) for name, value in again.root.items()} == {n: type(v) for n, v in values.items()}
    assert set(map(type, again.encoded().values())) <= {str}


def test_hyperparameters_as_keywords_with_numbers_and_json() -> None:
    given = Hyperparameters(max_depth=5, eta=0.2, verbose=True, layers='{"a": [1, 2]}')
    assert given.encoded() == {"max_depth": "5", "eta": "0.2", "verbose": "true", "layers": '{"a": [1, 2]}'}


@pytest.mark.parametrize("root", [{f"p{i}": 1 for i in range(101)}, {"long": "x" * 2501}, {"k" * 257: 1}])
def test_hyperparameter_limits(root: dict[str, str | int]) -> None:  # N7
    with pytest.raises(ValidationError):
        Hyperparameters(root=root)


def test_a_channel_knows_its_kind_from_json() -> None:
    spec = TrainingSpec(
        name="t", algorithm=XGBOOST, channels={"train": LUSTRE, "s3": TrainingInput(s3_uri="s3://bucket/x")}
    )
    again = TrainingSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert again.file_system_inputs() == (LUSTRE,)


@pytest.mark.parametrize(
    "changes",
    [
        {"file_system_id": "fsx-1"},
        {"directory_path": "ns1"},
        {"file_system_access_mode": "wr"},
        {"file_system_type": "NFS"},
    ],
)
def test_file_system_input_needs_all_four_right(changes: dict[str, str]) -> None:  # C21, N7
    given = {"file_system_id": "fs-01234567", "directory_path": "/m/ns1", **changes}
    with pytest.raises(ValidationError) as caught:
        FileSystemInput.model_validate(given)
    assert wrong_fields(caught.value) == list(changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"input_mode": "FastFile", "s3_data_type": "AugmentedManifestFile"}, "input_mode"),
        ({"compression_type": "Gzip"}, "compression_type"),
        ({"attribute_names": ["a"]}, "attribute_names"),
        ({"s3_uri": "bucket/x"}, "s3_uri"),
    ],
)
def test_s3_channel_rules(changes: dict[str, object], field: str) -> None:  # C24
    with pytest.raises(ValidationError) as caught:
        TrainingInput.model_validate({"s3_uri": "s3://bucket/x", **changes})
    assert wrong_fields(caught.value) == [field]


def test_training_tells_all_problems_at_once() -> None:  # N7
    with pytest.raises(ValidationError) as caught:
        TrainingSpec(
            name="t",
            algorithm=XGBOOST,
            channels={f"c{i}": LUSTRE for i in range(21)},
            metrics=(MetricDefinition(name="m", regex="(.*)"),),
            stopping=Stopping(use_spot=True),
        )
    assert set(wrong_fields(caught.value)) == {"channels", "metrics", "checkpoints"}


@pytest.mark.parametrize("regex", ["loss: ([0-9", "loss: [0-9]+"])
def test_a_metric_that_could_never_be_read_is_refused_before_the_job_runs(regex: str) -> None:  # C35, N7
    with pytest.raises(ValidationError, match="put one number in parentheses") as caught:
        TrainingSpec.model_validate({"name": "t", "algorithm": IMAGE, "metrics": [{"name": "loss", "regex": regex}]})
    assert wrong_fields(caught.value) == ["metrics.0.regex"]


def test_spot_waits_at_least_as_long_as_it_runs() -> None:
    with pytest.raises(ValidationError, match="includes"):
        Stopping(use_spot=True, max_runtime_in_seconds=100, max_wait_time_in_seconds=99)
    with pytest.raises(ValidationError, match="only spot jobs wait"):
        Stopping(max_wait_time_in_seconds=99999)
    spot = Stopping(use_spot=True, max_runtime_in_seconds=100, max_wait_time_in_seconds=100)
    TrainingSpec(name="t", algorithm=IMAGE, stopping=spot, checkpoints=Checkpoints(s3_uri="s3://bucket/c"))


@pytest.mark.parametrize("instance_type", ["m5.xlarge", "ml.m5", "ml.M5.xlarge", ""])
def test_instance_type_is_sagemakers(instance_type: str) -> None:
    with pytest.raises(ValidationError):
        Resources(instance_type=instance_type)


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(a=finite, b=finite, scaling=st.sampled_from(["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]))
def test_continuous_ranges(a: float, b: float, scaling: str) -> None:  # C42, N7
    allowed = a < b and (scaling != "Logarithmic" or a > 0) and (scaling != "ReverseLogarithmic" or (a >= 0 and b < 1))
    if allowed:
        made = Continuous(a, b, scaling=scaling)  # type: ignore[arg-type]
        assert Continuous.model_validate_json(made.model_dump_json()) == made
    else:
        with pytest.raises(ValidationError):
            Continuous(a, b, scaling=scaling)  # type: ignore[arg-type]


def test_ranges_round_trip_with_their_kinds() -> None:  # C42
    ranges = Ranges(
        eta=Continuous(0.05, 0.5, "Logarithmic"), max_depth=Integer(3, 8), booster=Categorical(["a", True, 3])
    )
    again = Ranges.model_validate(json.loads(ranges.model_dump_json()))
    assert again == ranges
    assert again.root["booster"] == Categorical(["a", "true", "3"])


@pytest.mark.parametrize("root", [{}, {f"p{i}": Integer(1, 2) for i in range(31)}])
def test_one_to_thirty_ranges(root: dict[str, Integer]) -> None:  # C42
    with pytest.raises(ValidationError):
        Ranges(root=root)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [[], ["a", "a"], [str(i) for i in range(31)]])
def test_categorical_values(values: list[str]) -> None:  # C42
    with pytest.raises(ValidationError):
        Categorical(values)


def tuning(**changes: object) -> TuningSpec:
    fields: dict[str, object] = {
        "name": "tune",
        "training": TrainingSpec(name="t", algorithm=XGBOOST),
        "objective": Minimize("validation:mlogloss"),
        "ranges": Ranges(eta=Continuous(0.1, 0.2)),
        "max_jobs": 4,
    }
    return TuningSpec.model_validate(fields | changes)


def test_tuning_problems() -> None:  # C41, C43
    with pytest.raises(ValidationError) as caught:
        tuning(max_parallel=5, training=TrainingSpec(name="t", algorithm=IMAGE), objective=Maximize("accuracy"))
    assert set(wrong_fields(caught.value)) == {"max_parallel", "objective"}
    with pytest.raises(ValidationError, match="own entrypoint"):
        tuning(training=TrainingSpec(name="t", algorithm=ImageAlgorithm("i:1", entrypoint=("python",))))
    with pytest.raises(ValidationError):
        tuning(strategy="Guessing")
    assert tuning(strategy="Random", max_parallel=4).max_parallel == 4
