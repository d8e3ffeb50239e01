"""The rules of a Lustre file system, and how its paths map to S3."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from flytekitplugins_smfs.values.base import Timing
from flytekitplugins_smfs.values.errors import InvalidSpec
from flytekitplugins_smfs.values.lustre.file_system import THROUGHPUTS, LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.lustre.link import LinkSpec, directory_path, s3_uri

BUCKET = "s3://sagemaker-us-east-1-123456789012"


def fields_of(error: ValidationError) -> dict[str, str]:
    return {".".join(map(str, line["loc"])): line["msg"] for line in error.errors()}


def file_system(**changes: object) -> LustreFileSystem:
    moment = datetime(2025, 1, 5, 19, tzinfo=UTC)
    given = {
        "id": "fs-0123456789abcdef0",
        "arn": "arn:aws:fsx:us-east-1:123456789012:file-system/fs-0123456789abcdef0",
        "region": "us-east-1",
        "mount_name": "yyd2zbev",
        "dns_name": "fs-0123456789abcdef0.fsx.us-east-1.amazonaws.com",
        "deployment_type": "PERSISTENT_2",
        "capacity_gib": 1200,
        "vpc_id": "vpc-1",
        "subnet_id": "subnet-1",
        "security_group_ids": ("sg-1",),
        "network_interface_ids": ("eni-1",),
        "timing": Timing(started_at=moment, ended_at=moment),
    }
    return LustreFileSystem.model_validate(given | changes)


def test_defaults_are_the_walkthroughs() -> None:  # C1
    spec = LustreSpec()
    assert (spec.deployment_type, spec.throughput, spec.capacity_gib) == ("PERSISTENT_2", 125, 1200)
    assert spec.weekly_maintenance_start_time == "7:19:00"  # Sunday 19:00


@given(capacity=st.integers(-5000, 120_000), kind=st.sampled_from(sorted(THROUGHPUTS)))
def test_capacity_is_1200_or_a_multiple_of_2400(capacity: int, kind: str) -> None:  # C2, N7
    fields = {"deployment_type": kind, "capacity_gib": capacity}
    if THROUGHPUTS[kind]:
        fields["per_unit_storage_throughput"] = THROUGHPUTS[kind][0]
    if capacity == 1200 or (capacity > 0 and capacity % 2400 == 0):
        assert LustreSpec.model_validate(fields).capacity_gib == capacity
    else:
        with pytest.raises(ValidationError) as caught:
            LustreSpec.model_validate(fields)
        assert list(fields_of(caught.value)) == ["capacity_gib"]
        assert "1200, 2400 and multiples of 2400" in fields_of(caught.value)["capacity_gib"]


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"deployment_type": "SCRATCH_2", "per_unit_storage_throughput": 125}, "SCRATCH_2 takes none"),
        ({"deployment_type": "PERSISTENT_1"}, "PERSISTENT_1 needs one; allowed are 50, 100, 200"),
        ({"per_unit_storage_throughput": 50}, "allowed are 125, 250, 500, 1000"),
        ({"deployment_type": "PERSISTENT_1", "per_unit_storage_throughput": 125}, "allowed are 50, 100, 200"),
    ],
)
def test_throughput_fits_the_type(fields: dict[str, object], rule: str) -> None:  # C2
    with pytest.raises(ValidationError) as caught:
        LustreSpec.model_validate(fields)
    assert rule in fields_of(caught.value)["per_unit_storage_throughput"]


def test_every_problem_is_told_at_once() -> None:  # N7
    with pytest.raises(ValidationError) as caught:
        LustreSpec.model_validate(
            {
                "capacity_gib": 1300,
                "deployment_type": "SCRATCH_2",
                "kms_key_id": "key",
                "weekly_maintenance_start_time": "8:00:00",
                "capacty": 1,
            }
        )
    assert set(fields_of(caught.value)) == {"capacity_gib", "kms_key_id", "weekly_maintenance_start_time", "capacty"}


def test_a_field_that_is_wrong_by_itself_is_told_once() -> None:
    with pytest.raises(ValidationError) as caught:
        LustreSpec.model_validate({"capacity_gib": "many", "per_unit_storage_throughput": 7})
    assert set(fields_of(caught.value)) == {"capacity_gib", "per_unit_storage_throughput"}


def test_s3_uri_maps_to_the_path_under_the_mount_and_back() -> None:  # C11
    links = {"/ns1": f"{BUCKET}/sagemaker/"}
    uri = f"{BUCKET}/sagemaker/DEMO-linear-mnist/train"
    assert directory_path("yyd2zbev", links, uri) == "/yyd2zbev/ns1/DEMO-linear-mnist/train"
    assert s3_uri("yyd2zbev", links, "/yyd2zbev/ns1/DEMO-linear-mnist/train") == uri


def test_the_longest_matching_link_wins_both_ways() -> None:  # C11
    links = {"/all": f"{BUCKET}/", "/deep": f"{BUCKET}/a/b", "/other": f"{BUCKET}/a/bc"}
    assert directory_path("m", links, f"{BUCKET}/a/b/c") == "/m/deep/c"
    assert directory_path("m", links, f"{BUCKET}/a/bx") == "/m/all/a/bx"
    assert s3_uri("m", {"/n": f"{BUCKET}/x", "/n/sub": f"{BUCKET}/y"}, "/m/n/sub/k") == f"{BUCKET}/y/k"


@pytest.mark.parametrize("uri", ["s3://another-bucket/a", f"{BUCKET}/elsewhere", f"{BUCKET}/sagemakers/x", "/local"])
def test_a_uri_behind_no_link_is_refused(uri: str) -> None:  # C11
    with pytest.raises(InvalidSpec, match="uri"):
        directory_path("m", {"/ns1": f"{BUCKET}/sagemaker"}, uri)


def test_a_directory_outside_the_links_is_refused() -> None:  # C11
    with pytest.raises(InvalidSpec, match="under no linked path"):
        s3_uri("m", {"/ns1": f"{BUCKET}/x"}, "/other/ns1/x")


part = st.text(st.characters(codec="utf-8", exclude_characters="/", exclude_categories=["C"]), min_size=1).filter(
    lambda text: text not in (".", "..")
)


@given(prefix=st.lists(part, max_size=3), path=st.lists(part, min_size=1, max_size=3), rest=st.lists(part, max_size=4))
def test_mapping_is_its_own_inverse(prefix: list[str], path: list[str], rest: list[str]) -> None:  # C11
    repository = "/".join([BUCKET, *prefix])
    links = {"/" + "/".join(path): repository}
    uri = "/".join([repository, *rest])
    assert s3_uri("mount", links, directory_path("mount", links, uri)) == uri


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"path": "ns1"}, "path"),
        ({"repository": "https://bucket/x"}, "repository"),
        ({"imported_file_chunk_size_mib": 512_001}, "imported_file_chunk_size_mib"),
        ({"file_system": file_system(deployment_type="SCRATCH_1")}, "file_system"),
        ({"auto_import": ["NEW", "RENAMED"]}, "auto_import.1"),
    ],
)
def test_a_link_that_aws_would_refuse_is_refused_here(fields: dict[str, object], field: str) -> None:  # C8
    with pytest.raises(ValidationError) as caught:
        LinkSpec.model_validate({"file_system": file_system(), "repository": f"{BUCKET}/x", **fields})
    assert list(fields_of(caught.value)) == [field]


def test_a_link_imports_by_default() -> None:  # C8
    spec = LinkSpec(file_system=file_system(), repository=f"{BUCKET}/x")
    assert spec.path == "/ns1"
    assert spec.batch_import_meta_data_on_create
    assert spec.imported_file_chunk_size_mib == 1024
    assert spec.auto_import == spec.auto_export == ("NEW", "CHANGED", "DELETED")


def test_a_misspelt_field_is_named_with_the_one_that_was_meant() -> None:  # N7
    with pytest.raises(ValidationError) as caught:
        LustreSpec.model_validate({"capacty_gib": 1200, "colour": "blue"})
    found = fields_of(caught.value)
    assert found["capacty_gib"] == "LustreSpec has no field 'capacty_gib'. Fix: did you mean 'capacity_gib'?"
    assert "use one of name, deployment_type" in found["colour"]


def test_what_another_release_wrote_beside_is_passed_over_in_results_and_refused_in_specs() -> None:  # N18
    newer = {**json.loads(file_system().model_dump_json()), "lease": "2026-12-01"}
    assert LustreFileSystem.model_validate(newer) == file_system()
    assert LinkSpec.model_validate({"file_system": newer, "repository": f"{BUCKET}/x"}).file_system == file_system()
    with pytest.raises(ValidationError):
        LustreSpec.model_validate({"efa_enabled": True})
    assert LustreSpec.model_validate({"efa_enabled": None}) == LustreSpec()  # a newer release's way of not using it
