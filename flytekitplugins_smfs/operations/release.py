"""Remove everything that one execution made and that costs money by being there: file systems and their links."""

from __future__ import annotations

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import EXECUTION_TAG, execution_label
from flytekitplugins_smfs.operations.base import Operation, now, timing
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.values.lustre.file_system import ReleaseSpec, Removed
from flytekitplugins_smfs.values.operation import Handle, Owner, Phase, Progress


class ReleaseHandle(Handle):
    """The file systems found when the release began."""

    file_system_ids: tuple[str, ...]


class Release(Operation[ReleaseSpec, ReleaseHandle, Removed]):
    """Delete what carries this execution's tag, until all is gone. Safe to run at any time and more than once."""

    name = "release"
    spec_type = ReleaseSpec
    handle_type = ReleaseHandle
    result_type = Removed

    def start(self, aws: Aws, spec: ReleaseSpec, owner: Owner) -> ReleaseHandle:
        found = tuple(owned_by(aws, owner.execution))
        return ReleaseHandle(region=aws.region, owner=owner, started_at=now(), file_system_ids=found)

    def look(self, aws: Aws, handle: ReleaseHandle) -> Progress[Removed]:
        left = [one for one in owned_by(aws, handle.owner.execution) if not records.remove_file_system(aws, one)]
        if left:
            return Progress(phase=Phase.RUNNING, message=f"Being removed: {', '.join(left)}")
        removed = Removed(removed=handle.file_system_ids, timing=timing(handle))
        return Progress(phase=Phase.SUCCEEDED, result=removed)

    def cancel(self, aws: Aws, handle: ReleaseHandle) -> bool:
        return True  # what is being deleted cannot be taken back

    def what(self, handle: ReleaseHandle) -> str:
        return f"release of what {handle.owner.execution} made"


def owned_by(aws: Aws, execution: str) -> list[str]:
    """Ids of the file systems that an execution made and that are still there, those being deleted included."""
    found = records.tagged(aws, EXECUTION_TAG, execution_label(execution))
    return [system["FileSystemId"] for system in found]
