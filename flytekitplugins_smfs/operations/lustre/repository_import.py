"""Import the metadata of what is in S3 into a Lustre file system."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.kinds import Kind, Page, Window, by, date_of
from flytekitplugins_smfs.aws.names import FINGERPRINT_TAG, OWNER_TAG, owner_tags, tag_list, tag_map
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.base import NO_ORDER, Operation, is_new, now, seen, timing, unknown
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.owning import Difference, Making, own
from flytekitplugins_smfs.values.errors import Conflict, Invalid, Missing
from flytekitplugins_smfs.values.identity import mark, same
from flytekitplugins_smfs.values.lustre.repository_task import ImportSpec, RepositoryImport
from flytekitplugins_smfs.values.operation import Handle, Order, Owner, Phase, State
from flytekitplugins_smfs.values.plain import Json, Record

ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELED"})
BUSY = "DataRepositoryTaskExecuting"
"""AWS runs one task of a file system at a time."""


class ImportHandle(Handle):
    """An import under way."""

    task_id: str = ""
    """Empty while another task of the file system runs."""
    file_system_id: str
    awaited: Json | None = None
    """The spec of what is made once that has ended."""


def _described(aws: Aws, task_id: str) -> Json:
    doing = f"reading data repository task {task_id}"
    answer = aws.call("fsx", "DescribeDataRepositoryTasks", {"TaskIds": [task_id]}, doing=doing)
    return records.only(
        answer["DataRepositoryTasks"], doing, "DescribeDataRepositoryTasks", "DataRepositoryTaskNotFound"
    )


def _page(aws: Aws, window: Window, token: str | None) -> Page:
    request = {"NextToken": token} if token else {}
    answer = aws.call("fsx", "DescribeDataRepositoryTasks", request, doing="listing data repository tasks")
    return Page(by("TaskId", answer["DataRepositoryTasks"]), answer.get("NextToken"), date_of(answer))


def _ended(record: Record) -> bool:
    return record.get("Lifecycle") in ENDED


TASK = Kind("data repository task", _described, _page, _ended, whole=True)


class TaskMaking(Making):
    """The import of a step; another attempt takes up one that runs, and begins anew after one that failed."""

    def __init__(self, spec: ImportSpec, owner: Owner) -> None:
        self.spec, self.owner = spec, owner
        self.what = f"The import into {spec.file_system.id}"

    def find(self, aws: Aws) -> Sequence[Record]:
        request = {"Filters": [{"Name": "file-system-id", "Values": [self.spec.file_system.id]}]}
        doing = f"looking for imports into {self.spec.file_system.id}"
        pages = aws.pages("fsx", "DescribeDataRepositoryTasks", "DataRepositoryTasks", request, doing=doing)
        return [task for task in pages if records.has_tag(task, OWNER_TAG, self.owner.key)]

    def dead(self, record: Record) -> bool:
        return record["Lifecycle"] in ("FAILED", "CANCELED", "CANCELING")

    def differences(self, aws: Aws, record: Record) -> Iterable[Difference] | None:
        return () if same(self.spec, tag_map(record.get("Tags")).get(FINGERPRINT_TAG)) else None

    def create(self, aws: Aws, token: str) -> Record:
        request = {
            "FileSystemId": self.spec.file_system.id,
            "Type": "IMPORT_METADATA_FROM_REPOSITORY",
            "Paths": list(self.spec.paths),
            "Report": {"Enabled": False},
            "ClientRequestToken": token,
            "Tags": tag_list(owner_tags(self.owner, mark(self.spec), aws.settings.tags, self.spec.tags)),
        }
        doing = f"starting an import into {self.spec.file_system.id}"
        made: Record = aws.call("fsx", "CreateDataRepositoryTask", request, doing=doing)["DataRepositoryTask"]
        return made

    def id(self, record: Record) -> str:
        return str(record["TaskId"])

    def identity(self) -> tuple[str, ...]:
        return ("import", self.owner.key, mark(self.spec))


class ImportRepository(Operation[ImportSpec, ImportHandle, RepositoryImport]):
    """FSx CreateDataRepositoryTask (IMPORT_METADATA_FROM_REPOSITORY), until it has SUCCEEDED."""

    name = "repository-import"
    spec_type = ImportSpec
    handle_type = ImportHandle
    result_type = RepositoryImport

    def start(self, aws: Aws, spec: ImportSpec, owner: Owner, order: Order = NO_ORDER) -> ImportHandle:
        there = aws.at(spec.file_system.region)
        fields = {"region": there.region, "owner": owner, "started_at": now(), "file_system_id": spec.file_system.id}
        try:
            made = own(there, TaskMaking(spec, owner)) or {}
        except Conflict as fault:
            if fault.code != BUSY:
                raise
            return ImportHandle(awaited=spec.model_dump(mode="json"), **fields)
        return ImportHandle(task_id=made["TaskId"], **fields)

    def state(self, aws: Aws, handle: ImportHandle) -> State:
        if not handle.task_id:
            return self._awaited(aws, handle)
        known = seen(aws, TASK, handle.task_id, handle)
        if known.record is None:
            gone = known.gone and not is_new(handle)
            said = State(Phase.FAILED, f"{handle.task_id} does not exist (any more)")
            return said if gone else unknown(aws, handle, (), handle.task_id)
        task, age = known.record, view(aws).age(known)
        lifecycle = task["Lifecycle"]
        if lifecycle == "SUCCEEDED":
            return State(Phase.SUCCEEDED, record=task, age=age)
        if lifecycle in ENDED:
            return State(Phase.FAILED, f"Import {handle.task_id}: {records.failure(task)}", record=task, age=age)
        counted = task.get("Status", {})
        total, done = counted.get("TotalCount", 0), counted.get("SucceededCount", 0) + counted.get("FailedCount", 0)
        phase = Phase.INITIALIZING if lifecycle == "PENDING" else Phase.RUNNING
        message = f"{handle.task_id} is {lifecycle.lower()}: {done} of {total or '?'} files"
        return State(phase, message, fraction=min(1.0, done / total) if total else None, age=age)

    def _awaited(self, aws: Aws, handle: ImportHandle) -> State:
        """AWS runs one task of a file system at a time; beginning is as idempotent as a start."""
        spec = ImportSpec.model_validate(handle.awaited)
        begun = self.start(aws, spec, handle.owner)
        if not begun.task_id:
            return State(Phase.WAITING, f"another task of {handle.file_system_id} runs")
        return self.state(aws, begun)

    def result(self, aws: Aws, handle: ImportHandle, state: State) -> RepositoryImport:
        counted = state.record.get("Status", {})
        return RepositoryImport(
            task_id=state.record["TaskId"],
            file_system_id=handle.file_system_id,
            files=counted.get("TotalCount", 0),
            failed=counted.get("FailedCount", 0),
            timing=timing(handle, state.record.get("CreationTime"), state.record.get("EndTime")),
        )

    def cancel(self, aws: Aws, handle: ImportHandle) -> bool:
        there = aws.at(handle.region)
        task_id = handle.task_id or self._begun(there, handle)
        if not task_id:
            return True
        try:
            lifecycle = _described(there, task_id)["Lifecycle"]
            if lifecycle not in (*ENDED, "CANCELING"):
                doing = f"cancelling data repository task {task_id}"
                there.call("fsx", "CancelDataRepositoryTask", {"TaskId": task_id}, doing=doing)
        except Missing:
            return True
        except (Conflict, Invalid):  # it has just ended by itself
            lifecycle = _described(there, task_id)["Lifecycle"]
        view(there).doubt(TASK, task_id)
        return lifecycle in ENDED

    def _begun(self, aws: Aws, handle: ImportHandle) -> str:
        making = TaskMaking(ImportSpec.model_validate(handle.awaited), handle.owner)
        return next((making.id(one) for one in making.find(aws) if not making.dead(one)), "")

    def what(self, handle: ImportHandle) -> str:
        return f"import {handle.task_id} into {handle.file_system_id}".replace("  ", " ")
