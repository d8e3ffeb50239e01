"""Our types by their names: what flytekit makes of the interface of something registered, of which it has no code.

Loaded by `import flytekit`, so that a process which imported nothing of ours knows them too: values are loaded when one
of them is asked for.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from flytekit.core.type_engine import TypeEngine, TypeTransformer
from flytekit.models.types import LiteralType, SimpleType
from mashumaro.core.meta.types.common import ValueSpec
from mashumaro.core.meta.types.pack import PackerRegistry


class Named:
    """Stands in flytekit's registry for all values; there is none of it."""


class Guesser(TypeTransformer[Named]):
    """Tells which value a structure with a JSON schema is. flytekit itself makes a dataclass of a schema's properties,
    which our validation would not run for, and fails with KeyError where there are none."""

    def __init__(self) -> None:
        super().__init__("SMFS value by its name", Named)

    def guess_python_type(self, literal_type: LiteralType) -> type:
        """The value of that name, if the fields agree; another release may know more of them, or fewer."""
        schema = literal_type.metadata if literal_type.simple == SimpleType.STRUCT else None
        kind = _value(schema.get("title")) if isinstance(schema, dict) else None
        if schema is None or kind is None or not _akin(set(schema.get("properties", ())), _fields(kind)):
            raise ValueError(f"{self.name}: not one of ours")
        return kind

    def get_literal_type(self, t: type[Named]) -> NoReturn:
        raise _none(t)

    def to_literal(self, ctx: object, python_val: Named, python_type: type[Named], expected: LiteralType) -> NoReturn:
        raise _none(python_type)

    def to_python_value(self, ctx: object, lv: object, expected_python_type: type[Named]) -> NoReturn:
        raise _none(expected_python_type)


def _none(kind: type) -> TypeError:
    return TypeError(f"{kind.__name__} only stands for the values by their names")


def _value(title: object) -> type | None:
    import flytekitplugins_smfs as root

    if title not in root.__all__:
        return None
    kind = getattr(root, title)
    return kind if isinstance(kind, type) and hasattr(kind, "model_fields") else None


def _fields(kind: type[Any]) -> set[str]:
    """Its fields as a schema has them: a dictionary has none."""
    return set(kind.model_fields) - {"root"}


def _akin(theirs: set[str], ours: set[str]) -> bool:
    return theirs <= ours or ours <= theirs


def _packer(spec: ValueSpec) -> str | None:
    """Code by which mashumaro encodes a value. `pyflyte run remote-launchplan` lets it encode the default of an input
    as the type that was guessed, although that default is a text of JSON by then."""
    kind = spec.origin_type
    if not (isinstance(kind, type) and kind.__module__.startswith(__package__.partition(".")[0])):
        return None
    if not hasattr(kind, "model_fields"):
        return None
    spec.builder.ensure_object_imported(_plain, _plain.__name__)
    return f"{_plain.__name__}({spec.expression})"


def _plain(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value.model_dump(mode="json")


def register() -> None:
    """Make it known to flytekit, before flytekit's own guesses."""
    TypeEngine.register_additional_type(Guesser(), Named, override=True)
    PackerRegistry.register(_packer)
