"""What FSx refuses of tags."""

from ....tagging import check_keys

MOST = 50
"""The tags that a resource may have."""


def check_tags(tags: list[dict[str, str]]) -> None:
    """Raise BadRequest for keys that are AWS's own, or given twice."""
    check_keys(tags, "BadRequest")
