"""The clock of the embedded AWS: real time plus an offset that a test moves."""

from datetime import UTC, datetime, timedelta

from .admin import Admin


class Clock:
    """What resources age by. Processes, their deadlines and signatures keep real time."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def now(self) -> datetime:
        """The time of the embedded AWS, in UTC."""
        return datetime.fromtimestamp(self._admin.get("clock")["now"], UTC)

    def advance(self, by: timedelta | float) -> datetime:
        """Move it forward by a time or by seconds; what falls due in between has happened then. Answers the new time.

        Raises EmulatorError for a negative time, and if what falls due takes very long.
        """
        seconds = by.total_seconds() if isinstance(by, timedelta) else float(by)
        return datetime.fromtimestamp(self._admin.put("clock", {"advance": seconds})["now"], UTC)

    def skip(self) -> None:
        """From now on, let it jump to what comes next whenever no process runs and no request is open."""
        self._admin.put("clock", {"mode": "skip"})

    def real(self) -> None:
        """From now on, let it go as fast as real time again. It does not go back."""
        self._admin.put("clock", {"mode": "real"})
