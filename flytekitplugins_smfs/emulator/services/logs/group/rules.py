"""What is refused of log groups.

Sources: API reference of CreateLogGroup, DescribeLogGroups, PutRetentionPolicy and TagResource.
"""

from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from ..service import bad

_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
_TAGS = 50


def check_retention(days: int) -> None:
    """Days are one of a list."""
    if days not in _DAYS:
        raise bad(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(map(str, _DAYS))}]"
        )


def check_listing(request: dict[str, Any]) -> None:
    """One way of choosing groups at a time, of one's own account."""
    if request.get("includeLinkedAccounts") or "accountIdentifiers" in request:
        raise NotImplementedByEmulator("log groups of linked accounts")
    ways = [way for way in ("logGroupNamePrefix", "logGroupNamePattern", "logGroupIdentifiers") if request.get(way)]
    if ways[:2] == ["logGroupNamePrefix", "logGroupNamePattern"]:
        raise bad("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    if len(ways) > 1:
        raise bad(f"{ways[0]} and {ways[1]} are mutually exclusive parameters.")


def check_tags(tags: dict[str, str]) -> None:
    """As many as AWS allows, and none of the names it keeps for itself."""
    if len(tags) > _TAGS:
        raise AwsError("TooManyTagsException", f"A resource can have at most {_TAGS} tags.")
    for name in tags:
        if name.lower().startswith("aws:"):
            raise bad(f"Tag keys that begin with aws: are reserved: {name}")
