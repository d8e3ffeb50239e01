"""What SageMaker refuses of tags."""

from ....tagging import check_keys

MOST = 50


def check(tags: list[dict[str, str]]) -> None:
    """Keys that begin with ``aws:`` are AWS's own; a key may be given once."""
    check_keys(tags, "ValidationException")
