"""Two specs are taken for the same exactly when they ask for the same, whichever release wrote them. N2, N18"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values import identity
from flytekitplugins_smfs.values.base import Timing
from flytekitplugins_smfs.values.identity import FIRST, RELEASE, mark, same
from flytekitplugins_smfs.values.lustre.file_system import THROUGHPUTS, LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.lustre.link import LinkSpec
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput, TrainingInput
from flytekitplugins_smfs.values.sagemaker.training import (
    BuiltinAlgorithm,
    Checkpoints,
    Hyperparameters,
    ImageAlgorithm,
    MetricDefinition,
    Network,
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

TESTS = Path(__file__).parents[1]
RECORDED = json.loads((TESTS / "recorded" / FIRST / "fingerprints.json").read_text(encoding="utf-8"))
FREEZE = TESTS.parent / "tools" / "freeze_release.py"
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
few = settings(max_examples=25, deadline=None, suppress_health_check=SLOW)


def freeze_release() -> ModuleType:
    found = importlib.util.spec_from_file_location("freeze_release", FREEZE)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


# --- any spec ---------------------------------------------------------------------------------------------------------

words = st.text("abcdefghij0123456789", min_size=1, max_size=12)
hexes = st.text("0123456789abcdef", min_size=17, max_size=17)
uris = st.builds("s3://bucket-{}/{}".format, words, words)
tags = st.dictionaries(words, words, max_size=3)
moments = st.builds("{}:{:02}:{:02}".format, st.integers(1, 7), st.integers(0, 23), st.integers(0, 59))
groups = st.lists(hexes.map("sg-{}".format), max_size=3).map(tuple)


@st.composite
def lustre_specs(draw: st.DrawFn) -> LustreSpec:
    kind = draw(st.sampled_from(sorted(THROUGHPUTS)))
    unsaid = [] if kind == "PERSISTENT_1" else [None]
    return LustreSpec(
        name=draw(st.none() | words),
        deployment_type=kind,
        capacity_gib=draw(st.just(1200) | st.integers(1, 40).map(lambda count: 2400 * count)),
        per_unit_storage_throughput=draw(st.sampled_from([*THROUGHPUTS[kind], *unsaid])),
        data_compression_type=draw(st.sampled_from(["NONE", "LZ4"])),
        file_system_type_version=draw(st.sampled_from(["2.12", "2.15"])),
        weekly_maintenance_start_time=draw(moments),
        kms_key_id=None if kind == "SCRATCH_2" else draw(st.none() | words),
        security_group_ids=draw(groups),
        tags=draw(tags),
        **draw(
            st.just({})
            | hexes.map(lambda digits: {"subnet_id": f"subnet-{digits}"})
            | words.map(lambda zone: {"availability_zone": zone})
        ),
    )


scalars = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
channels = st.builds(
    FileSystemInput,
    file_system_id=hexes.map("fs-{}".format),
    file_system_type=st.sampled_from(["FSxLustre", "EFS"]),
    directory_path=words.map("/{}".format),
    file_system_access_mode=st.sampled_from(["ro", "rw"]),
    content_type=st.none() | words,
    subnet_ids=st.lists(words, max_size=2).map(tuple),
    security_group_ids=st.lists(words, max_size=2).map(tuple),
) | st.builds(
    TrainingInput,
    s3_uri=uris,
    s3_data_type=st.sampled_from(["S3Prefix", "ManifestFile"]),
    s3_data_distribution_type=st.sampled_from(["FullyReplicated", "ShardedByS3Key"]),
    input_mode=st.sampled_from(["File", "FastFile", "Pipe"]),
    content_type=st.none() | words,
)
builtins = st.builds(BuiltinAlgorithm, name=words, version=words)
images = st.builds(ImageAlgorithm, words)
resources = st.builds(
    Resources,
    instance_type=st.sampled_from(["ml.m5.xlarge", "ml.m5.2xlarge", "ml.p4d.24xlarge"]),
    instance_count=st.integers(1, 8),
    volume_size_in_gb=st.integers(1, 100),
    keep_alive_period_in_seconds=st.integers(0, 3600),
)
stoppings = st.builds(Stopping, max_runtime_in_seconds=st.integers(1, 86400))
checkpoints = st.builds(Checkpoints, s3_uri=uris, local_path=words.map("/{}".format))
metrics = st.lists(words, max_size=3, unique=True).map(
    lambda names: tuple(MetricDefinition(name=name, regex=f"{name}: ([0-9.]+)") for name in names)
)


@st.composite
def training_specs(draw: st.DrawFn, algorithms: st.SearchStrategy[Any] = builtins | images) -> TrainingSpec:
    algorithm = draw(algorithms)
    return TrainingSpec(
        name=draw(words),
        algorithm=algorithm,
        channels=draw(st.dictionaries(words, channels, max_size=2)),
        hyperparameters=Hyperparameters(root=draw(st.dictionaries(words, scalars, max_size=3))),
        resources=draw(resources),
        stopping=draw(stoppings),
        metrics=() if isinstance(algorithm, BuiltinAlgorithm) else draw(metrics),
        environment=draw(st.dictionaries(words.map("V{}".format), words, max_size=2)),
        network=draw(st.none() | st.builds(Network, subnet_ids=st.tuples(words), security_group_ids=st.tuples(words))),
        checkpoints=draw(st.none() | checkpoints),
        role=draw(st.none() | words.map("arn:aws:iam::123456789012:role/{}".format)),
        output_uri=draw(st.none() | uris),
        tags=draw(tags),
    )


ranges = (
    st.builds(Continuous, st.floats(-9, 0), st.floats(1, 9), st.sampled_from(["Auto", "Linear"]))
    | st.builds(Integer, st.integers(-9, 0), st.integers(1, 9), st.sampled_from(["Auto", "Linear"]))
    | st.builds(Categorical, st.lists(words, min_size=1, max_size=3, unique=True))
)


@st.composite
def tuning_specs(draw: st.DrawFn) -> TuningSpec:
    jobs = draw(st.integers(1, 20))
    return TuningSpec(
        name=draw(words),
        training=draw(training_specs(builtins)),
        objective=draw(st.builds(Minimize, words) | st.builds(Maximize, words)),
        ranges=Ranges(root=draw(st.dictionaries(words, ranges, min_size=1, max_size=2))),
        strategy=draw(st.sampled_from(["Bayesian", "Random"])),
        max_jobs=jobs,
        max_parallel=draw(st.integers(1, jobs)),
        early_stopping=draw(st.sampled_from(["Off", "Auto"])),
        random_seed=draw(st.none() | st.integers(0, 99)),
        tags=draw(tags),
    )


MOMENT = Timing(started_at=datetime(2026, 5, 4, tzinfo=UTC), ended_at=datetime(2026, 5, 5, tzinfo=UTC))


@st.composite
def link_specs(draw: st.DrawFn) -> LinkSpec:
    events = st.lists(st.sampled_from(["NEW", "CHANGED", "DELETED"]), unique=True).map(tuple)
    system = LustreFileSystem(
        id=f"fs-{draw(hexes)}",
        arn="arn:aws:fsx:us-east-1:123456789012:file-system/fs",
        region="us-east-1",
        mount_name=draw(words),
        dns_name="dns",
        deployment_type="PERSISTENT_2",
        capacity_gib=draw(st.sampled_from([1200, 2400])),
        vpc_id="vpc-1",
        subnet_id="subnet-1",
        security_group_ids=draw(groups),
        network_interface_ids=(),
        timing=MOMENT,
    )
    return LinkSpec(
        file_system=system,
        repository=draw(uris),
        path=draw(words.map("/{}".format)),
        batch_import_meta_data_on_create=draw(st.booleans()),
        imported_file_chunk_size_mib=draw(st.integers(1, 2048)),
        auto_import=draw(events),
        auto_export=draw(events),
        tags=draw(tags),
    )


SPECS: dict[type[Any], Callable[[], st.SearchStrategy[Any]]] = {
    LustreSpec: lustre_specs,
    LinkSpec: link_specs,
    TrainingSpec: training_specs,
    TuningSpec: tuning_specs,
}
ALL = pytest.mark.parametrize("kind", SPECS)
FIELDS = [(kind, name) for kind in SPECS for name in kind.model_fields if name not in kind.incidental]
INCIDENTAL = [(kind, name) for kind in SPECS for name in kind.model_fields if name in kind.incidental]


def marks(spec: BaseModel) -> list[str]:
    """Of every release that is known."""
    return [mark(spec, release) for release in identity.releases()]


def with_another(spec: Any, name: str, data: st.DataObject) -> Any:
    """The spec with another value in one field."""
    there = getattr(spec, name)
    others = SPECS[type(spec)]().map(lambda other: getattr(other, name)).filter(lambda value: value != there)
    return spec.model_copy(update={name: data.draw(others)})


def turned(value: Any) -> Any:
    """The same JSON with the members of each object in another order."""
    if isinstance(value, dict):
        return {name: turned(item) for name, item in reversed(value.items())}
    return [turned(item) for item in value] if isinstance(value, list) else value


@ALL
@given(data=st.data())
@few
def test_the_same_spec_has_the_same_mark(kind: type[Any], data: st.DataObject) -> None:  # N2
    spec = data.draw(SPECS[kind]())
    again = kind.model_validate_json(json.dumps(turned(json.loads(spec.model_dump_json()))))
    assert marks(again) == marks(spec)
    assert all(same(again, made) for made in marks(spec))


@pytest.mark.parametrize(("kind", "name"), FIELDS)
@given(data=st.data())
@few
def test_any_field_that_counts_changes_the_mark(kind: type[Any], name: str, data: st.DataObject) -> None:  # N2
    spec = data.draw(SPECS[kind]())
    other = with_another(spec, name, data)
    assert all(one != another for one, another in zip(marks(spec), marks(other), strict=True))
    assert not any(same(other, made) for made in marks(spec))


@pytest.mark.parametrize(("kind", "name"), INCIDENTAL)
@given(data=st.data())
@few
def test_an_incidental_field_changes_nothing(kind: type[Any], name: str, data: st.DataObject) -> None:  # N2
    spec = data.draw(SPECS[kind]())
    assert marks(with_another(spec, name, data)) == marks(spec)


@given(data=st.data())
@few
def test_an_incidental_field_within_changes_nothing(data: st.DataObject) -> None:
    spec, other = data.draw(tuning_specs()), data.draw(training_specs())
    training = spec.training.model_copy(update={"tags": other.tags})
    assert marks(spec.model_copy(update={"training": training})) == marks(spec)


def test_incidental_are_names_and_tags_alone() -> None:
    assert {kind.__name__: set(kind.incidental) for kind in SPECS} == {
        "LustreSpec": {"name", "tags"},
        "LinkSpec": {"file_system", "tags"},
        "TrainingSpec": {"tags"},
        "TuningSpec": {"tags"},
    }


XGBOOST = BuiltinAlgorithm("xgboost", "1.7-1")


@pytest.mark.parametrize(
    "others",
    [
        [Hyperparameters(depth=number) for number in (1, True, 1.0)],
        [Hyperparameters(root={}), Hyperparameters(depth=0), Hyperparameters(depth="")],
        [Hyperparameters(a=1, b=2), Hyperparameters(a=2, b=1)],
    ],
)
def test_hyperparameters_that_are_equal_to_python_alone_are_others(others: list[Hyperparameters]) -> None:
    specs = [TrainingSpec(name="t", algorithm=XGBOOST, hyperparameters=one) for one in others]
    for release in identity.releases():
        assert len({mark(spec, release) for spec in specs}) == len(others)


def test_kinds_of_ranges_and_channels_are_told_apart() -> None:
    training = TrainingSpec(name="t", algorithm=XGBOOST)
    specs = [
        TuningSpec(name="t", training=training, objective=Minimize("loss"), ranges=Ranges(depth=one))
        for one in (Continuous(1, 3), Integer(1, 3), Categorical(["1", "3"]))
    ]
    for release in identity.releases():
        assert len({mark(spec, release) for spec in specs}) == 3


# --- releases ---------------------------------------------------------------------------------------------------------

# The marks of links are not compared any more: a link is found by its file system, path and repository, and its options
# are held against what AWS describes. 0.1.0 counted the whole file system, with its capacity, groups and times.
MARKED = ("lustre-create", "training", "tuning")
CASES = [
    pytest.param(operation, case, id=f"{operation}: {case['case']}")
    for operation in MARKED
    for case in RECORDED["operations"][operation]
]


def test_every_recorded_operation_is_compared_or_known_not_to_be() -> None:
    assert set(RECORDED["operations"]) - {"repository-link"} == set(MARKED)


@pytest.mark.parametrize(("operation", "case"), CASES)
def test_a_mark_of_the_first_release_is_computed_again(operation: str, case: dict[str, Any]) -> None:  # N18
    spec = catalog.load(operation).spec_type.model_validate(case["spec"])
    assert mark(spec, FIRST) == case["fingerprint"]
    assert same(spec, case["fingerprint"])


@pytest.mark.parametrize("operation", MARKED)
def test_marks_of_the_first_release_differ_where_its_specs_do(operation: str) -> None:  # N2
    kind = catalog.load(operation).spec_type
    found: dict[str, str] = {}
    for case in RECORDED["operations"][operation]:
        spec = kind.model_validate(case["spec"])
        assert found.setdefault(case["fingerprint"], mark(spec)) == mark(spec)
    assert len(set(found.values())) == len(found)


def test_a_mark_tells_its_release() -> None:
    spec = LustreSpec(capacity_gib=2400)
    assert mark(spec).startswith(f"{RELEASE}/")
    assert "/" not in mark(spec, FIRST)


@pytest.mark.parametrize("made", [None, "", "9.9.9/44136fa355b3678a", "something else", "0.2.0/", "/"])
def test_a_mark_that_is_nobodys_is_anothers(made: str | None) -> None:  # N18
    assert not same(LustreSpec(), made)


def test_a_mark_counts_only_for_its_release() -> None:
    spec = LustreSpec()
    digits = {release: mark(spec, release).rpartition("/")[2] for release in (FIRST, RELEASE)}
    assert not same(spec, digits[RELEASE])
    assert not same(spec, f"{RELEASE}/{digits[FIRST]}")


def grown(kind: type[Any], annotation: Any, **field: Any) -> type[Any]:
    """The class as a later release has it: with this field, or with another default of it."""
    [name] = field
    body = {"__annotations__": {name: annotation}, "__module__": kind.__module__, **field}
    return type(kind.__name__, (kind,), body)


@ALL
@given(data=st.data())
@few
def test_a_field_that_is_added_changes_nothing_that_exists(kind: type[Any], data: st.DataObject) -> None:  # N18
    later = grown(kind, str | None, added=None)
    spec = data.draw(SPECS[kind]())
    again = later.model_validate(spec.model_dump())
    assert marks(again) == marks(spec)
    assert all(same(again, made) for made in marks(spec))
    other = again.model_copy(update={"added": "said"})
    assert not any(same(other, made) for made in marks(spec))


@given(spec=training_specs())
@few
def test_a_field_that_is_added_within_changes_nothing_that_exists(spec: TrainingSpec) -> None:  # N18
    later = grown(Resources, int, added=7)
    again = spec.model_copy(update={"resources": later.model_validate(spec.resources.model_dump())})
    assert marks(again) == marks(spec)
    other = spec.model_copy(update={"resources": again.resources.model_copy(update={"added": 8})})
    assert not any(same(other, made) for made in marks(spec))


@pytest.mark.parametrize("release", [FIRST, RELEASE])
def test_a_default_that_changed_adopts_nothing_wrongly(release: str) -> None:  # N18
    later = grown(LustreSpec, int, capacity_gib=2400)
    made = mark(LustreSpec(), release)
    assert not same(later(), made)
    assert same(later(capacity_gib=1200), made)
    assert same(later(), mark(LustreSpec(capacity_gib=2400), release))


@pytest.mark.parametrize("release", [FIRST, RELEASE])
def test_a_default_that_changed_within_adopts_nothing_wrongly(release: str) -> None:  # N18
    before = TrainingSpec(name="t", algorithm=XGBOOST)
    machines = grown(Resources, str, instance_type="ml.m7i.xlarge")
    later = grown(TrainingSpec, machines, resources=machines())
    made = mark(before, release)
    assert not same(later(name="t", algorithm=XGBOOST), made)
    assert same(later(name="t", algorithm=XGBOOST, resources=machines(instance_type="ml.m5.xlarge")), made)


def test_what_a_release_with_other_defaults_made_is_compared_with_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """N18. In another release 2,400 GiB and three machines went without saying."""
    table = json.loads(json.dumps(identity.releases()))
    table["0.3.0"] = json.loads(json.dumps(table[RELEASE]))
    table["0.3.0"]["LustreSpec"]["capacity_gib"] = [2400]
    table["0.3.0"]["Resources"]["instance_count"] = [3]
    del table["0.3.0"]["LustreSpec"]["kms_key_id"]
    monkeypatch.setattr(identity, "releases", lambda: table)
    made = mark(LustreSpec(capacity_gib=2400), "0.3.0")
    assert same(LustreSpec(capacity_gib=2400), made)
    assert not same(LustreSpec(), made)
    assert not same(LustreSpec(capacity_gib=2400, kms_key_id="key"), made)
    three = TrainingSpec(name="t", algorithm=XGBOOST, resources=Resources(instance_count=3))
    one = TrainingSpec(name="t", algorithm=XGBOOST)
    assert same(three, mark(three, "0.3.0"))
    assert not same(one, mark(three, "0.3.0"))
    assert same(one, mark(one))


def test_the_defaults_of_this_release_are_frozen() -> None:  # N18
    now = json.loads(json.dumps(identity.frozen(freeze_release().specs())))
    assert identity.releases()[RELEASE] == now, (
        "A spec has gained a field or a default has changed. If it is meant, run `python tools/freeze_release.py`, or, "
        f"where {RELEASE} was published, first name the next release in values/identity.py."
    )


def test_the_frozen_classes_are_those_of_all_specs() -> None:
    names = {kind.__name__ for kind in freeze_release().specs()}
    assert {"LustreSpec", "LinkSpec", "TrainingSpec", "TuningSpec", "Resources", "Continuous"} <= names
    assert names == set(identity.releases()[RELEASE])
    assert set(identity.releases()) >= {FIRST, RELEASE}
