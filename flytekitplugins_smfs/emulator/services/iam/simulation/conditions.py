"""Whether a statement's conditions hold for the keys that a simulation gives.

"IAM JSON policy elements: Condition operators" of the IAM user guide. A key that is not given fails its condition,
unless the operator ends in IfExists, negates, or asks for absence.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ....faults import NotImplementedByEmulator

Keys = Mapping[str, list[str]]
"""Values by the name of the key in lower case."""


def like(pattern: str, text: str, *, fold: bool = False) -> bool:
    """Whether a text fits a pattern of ``*`` and ``?``, in a time that no pattern can stretch."""
    if fold:
        pattern, text = pattern.lower(), text.lower()
    at = place = 0
    star, behind = -1, 0
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, behind = at, place
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            behind += 1
            at, place = star + 1, behind
        else:
            return False
    return pattern[at:].strip("*") == ""


def _number(test: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def compare(wanted: str, given: str) -> bool:
        try:
            return test(float(given), float(wanted))
        except ValueError:
            return False

    return compare


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, given: wanted == given,
    "StringEqualsIgnoreCase": lambda wanted, given: wanted.lower() == given.lower(),
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": lambda wanted, given: wanted.lower() == given.lower(),
    "NumericEquals": _number(lambda given, wanted: given == wanted),
    "NumericLessThan": _number(lambda given, wanted: given < wanted),
    "NumericLessThanEquals": _number(lambda given, wanted: given <= wanted),
    "NumericGreaterThan": _number(lambda given, wanted: given > wanted),
    "NumericGreaterThanEquals": _number(lambda given, wanted: given >= wanted),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
}


def hold(statement: Mapping[str, Any], keys: Keys) -> bool:
    """Whether all conditions of a statement hold. Raises NotImplementedByEmulator for an operator not known here."""
    return all(
        _holds(operator, key, [str(value) for value in listed(wanted)], keys)
        for operator, block in statement.get("Condition", {}).items()
        for key, wanted in block.items()
    )


def asked(statement: Mapping[str, Any]) -> set[str]:
    """The keys that a statement's conditions look at, as it writes them."""
    return {key for block in statement.get("Condition", {}).values() for key in block}


def listed(value: Any) -> list[Any]:
    """A policy may write a list of one without its brackets."""
    return value if isinstance(value, list) else [value]


def _holds(operator: str, key: str, wanted: list[str], keys: Keys) -> bool:
    given = keys.get(key.lower())
    if operator == "Null":
        return wanted[0].lower() == ("true" if given is None else "false")
    quantifier, _, name = operator.rpartition(":")
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    negated = name in _NEGATED
    test = _TESTS.get(_NEGATED.get(name, name))
    if test is None or quantifier not in ("", "ForAnyValue", "ForAllValues"):
        raise NotImplementedByEmulator(f"the condition operator {operator} in a policy")
    if given is None:
        return optional or negated or quantifier == "ForAllValues"
    fits = [any(test(one, value) for one in wanted) != negated for value in given]
    if quantifier == "ForAnyValue":
        return any(fits)
    return all(fits)
