"""Link an S3 prefix to a directory of a Lustre file system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import (
    FINGERPRINT_TAG,
    OWNER_TAG,
    client_token,
    fingerprint,
    owner_tags,
    tag_list,
    tag_map,
)
from flytekitplugins_smfs.operations.base import Operation, is_new, now, timing
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.values.errors import Conflict, Invalid, InvalidSpec, Problem, Transient
from flytekitplugins_smfs.values.lustre.file_system import LinkSpec, LustreFileSystem, RepositoryLink
from flytekitplugins_smfs.values.operation import Handle, Owner, Phase, Progress
from flytekitplugins_smfs.values.uris import normal_path

MAX_ASSOCIATIONS = 8
DEAD = records.GOING | records.BROKEN


class LinkHandle(Handle):
    """An association being created; `created` says whether this owner made it, and so may remove it."""

    association_id: str
    created: bool
    file_system: LustreFileSystem


class LinkRepository(Operation[LinkSpec, LinkHandle, RepositoryLink]):
    """FSx CreateDataRepositoryAssociation, until it is AVAILABLE. Can take more than 10 minutes."""

    name = "repository-link"
    spec_type = LinkSpec
    handle_type = LinkHandle
    result_type = RepositoryLink

    def start(self, aws: Aws, spec: LinkSpec, owner: Owner) -> LinkHandle:
        there = aws.at(spec.file_system.region)
        mark = fingerprint(spec.model_dump(mode="json", exclude={"tags": True, "file_system": {"timing", "adopted"}}))
        existing = list(records.associations(there, spec.file_system.id))
        found = _alive(existing, spec, mark) or _create(there, spec, owner, mark, existing)
        return LinkHandle(
            region=there.region,
            owner=owner,
            started_at=now(),
            association_id=found["AssociationId"],
            created=tag_map(found.get("Tags")).get(OWNER_TAG) == owner.key,
            file_system=spec.file_system,
        )

    def look(self, aws: Aws, handle: LinkHandle) -> Progress[RepositoryLink]:
        found = records.association(aws, handle.association_id)
        lifecycle = found["Lifecycle"] if found else "GONE"
        if found and lifecycle in {"AVAILABLE", "UPDATING"}:
            return Progress(phase=Phase.SUCCEEDED, result=_described(found, handle))
        if lifecycle == "CREATING" or (found is None and is_new(handle)):
            message = f"{handle.association_id} is being created and its metadata imported"
            return Progress(phase=Phase.INITIALIZING, message=message)
        reason = records.failure(found) if found else "it disappeared while it was being created"
        if found and handle.created:  # nobody calls cancel for what failed by itself
            records.remove_association(aws, handle.association_id)
            reason += " (the failed association was deleted)"
        return Progress(phase=Phase.FAILED, message=f"Association {handle.association_id}: {reason}")

    def cancel(self, aws: Aws, handle: LinkHandle) -> bool:
        return not handle.created or records.remove_association(aws.at(handle.region), handle.association_id)

    def what(self, handle: LinkHandle) -> str:
        return f"data repository association {handle.association_id}"


def _same(existing: list[dict[str, Any]], spec: LinkSpec, mark: str) -> list[dict[str, Any]]:
    """The associations of this path and repository, dead or alive; one made from another spec is a conflict."""
    place = (normal_path(spec.path), spec.repository.rstrip("/"))
    return [
        found
        for found in existing
        if (normal_path(found["FileSystemPath"]), found["DataRepositoryPath"].rstrip("/")) == place
        and tag_map(found.get("Tags")).get(FINGERPRINT_TAG) in (mark, None)  # made by hand: path and repository agree
    ]


def _alive(existing: list[dict[str, Any]], spec: LinkSpec, mark: str) -> dict[str, Any] | None:
    return next((found for found in _same(existing, spec, mark) if found["Lifecycle"] not in DEAD), None)


def _create(aws: Aws, spec: LinkSpec, owner: Owner, mark: str, existing: list[dict[str, Any]]) -> dict[str, Any]:
    problems = list(_conflicts(spec, existing))
    if problems:
        raise InvalidSpec(f"The link of {spec.repository} to {spec.file_system.id}", problems)
    s3 = {
        "AutoImportPolicy": {"Events": list(spec.auto_import)},
        "AutoExportPolicy": {"Events": list(spec.auto_export)},
    }
    dead = [found["AssociationId"] for found in _same(existing, spec, mark)]
    request = {
        "FileSystemId": spec.file_system.id,
        "FileSystemPath": spec.path,
        "DataRepositoryPath": spec.repository,
        "BatchImportMetaDataOnCreate": spec.batch_import_meta_data_on_create,
        "ImportedFileChunkSize": spec.imported_file_chunk_size_mib,
        "S3": {name: policy for name, policy in s3.items() if policy["Events"]},
        "ClientRequestToken": client_token("link", owner.key, mark, *dead),
        "Tags": tag_list(owner_tags(owner, mark, aws.settings.tags, spec.tags)),
    }
    doing = f"linking {spec.repository} to {spec.file_system.id} at {spec.path}"
    try:
        answer: dict[str, Any] = aws.call("fsx", "CreateDataRepositoryAssociation", request, doing=doing)
    except (Conflict, Invalid, Transient):  # another start of it was quicker, or the answer was lost: it is there
        found = _alive(list(records.associations(aws.impatient(), spec.file_system.id)), spec, mark)
        if found is None:
            raise
        return found
    made: dict[str, Any] = answer["Association"]
    if made["Lifecycle"] in DEAD and made["AssociationId"] not in dead:  # AWS remembers the token of a deleted one
        return _create(aws, spec, owner, mark, [*existing, made])
    return made


def _conflicts(spec: LinkSpec, existing: list[dict[str, Any]]) -> Iterator[Problem]:
    """What AWS would refuse because of the links that are there already."""
    others = [found for found in existing if found["Lifecycle"] not in records.GOING]
    if len(others) >= MAX_ASSOCIATIONS:
        rule = f"{spec.file_system.id} has {len(others)} associations already; at most {MAX_ASSOCIATIONS} are allowed."
        yield Problem("file_system", rule, "unlink one, or link a common parent prefix.")
    mine = normal_path(spec.path).rstrip("/") + "/"
    for found in others:
        theirs = normal_path(found["FileSystemPath"]).rstrip("/") + "/"
        if mine.startswith(theirs) or theirs.startswith(mine):
            rule = f"{spec.path} overlaps {found['FileSystemPath']}, linked to {found['DataRepositoryPath']}"
            yield Problem("path", f"{rule} with other settings or to another repository.", "use another path.")


def _described(found: dict[str, Any], handle: LinkHandle) -> RepositoryLink:
    return RepositoryLink(
        association_id=found["AssociationId"],
        file_system=handle.file_system,
        repository=found["DataRepositoryPath"],
        path=found["FileSystemPath"],
        adopted=not handle.created,
        timing=timing(handle),
    )
