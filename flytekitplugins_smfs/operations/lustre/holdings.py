"""What of Lustre costs money by being there."""

from __future__ import annotations

from collections.abc import Iterator

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import EXECUTION_TAG, tag_map
from flytekitplugins_smfs.operations.lustre import records, removal
from flytekitplugins_smfs.operations.service import Holding, Holdings
from flytekitplugins_smfs.values.plain import Json


class FileSystems(Holdings):
    """File systems. Their links go with them."""

    kind = "file system"
    order = 50

    def find(self, aws: Aws, label: str | None = None) -> Iterator[Holding]:
        for one in records.file_systems(aws, EXECUTION_TAG, label):
            yield _holding(self.kind, one["FileSystemId"], one, aws.region)

    def remove(self, aws: Aws, id: str) -> bool:
        return removal.remove_file_system(aws, id)


class Associations(Holdings):
    """Links, also those on file systems of others."""

    kind = "link"
    order = 40

    def find(self, aws: Aws, label: str | None = None) -> Iterator[Holding]:
        for one in records.associations(aws):
            if records.has_tag(one, EXECUTION_TAG, label):
                yield _holding(self.kind, one["AssociationId"], one, aws.region)

    def remove(self, aws: Aws, id: str) -> bool:
        return removal.remove_association(aws, id)


def _holding(kind: str, id: str, one: Json, region: str) -> Holding:
    execution = tag_map(one.get("Tags"))[EXECUTION_TAG]
    return Holding(kind, id, one["Lifecycle"], execution, one["CreationTime"], region)
