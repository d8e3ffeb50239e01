"""Checks a request against every constraint of its service model, in the words of AWS's own front end.

botocore's client checks required, type and minimum only; maximum, pattern and enum are AWS's to refuse, and ours.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from botocore.model import OperationModel, Shape

from .faults import AwsError

_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "blob": (bytes,),
    "timestamp": (int, float),
}

_RANGES: dict[str, tuple[int, int]] = {
    "integer": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
    "timestamp": (-62_135_596_800, 253_402_300_799),  # the years 1 to 9999; nan is none of them
}


def check(code: str, operation: OperationModel, request: dict[str, Any], missing: str | None = None) -> None:
    """Raise AwsError of a code with all violations of the operation's input shape, as AWS counts and words them.

    ``missing`` is the code of services that have one for a required member that is not there.
    """
    shape = operation.input_shape
    if shape is None:
        return
    if missing is not None and (absent := next(_absent(shape, request, ""), None)):
        raise AwsError(missing, f"The parameter {absent} is required.")
    problems = list(_problems(shape, request, ""))
    if problems:
        raise AwsError(code, _text(problems))


def nulls(members: list[str]) -> str:
    """AWS's text for members of a request that must be there and are not."""
    return _text([_null(name, "") for name in members])


def _text(problems: list[str]) -> str:
    noun = "error" if len(problems) == 1 else "errors"
    return f"{len(problems)} validation {noun} detected: {'; '.join(problems)}"


def _null(name: str, path: str) -> str:
    return f"Value null at '{_below(path, name)}' failed to satisfy constraint: Member must not be null"


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not _has_type(shape.type_name, value):
        raise AwsError("SerializationException", f"{_java_type(value)} can not be converted to {_wanted(shape)}")
    if shape.type_name == "structure":
        yield from _structure(shape, value, path)
    elif shape.type_name == "list":
        yield from _constraints(shape, value, path)
        yield from _elements(shape, value, path)
    elif shape.type_name == "map":
        yield from _constraints(shape, value, path)
        yield from _entries(shape, value, path)
    else:
        yield from _constraints(shape, value, path)


def _has_type(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind in _RANGES and isinstance(value, int | float):
        low, high = _RANGES[kind]
        return isinstance(value, _TYPES[kind]) and low <= value <= high
    return isinstance(value, _TYPES[kind])


def _structure(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _null(name, path)
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _problems(member, value[name], _below(path, name))


def _absent(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Where required members are not there, as the query protocol names places: ``MetricData.member.1.MetricName``."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in shape.members.items():
            place = f"{path}.{name}" if path else name
            if value.get(name) is not None:
                yield from _absent(member, value[name], place)
            elif name in shape.required_members:
                yield place
    elif shape.type_name == "list" and isinstance(value, list):
        for number, element in enumerate(value, 1):
            yield from _absent(shape.member, element, f"{path}.member.{number}")


def _elements(shape: Any, value: list[Any], path: str) -> Iterator[str]:
    for number, element in enumerate(value, 1):
        yield from _problems(shape.member, element, f"{path}.{number}.member")


def _entries(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    for key, element in value.items():
        broken = [rule for rule in _rules(shape.key) if not rule[1](key)]
        if broken:
            yield (
                f"Map value at '{path}' failed to satisfy constraint: "
                f"Map keys must satisfy constraint: [{', '.join(text for text, _ in broken)}]"
            )
        yield from _problems(shape.value, element, f"{path}.{key}.member")


def _constraints(shape: Shape, value: Any, path: str) -> Iterator[str]:
    for text, holds in _rules(shape):
        if not holds(value):
            yield f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {text}"


def _rules(shape: Shape) -> Iterator[tuple[str, Any]]:
    """The constraints of one shape: AWS's text and a predicate."""
    limits = shape.metadata
    number = shape.type_name in ("integer", "long", "float", "double")
    measure = (lambda v: v) if number else len
    noun = "value" if number else "length"
    if shape.type_name not in ("boolean", "timestamp", "structure"):
        if "min" in limits:
            low = limits["min"]
            yield f"Member must have {noun} greater than or equal to {low}", lambda v: measure(v) >= low
        if "max" in limits:
            high = limits["max"]
            yield f"Member must have {noun} less than or equal to {high}", lambda v: measure(v) <= high
    if "enum" in limits:
        values = limits["enum"]
        yield f"Member must satisfy enum value set: [{', '.join(values)}]", lambda v: v in values
    if "pattern" in limits and (pattern := _compiled(limits["pattern"])):
        text = f"Member must satisfy regular expression pattern: {limits['pattern']}"
        yield text, lambda v: pattern.fullmatch(v) is not None


_JAVA_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{N}": r"\d",
    r"\p{M}": "\u0300-\u036f",
    r"\p{S}": "$+<=>^`|~",
    r"\p{P}": "!-#%-*,-/:;?@\\[-\\]_{}",
    r"\p{ASCII}": r"\x00-\x7f",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{Print}": r"\x20-\x7e",
    r"\z": r"\Z",
    r"\w-_": r"\w\-_",
    "${1,128}": "$",
    "${1,256}": "$",
    r"\uD800\uDC00-\uDBFF\uDFFF": "\U00010000-\U0010ffff",
}

_ALONE = re.compile(r"(?<![\[\w}^\\-])(\\p\{\w+\})(?=[*+?{$)|]|$)")
"""A class of Java's that does not stand in brackets."""


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """A Java pattern as a Python one; None where Python cannot say it (then AWS alone knows)."""
    translated = _ALONE.sub(r"[\1]", pattern)
    for java, python in _JAVA_CLASSES.items():
        translated = translated.replace(java, python)
    try:
        flags = re.DOTALL | (re.IGNORECASE if "(?i)" in translated else re.NOFLAG)
        return re.compile(translated.replace("(?i)", ""), flags)
    except re.error:
        return None


def _below(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list) and all(isinstance(element, str) for element in value):
        return f"[{', '.join(value)}]"
    return value if isinstance(value, str) else json.dumps(value)


def _java_type(value: Any) -> str:
    names = {str: "STRING_VALUE", bool: "TRUE_VALUE" if value else "FALSE_VALUE", list: "START_ARRAY"}
    return names.get(type(value), "START_OBJECT" if isinstance(value, dict) else "NUMBER_VALUE")


def _wanted(shape: Shape) -> str:
    names = {"string": "String", "integer": "Integer", "long": "Long", "boolean": "Boolean", "list": "a List"}
    return names.get(shape.type_name) or str(shape.type_name).capitalize()
