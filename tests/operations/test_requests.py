"""Whatever our values accept, AWS's own models of its requests accept too. N7"""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.emulator.validation import check
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.errors import Missing
from flytekitplugins_smfs.values.operation import Owner
from flytekitplugins_smfs.values.settings import Settings

ROLE = "arn:aws:iam::123456789012:role/execution"
SESSION = botocore.session.get_session()


class Checking(Aws):
    """Answers that nothing is there, and checks what is to be made against the service's model."""

    checked = 0

    def call(self, service: str, operation: str, request: Any = None, *, doing: str) -> dict[str, Any]:
        if operation == "DescribeSubnets":
            return {"Subnets": [{"SubnetId": "subnet-0123456789abcdef0", "AvailabilityZone": "us-east-1a"}]}
        if operation.startswith("Create"):
            check(service, SESSION.get_service_model(service).operation_model(operation), request)
            self.checked += 1
            made = {
                "FileSystemId": "fs-0123456789abcdef0",
                "AssociationId": "dra-0123456789abcdef0",
                "Lifecycle": "NEW",
            }
            return {"FileSystem": made, "Association": made}
        if service == "fsx":
            return {"FileSystems": [], "Associations": []}
        raise Missing(doing=doing, service=service, operation=operation, code="ValidationException", text="not found")

    def at(self, region: str) -> Aws:
        return self


def check_start(name: str, fields: dict[str, Any]) -> bool:
    """Whether our values took the fields; fails where AWS's model does not take what follows from them."""
    operation = catalog.load(name)
    try:
        spec = operation.spec_type.model_validate(fields)
    except ValidationError:
        return False
    aws = Checking(Settings(endpoint="http://127.0.0.1:9", region="us-east-1", role=ROLE, output_uri="s3://out/x"))
    operation.start(aws, spec, Owner(execution="p/d/f", step="n0"))
    assert aws.checked == 1
    return True


SIZES = st.sampled_from([0, 1, 2, 3, 20, 63, 64, 65, 128, 129, 255, 256, 257, 512, 513, 1024, 1025, 4096, 4097])
CHARACTERS = ["a", "Z", "0", "-", "_", ".", "/", ":", " ", "=", "@", "é", "\n", "#", "$"]
TEXTS = st.one_of(
    st.text(st.sampled_from(CHARACTERS), max_size=6),
    SIZES.map(lambda size: "a" * size),
    SIZES.map(lambda size: "-" * size),
)
NUMBERS = st.one_of(
    st.integers(-2, 3), st.sampled_from([3600, 3601, 16384, 16385, 10**5, 10**6, 28 * 86400, 10**8, 10**10])
)
TABLES = st.one_of(
    st.dictionaries(TEXTS, TEXTS, max_size=3), SIZES.map(lambda n: {f"k{i}": "v" for i in range(n % 130)})
)

PATHS = SIZES.map(lambda size: "/" + "p" * size) | TEXTS.map(lambda text: "/" + text)
URIS = TEXTS.map(lambda text: "s3://bucket/" + text) | SIZES.map(lambda size: "s3://bucket/" + "k" * size)
IDS = st.lists(TEXTS | SIZES.map(lambda size: f"subnet-{'0' * (size % 40)}"), max_size=20)
METRIC = st.fixed_dictionaries({"name": TEXTS, "regex": TEXTS.map(lambda text: text + "([0-9.]+)")})

IMAGE = {"kind": "image", "image_uri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"}
LUSTRE_CHANNEL = {
    "kind": "file_system",
    "file_system_id": "fs-0123456789abcdef0",
    "directory_path": "/abc",
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
}
TRAINING: dict[str, Any] = {"name": "t", "algorithm": IMAGE, "network": None}
TRAINING_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXTS,
    "algorithm": st.fixed_dictionaries({"image_uri": TEXTS}).map(lambda some: IMAGE | some)
    | st.lists(TEXTS, max_size=3).map(lambda some: IMAGE | {"entrypoint": some})
    | st.lists(TEXTS, max_size=3).map(lambda some: IMAGE | {"arguments": some}),
    "channels": st.dictionaries(TEXTS, st.just(LUSTRE_CHANNEL), max_size=2)
    | PATHS.map(lambda path: {"c": LUSTRE_CHANNEL | {"directory_path": path}})
    | TEXTS.map(lambda kind: {"c": LUSTRE_CHANNEL | {"content_type": kind}})
    | URIS.map(lambda uri: {"c": {"kind": "s3", "s3_uri": uri}}),
    "hyperparameters": TABLES,
    "resources": st.fixed_dictionaries({"volume_size_in_gb": NUMBERS})
    | st.fixed_dictionaries({"instance_count": NUMBERS})
    | st.fixed_dictionaries({"keep_alive_period_in_seconds": NUMBERS}),
    "stopping": st.fixed_dictionaries({"max_runtime_in_seconds": NUMBERS}),
    "metrics": st.lists(METRIC, max_size=2),
    "environment": TABLES,
    "network": st.fixed_dictionaries({"subnet_ids": IDS, "security_group_ids": IDS}),
    "checkpoints": st.fixed_dictionaries({"s3_uri": URIS, "local_path": PATHS}),
    "role": TEXTS | TEXTS.map(lambda text: "arn:aws:iam::123456789012:role/" + text),
    "output_uri": URIS,
    "tags": TABLES,
}


@pytest.mark.parametrize("field", TRAINING_FIELDS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_training(field: str, data: st.DataObject) -> None:
    check_start("training", {**TRAINING, field: data.draw(TRAINING_FIELDS[field])})


RANGE = st.sampled_from(
    [
        {"kind": "integer", "minimum": 1, "maximum": 10**18},
        {"kind": "continuous", "minimum": 1e-300, "maximum": 1.5e300, "scaling": "Logarithmic"},
        {"kind": "categorical", "values": ["v" * 256]},
        {"kind": "categorical", "values": ["v" * 257]},
        {"kind": "categorical", "values": ["", "a"]},
    ]
)
TUNING: dict[str, Any] = {
    "name": "t",
    "training": {"name": "t", "algorithm": {"kind": "builtin", "name": "xgboost", "version": "1.7-1"}},
    "objective": {"type": "Minimize", "metric_name": "validation:error"},
    "ranges": {"eta": {"kind": "continuous", "minimum": 0.1, "maximum": 0.2}},
}
TUNING_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXTS,
    "objective": TEXTS.map(lambda name: {"type": "Maximize", "metric_name": name}),
    "ranges": st.dictionaries(TEXTS, RANGE, max_size=3),
    "max_jobs": NUMBERS,
    "random_seed": NUMBERS,
    "tags": TABLES,
    "training": TABLES.map(lambda table: TUNING["training"] | {"environment": table}),
}


@pytest.mark.parametrize("field", TUNING_FIELDS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_tuning(field: str, data: st.DataObject) -> None:
    check_start("tuning", {**TUNING, field: data.draw(TUNING_FIELDS[field])})


LUSTRE_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXTS,
    "capacity_gib": st.sampled_from([1200, 2400, 4800, 2400 * 42, 2**31 // 2400 * 2400, 2**33 // 2400 * 2400]),
    "weekly_maintenance_start_time": st.from_regex(r"[0-9]:[0-9]{2}:[0-9]{2}", fullmatch=True),
    "kms_key_id": TEXTS,
    "subnet_id": SIZES.map(lambda size: f"subnet-{'0' * size}"),
    "security_group_ids": st.lists(TEXTS, max_size=2) | SIZES.map(lambda size: [f"sg-{'0' * size}"]),
    "tags": TABLES,
}


@pytest.mark.parametrize("field", LUSTRE_FIELDS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_lustre(field: str, data: st.DataObject) -> None:
    check_start("lustre-create", {field: data.draw(LUSTRE_FIELDS[field])})


SYSTEM = {
    "id": "fs-0123456789abcdef0",
    "arn": "arn:aws:fsx:us-east-1:123456789012:file-system/fs-0123456789abcdef0",
    "region": "us-east-1",
    "mount_name": "abc",
    "dns_name": "x",
    "deployment_type": "PERSISTENT_2",
    "capacity_gib": 1200,
    "vpc_id": "vpc-1",
    "subnet_id": "subnet-0123456789abcdef0",
    "security_group_ids": ["sg-0123456789abcdef0"],
    "network_interface_ids": ["eni-0123456789abcdef0"],
    "timing": {"started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:01Z"},
}
LINK: dict[str, Any] = {"file_system": SYSTEM, "repository": "s3://bucket/x"}
LINK_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "path": PATHS,
    "repository": URIS,
    "imported_file_chunk_size_mib": NUMBERS,
    "auto_import": st.lists(st.sampled_from(["NEW", "CHANGED", "DELETED"]), max_size=5),
    "tags": TABLES,
}


@pytest.mark.parametrize("field", LINK_FIELDS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_links(field: str, data: st.DataObject) -> None:
    check_start("repository-link", {**LINK, field: data.draw(LINK_FIELDS[field])})


def test_what_is_plainly_right_is_taken() -> None:
    """The tests above would say nothing if everything were refused."""
    training = TRAINING | {"channels": {"c": LUSTRE_CHANNEL}, "environment": {"A": "b"}, "tags": {"a": "b"}}
    assert check_start("training", training)
    assert check_start("tuning", TUNING)
    assert check_start("lustre-create", {"tags": {"a": "b"}})
    assert check_start("repository-link", LINK)
