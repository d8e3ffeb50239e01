"""A Lustre file system: what to create, what was created, what to delete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from flytekitplugins_smfs.values.base import Result, Timing, Value
from flytekitplugins_smfs.values.errors import Problem
from flytekitplugins_smfs.values.shapes import KmsKeyId, Tags

DeploymentType = Literal["SCRATCH_2", "PERSISTENT_1", "PERSISTENT_2"]
FileSystemId = Annotated[str, Field(pattern=r"^fs-[0-9a-f]{8,18}$")]
SecurityGroupId = Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]

# https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystemLustreConfiguration.html (SSD storage)
THROUGHPUTS: dict[str, tuple[int, ...]] = {
    "SCRATCH_2": (),
    "PERSISTENT_1": (50, 100, 200),
    "PERSISTENT_2": (125, 250, 500, 1000),
}


class LustreSpec(Value):
    """A Lustre file system to create. The defaults are PERSISTENT_2, 1,200 GiB at 125 MB/s per TiB.

    Rules: https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystem.html
    """

    incidental: ClassVar[frozenset[str]] = frozenset({"name", "tags"})

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")] | None = None
    """A name of your own. A file system of this name is adopted, whoever's execution made it. Without one, each
    execution has its own."""
    deployment_type: DeploymentType = "PERSISTENT_2"
    capacity_gib: Annotated[int, Field(le=2**31 - 1)] = 1200
    """Storage capacity in GiB: 1200, 2400, or a multiple of 2400."""
    per_unit_storage_throughput: int | None = None
    """MB/s per TiB. PERSISTENT_2: 125 (default), 250, 500 or 1000; PERSISTENT_1: 50, 100 or 200; SCRATCH_2: none."""
    data_compression_type: Literal["NONE", "LZ4"] = "NONE"
    file_system_type_version: Literal["2.10", "2.12", "2.15"] = "2.12"
    """AWS's own default is 2.10 for all but PERSISTENT_2, and a file system of that version cannot be linked to S3."""
    weekly_maintenance_start_time: Annotated[str, Field(pattern=r"^[1-7]:([01]\d|2[0-3]):[0-5]\d$")] = "7:19:00"
    """`d:HH:MM` in UTC, 1 is Monday. The default is Sunday 19:00."""
    kms_key_id: KmsKeyId | None = None
    subnet_id: Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")] | None = None
    """The one subnet of the file system. Without it: `availability_zone`'s default subnet, else the settings'."""
    availability_zone: str | None = None
    security_group_ids: Annotated[tuple[SecurityGroupId, ...], Field(max_length=50)] = ()
    """Without any, AWS uses the VPC's default security group."""
    tags: Tags = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        if not (self.capacity_gib == 1200 or (self.capacity_gib > 0 and self.capacity_gib % 2400 == 0)):
            lower, upper = _nearest_capacities(self.capacity_gib)
            yield Problem(
                "capacity_gib",
                f"{self.capacity_gib} GiB is not a capacity of {self.deployment_type}; "
                "allowed are 1200, 2400 and multiples of 2400 (4800, 7200, ...).",
                f"use {lower} or {upper}." if lower != upper else f"use {lower}.",
            )
        yield from self._throughput_problems()
        if self.kms_key_id and self.deployment_type == "SCRATCH_2":
            yield Problem("kms_key_id", "only PERSISTENT file systems take a KMS key of your own.", "leave it out.")
        if self.file_system_type_version == "2.10" and self.deployment_type == "PERSISTENT_2":
            yield Problem("file_system_type_version", "PERSISTENT_2 takes 2.12 or 2.15.", "use 2.15.")
        if self.subnet_id and self.availability_zone:
            yield Problem("availability_zone", "subnet_id already says the zone.", "give one of the two.")

    def _throughput_problems(self) -> Iterator[Problem]:
        allowed = THROUGHPUTS[self.deployment_type]
        given = self.per_unit_storage_throughput
        field = "per_unit_storage_throughput"
        if given is not None and not allowed:
            yield Problem(field, f"{self.deployment_type} takes none (it always has 200 MB/s/TiB).", "leave it out.")
        elif given is None and self.deployment_type == "PERSISTENT_1":
            yield Problem(field, "PERSISTENT_1 needs one; allowed are 50, 100, 200.", "use 50, 100 or 200.")
        elif given is not None and given not in allowed:
            values = ", ".join(map(str, allowed))
            yield Problem(field, f"{given} is not a throughput of {self.deployment_type}; allowed are {values}.")

    @property
    def throughput(self) -> int | None:
        """MB/s per TiB as sent to AWS; None on scratch."""
        if self.per_unit_storage_throughput is None and self.deployment_type == "PERSISTENT_2":
            return 125
        return self.per_unit_storage_throughput


def _nearest_capacities(wanted: int) -> tuple[int, int]:
    if wanted <= 1200:
        return 1200, 1200
    if wanted < 2400:
        return 1200, 2400
    return wanted // 2400 * 2400, (wanted // 2400 + 1) * 2400


class LustreFileSystem(Result):
    """A Lustre file system that is there, with what a training job needs to reach it."""

    id: FileSystemId
    arn: str
    region: str
    mount_name: str
    dns_name: str
    deployment_type: str
    capacity_gib: int
    vpc_id: str
    subnet_id: str
    security_group_ids: tuple[str, ...]
    """All groups of all its network interfaces, each once."""
    network_interface_ids: tuple[str, ...]
    adopted: bool = False
    """True when it existed before this execution, which then does not own it."""
    timing: Timing
