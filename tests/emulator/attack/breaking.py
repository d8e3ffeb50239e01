"""One constraint of a model broken in a request, by construction: no checker decides whether it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flytekitplugins_smfs.emulator.validation import _compiled
from tests.emulator.attack.drawing import KEY, VALUE, Drawing, Path, leaves, shape_at

_KINDS = ("string", "list", "map", "structure", "integer", "long", "float", "double", "boolean", "timestamp", "blob")
_NUMBERS = ("integer", "long", "float", "double")
Break = tuple[str, Any]


def breaks(drawing: Drawing, shape: Any, request: dict[str, Any], protocol: str) -> tuple[dict[str, Any], str]:
    """The request with something broken, and what that is; as it was where there is nothing to break."""
    paths = [path for path in leaves(shape, _KINDS) if path and path[-1] != KEY]
    drawing.chance.shuffle(paths)
    for path in paths[:20]:
        found = list(_broken(drawing, shape_at(shape, path), protocol))
        if protocol != "rest-json" and path[-1] in getattr(shape_at(shape, path[:-1]), "required_members", ()):
            found.append(("missing", None))
        if found:
            how, value = drawing.chance.choice(found)
            changed = drawing.placed(shape, request, path, value)
            if how == "missing":
                _holder(changed, path).pop(path[-1])
            if protocol == "query" and _empty(_holder(changed, path)):
                continue  # a structure without members is nothing in a form
            return changed, f"{how} at {path}"
    return request, ""


def _holder(request: Any, path: Path) -> Any:
    """The structure that has the last member of a path."""
    for step in path[:-1]:
        request = next(iter(request.values())) if step == VALUE else request[step]
    return request


def _empty(value: Any) -> bool:
    """Whether there is nothing in a value, or in an element of it."""
    if not isinstance(value, (dict, list)):
        return False
    return not value or any(_empty(one) for one in (value.values() if isinstance(value, dict) else value))


def _broken(drawing: Drawing, shape: Any, protocol: str) -> Iterator[Break]:
    """Values that a shape does not allow, and why."""
    limits, kind = shape.metadata, shape.type_name
    low, high = limits.get("min"), limits.get("max")
    makers: dict[str, Callable[[int], Any]] = {
        "string": lambda length: "a" * length,
        "blob": lambda length: b"a" * length,
        "list": lambda length: [drawing.value(shape.member) for _ in range(length)],
    }
    if kind in _NUMBERS:
        if low is not None:
            yield "too small", low - 1
        if high is not None and high < 2**31 - 1:
            yield "too large", high + 1
    elif kind in makers:
        if low and protocol != "rest-json":  # an empty path or header is another request
            yield "too short", makers[kind](low - 1)
        if high is not None and high < 20_000:
            yield "too long", makers[kind](high + 1)
    if limits.get("enum"):
        yield "not of the enum", "nothing-of-the-kind"
    if "pattern" in limits and (text := _unmatched(limits["pattern"], protocol)):
        yield "against the pattern", text
    if protocol == "json":
        yield "of another type", [[1]] if kind != "list" else {"a": 1}


def _unmatched(pattern: str, protocol: str) -> str:
    """A text that a pattern does not match, if some odd one does not."""
    compiled = _compiled(pattern)
    odd = ("!", "a b", "\u2603", "\x01") if protocol != "rest-json" else ("!", "a b")
    return next((text for text in odd if compiled is not None and not compiled.fullmatch(text)), "")
