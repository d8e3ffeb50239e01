"""The process that runs users' regular expressions. Standard library only; it ends with the one that started it.

It reads a line of JSON, ``{"expressions": [...], "texts": [...]}``, and answers a line for each expression: a list of
[number of the text, what its first group found], or null for one that is no expression or needs too much memory.
"""

import json
import re
import resource
import sys
from functools import lru_cache

_MEMORY = 512 << 20


@lru_cache(maxsize=512)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def matches(expression: str, texts: list[str]) -> list[tuple[int, str]] | None:
    """Where an expression is found in texts, and what its first group holds there."""
    try:
        pattern = _compiled(expression)
        if not pattern.groups:
            return []
        found = ((number, pattern.search(text)) for number, text in enumerate(texts))
        return [(number, match[1]) for number, match in found if match is not None and match[1] is not None]
    except (re.error, RecursionError, MemoryError, OverflowError):
        return None


def main() -> None:
    """Answer until nothing more is asked."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for line in sys.stdin.buffer:
        request = json.loads(line)
        for expression in request["expressions"]:
            sys.stdout.write(json.dumps(matches(expression, request["texts"])) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
