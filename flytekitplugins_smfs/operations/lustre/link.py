"""Link an S3 prefix to a directory of a Lustre file system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import OWNER_TAG, owner_tags, tag_list
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.base import NO_ORDER, Operation, is_new, now, seen, timing, unknown
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.lustre.removal import remove_association
from flytekitplugins_smfs.operations.owning import Difference, Making, own
from flytekitplugins_smfs.values.base import Timing
from flytekitplugins_smfs.values.errors import InvalidSpec, Problem
from flytekitplugins_smfs.values.identity import mark
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem
from flytekitplugins_smfs.values.lustre.link import MAX_LINKS, LinkSpec, RepositoryLink, overlap
from flytekitplugins_smfs.values.operation import Handle, Order, Owner, Phase, State
from flytekitplugins_smfs.values.plain import Json, Record
from flytekitplugins_smfs.values.uris import normal_path


class LinkHandle(Handle):
    """An association being created; `created` says whether this owner made it, and so may remove it."""

    association_id: str = ""
    """Empty while an earlier one of the same path and repository is still being removed: AWS takes no other before."""
    created: bool
    file_system: LustreFileSystem
    awaited: Json | None = None
    """The spec of what is made once the earlier one is gone."""


class AssociationMaking(Making):
    """The association of a file system, a path and a repository, whoever makes it."""

    def __init__(self, spec: LinkSpec, owner: Owner) -> None:
        self.spec, self.owner = spec, owner
        self.what = f"The link of {spec.repository} to {spec.file_system.id} at {spec.path}"
        self.renewal = owner.attempt_key
        self._place = (normal_path(spec.path), spec.repository.rstrip("/"))
        self._others: list[Record] = []

    def find(self, aws: Aws) -> Sequence[Record]:
        existing = list(records.associations(aws, self.spec.file_system.id))
        self._others = [found for found in existing if not self.is_it(found)]
        return [found for found in existing if self.is_it(found)]

    def is_it(self, found: Record) -> bool:
        """Whether it links this repository to this path."""
        return (normal_path(found["FileSystemPath"]), found["DataRepositoryPath"].rstrip("/")) == self._place

    def dead(self, record: Record) -> bool:
        return records.dying(record)

    def differences(self, aws: Aws, record: Record) -> Iterable[Difference]:
        return tuple(_differences(record, self.spec))

    def check(self, there: Sequence[Record]) -> None:
        problems = list(_conflicts(self.spec, [*self._others, *there]))
        if problems:
            raise InvalidSpec(self.what, problems)

    def create(self, aws: Aws, token: str) -> Record:
        spec = self.spec
        s3 = {
            "AutoImportPolicy": {"Events": list(spec.auto_import)},
            "AutoExportPolicy": {"Events": list(spec.auto_export)},
        }
        request = {
            "FileSystemId": spec.file_system.id,
            "FileSystemPath": spec.path,
            "DataRepositoryPath": spec.repository,
            "BatchImportMetaDataOnCreate": spec.batch_import_meta_data_on_create,
            "ImportedFileChunkSize": spec.imported_file_chunk_size_mib,
            "S3": {name: policy for name, policy in s3.items() if policy["Events"]},
            "ClientRequestToken": token,
            "Tags": tag_list(owner_tags(self.owner, mark(spec), aws.settings.tags, spec.tags)),
        }
        doing = f"linking {spec.repository} to {spec.file_system.id} at {spec.path}"
        made: Record = aws.call("fsx", "CreateDataRepositoryAssociation", request, doing=doing)["Association"]
        return made

    def id(self, record: Record) -> str:
        return str(record["AssociationId"])

    def identity(self) -> tuple[str, ...]:
        return ("link", self.owner.key, self.spec.file_system.id, *self._place, mark(self.spec))


class LinkRepository(Operation[LinkSpec, LinkHandle, RepositoryLink]):
    """FSx CreateDataRepositoryAssociation, until it is AVAILABLE. Can take more than 10 minutes."""

    name = "repository-link"
    spec_type = LinkSpec
    handle_type = LinkHandle
    result_type = RepositoryLink

    def start(self, aws: Aws, spec: LinkSpec, owner: Owner, order: Order = NO_ORDER) -> LinkHandle:
        there = aws.at(spec.file_system.region)
        making = AssociationMaking(spec, owner)
        fields = {"region": there.region, "owner": owner, "started_at": now(), "file_system": spec.file_system}
        if _predecessors(there, making):
            return LinkHandle(created=True, awaited=spec.model_dump(mode="json"), **fields)
        found = own(there, making) or {}
        created = records.has_tag(found, OWNER_TAG, owner.key)
        return LinkHandle(association_id=found["AssociationId"], created=created, **fields)

    def state(self, aws: Aws, handle: LinkHandle) -> State:
        if not handle.association_id:
            return self._awaited(aws, handle)
        name = handle.association_id
        known = seen(aws, records.ASSOCIATION, name, handle)
        if known.record is None and not known.gone:
            return unknown(aws, handle, (), name)
        found, age = known.record, view(aws).age(known)
        lifecycle = found["Lifecycle"] if found else "GONE"
        if lifecycle in records.READY:
            return State(Phase.SUCCEEDED, record=found, age=age)
        if lifecycle == "CREATING" or (found is None and is_new(handle)):
            return State(Phase.RUNNING, f"{name} is being created and its metadata imported", age=age)
        reason = records.failure(found) if found else "it disappeared while it was being created"
        if found and handle.created:  # nobody calls cancel for what failed by itself
            remove_association(aws, name)
            reason += " (the failed association is deleted)"
        phase = Phase.RETRYABLE_FAILED if records.another_may_do(found, handle.created) else Phase.FAILED
        return State(phase, f"Association {name}: {reason}", record=found)

    def _awaited(self, aws: Aws, handle: LinkHandle) -> State:
        """The state of what is made once an earlier one is gone; making it is as idempotent as a start."""
        making = AssociationMaking(LinkSpec.model_validate(handle.awaited), handle.owner)
        gone = [remove_association(aws, making.id(one)) for one in _predecessors(aws, making)]
        if not all(gone):
            return State(Phase.WAITING, "an earlier link of the same path and repository is still being removed")
        found = own(aws, making) or {}
        return self.state(aws, handle.model_copy(update={"association_id": found["AssociationId"]}))

    def result(self, aws: Aws, handle: LinkHandle, state: State) -> RepositoryLink:
        found = state.record
        view(aws).forget(records.ASSOCIATION, handle.association_id)
        return linked(found, handle.file_system, handle.owner, timing(handle))

    def cancel(self, aws: Aws, handle: LinkHandle) -> bool:
        there = aws.at(handle.region)
        if handle.association_id:
            return not handle.created or remove_association(there, handle.association_id)
        making = AssociationMaking(LinkSpec.model_validate(handle.awaited), handle.owner)
        return remove_own(there, making.find(there), handle.owner)

    def what(self, handle: LinkHandle) -> str:
        return f"data repository association {handle.association_id or f'on {handle.file_system.id}'}"


def linked(found: Record, system: LustreFileSystem, owner: Owner, timing: Timing) -> RepositoryLink:
    """What AWS describes, as the value that goes from task to task."""
    return RepositoryLink(
        association_id=found["AssociationId"],
        file_system=system,
        repository=found["DataRepositoryPath"],
        path=found["FileSystemPath"],
        adopted=not records.has_tag(found, OWNER_TAG, owner.key),
        timing=timing,
    )


def remove_own(aws: Aws, found: Iterable[Record], owner: Owner) -> bool:
    """Bring what this owner made of these nearer to its end; True once all of it is gone."""
    mine = [one for one in found if records.has_tag(one, OWNER_TAG, owner.key)]
    gone = [remove_association(aws, one["AssociationId"]) for one in mine]  # asks for all, not up to the first
    return all(gone)


def _predecessors(aws: Aws, making: AssociationMaking) -> list[Record]:
    """Those of the same path and repository that are going, unless one lives."""
    found = making.find(aws)
    going = [one for one in found if records.going(one)]
    return going if len(going) == len(found) else []


def _differences(found: Record, spec: LinkSpec) -> Iterator[Difference]:
    """The options held against what AWS describes."""
    s3 = found.get("S3") or {}
    imported = bool(found.get("BatchImportMetaDataOnCreate"))
    if imported != spec.batch_import_meta_data_on_create:
        yield Difference("batch_import_meta_data_on_create", imported, spec.batch_import_meta_data_on_create)
    pairs: list[tuple[str, Any, Any]] = [
        ("imported_file_chunk_size_mib", found.get("ImportedFileChunkSize", 1024), spec.imported_file_chunk_size_mib),
        ("auto_import", _events(s3, "AutoImportPolicy"), tuple(sorted(spec.auto_import))),
        ("auto_export", _events(s3, "AutoExportPolicy"), tuple(sorted(spec.auto_export))),
    ]
    for field, there, wanted in pairs:
        if there != wanted:
            yield Difference(field, there, wanted, changeable=True)


def _events(s3: Json, policy: str) -> tuple[str, ...]:
    return tuple(sorted((s3.get(policy) or {}).get("Events", [])))


def _conflicts(spec: LinkSpec, others: list[Record]) -> Iterator[Problem]:
    """What AWS would refuse because of the links that are there already."""
    others = [found for found in others if found["Lifecycle"] not in records.GOING]
    if len(others) >= MAX_LINKS:
        rule = f"{spec.file_system.id} has {len(others)} associations already; at most {MAX_LINKS} are allowed."
        yield Problem("file_system", rule, "unlink one, or link a common parent prefix.")
    for found in others:
        if overlap(spec.path, found["FileSystemPath"]):
            rule = f"{spec.path} overlaps {found['FileSystemPath']}, linked to {found['DataRepositoryPath']}."
            yield Problem("path", rule, "use another path.")
