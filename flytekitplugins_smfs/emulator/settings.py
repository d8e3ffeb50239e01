"""What can be set about the embedded AWS: the account, the delays between states, and limits.

Values come from ``<state>/settings.json``, from ``start --set name=value`` and, while it runs, from
``PUT /_emulator/settings``; the last two are written back to the file, so that they hold after a restart.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from .files import replace_json

Group = TypeVar("Group")

log = logging.getLogger(__name__)


@dataclass
class Settings:
    """The settings of the emulator itself, and those that the services declare: dataclasses with defaults.

    Names in ``_seconds`` are delays. All names are different; outside of here they are one flat table. What a file
    names and nobody here has declared stays in the file and does nothing.
    """

    account: str = "123456789012"
    region: str = "us-east-1"
    calls_kept: int = 100_000
    """How many calls the record of calls keeps."""
    log_events_kept: int = 1_000_000
    """About how many events all log groups keep together."""
    metric_points_kept: int = 1_000_000
    """About how many data points all metrics keep together."""
    journal_kept: int = 50_000
    """How many changes of EC2, IAM and the like are remembered; more are refused."""
    max_processes: int = 64
    """How many processes of jobs may run at once; the jobs that follow wait in Starting."""

    groups: tuple[type, ...] = field(default=(), repr=False)
    file: Path | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._declared = {kind: kind() for kind in self.groups}
        self._unknown: dict[str, Any] = {}

    @classmethod
    def load(cls, path: Path, groups: tuple[type, ...] = ()) -> "Settings":
        """The settings of a state directory; defaults where the file says nothing."""
        settings = cls(groups=groups, file=path)
        known = {name for _, name, _ in settings._all()}
        try:
            kept = dict(json.loads(path.read_text()))
            settings._apply({name: value for name, value in kept.items() if name in known})
            settings._unknown = {name: value for name, value in kept.items() if name not in known}
        except FileNotFoundError:
            return settings
        except (ValueError, TypeError, RecursionError) as problem:
            log.error("%s is damaged, all settings have their defaults: %s", path, problem)
        return settings

    def of(self, kind: type[Group]) -> Group:
        """The settings that a service has declared."""
        declared: Group = self._declared[kind]
        return declared

    def update(self, changes: dict[str, Any]) -> None:
        """Set some values and write them to the file. Raises ValueError for an unknown name or a wrong type."""
        self._apply(changes)
        if self.file is not None:
            self._keep_damaged(self.file)
            defaults = Settings(groups=self.groups).as_dict()
            own = {name: value for name, value in self.as_dict().items() if value != defaults[name]}
            replace_json(self.file, {**self._unknown, **own}, indent=2)

    @staticmethod
    def _keep_damaged(file: Path) -> None:
        """Put a file that could not be read aside rather than write over it."""
        with suppress(FileNotFoundError):
            try:
                json.loads(file.read_text())
            except ValueError:
                file.replace(file.with_suffix(".json.damaged"))

    def as_dict(self) -> dict[str, Any]:
        """All settings by name."""
        return {name: getattr(holder, name) for holder, name, _ in self._all()}

    def _all(self) -> Iterator[tuple[Any, str, type]]:
        """What holds each setting, its name and its type."""
        for holder in (self, *self._declared.values()):
            for one in fields(holder):
                if one.name not in ("groups", "file"):
                    yield holder, one.name, type(one.default)

    def _apply(self, changes: dict[str, Any]) -> None:
        known = {name: (holder, kind) for holder, name, kind in self._all()}
        checked: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r}; known are: {', '.join(sorted(known))}")
            kind = known[name][1]
            try:
                checked[name] = _convert(value, kind)
            except (TypeError, ValueError, OverflowError):
                raise ValueError(f"setting {name!r} needs a {kind.__name__}, not {value!r}") from None
        for name, value in checked.items():
            setattr(known[name][0], name, value)


def _convert(value: Any, kind: type) -> Any:
    if kind is bool and isinstance(value, str):
        words = {"true": True, "1": True, "false": False, "0": False}
        if value.lower() not in words:
            raise ValueError(value)
        return words[value.lower()]
    converted = kind(value)
    if kind in (int, float) and not 0 <= converted < float("inf"):
        raise ValueError("neither negative nor infinite")
    return converted
