"""Who may talk to the servers of an account, as it was said when they were started."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Access:
    """Who may talk to a server: further ``names`` of this host; ``insecure`` is with signatures off."""

    names: tuple[str, ...] = ()
    insecure: bool = False
