"""Who may talk to the servers of an account, as it was said when they were started."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Access:
    """Who may talk to a server: further ``names`` of this host; ``insecure`` is with signatures off."""

    names: tuple[str, ...] = ()
    insecure: bool = False

    def arguments(self) -> list[str]:
        """The same, for the S3 process."""
        named = [word for name in self.names for word in ("--name", name)]
        return [*named, "--insecure"] if self.insecure else named
