"""Amazon FSx for Lustre."""

from . import associations, filesystems, tags, tasks
from .service import service

__all__ = ["associations", "filesystems", "service", "tags", "tasks"]
