"""What can be set about the embedded AWS: the account, the delays between states, and limits.

Values come from ``<state>/settings.json``, from ``start --set name=value`` and, while it runs, from
``PUT /_emulator/settings``; the last two are written back to the file, so that they hold after a restart.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass
class Settings:
    """All settings with their defaults. Names in ``_seconds`` are delays; each service adds its own fields here."""

    account: str = "123456789012"
    region: str = "us-east-1"
    calls_kept: int = 100_000

    fsx_creating_seconds: float = 0.3
    fsx_updating_seconds: float = 0.2
    fsx_deleting_seconds: float = 0.2
    association_creating_seconds: float = 0.2
    association_deleting_seconds: float = 0.1
    association_scan_seconds: float = 0.5
    repository_task_seconds: float = 0.1

    training_starting_seconds: float = 0.2
    training_poll_seconds: float = 0.05
    training_stop_grace_seconds: float = 5.0
    training_threads: int = 1
    training_spot_price: float = 0.3
    training_isolation: bool = True
    tuning_poll_seconds: float = 0.1
    tuning_quota_jobs: int = 750
    tuning_quota_parallel_jobs: int = 10

    file: Path | None = field(default=None, repr=False)

    @classmethod
    def load(cls, path: Path) -> "Settings":
        """The settings of a state directory; defaults where the file says nothing."""
        settings = cls(file=path)
        if path.exists():
            settings._apply(json.loads(path.read_text()))
        return settings

    def update(self, changes: dict[str, Any]) -> None:
        """Set some values and write them to the file. Raises ValueError for an unknown name or a wrong type."""
        self._apply(changes)
        if self.file is not None:
            temporary = self.file.with_suffix(".tmp")
            defaults = Settings().as_dict()
            own = {name: value for name, value in self.as_dict().items() if value != defaults[name]}
            temporary.write_text(json.dumps(own, indent=2))
            temporary.replace(self.file)

    def as_dict(self) -> dict[str, Any]:
        values = asdict(self)
        del values["file"]
        return values

    def _apply(self, changes: dict[str, Any]) -> None:
        kinds = {f.name: type(f.default) for f in fields(self) if f.name != "file"}
        checked: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in kinds:
                raise ValueError(f"unknown setting {name!r}; known are: {', '.join(sorted(kinds))}")
            try:
                checked[name] = _convert(value, kinds[name])
            except (TypeError, ValueError):
                raise ValueError(f"setting {name!r} needs a {kinds[name].__name__}, not {value!r}") from None
        for name, value in checked.items():
            setattr(self, name, value)


def _convert(value: Any, kind: type) -> Any:
    if kind is bool and isinstance(value, str):
        words = {"true": True, "1": True, "false": False, "0": False}
        if value.lower() not in words:
            raise ValueError(value)
        return words[value.lower()]
    converted = kind(value)
    if kind in (int, float) and converted < 0:
        raise ValueError("negative")
    return converted
