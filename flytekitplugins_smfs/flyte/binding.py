"""How a task's inputs become an operation's spec, on a laptop and in a connector alike."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgpack
from flytekit.models.literals import Literal, LiteralMap, Primitive, Scalar
from google.protobuf import json_format
from pydantic import BaseModel, TypeAdapter, ValidationError

from flytekitplugins_smfs.values.errors import InvalidSpec, Problem
from flytekitplugins_smfs.values.plain import Json, Record

TASK_TYPE_PREFIX = "smfs-"
PAYLOAD = "smfs"
"""The one key of a task's `custom`. Its value is text: a protobuf Struct would turn every whole number into a float."""
JSON = TypeAdapter[Any](Any)


@dataclass(frozen=True)
class Binding:
    """What a task knows before it is called, and where each input goes."""

    operation: str
    spec: Record = field(default_factory=dict)
    """The part of the spec that is declared with the task."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """Input name -> dotted path in the spec; an empty path is the spec itself, `-` is nowhere."""
    deck: bool = False
    """Whether the task shows a deck."""

    def encode(self) -> str:
        """As JSON."""
        return json.dumps(
            {"operation": self.operation, "spec": self.spec, "paths": self.paths, "deck": self.deck},
            separators=(",", ":"),
        )

    @classmethod
    def decode(cls, text: str) -> Binding:
        """From JSON. Raises InvalidSpec for what cannot be read; what a newer release wrote beside is passed over."""
        try:
            fields: Any = json.loads(text)
            known = {one.name for one in dataclasses.fields(cls)}
            return cls(**{name: value for name, value in fields.items() if name in known})
        except (ValueError, TypeError, AttributeError) as error:
            problem = Problem(f"custom.{PAYLOAD}", f"cannot be read ({error}).", "register the task again.")
            raise InvalidSpec("The task template", [problem]) from error

    @classmethod
    def of_custom(cls, custom: Record | None) -> Binding:
        """From a task template's `custom`."""
        if not custom or PAYLOAD not in custom:
            raise InvalidSpec("The task template", [Problem(f"custom.{PAYLOAD}", "is missing; the task is not ours.")])
        return cls.decode(str(custom[PAYLOAD]))

    def data(self, inputs: Record) -> Any:
        """The whole spec as plain data: the declared part with the inputs laid over it."""
        whole: Any = json.loads(json.dumps(self.spec))
        for name, value in inputs.items():
            path = self.paths.get(name, name)
            if path != "-":
                whole = _put(whole, path.split(".") if path else [], value)
        return whole


def validated(spec_type: Any, data: Any, what: str) -> Any:
    """`data` as a value of `spec_type`; raises InvalidSpec with every problem at once."""
    try:
        return spec_type.model_validate(data)
    except ValidationError as error:
        raise invalid(what, error) from error


def invalid(what: str, error: ValidationError) -> InvalidSpec:
    """pydantic's error as ours: field, rule, and what was given."""
    return InvalidSpec(what, [_problem(line) for line in error.errors(include_url=False)])


def _problem(line: Any) -> Problem:
    where = ".".join(str(part) for part in line["loc"]) or "the value"
    rule = str(line["msg"]).removeprefix("Value error, ")
    given = repr(line["input"])
    shown = "" if line["type"] in ("rule", "missing") or len(given) > 80 else f" (given: {given})"
    return Problem(where, rule + shown)


def _put(target: Any, path: list[str], value: Any) -> Any:
    if not path:
        both = isinstance(target, dict) and isinstance(value, dict)
        return {**target, **value} if both else value
    inner = target if isinstance(target, dict) else {}
    return {**inner, path[0]: _put(inner.get(path[0]), path[1:], value)}


def plain_inputs(literals: LiteralMap | None) -> Json:
    """A call's inputs as plain data, without knowing any Python type."""
    return {name: plain(literal) for name, literal in (literals.literals if literals else {}).items()}


def plain_values(inputs: Record) -> Json:
    """A call's inputs as plain data, from Python values."""
    return {name: dumped(value) for name, value in inputs.items()}


def plain(literal: Literal) -> Any:
    """A literal as plain data: what `json.loads` would give."""
    if literal.collection is not None:
        return [plain(item) for item in literal.collection.literals]
    if literal.map is not None:
        return {name: plain(item) for name, item in literal.map.literals.items()}
    if literal.scalar is None:
        raise InvalidSpec("An input", [Problem("literal", "is offloaded or empty and cannot be read here.")])
    return _plain_scalar(literal.scalar)


def _plain_scalar(scalar: Scalar) -> Any:
    if scalar.union is not None:
        return plain(scalar.union.value)
    if scalar.primitive is not None:
        return _plain_primitive(scalar.primitive)
    if scalar.binary is not None:
        return msgpack.loads(scalar.binary.value, strict_map_key=False)
    if scalar.generic is not None:
        return _whole(json_format.MessageToDict(scalar.generic))
    if scalar.none_type is not None:
        return None
    for kind in (scalar.blob, scalar.structured_dataset, scalar.schema):
        if kind is not None:
            return str(kind.uri)
    raise InvalidSpec("An input", [Problem("literal", "is of a kind that no operation takes.")])


def _plain_primitive(primitive: Primitive) -> Any:
    value = primitive.value
    return value if isinstance(value, bool | int | float | str) else JSON.dump_python(value, mode="json")


def _whole(value: Any) -> Any:
    """A protobuf Struct knows only floats; 3.0 in it was 3."""
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def dumped(value: Any) -> Any:
    """A value as the plain data that travels: what `json.loads` of its JSON gives."""
    if isinstance(value, BaseModel):
        return json.loads(value.model_dump_json())
    return JSON.dump_python(value, mode="json")
