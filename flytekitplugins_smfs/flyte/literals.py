"""Values as Flyte literals: pydantic's transformer, which says what tuples hold as well."""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin

from flytekit.core.constants import CACHE_KEY_METADATA, MESSAGEPACK, SERIALIZATION_FORMAT
from flytekit.core.type_engine import TypeEngine, TypeTransformer
from flytekit.extras.pydantic_transformer.transformer import PydanticTransformer
from flytekit.models.annotation import TypeAnnotation
from flytekit.models.types import LiteralType, SimpleType, TypeStructure

from flytekitplugins_smfs.values.base import Value


class ValueTransformer(PydanticTransformer):
    """As flytekit's own for pydantic models; but that one warns of each tuple, and gives a promise of it no items."""

    def __init__(self) -> None:
        TypeTransformer.__init__(self, "SMFS value", Value, enable_type_assertions=False)

    def get_literal_type(self, t: type[Value]) -> LiteralType:
        fields = {name: TypeEngine.to_literal_type(listed(info.annotation)) for name, info in t.model_fields.items()}
        return LiteralType(
            simple=SimpleType.STRUCT,
            metadata=t.model_json_schema(),
            structure=TypeStructure(tag="", dataclass_type=fields),
            annotation=TypeAnnotation({CACHE_KEY_METADATA: {SERIALIZATION_FORMAT: MESSAGEPACK}}),
        )


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


def register() -> None:
    """Make it known to flytekit, once."""
    if Value not in TypeEngine._REGISTRY:
        TypeEngine.register(ValueTransformer())
