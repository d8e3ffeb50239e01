"""Pages of the AWS console."""

from __future__ import annotations

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.values.operation import Link

_HOSTS = (("cn-", "console.amazonaws.cn"), ("us-gov-", "console.amazonaws-us-gov.com"))
"""Host of each partition by the beginning of its regions' names; every other region's is console.aws.amazon.com."""


def link(aws: Aws, name: str, path: str) -> tuple[Link, ...]:
    """A link to a page of the console in this region; none but on real AWS."""
    if aws.settings.endpoint != "aws":
        return ()
    host = next((host for start, host in _HOSTS if aws.region.startswith(start)), "console.aws.amazon.com")
    return (Link(name=name, url=f"https://{aws.region}.{host}/{path}"),)
