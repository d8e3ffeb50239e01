"""Filter patterns that look into messages of JSON: ``{ $.level = "ERROR" && ($.code >= 500 || $.user IS NULL) }``."""

import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from ....faults import NotImplementedByEmulator
from ..service import bad

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<end>$) | (?P<and>&&) | (?P<or>\|\|) | (?P<open>\() | (?P<close>\)) | (?P<operator>!=|<=|>=|=|<|>)
      | (?P<selector>\$(?:\.[\w-]+|\[\d+\]|\["[^"]+"\])+)
      | "(?P<text>(?:[^"\\]|\\.)*)" | (?P<word>[\w*.+:/@-]+)
    )""",
    re.VERBOSE,
)
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]|\[\"([^\"]+)\"\]")
_DEEPEST = 20
_ABSENT = object()

Test = Callable[[Any], bool]


def json_matcher(pattern: str) -> Callable[[str], bool]:
    """What finds the messages of a pattern in braces. Raises InvalidParameterException for one that is none."""
    if not pattern.endswith("}"):
        raise bad("Invalid filter pattern")
    if "%" in pattern:
        raise NotImplementedByEmulator(f"the regular expression in the filter pattern {pattern!r}")
    test = _Parser(pattern[1:-1]).whole()

    def matches(message: str) -> bool:
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, dict | list) and test(document)

    return matches


class _Parser:
    """Reads ``a && b || c`` with parentheses; ``&&`` binds closer."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._depth = 0
        self._kind = self._value = ""
        self._step()

    def whole(self) -> Test:
        test = self._any()
        if self._kind != "end":
            raise bad("Invalid filter pattern")
        return test

    def _step(self) -> None:
        found = _TOKEN.match(self._text, self._position)
        if found is None or found.lastgroup is None:
            raise bad("Invalid filter pattern")
        self._kind, self._value = found.lastgroup, found[found.lastgroup]
        self._position = found.end()

    def _take(self, kind: str) -> str:
        if self._kind != kind:
            raise bad("Invalid filter pattern")
        value = self._value
        self._step()
        return value

    def _any(self) -> Test:
        tests = [self._all()]
        while self._kind == "or":
            self._step()
            tests.append(self._all())
        return lambda document: any(test(document) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._kind == "and":
            self._step()
            tests.append(self._one())
        return lambda document: all(test(document) for test in tests)

    def _one(self) -> Test:
        if self._kind != "open":
            return self._comparison()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise bad("Invalid filter pattern")
        self._step()
        test = self._any()
        self._take("close")
        self._depth -= 1
        return test

    def _comparison(self) -> Test:
        steps = [key or name or int(index) for key, index, name in _STEP.findall(self._take("selector"))]
        if self._kind == "word":
            return self._word_test(steps)
        operator = self._take("operator")
        quoted, wanted = self._kind == "text", self._value
        if self._kind not in ("text", "word"):
            raise bad("Invalid filter pattern")
        self._step()
        if quoted:
            wanted = re.sub(r"\\(.)", r"\1", wanted)
        number = None if quoted else _number(wanted)
        if operator not in ("=", "!=") and number is None:
            raise bad("Invalid filter pattern")
        return lambda document: _compare(_at(document, steps), operator, wanted, number)

    def _word_test(self, steps: list[Any]) -> Test:
        words = (self._take("word").upper(), self._take("word").upper())
        if words == ("NOT", "EXISTS"):
            return lambda document: _at(document, steps) is _ABSENT
        known = {"NULL": None, "TRUE": True, "FALSE": False}
        if words[0] != "IS" or words[1] not in known:
            raise bad("Invalid filter pattern")
        return lambda document: _at(document, steps) is known[words[1]]


def _at(document: Any, steps: list[Any]) -> Any:
    """What a selector leads to, or _ABSENT."""
    for step in steps:
        if not isinstance(document, list if isinstance(step, int) else dict):
            return _ABSENT
        try:
            document = document[step]
        except LookupError:
            return _ABSENT
    return document


def _compare(value: Any, operator: str, wanted: str, number: float | None) -> bool:
    """A number is compared as one, text by its letters, with ``*`` for any; nothing else is compared."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    if number is None or isinstance(value, str):
        equal = fnmatchcase(str(value), wanted.replace("[", "[[]").replace("?", "[?]"))
        return operator == ("=" if equal else "!=")
    return {
        "=": value == number,
        "!=": value != number,
        "<": value < number,
        ">": value > number,
        "<=": value <= number,
        ">=": value >= number,
    }[operator]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
