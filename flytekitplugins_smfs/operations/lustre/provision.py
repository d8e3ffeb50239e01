"""Create a Lustre file system and link S3 prefixes to it: what is two steps or more, in one."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import OWNER_TAG
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.base import NO_ORDER, Operation, timing
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.lustre.create import CreateLustre, LustreHandle, described
from flytekitplugins_smfs.operations.lustre.link import AssociationMaking, linked, remove_own
from flytekitplugins_smfs.operations.lustre.removal import remove_association
from flytekitplugins_smfs.operations.owning import own
from flytekitplugins_smfs.values.errors import Capacity, Denied, Missing, SmfsError
from flytekitplugins_smfs.values.lustre.link import LinkSpec
from flytekitplugins_smfs.values.lustre.provision import LinkedFileSystem, ProvisionSpec
from flytekitplugins_smfs.values.operation import Link, Order, Owner, Phase, State
from flytekitplugins_smfs.values.plain import Json, Record

CREATE = CreateLustre()
CREATING_TIME = 2.0
"""Seconds within which the last link of one answer is begun; the others follow with the next one."""


class ProvisionHandle(LustreHandle):
    """A file system being created, and what is linked to it then."""

    awaited: tuple[Json, ...] = ()
    """The options of each link. AWS makes links only once the file system is AVAILABLE, so none has an id yet."""


class ProvisionLustre(Operation[ProvisionSpec, ProvisionHandle, LinkedFileSystem]):
    """FSx CreateFileSystem until it is AVAILABLE, then CreateDataRepositoryAssociation for each link, until all are.

    The handle cannot change after the start. So which links there are is read anew for each answer, and making those
    that are missing is as idempotent as a start.
    """

    name = "lustre-provision"
    spec_type = ProvisionSpec
    handle_type = ProvisionHandle
    result_type = LinkedFileSystem

    def start(self, aws: Aws, spec: ProvisionSpec, owner: Owner, order: Order = NO_ORDER) -> ProvisionHandle:
        system = CREATE.start(aws, spec.file_system, owner)
        awaited = tuple(link.model_dump(mode="json") for link in spec.links)
        return ProvisionHandle(**system.model_dump(), awaited=awaited)

    def state(self, aws: Aws, handle: ProvisionHandle) -> State:
        system = CREATE.state(aws, handle)
        if system.phase is not Phase.SUCCEEDED:
            return system
        if records.going(system.record):
            return self._given_up(aws, handle, system, "it is being removed", another=handle.created)
        try:
            found = list(self._found_or_made(aws, handle, system.record))
        except SmfsError as error:
            question = isinstance(error, Denied) and error.operation.startswith("Describe")  # which may be allowed yet
            if question or (error.passing and not isinstance(error, Capacity)):
                raise
            another = isinstance(error, Capacity) or (isinstance(error, Missing) and handle.created)
            return self._given_up(aws, handle, system, str(error), another=another)
        broken = [one for one in found if one and one["Lifecycle"] in records.BROKEN]
        if broken:
            reason = "; ".join(f"association {one['AssociationId']}: {records.failure(one)}" for one in broken)
            another = all(records.another_may_do(one, ours=True) for one in broken)
            return self._given_up(aws, handle, system, reason, another=another)
        ready = [one for one in found if one and one["Lifecycle"] in records.READY]
        if len(ready) == len(handle.awaited):
            record = {"FileSystem": system.record, "Associations": ready}
            return State(Phase.SUCCEEDED, links=system.links, record=record, age=system.age)
        message = f"{handle.file_system_id} is there; {len(ready)} of {len(handle.awaited)} links are"
        return State(Phase.RUNNING, message, system.links, age=system.age)

    def _found_or_made(self, aws: Aws, handle: ProvisionHandle, system: Record) -> Iterator[Record | None]:
        """Each link as AWS has it; None for one that waits: for an earlier one to go, or for the next answer."""
        there = list(records.associations(aws, handle.file_system_id))
        until = time.monotonic() + CREATING_TIME
        for options in handle.awaited:
            spec = LinkSpec(file_system=described(handle, system, ()), **options)
            making = AssociationMaking(spec, handle.owner)
            same = [one for one in there if making.is_it(one)]
            left = [one for one in same if not records.going(one)]
            mine = next((one for one in left if records.has_tag(one, OWNER_TAG, handle.owner.key)), None)
            if mine is not None:
                yield mine
            elif same and not left:  # AWS takes no other before they are gone
                for one in same:
                    remove_association(aws, making.id(one))
                yield None
            else:
                yield own(aws, making) if time.monotonic() < until else None

    def _given_up(self, aws: Aws, handle: ProvisionHandle, system: State, reason: str, *, another: bool) -> State:
        """Nobody calls cancel for what failed by itself."""
        self.cancel(aws, handle)
        cleared = "the file system is deleted" if handle.created else "it was adopted and stays; links made here go"
        phase = Phase.RETRYABLE_FAILED if another else Phase.FAILED
        return State(phase, f"File system {handle.file_system_id}: {reason} ({cleared})", system.links)

    def result(self, aws: Aws, handle: ProvisionHandle, state: State) -> LinkedFileSystem:
        found = state.record["Associations"]
        begun = [max(one["CreationTime"], handle.started_at) for one in found]
        made = CREATE.result(aws, handle, State(state.phase, record=state.record["FileSystem"]))
        made = made.model_copy(update={"timing": timing(handle, ended=max(min(begun), handle.started_at))})
        links = [
            linked(one, made, handle.owner, timing(handle, began)) for one, began in zip(found, begun, strict=True)
        ]
        return LinkedFileSystem(file_system=made, links=tuple(links))

    def cancel(self, aws: Aws, handle: ProvisionHandle) -> bool:
        if handle.created:
            return CREATE.cancel(aws, handle)
        there = aws.at(handle.region)
        view(there).forget(records.FILE_SYSTEM, handle.file_system_id)
        try:
            return remove_own(there, list(records.associations(there, handle.file_system_id)), handle.owner)
        except Missing:  # the file system itself is gone
            return True

    def links(self, aws: Aws, handle: ProvisionHandle) -> tuple[Link, ...]:
        return CREATE.links(aws, handle)

    def what(self, handle: ProvisionHandle) -> str:
        return f"{CREATE.what(handle)} with its links"

    def leaves(self, handle: ProvisionHandle) -> str:
        return CREATE.leaves(handle) if handle.created else ""
