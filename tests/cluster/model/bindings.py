"""Where a node's inputs come from, and which way a branch goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgpack
from flyteidl.core import condition_pb2, literals_pb2

MESSAGEPACK = "msgpack"
Outputs = Callable[[str], Mapping[str, Any]]
"""Node id -> its outputs; the workflow's own inputs are those of the node without a name."""


def bound(bindings: Iterable[Any], outputs: Outputs) -> literals_pb2.LiteralMap:
    """The literals that these bindings stand for. Raises KeyError for an output that does not exist."""
    return literals_pb2.LiteralMap(literals={one.var: _literal(one.binding, outputs) for one in bindings})


def needed(bindings: Iterable[Any]) -> set[str]:
    """The nodes whose outputs the bindings stand for."""
    found: set[str] = set()
    for one in bindings:
        _collect(one.binding, found)
    return found


def _collect(data: Any, found: set[str]) -> None:
    kind = data.WhichOneof("value")
    if kind == "promise":
        found.add(data.promise.node_id)
    elif kind == "collection":
        for item in data.collection.bindings:
            _collect(item, found)
    elif kind == "map":
        for item in data.map.bindings.values():
            _collect(item, found)


def _literal(data: Any, outputs: Outputs) -> Any:
    kind = data.WhichOneof("value")
    if kind == "scalar":
        return literals_pb2.Literal(scalar=data.scalar)
    if kind == "collection":
        items = [_literal(item, outputs) for item in data.collection.bindings]
        return literals_pb2.Literal(collection=literals_pb2.LiteralCollection(literals=items))
    if kind == "map":
        items = {name: _literal(item, outputs) for name, item in data.map.bindings.items()}
        return literals_pb2.Literal(map=literals_pb2.LiteralMap(literals=items))
    if kind == "promise":
        given = outputs(data.promise.node_id)[data.promise.var]
        return _attribute(given, list(data.promise.attr_path))
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(none_type=literals_pb2.Void()))


def _attribute(literal: Any, path: list[Any]) -> Any:
    """Lists and maps of literals are followed; of a value in MessagePack the part is packed again, whatever it is."""
    while path and literal.WhichOneof("value") in ("collection", "map"):
        step = path.pop(0)
        if literal.WhichOneof("value") == "collection":
            literal = literal.collection.literals[step.int_value]
        else:
            literal = literal.map.literals[step.string_value]
    if not path:
        return literal
    value: Any = _unpacked(literal)
    for step in path:
        value = value[getattr(step, str(step.WhichOneof("value")))]
    binary = literals_pb2.Binary(value=msgpack.packb(value), tag=MESSAGEPACK)
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary))


def _unpacked(literal: Any) -> Any:
    if literal.scalar.binary.tag != MESSAGEPACK:
        raise KeyError(f"no attribute can be taken of a {literal.scalar.WhichOneof('value')}")
    return msgpack.unpackb(literal.scalar.binary.value, strict_map_key=False)


def holds(expression: Any, inputs: Mapping[str, Any]) -> bool:
    """Whether a condition of a branch is true."""
    if expression.WhichOneof("expr") == "comparison":
        compared = expression.comparison
        left, right = (_operand(one, inputs) for one in (compared.left_value, compared.right_value))
        kinds = condition_pb2.ComparisonExpression
        return bool(
            {
                kinds.EQ: lambda: left == right,
                kinds.NEQ: lambda: left != right,
                kinds.GT: lambda: left > right,
                kinds.GTE: lambda: left >= right,
                kinds.LT: lambda: left < right,
                kinds.LTE: lambda: left <= right,
            }[compared.operator]()
        )
    both = expression.conjunction
    left, right = (holds(one, inputs) for one in (both.left_expression, both.right_expression))
    return (left and right) if both.operator == condition_pb2.ConjunctionExpression.AND else (left or right)


def _operand(operand: Any, inputs: Mapping[str, Any]) -> Any:
    kind = operand.WhichOneof("val")
    scalar = inputs[operand.var].scalar if kind == "var" else operand.scalar
    primitive = operand.primitive if kind == "primitive" else scalar.primitive
    if scalar.WhichOneof("value") == "binary" and kind != "primitive":
        return msgpack.unpackb(scalar.binary.value, strict_map_key=False)
    named = primitive.WhichOneof("value")
    return getattr(primitive, named) if named else None
