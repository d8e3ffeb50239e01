"""Values drawn from the service models: what a shape allows, where its members are, and what it must not be."""

from __future__ import annotations

import copy
import random
import string
from collections.abc import Callable, Iterator
from functools import cache
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from flytekitplugins_smfs.emulator.validation import _compiled

Path = tuple[str | int, ...]
"""Of a value in a request: names of members, 0 for the element of a list, "key" and "value" of a map."""
KEY, VALUE = "<key>", "<value>"
_LETTERS = string.ascii_letters + string.digits
_MANY = 3
"""How many elements beyond the fewest are drawn at most."""
_FSX_ARN = (
    r"^arn:(?=[^:]+:fsx:[^:]+:\d{12}:)((|(?=[a-z0-9-.]{1,63})(?!\d{1,3}(\.\d{1,3}){3})"
    r"(?![^:]*-{2})(?![^:]*-\.)(?![^:]*\.-)[a-z0-9].*(?<!-)):){4}(?!/).{0,1024}$"
)
_KNOWN = {_FSX_ARN: r"arn:aws:fsx:us-east-1:[0-9]{12}:file-system/fs-[0-9a-f]{17}"}
"""What is drawn for patterns that are made of look-aheads."""


def leaves(shape: Any, kinds: tuple[str, ...], path: Path = (), above: tuple[str, ...] = ()) -> Iterator[Path]:
    """Where a shape has values of these kinds. A shape within itself is entered once."""
    if shape is None or shape.name in above:
        return
    kind, inside = shape.type_name, (*above, shape.name)
    if kind in kinds:
        yield path
    if kind == "structure":
        for name, member in shape.members.items():
            yield from leaves(member, kinds, (*path, name), inside)
    elif kind == "list":
        yield from leaves(shape.member, kinds, (*path, 0), inside)
    elif kind == "map":
        yield from leaves(shape.key, kinds, (*path, KEY), inside)
        yield from leaves(shape.value, kinds, (*path, VALUE), inside)


def shape_at(shape: Any, path: Path) -> Any:
    """The shape of the value at a path."""
    for step in path:
        kind = shape.type_name
        shape = shape.members[step] if kind == "structure" else shape.member if kind == "list" else step_of(shape, step)
    return shape


def step_of(shape: Any, step: str | int) -> Any:
    return shape.key if step == KEY else shape.value


class Drawing:
    """Draws values with a random generator: the same seed draws the same."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def request(self, shape: Any, optional: float = 0.0) -> dict[str, Any]:
        """What a model allows as a request; ``optional`` is how likely a member is there that may be missing."""
        return {} if shape is None else self.value(shape, optional)

    def value(self, shape: Any, optional: float = 0.0, depth: int = 0) -> Any:
        """Any value that a shape allows."""
        kind, limits = shape.type_name, shape.metadata
        if kind == "structure":
            return self._structure(shape, optional, depth)
        if kind == "list":
            return [self.value(shape.member, optional, depth + 1) for _ in range(self._count(limits, optional, depth))]
        if kind == "map":
            count = range(self._count(limits, optional, depth))
            return {self.value(shape.key): self.value(shape.value, optional, depth + 1) for _ in count}
        if kind == "string":
            return self.text(limits)
        if kind == "boolean":
            return self.chance.random() < 0.5
        if kind == "timestamp":
            return float(self.chance.randrange(2_000_000_000))
        if kind == "blob":
            return self.chance.randbytes(max(1, self._count(limits, 1, 0)))  # an empty payload is none in REST
        return self.number(kind, limits)

    def number(self, kind: str, limits: dict[str, Any]) -> float:
        low = limits.get("min", -5)
        high = limits.get("max", low + 10 if "min" in limits else 1_000_000)
        drawn = self.chance.choice([low, high, self.chance.uniform(low, high)])
        return float(drawn) if kind in ("float", "double") else int(drawn)

    def text(self, limits: dict[str, Any]) -> str:
        """A string within its limits; of those that a pattern and the lengths allow."""
        if limits.get("enum"):
            return str(self.chance.choice(limits["enum"]))
        low, high = limits.get("min", 0), limits.get("max", 200)
        if "pattern" not in limits:
            length = self.chance.choice([low, min(high, low + 1), min(high, low + 12), min(high, 300)])
            alphabet = _LETTERS if self.chance.random() < 0.5 else "aZ0 -_./:\"'<>&%\u00e9\u4e16\U0001f600"
            return "".join(self.chance.choices(alphabet, k=max(low, length)))
        pattern = limits["pattern"]
        compiled = _compiled(pattern)
        assert compiled is not None, pattern
        for attempt in range(400):
            drawn = _matching(pattern, self.chance, attempt)
            if attempt % 2:
                drawn = drawn[:high]
            if low <= len(drawn) <= high and compiled.fullmatch(drawn):
                return drawn
        raise AssertionError(f"no text was found of {low} to {high} letters that matches {pattern}")

    def placed(self, shape: Any, request: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
        """A copy of a request with a value at a path; what is missing on the way is drawn."""
        return self._placed(shape, copy.deepcopy(request), path, value)  # type: ignore[no-any-return]

    def _placed(self, shape: Any, there: Any, path: Path, value: Any) -> Any:
        if not path:
            return value
        step, rest = path[0], path[1:]
        if there is None:
            there = self.value(shape)
        if shape.type_name == "structure":
            there[step] = self._placed(shape.members[step], there.get(step), rest, value)
        elif shape.type_name == "list":
            first = self._placed(shape.member, there[0] if there else None, rest, value)
            there = [first, *there[1:]]
        elif step == KEY:
            there[value] = self.value(shape.value)
        else:
            key = next(iter(there), None) or self.value(shape.key)
            there[key] = self._placed(shape.value, there.get(key), rest, value)
        return there

    def _structure(self, shape: Any, optional: float, depth: int) -> dict[str, Any]:
        drawn = {}
        for name, member in shape.members.items():
            if name in shape.required_members or self.chance.random() < optional / (depth + 1):
                drawn[name] = self.value(member, optional if depth < 4 else 0.0, depth + 1)
        return drawn

    def _count(self, limits: dict[str, Any], optional: float, depth: int) -> int:
        low = int(limits.get("min", 0))
        most = min(int(limits.get("max", low + _MANY)), low + (_MANY if depth < 3 else 1))
        return self.chance.randint(low, most) if optional else low


@cache
def _tree(pattern: str) -> Any:
    return parser.parse(_KNOWN.get(pattern, _compiled(pattern).pattern))  # type: ignore[union-attr]


def _matching(pattern: str, chance: random.Random, attempt: int) -> str:
    """Some text after a pattern, look-aheads aside: the caller sees whether it matches."""
    most = (1, 4, 12, 40)[attempt % 4]
    return "".join(_drawn(_tree(pattern), chance, most, {}))


def _drawn(tree: Any, chance: random.Random, most: int, groups: dict[int, str]) -> Iterator[str]:
    for op, argument in tree:
        if op is ops.LITERAL:
            yield chr(argument)
        elif op is ops.NOT_LITERAL:
            yield chance.choice([letter for letter in _LETTERS if ord(letter) != argument])
        elif op is ops.ANY:
            yield chance.choice(_LETTERS)
        elif op is ops.IN:
            yield _one_of(argument, chance)
        elif op is ops.BRANCH:
            yield from _drawn(chance.choice(argument[1]), chance, most, groups)
        elif op is ops.SUBPATTERN:
            text = "".join(_drawn(argument[3], chance, most, groups))
            groups[argument[0]] = text
            yield text
        elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            low, high, inner = argument
            for _ in range(chance.randint(low, max(low, min(high, low + most)))):
                yield from _drawn(inner, chance, most, groups)
        elif op is ops.GROUPREF:
            yield groups[argument]


def _one_of(choices: Any, chance: random.Random) -> str:
    """A letter of a class; of a negated one, a plain letter that is not in it."""
    if choices[0][0] is ops.NEGATE:
        banned = choices[1:]
        allowed = [letter for letter in _LETTERS + " ./-" if not any(_has(choice, letter) for choice in banned)]
        return chance.choice(allowed)
    op, argument = chance.choice(choices)
    if op is ops.LITERAL:
        return chr(argument)
    if op is ops.RANGE:
        return chr(chance.randint(argument[0], argument[1]))
    return chance.choice([letter for letter in _LETTERS + "_ " if _has((op, argument), letter)] or ["-"])


def _has(choice: Any, letter: str) -> bool:
    op, argument = choice
    if op is ops.LITERAL:
        return bool(ord(letter) == argument)
    if op is ops.RANGE:
        return bool(argument[0] <= ord(letter) <= argument[1])
    tests: dict[Any, Callable[[str], bool]] = {
        ops.CATEGORY_DIGIT: str.isdigit,
        ops.CATEGORY_SPACE: str.isspace,
        ops.CATEGORY_WORD: lambda one: one.isalnum() or one == "_",
        ops.CATEGORY_NOT_DIGIT: lambda one: not one.isdigit(),
        ops.CATEGORY_NOT_SPACE: lambda one: not one.isspace(),
        ops.CATEGORY_NOT_WORD: lambda one: not (one.isalnum() or one == "_"),
    }
    return tests[argument](letter)
