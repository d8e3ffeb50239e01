"""What can be set about FSx."""

from dataclasses import dataclass

from ...registry import Context


@dataclass
class FsxSettings:
    """How long FSx takes for what it does."""

    fsx_creating_seconds: float = 0.3
    fsx_updating_seconds: float = 0.2
    fsx_deleting_seconds: float = 0.2
    fsx_increase_pause_seconds: float = 6 * 3600.0
    """How long after a change of storage, throughput or metadata performance no other one of its kind is taken."""
    association_creating_seconds: float = 0.2
    association_deleting_seconds: float = 0.1
    association_scan_seconds: float = 0.5
    repository_task_seconds: float = 0.1


def settings(ctx: Context) -> FsxSettings:
    """The settings as they are now."""
    return ctx.settings.of(FsxSettings)
