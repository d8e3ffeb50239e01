"""Inputs become specs without knowing Python types."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from flytekit import FlyteContextManager
from flytekit.core.type_engine import TypeEngine
from flytekit.models.literals import Literal, LiteralCollection, LiteralMap, Scalar
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from flytekitplugins_smfs.flyte.binding import Binding, dumped, plain, plain_inputs, plain_values, validated
from flytekitplugins_smfs.values.errors import InvalidSpec
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput, TrainingInput
from flytekitplugins_smfs.values.sagemaker.training import BuiltinAlgorithm, Hyperparameters, TrainingSpec
from flytekitplugins_smfs.values.sagemaker.tuning import Categorical, Continuous, Integer, Ranges

names = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)
scalars = (
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
)
json_values = st.recursive(
    scalars | st.none(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4)
)


def literal(value: Any, kind: Any) -> Literal:
    return TypeEngine.to_literal(FlyteContextManager.current_context(), value, kind, TypeEngine.to_literal_type(kind))


@given(st.dictionaries(names, scalars, max_size=8))
def test_hyperparameters_pass_through_a_literal_unchanged(given_values: dict[str, Any]) -> None:
    value = Hyperparameters(root=given_values)
    back = Hyperparameters.model_validate(plain(literal(value, Hyperparameters)))
    assert back.encoded() == value.encoded()


# C42
@given(
    st.dictionaries(
        names,
        st.one_of(
            st.tuples(st.integers(-1000, 0), st.integers(1, 1000)).map(lambda ends: Integer(*ends)),
            st.tuples(st.floats(-1e6, 0), st.floats(0.5, 1e6)).map(lambda ends: Continuous(*ends)),
            st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=5, unique=True).map(Categorical),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_ranges_pass_through_a_literal_unchanged(ranges: dict[str, Any]) -> None:
    value = Ranges(root=ranges)
    assert Ranges.model_validate(plain(literal(value, Ranges))) == value


@given(st.dictionaries(names, json_values, max_size=4))
def test_a_binding_passes_through_custom_unchanged(spec: dict[str, Any]) -> None:
    binding = Binding("training", spec, {"train": "channels.train"}, deck=True)
    custom = json_format.ParseDict({"smfs": binding.encode()}, struct_pb2.Struct())
    assert Binding.of_custom(json_format.MessageToDict(custom)) == binding


@given(st.dictionaries(names, json_values, min_size=1, max_size=4), json_values)
def test_the_declared_part_is_never_changed(spec: dict[str, Any], value: Any) -> None:
    before = repr(spec)
    Binding("training", spec, {"given": f"{next(iter(spec))}.deeper"}).data({"given": value})
    assert repr(spec) == before


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (3, int, 3),
        (2.5, float, 2.5),
        (True, bool, True),
        ("s3://bucket/x", str, "s3://bucket/x"),
        ([1, 2], list[int], [1, 2]),
        ({"a": 1}, dict[str, int], {"a": 1}),
        (None, int | None, None),
        (7, int | None, 7),
        (datetime.timedelta(seconds=90), datetime.timedelta, "PT1M30S"),
    ],
)
def test_every_kind_of_literal_becomes_plain(value: Any, kind: Any, expected: Any) -> None:
    assert plain(literal(value, kind)) == expected


def test_whole_numbers_of_a_struct_are_whole_again() -> None:
    struct = json_format.ParseDict({"max_depth": 5, "eta": 0.2, "list": [1, 1.5]}, struct_pb2.Struct())
    assert plain(Literal(scalar=Scalar(generic=struct))) == {"max_depth": 5, "eta": 0.2, "list": [1, 1.5]}


def test_inputs_of_values_and_of_literals_agree() -> None:
    channel = FileSystemInput(
        file_system_id="fs-0123456789abcdef0", directory_path="/abc/ns1", security_group_ids=("sg-1",)
    )
    values = {"train": channel, "path": "/ns1", "spec": LustreSpec(capacity_gib=2400)}
    kinds = {"train": FileSystemInput, "path": str, "spec": LustreSpec}
    literals = LiteralMap(literals={name: literal(value, kinds[name]) for name, value in values.items()})
    assert plain_inputs(literals) == plain_values(values)


def test_an_input_is_laid_over_what_was_declared() -> None:
    declared = dumped(
        TrainingSpec(
            name="t",
            algorithm=BuiltinAlgorithm("xgboost", "1.7-1"),
            hyperparameters=Hyperparameters(root={"eta": 0.3, "num_round": 10}),
        )
    )
    channel = TrainingInput(s3_uri="s3://bucket/train")
    inputs = plain_values({"train": channel, "hyperparameters": Hyperparameters(root={"eta": 0.1})})
    data = Binding("training", declared, {"train": "channels.train"}).data(inputs)
    spec = validated(TrainingSpec, data, "t")
    assert spec.hyperparameters.root == {"eta": 0.1, "num_round": 10}
    assert spec.channels == {"train": channel}


def test_an_empty_path_is_the_spec_and_a_dash_is_nowhere() -> None:
    binding = Binding("lustre-create", {}, {"spec": "", "source": "-"})
    assert binding.data({"spec": {"capacity_gib": 2400}, "source": "x"}) == {"capacity_gib": 2400}


# N7
def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InvalidSpec) as caught:
        validated(LustreSpec, {"capacity_gib": 1300, "deployment_type": "FAST", "colour": "red"}, "The call of x")
    text = str(caught.value)
    assert text.startswith("The call of x is not valid:")
    assert {problem.field for problem in caught.value.problems} >= {"deployment_type", "colour"}


def test_a_template_that_is_not_ours_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="not ours"):
        Binding.of_custom({"other": 1})
    with pytest.raises(InvalidSpec, match="not ours"):
        Binding.of_custom(None)


def test_an_offloaded_literal_is_refused_by_name() -> None:
    with pytest.raises(InvalidSpec, match="offloaded"):
        plain(Literal())
    assert plain(Literal(collection=LiteralCollection(literals=[]))) == []


# N7, C42
def test_ranges_given_at_launch_name_what_is_missing() -> None:
    wrong = {"eta": {"kind": "continuous", "minimum": 0.1}, "x": {"kind": "categorical", "values": 5}}
    with pytest.raises(InvalidSpec) as caught:
        validated(Ranges, wrong, "ranges")
    assert {problem.field for problem in caught.value.problems} == {"eta.continuous.maximum", "x.categorical.values"}
