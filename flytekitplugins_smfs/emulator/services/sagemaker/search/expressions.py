"""Search expressions: which records they fit, by the properties that the service model gives a kind of record.

Source: SearchExpression, NestedFilters and Filter in the API reference of SageMaker
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Filter.html). It does not say what holds of a record
without the property; here only NotEquals and NotExists do.
"""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ....faults import AwsError

Record = dict[str, Any]
Test = Callable[[Record], bool]

_MOST_PARTS = 50
_TIME = "%Y-%m-%dT%H:%M:%S"
_PAIRS = {"Tags": ("Tags", "Key", "Value"), "Metrics": ("FinalMetricDataList", "MetricName", "Value")}
"""How properties ``Tags.<key>`` and ``Metrics.<name>`` are found: the list, and its elements' names and values."""

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


@dataclass(frozen=True)
class Property:
    """A property of a kind of record, and how its values are found: several for one that is below a list."""

    name: str
    shape: Any
    values: Callable[[Record], list[Any]]

    @property
    def type(self) -> str:
        """The service model's type; "hyperparameter" for a text that is compared with a number as a number."""
        return "hyperparameter" if self.shape.name == "HyperParameterValue" else str(self.shape.type_name)


def test_of(shape: Any, expression: dict[str, Any]) -> Test:
    """Whether a record of this shape fits an expression. Raises ValidationException for one that is not valid."""
    parts = list(_parts(expression))
    if len(parts) > _MOST_PARTS:
        raise _refusal(f"A SearchExpression can have at most {_MOST_PARTS} SubExpressions, NestedFilters and Filters.")
    if sum(part.get("Operator") == "Contains" for part in parts) > 1:
        raise _refusal("'CONTAINS' operator usage limit of 1 exceeded.")
    return _expression(shape, expression)


def ordered(shape: Any, records: list[Record], by: str, descending: bool) -> list[Record]:
    """The records in the order of a property; those without it come last."""
    property = _comparable(find(shape, by))
    having = [record for record in records if property.values(record)]
    having.sort(key=lambda record: _sort_key(property, record), reverse=descending)
    return [*having, *(record for record in records if not property.values(record))]


def find(shape: Any, name: str) -> Property:
    """The property of that name. Raises ValidationException if this kind of record has no such property."""
    top, _, rest = name.partition(".")
    if rest and top in _PAIRS and _PAIRS[top][0] in shape.members:
        member, key, value = _PAIRS[top]
        values = shape.members[member].member.members[value]
        return Property(
            name, values, lambda record: [pair[value] for pair in record.get(member, []) if pair[key] == rest]
        )
    found = _walk(shape, name)
    if found is None:
        raise _refusal(f"Unknown property name: {name}")
    path, leaf = found
    if leaf.type_name == "timestamp":
        return Property(name, leaf, lambda record: [round(time, 3) for time in _reach(record, path)])
    return Property(name, leaf, lambda record: _reach(record, path))


def _walk(shape: Any, name: str) -> tuple[tuple[str, ...], Any] | None:
    """The members on the way to a property, and its shape: for a list of plain values that of the values."""
    if shape.type_name == "list" and (name or shape.member.type_name != "structure"):
        return _walk(shape.member, name)
    if not name:
        return (), shape
    if shape.type_name == "map":
        return (name,), shape.value
    head, dot, rest = name.partition(".")
    if shape.type_name != "structure" or head not in shape.members or (dot and not rest):
        return None
    below = _walk(shape.members[head], rest)
    return below and ((head, *below[0]), below[1])


def _reach(value: Any, path: tuple[str, ...]) -> list[Any]:
    if isinstance(value, list):
        return [found for item in value for found in _reach(item, path)]
    if not path:
        return [] if value is None or value == {} else [value]
    return _reach(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []


def _parts(expression: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from expression.get("Filters", [])
    for nested in expression.get("NestedFilters", []):
        yield nested
        yield from nested["Filters"]
    for inner in expression.get("SubExpressions", []):
        yield inner
        yield from _parts(inner)


def _expression(shape: Any, expression: dict[str, Any]) -> Test:
    tests = [
        *(_filter(shape, filter) for filter in expression.get("Filters", [])),
        *(_nested(shape, nested) for nested in expression.get("NestedFilters", [])),
        *(_expression(shape, inner) for inner in expression.get("SubExpressions", [])),
    ]
    if not tests:
        raise _refusal("A SearchExpression needs at least one of Filters, NestedFilters and SubExpressions.")
    enough = any if expression.get("Operator") == "Or" else all
    return lambda record: enough(test(record) for test in tests)


def _nested(shape: Any, nested: dict[str, Any]) -> Test:
    """Whether a single element of a list satisfies all filters."""
    elements = find(shape, nested["NestedPropertyName"])
    if elements.type != "list":
        raise _refusal(
            f"{elements.name} is not a list of objects, as the NestedPropertyName of a nested filter must be."
        )
    tests = []
    for filter in nested["Filters"]:
        name = filter["Name"].removeprefix(f"{elements.name}.")
        if name == filter["Name"]:
            raise _refusal(f"{name} is not a property of the nested property {elements.name}.")
        tests.append(_filter(elements.shape.member, {**filter, "Name": name}))
    return lambda record: any(all(test(element) for test in tests) for element in elements.values(record))


def _filter(shape: Any, filter: dict[str, Any]) -> Test:
    """Without an operator a value must be equal; without either the property must be there."""
    property = find(shape, filter["Name"])
    text = filter.get("Value")
    name = filter.get("Operator") or ("Exists" if text is None else "Equals")
    if name in ("Exists", "NotExists"):
        return lambda record: bool(property.values(record)) == (name == "Exists")
    if text is None:
        raise _refusal(f"Operator {name} needs a Value. Property: {property.name}.")
    if name == "NotEquals":
        equals = _comparison(property, "Equals", text)
        return lambda record: not any(map(equals, property.values(record)))
    holds = _comparison(property, name, text)
    return lambda record: any(map(holds, property.values(record)))


def _comparison(property: Property, name: str, text: str) -> Callable[[Any], bool]:
    """Whether the operator of that name holds of a value and the text of a filter."""
    of_text = _comparable(property).type in ("string", "hyperparameter")
    if name in ("Contains", "In"):
        if not of_text:
            raise _refusal(f"Operator {name} is only supported for text properties. Property: {property.name}.")
        listed = text.split(",")
        return lambda value: text in value if name == "Contains" else value in listed
    wanted = _parsed(property, text)
    if name == "Equals":
        return lambda value: bool(_like(value, wanted) == wanted)
    if isinstance(wanted, str | bool):
        raise _refusal(f"Operator {name} is not supported for text properties. Property: {property.name}.")
    order = _ORDERS[name]
    return lambda value: (number := _like(value, wanted)) is not None and order(number, wanted)


def _comparable(property: Property) -> Property:
    if property.type in ("structure", "list", "map"):
        raise _refusal(f"{property.name} is not a value that can be compared; name a property below it.")
    return property


def _parsed(property: Property, text: str) -> Any:
    """What the text of a filter stands for, by the property's type."""
    if property.type == "string":
        return text
    try:
        if property.type == "timestamp":
            return datetime.strptime(text, _TIME).replace(tzinfo=UTC).timestamp()
        if property.type == "boolean":
            return {"true": True, "false": False}[text.lower()]
        return _number(text)
    except (KeyError, ValueError):
        if property.type == "hyperparameter":
            return text
        raise _refusal(f"{text!r} is not a value of type {property.type}. Property: {property.name}.") from None


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _like(value: Any, wanted: Any) -> Any:
    """A value as it is compared: a text as a number where one is wanted, as a whole one where that is."""
    if not isinstance(value, str) or isinstance(wanted, str):
        return value
    try:
        return int(float(value)) if isinstance(wanted, int) else float(value)
    except (ValueError, OverflowError):
        return None


def _sort_key(property: Property, record: Record) -> tuple[bool, float, str]:
    """Numbers in their order, then texts in theirs; hyperparameters may be both."""
    value = property.values(record)[0]
    try:
        return (True, 0.0, value) if property.type == "string" else (False, float(value), "")
    except ValueError:
        return True, 0.0, value


def _refusal(text: str) -> AwsError:
    return AwsError("ValidationException", text)
