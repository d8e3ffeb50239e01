"""Pages of a list: MaxResults and NextToken."""

import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

from .faults import AwsError

Item = TypeVar("Item")


def page(
    items: Sequence[Item],
    size: int | None,
    token: str | None,
    code: str = "BadRequest",
    fitting: Callable[[Sequence[Item]], int] | None = None,
) -> tuple[Sequence[Item], str | None]:
    """The page that a token stands for and the token of the next, or None at the end.

    ``fitting`` tells how many of what would be a page are one, at least one, where not only their number counts.
    """
    start = _offset(token, code) if token else 0
    end = start + size if size else len(items)
    if fitting is not None and items[start:end]:
        end = start + fitting(items[start:end])
    return items[start:end], _token(end) if end < len(items) else None


def _token(offset: int) -> str:
    return base64.b64encode(f"offset:{offset}".encode()).decode()


def _offset(token: str, code: str) -> int:
    try:
        name, _, number = base64.b64decode(token, validate=True).decode().partition(":")
        if name != "offset" or not number.isdecimal():
            raise ValueError(token)
        return int(number)
    except ValueError:
        raise AwsError(code, "Invalid NextToken.") from None
