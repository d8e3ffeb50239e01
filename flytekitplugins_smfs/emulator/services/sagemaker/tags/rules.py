"""What SageMaker refuses of tags."""

from ....faults import AwsError

MOST = 50


def check(tags: list[dict[str, str]]) -> None:
    """Keys that begin with ``aws:`` are AWS's own; a key may be given once."""
    keys = [tag["Key"] for tag in tags]
    if any(key.lower().startswith("aws:") for key in keys):
        raise AwsError("ValidationException", "aws: prefixed tag key names are not allowed for external use.")
    if len(set(keys)) < len(keys):
        raise AwsError("ValidationException", "Duplicate tag keys are not allowed.")
