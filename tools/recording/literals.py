"""Values and their types, as flytekit stores them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recording.files import Recording, in_order, news
from recording.layout import load, public_values


def context() -> Any:
    """flytekit's context."""
    from flytekit import FlyteContextManager

    return FlyteContextManager.current_context()


def literal_type(kind: Any) -> Any:
    """The literal type of a Python type, as a protobuf message."""
    from flytekit.core.type_engine import TypeEngine

    return TypeEngine.to_literal_type(kind).to_flyte_idl()


def literal(value: Any, kind: Any) -> bytes:
    """The literal of a value, serialized."""
    from flytekit.core.type_engine import TypeEngine

    made = TypeEngine.to_literal(context(), value, kind, TypeEngine.to_literal_type(kind))
    return serialized(made)


def serialized(model: Any) -> bytes:
    """A flytekit model as bytes of its protobuf message, the same for the same content."""
    return bytes(model.to_flyte_idl().SerializeToString(deterministic=True))


def record_value(recording: Recording, kind: Any, given: Any) -> dict[str, str]:
    """A value as text and as a literal."""
    value = kind.model_validate(in_order(given))
    return {"json": value.model_dump_json(), "literal": recording.places.encoded(literal(value, kind))}


def record_values(recording: Recording, cases: Mapping[str, Any]) -> None:
    """Every public value with typical content, and the specs that have no public name."""
    kinds = public_values()
    if absent := set(kinds) - set(cases["values"]):
        raise SystemExit(f"there are no cases of {', '.join(sorted(absent))}")
    values = {
        name: [record_value(recording, kind, given) for given in cases["values"][name]] for name, kind in kinds.items()
    }
    specs = {
        name: [load(name).spec_type.model_validate(one).model_dump_json() for one in given]
        for name, given in cases["specs"].items()
    }
    sections = {"values": values, "specs": specs}
    recording.write("values", {name: news(recording, "values.json", some, name) for name, some in sections.items()})


def record_types(recording: Recording) -> None:
    """The literal type of every public value."""
    from google.protobuf import json_format

    types = {name: json_format.MessageToDict(literal_type(kind)) for name, kind in public_values().items()}
    recording.write("types", news(recording, "types.json", types))
