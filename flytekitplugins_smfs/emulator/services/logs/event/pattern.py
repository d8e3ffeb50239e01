"""The language of filter patterns.

Source: "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live Tail" in the
CloudWatch Logs user guide.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ....faults import NotImplementedByEmulator
from ..service import bad
from .json_pattern import json_matcher

Matcher = Callable[[str], bool]
"""Whether a message is among those that a pattern finds."""

_TERM = re.compile(r"\s*(?P<sign>[-?]?)(?:\"(?P<phrase>(?:[^\"\\]|\\.)*)\"|(?P<word>[^\s\"]+))(?=\s|$|\")")


@dataclass(frozen=True)
class _Term:
    sign: str
    text: str


def matcher(pattern: str) -> Matcher:
    """What finds the messages of a pattern.

    Terms must all be there, in any order; ``-term`` must not; of ``?term`` one must, and they count only among
    themselves. A term in double quotes may hold anything. ``{ ... }`` looks into messages that are JSON.

    Raises InvalidParameterException for a pattern that is none, and by name for regular expressions and for patterns
    of columns.
    """
    stripped = pattern.strip()
    if stripped.startswith("{"):
        return json_matcher(stripped)
    if stripped.startswith("["):
        raise NotImplementedByEmulator(f"the filter pattern {pattern!r} of space-delimited columns")
    if stripped.startswith("%"):
        raise NotImplementedByEmulator(f"the regular expression {pattern!r} as a filter pattern")
    terms = _terms(stripped)
    needed = [term.text for term in terms if not term.sign]
    banned = [term.text for term in terms if term.sign == "-"]
    either = [term.text for term in terms if term.sign == "?"] if not needed and not banned else []

    def matches(message: str) -> bool:
        return (
            all(text in message for text in needed)
            and not any(text in message for text in banned)
            and (not either or any(text in message for text in either))
        )

    return matches


def _terms(pattern: str) -> list[_Term]:
    terms, position = [], 0
    while position < len(pattern):
        read = _TERM.match(pattern, position)
        if read is None:
            raise bad("Invalid filter pattern")
        word = read["word"]
        if word is not None and not word.replace("_", "a").isalnum():
            raise bad(f"Invalid character(s) in term '{word}'")
        terms.append(_Term(read["sign"], word if word is not None else re.sub(r"\\(.)", r"\1", read["phrase"])))
        position = read.end()
    return terms
