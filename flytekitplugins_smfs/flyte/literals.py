"""Values as Flyte literals: pydantic's transformer, which says what tuples hold as well."""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin

from flytekit.core.constants import CACHE_KEY_METADATA, MESSAGEPACK, SERIALIZATION_FORMAT
from flytekit.core.type_engine import TypeEngine, TypeTransformer
from flytekit.extras.pydantic_transformer.transformer import PydanticTransformer
from flytekit.models.annotation import TypeAnnotation
from flytekit.models.types import LiteralType, SimpleType, TypeStructure
from pydantic import BaseModel, RootModel

from flytekitplugins_smfs.flyte import private
from flytekitplugins_smfs.values.base import Value
from flytekitplugins_smfs.values.sagemaker.training import Hyperparameters
from flytekitplugins_smfs.values.sagemaker.tuning import Ranges


class ValueTransformer(PydanticTransformer):
    """As flytekit's own for pydantic models; but that one warns of each tuple, gives a promise of it no items, and
    puts docstrings into the type, which is part of a cluster's cache key."""

    def __init__(self, kind: type[BaseModel]) -> None:
        TypeTransformer.__init__(self, "SMFS value", kind, enable_type_assertions=False)

    def get_literal_type(self, t: type[BaseModel]) -> LiteralType:
        fields = {name: TypeEngine.to_literal_type(_typed(t, info.annotation)) for name, info in t.model_fields.items()}
        return LiteralType(
            simple=SimpleType.STRUCT,
            metadata=bare(t.model_json_schema()),
            structure=TypeStructure(tag="", dataclass_type=fields),
            annotation=TypeAnnotation({CACHE_KEY_METADATA: {SERIALIZATION_FORMAT: MESSAGEPACK}}),
        )


def _typed(kind: type[BaseModel], annotation: Any) -> Any:
    """What a field's literal type is made of. A dictionary is what it was in 0.1.0: a structure without more."""
    return annotation if issubclass(kind, RootModel) else listed(annotation)


def listed(annotation: Any) -> Any:
    """A type with every `tuple[X, ...]` in it as `list[X]`, which is what it is in JSON."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return listed(parts[0])
    if origin is tuple and len(parts) == 2 and parts[1] is Ellipsis:
        return list[listed(parts[0])]  # type: ignore[misc]
    if origin in (Union, types.UnionType):
        return Union[tuple(listed(part) for part in parts)]  # noqa: UP007 - made at run time
    if origin in (list, dict):
        return origin[tuple(listed(part) for part in parts)]
    return annotation


def bare(schema: Any, *, names: bool = False) -> Any:
    """A JSON schema without what may change while the type stays what it is: descriptions, and whether other fields
    are refused or passed over. `names` says that the keys are names of properties, not keywords."""
    if isinstance(schema, list):
        return [bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: item for key, item in schema.items() if names or not _passing(key, item)}
    return {
        key: item if not names and key in VERBATIM else bare(item, names=not names and key in NAMES)
        for key, item in kept.items()
    }


def _passing(key: str, item: Any) -> bool:
    return key == "description" or (key == "additionalProperties" and item is False)


NAMES = frozenset({"properties", "$defs", "patternProperties"})
VERBATIM = frozenset({"default", "const", "enum", "required", "examples"})


def register() -> None:
    """Make it known to flytekit, once, for every value: those that are dictionaries are no `Value`."""
    wanted = [kind for kind in (Value, Hyperparameters, Ranges) if not private.has_transformer(kind)]
    if wanted:
        TypeEngine.register(ValueTransformer(wanted[0]), additional_types=wanted[1:])
