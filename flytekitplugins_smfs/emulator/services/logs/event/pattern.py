"""The language of filter patterns."""

import shlex
from collections.abc import Callable

from ....faults import NotImplementedByEmulator


def matcher(pattern: str) -> Callable[[str], bool]:
    """Words that must all be there, ``-word`` that must not, ``?word`` of which one must."""
    if pattern.lstrip().startswith(("{", "[", "%")):
        raise NotImplementedByEmulator(f"the filter pattern {pattern!r}; only words are")
    words = shlex.split(pattern)
    needed = [word for word in words if word[0] not in "-?"]
    banned = [word[1:] for word in words if word[0] == "-"]
    either = [word[1:] for word in words if word[0] == "?"]

    def matches(message: str) -> bool:
        if needed:
            wanted = all(word in message for word in needed)
        else:
            wanted = not either or any(word in message for word in either)
        return wanted and not any(word in message for word in banned)

    return matches
