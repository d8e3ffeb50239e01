"""What is there is held against the spec, field by field, as AWS describes it: tags lie once a thing has changed. N2"""

from __future__ import annotations

from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.lustre.create import CreateLustre
from flytekitplugins_smfs.operations.lustre.link import LinkRepository
from flytekitplugins_smfs.operations.network import network_for
from flytekitplugins_smfs.values.errors import FingerprintMismatch
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.lustre.link import LinkSpec
from flytekitplugins_smfs.values.operation import Owner
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput
from tests.conftest import wait_for
from tests.operations.driving import BUCKET, succeed


@pytest.fixture
def other(owner: Owner) -> Owner:
    return Owner(execution=owner.execution, step="another")


def grown(emulator: Any, system: LustreFileSystem, capacity: int) -> None:
    """Somebody gives it more room."""
    fsx = emulator.client("fsx")
    fsx.update_file_system(FileSystemId=system.id, StorageCapacity=capacity)

    def has_it() -> bool:
        (found,) = fsx.describe_file_systems(FileSystemIds=[system.id])["FileSystems"]
        return bool(found["StorageCapacity"] == capacity and found["Lifecycle"] == "AVAILABLE")

    wait_for(has_it, 30)


def test_a_named_file_system_that_has_grown_is_what_it_is_now(
    emulator: Any, aws: Aws, owner: Owner, other: Owner
) -> None:
    operation, name = CreateLustre(), f"grown-{owner.key}"
    system = succeed(operation, aws, LustreSpec(name=name), owner)
    grown(emulator, system, 2400)
    assert operation.start(aws, LustreSpec(name=name, capacity_gib=2400), other).file_system_id == system.id
    with pytest.raises(FingerprintMismatch) as caught:
        operation.start(aws, LustreSpec(name=name), other)
    assert caught.value.differences == ("capacity_gib is 2400, wanted 1200, which AWS can change in place",)
    assert (
        operation.start(aws, LustreSpec(name=name), owner).file_system_id == system.id
    )  # its own, from this very spec


def test_every_difference_is_named_at_once(aws: Aws, owner: Owner, other: Owner) -> None:
    operation, name = CreateLustre(), f"named-{owner.key}"
    succeed(operation, aws, LustreSpec(name=name), owner)
    wanted = LustreSpec(
        name=name,
        capacity_gib=2400,
        data_compression_type="LZ4",
        weekly_maintenance_start_time="1:03:00",
        file_system_type_version="2.15",
        subnet_id="subnet-0123456789abcdef0",
    )
    with pytest.raises(FingerprintMismatch) as caught:
        operation.start(aws, wanted, other)
    fields = [text.split()[0] for text in caught.value.differences]
    assert fields == [
        "capacity_gib",
        "data_compression_type",
        "file_system_type_version",
        "weekly_maintenance_start_time",
        "subnet_id",
    ]
    unchangeable = [text for text in caught.value.differences if "change in place" not in text]
    assert len(unchangeable) == 3


def test_a_grown_file_system_keeps_its_links(
    emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem
) -> None:
    operation = LinkRepository()
    spec = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{owner.key}")
    link = succeed(operation, aws, spec, owner)
    grown(emulator, file_system, 2400)
    changed = {"capacity_gib": 2400, "security_group_ids": ("sg-0123456789abcdef0",)}
    later = spec.model_copy(update={"file_system": file_system.model_copy(update=changed)})
    assert operation.start(aws, later, owner).association_id == link.association_id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"auto_import": ("NEW",)}, "auto_import"),
        ({"auto_export": ()}, "auto_export"),
        ({"imported_file_chunk_size_mib": 2048}, "imported_file_chunk_size_mib"),
        ({"batch_import_meta_data_on_create": False}, "batch_import_meta_data_on_create"),
    ],
)
def test_a_link_with_other_options_is_not_taken_for_this_one(
    aws: Aws, owner: Owner, other: Owner, file_system: LustreFileSystem, change: dict[str, Any], field: str
) -> None:
    operation = LinkRepository()
    spec = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{owner.key}")
    succeed(operation, aws, spec, owner)
    with pytest.raises(FingerprintMismatch) as caught:
        operation.start(aws, LinkSpec.model_validate({**spec.model_dump(), **change}), other)
    assert [text.split()[0] for text in caught.value.differences] == [field]


def channel(number: int, *subnets: str) -> FileSystemInput:
    return FileSystemInput(
        file_system_id=f"fs-0123456789abcde{number:02}",
        directory_path="/m",
        subnet_ids=subnets,
        security_group_ids=(f"sg-{number}",),
    )


def test_a_job_is_put_where_all_of_its_file_systems_are_reached(aws: Aws) -> None:  # C21
    network = network_for(aws, [channel(1, "subnet-a", "subnet-b"), channel(2, "subnet-b", "subnet-c")])
    assert network is not None
    assert network.subnet_ids == ("subnet-b",)
    assert network.security_group_ids == ("sg-1", "sg-2")
