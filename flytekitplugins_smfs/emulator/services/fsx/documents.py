"""What the documents of all of FSx's resources share: how ids are made, and what is shown of them."""

import random
from typing import Any


def new_id(prefix: str, digits: int = 17) -> str:
    """An id as FSx makes them: ``fs-`` and 17 hexadecimal digits."""
    return f"{prefix}-{random.getrandbits(4 * digits):0{digits}x}"


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """A document as a response has it. Members of our own are dropped by the output shape."""
    return {name: value for name, value in document.items() if value not in (None, [])}
