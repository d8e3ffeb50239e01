"""Values, specs and cached outputs of earlier releases are read as what they were, and their types stay. N18"""

from __future__ import annotations

import json
from typing import Any

import msgpack
import pytest
from flyteidl.core.literals_pb2 import Literal as LiteralMessage
from flyteidl.core.literals_pb2 import LiteralMap as LiteralMapMessage
from flytekit import FlyteContextManager
from flytekit.core.type_engine import TypeEngine
from flytekit.models.literals import Binary, Literal, LiteralMap, Scalar
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from pydantic import BaseModel, RootModel, ValidationError

import flytekitplugins_smfs
from flytekitplugins_smfs.flyte import literals
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.base import Result
from tests.upgrade.recordings import FIRST, RELEASES, decoded, holds, load, metas, with_more

literals.register()
VALUES = [
    pytest.param(name, one, id=f"{release}-{name}-{at}")
    for release in RELEASES
    for name, some in load(release, "values")["values"].items()
    for at, one in enumerate(some)
]
SPECS = [
    pytest.param(name, text, id=f"{release}-{name}-{at}")
    for release in RELEASES
    for name, some in load(release, "values")["specs"].items()
    for at, text in enumerate(some)
]
STRICT_OR_LENIENT = [one for one in VALUES if one.values[0] not in ("Hyperparameters", "Ranges")]
"""Those whose fields are not the user's own."""
STARTED = [
    pytest.param(one["operation"], one["spec"], id=f"{release}-{one['name']}")
    for release in RELEASES
    for one in load(release, "resources")["resources"]
]
OUTPUTS = [
    pytest.param(one, id=f"{release}-{one['task_type']}-{one['case']}-{one['attempt']}")
    for release in RELEASES
    for one in metas(release)
    if one.get("resource", {}).get("outputs")
]


def public(name: str) -> Any:
    return getattr(flytekitplugins_smfs, name)


def plain(value: BaseModel) -> Any:
    return json.loads(value.model_dump_json())


def python_value(literal: Literal, kind: type[Any]) -> Any:
    return TypeEngine.to_python_value(FlyteContextManager.current_context(), literal, kind)


def literal_of(data: Any) -> Literal:
    return Literal(scalar=Scalar(binary=Binary(value=msgpack.dumps(data), tag="msgpack")))


# Values


@pytest.mark.parametrize(("name", "recorded"), VALUES)
def test_a_value_is_read_from_json(name: str, recorded: dict[str, str]) -> None:
    value = public(name).model_validate_json(recorded["json"])
    assert holds(plain(value), json.loads(recorded["json"]))


@pytest.mark.parametrize(("name", "recorded"), VALUES)
def test_a_value_is_read_from_a_literal(name: str, recorded: dict[str, str]) -> None:
    literal = Literal.from_flyte_idl(LiteralMessage.FromString(decoded(recorded["literal"])))
    value = python_value(literal, public(name))
    assert isinstance(value, public(name))
    assert holds(plain(value), json.loads(recorded["json"]))


@pytest.mark.parametrize(("name", "recorded"), VALUES)
def test_a_value_is_read_from_the_older_form_of_a_literal(name: str, recorded: dict[str, str]) -> None:
    """A Struct, as Flyte's console sends it: every number in it is a float."""
    struct = json_format.Parse(recorded["json"], Struct())
    value = python_value(Literal(scalar=Scalar(generic=struct)), public(name))
    assert json_format.ParseDict(plain(value), Struct()) == struct


@pytest.mark.parametrize(("name", "recorded"), STRICT_OR_LENIENT)
def test_of_a_value_of_a_later_release_a_result_is_read_and_a_spec_refused(name: str, recorded: dict[str, str]) -> None:
    kind = public(name)
    known = kind.model_validate_json(recorded["json"])
    data = with_more(known, json.loads(recorded["json"])) | {"of_a_later_release": {"some": ["thing"]}}
    if issubclass(kind, Result):
        assert plain(kind.model_validate(data)) == plain(known)
        assert plain(kind.model_validate_json(json.dumps(data))) == plain(known)
        assert plain(python_value(literal_of(data), kind)) == plain(known)
        return
    for read in (lambda: kind.model_validate(data), lambda: python_value(literal_of(data), kind)):
        with pytest.raises(ValidationError, match=f"{name} has no field 'of_a_later_release'"):
            read()


# Specs


@pytest.mark.parametrize(("name", "recorded"), STRICT_OR_LENIENT)
def test_a_value_of_a_later_release_that_leaves_a_new_field_unsaid_is_read(name: str, recorded: dict[str, str]) -> None:
    kind = public(name)
    data = {**json.loads(recorded["json"]), "of_a_later_release": None}
    known = plain(kind.model_validate_json(recorded["json"]))
    assert plain(kind.model_validate(data)) == known
    assert plain(python_value(literal_of(data), kind)) == known


@pytest.mark.parametrize(("name", "text"), SPECS)
def test_a_spec_without_a_public_name_is_read(name: str, text: str) -> None:
    kind = catalog.load(name).spec_type
    spec = kind.model_validate_json(text)
    assert holds(plain(spec), json.loads(text))
    assert kind.model_validate({**json.loads(text), "of_a_later_release": None}) == spec
    with pytest.raises(ValidationError, match="has no field 'of_a_later_release'"):
        kind.model_validate({**json.loads(text), "of_a_later_release": 1})


@pytest.mark.parametrize(("operation", "recorded"), STARTED)
def test_a_spec_is_read_whole_and_strictly(operation: str, recorded: dict[str, Any]) -> None:
    kind = catalog.load(operation).spec_type
    spec = kind.model_validate(recorded)
    assert holds(plain(spec), recorded)
    assert kind.model_validate(unsaid(recorded, spec)) == spec
    with pytest.raises(ValidationError, match="has no field 'of_a_later_release'"):
        kind.model_validate({**recorded, "of_a_later_release": 1})


def unsaid(data: Any, value: Any) -> Any:
    """A spec's plain data, with a field in each value of it that a newer release has and does not use."""
    if isinstance(value, RootModel):
        return {key: unsaid(data[key], item) for key, item in value.root.items()}
    if isinstance(value, dict):
        return {key: unsaid(data[key], item) for key, item in value.items()}
    if not isinstance(value, BaseModel):
        return data
    return {**{key: unsaid(item, getattr(value, key)) for key, item in data.items()}, "of_a_later_release": None}


# Cached outputs


@pytest.mark.parametrize("recorded", OUTPUTS)
def test_a_cached_output_is_read_as_what_the_task_gives_today(recorded: dict[str, Any]) -> None:
    message = LiteralMapMessage.FromString(decoded(recorded["resource"]["outputs"]))
    outputs = LiteralMap.from_flyte_idl(message).literals
    kind = catalog.load(recorded["task_type"].removeprefix("smfs-")).result_type
    value = python_value(outputs["o0"], kind)
    assert list(outputs) == ["o0"]
    assert type(value) is kind
    assert holds(plain(value), msgpack.loads(message.literals["o0"].scalar.binary.value))


# Types


def described(schema: Any, *, names: bool = False) -> Any:
    """A JSON schema of 0.1.0 as it is written since: without descriptions, and without a word on other fields."""
    if isinstance(schema, list):
        return [described(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: item for key, item in schema.items() if names or not dropped(key, item)}
    return {key: described(item, names=not names and key in ("properties", "$defs")) for key, item in kept.items()}


def dropped(key: str, item: Any) -> bool:
    return key == "description" or (key == "additionalProperties" and item is False)


def as_today(literal_type: Any) -> Any:
    """A literal type of 0.1.0 as it is today: its schemas differ, and nothing else."""
    if isinstance(literal_type, list):
        return [as_today(item) for item in literal_type]
    if not isinstance(literal_type, dict):
        return literal_type
    return {key: described(item) if key == "metadata" else as_today(item) for key, item in literal_type.items()}


@pytest.mark.parametrize("release", RELEASES)
def test_the_types_of_interfaces_are_what_they_were(release: str) -> None:
    """They are in a cluster's cache key, and registered workflows are checked against them."""
    for name, recorded in load(release, "types").items():
        today = json_format.MessageToDict(TypeEngine.to_literal_type(public(name)).to_flyte_idl())
        assert today == (as_today(recorded) if release == FIRST else recorded), name
        if release == FIRST:
            assert today != recorded, f"{name}: every one of them had a description"


def test_a_type_says_what_a_value_is_and_not_what_it_is_for() -> None:
    """What is told of a class or a field may be told better without anybody's cache being lost."""
    for name in {name for release in RELEASES for name in load(release, "types")}:
        message = TypeEngine.to_literal_type(public(name)).to_flyte_idl()
        assert '"description": "' not in json_format.MessageToJson(message), name
