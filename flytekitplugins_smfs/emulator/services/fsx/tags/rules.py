"""What FSx refuses of tags."""

from ....faults import AwsError

MOST = 50
"""The tags that a resource may have."""


def check_tags(tags: list[dict[str, str]]) -> None:
    """Raise BadRequest for keys that are AWS's own, or given twice."""
    keys = [tag["Key"] for tag in tags]
    if any(key.lower().startswith("aws:") for key in keys):
        raise AwsError("BadRequest", "aws: prefixed tag key names are not allowed for external use.")
    if len(set(keys)) < len(keys):
        raise AwsError("BadRequest", "Duplicate tag keys are not allowed.")
