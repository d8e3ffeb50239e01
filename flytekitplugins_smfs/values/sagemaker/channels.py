"""Where a training job reads from: a file system or S3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from flytekitplugins_smfs.values.base import Value
from flytekitplugins_smfs.values.errors import Problem
from flytekitplugins_smfs.values.lustre.file_system import FileSystemId
from flytekitplugins_smfs.values.lustre.link import RepositoryLink
from flytekitplugins_smfs.values.shapes import NetworkId
from flytekitplugins_smfs.values.uris import S3Uri


class FileSystemInput(Value):
    """A channel read from FSx for Lustre or EFS.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_FileSystemDataSource.html
    """

    kind: Literal["file_system"] = "file_system"
    file_system_id: FileSystemId
    file_system_type: Literal["FSxLustre", "EFS"] = "FSxLustre"
    directory_path: Annotated[str, Field(pattern=r"^/", max_length=4096)]
    """For Lustre `/<mount name>/<path>`."""
    file_system_access_mode: Literal["ro", "rw"] = "ro"
    content_type: Annotated[str, Field(max_length=256)] | None = None
    subnet_ids: tuple[NetworkId, ...] = ()
    """Subnets from which the file system is reached. Empty: looked up from its network interfaces."""
    security_group_ids: tuple[NetworkId, ...] = ()
    """Security groups with which it is reached. Empty: looked up from its network interfaces."""

    @classmethod
    def of_link(
        cls, link: RepositoryLink, uri: str, *, access_mode: Literal["ro", "rw"] = "ro", content_type: str | None = None
    ) -> FileSystemInput:
        """The channel that reads the S3 prefix `uri` through a linked Lustre file system."""
        return cls(
            file_system_id=link.file_system.id,
            directory_path=link.directory_path(uri),
            file_system_access_mode=access_mode,
            content_type=content_type,
            subnet_ids=(link.file_system.subnet_id,),
            security_group_ids=link.file_system.security_group_ids,
        )


class TrainingInput(Value):
    """A channel read from S3.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """

    kind: Literal["s3"] = "s3"
    s3_uri: S3Uri
    s3_data_type: Literal["S3Prefix", "ManifestFile", "AugmentedManifestFile"] = "S3Prefix"
    s3_data_distribution_type: Literal["FullyReplicated", "ShardedByS3Key"] = "FullyReplicated"
    input_mode: Literal["File", "FastFile", "Pipe"] = "File"
    content_type: Annotated[str, Field(max_length=256)] | None = None
    compression_type: Literal["None", "Gzip"] = "None"
    attribute_names: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=256)], ...], Field(max_length=16)
    ] = ()

    def problems(self) -> Iterator[Problem]:
        if self.attribute_names and self.s3_data_type != "AugmentedManifestFile":
            yield Problem("attribute_names", "only an AugmentedManifestFile takes them.", "leave them out.")
        if self.input_mode == "FastFile" and self.s3_data_type == "AugmentedManifestFile":
            yield Problem("input_mode", "FastFile does not read an AugmentedManifestFile.", "use Pipe or File.")
        if self.compression_type == "Gzip" and self.input_mode != "Pipe":
            yield Problem("compression_type", "Gzip needs input_mode Pipe.", "use 'None' or Pipe.")


Channel = Annotated[FileSystemInput | TrainingInput, Field(discriminator="kind")]
