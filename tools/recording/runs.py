"""What is made, run and removed on the embedded AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recording.embedded import Emulator, put_data, settings_of
from recording.files import Recording
from recording.layout import OTHER_EXECUTION
from recording.made import Resources, Scenario

XGBOOST = {"kind": "builtin", "name": "xgboost", "version": "1.7-1"}
LOGISTIC = {"objective": "binary:logistic", "eval_metric": "logloss", "num_round": 3, "eta": 0.3, "lambda": 1e-05}
SHARED = {"name": "shared-data", "deployment_type": "SCRATCH_2", "capacity_gib": 2400}
SCRIPT = "echo 'loss=0.75;'; echo 'loss=0.25;'; echo model > $SM_MODEL_DIR/model"


def image_training(prefix: str, script: str, name: str) -> dict[str, Any]:
    """A training with an image of one's own, which runs a shell script."""
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    return {
        "name": name,
        "algorithm": {"kind": "image", "image_uri": image, "entrypoint": ["sh", "-c", script]},
        "channels": {"train": {"kind": "s3", "s3_uri": f"{prefix}/train/", "content_type": "text/csv"}},
        "hyperparameters": {"rate": 1e-05, "verbose": True, "gamma": 3.0},
        "metrics": [{"name": "loss", "regex": "loss=([0-9.]+);"}],
        "environment": {"MODE": "recorded"},
        "checkpoints": {"s3_uri": f"{prefix}/checkpoints"},
        "tags": {"équipe": "données été"},
    }


def s3_channels(prefix: str) -> dict[str, Any]:
    """Both channels, read from S3."""
    return {
        name: {"kind": "s3", "s3_uri": f"{prefix}/{name}/", "content_type": "text/csv"}
        for name in ("train", "validation")
    }


def mounted_channels(system: Mapping[str, Any]) -> dict[str, Any]:
    """Both channels, read from the file system: one with its network said, one without."""
    channel = {"kind": "file_system", "file_system_id": system["id"], "content_type": "text/csv"}
    place = {"subnet_ids": [system["subnet_id"]], "security_group_ids": system["security_group_ids"]}
    directory = f"/{system['mount_name']}/data"
    return {
        "train": {**channel, **place, "directory_path": f"{directory}/train"},
        "validation": {**channel, "directory_path": f"{directory}/validation", "file_system_access_mode": "rw"},
    }


def tuning_of(channels: Mapping[str, Any]) -> dict[str, Any]:
    """A tuning of three trials."""
    training = {"name": "recorded.train", "algorithm": XGBOOST, "channels": channels, "hyperparameters": LOGISTIC}
    eta = {"kind": "continuous", "minimum": 1e-05, "maximum": 0.9, "scaling": "Logarithmic"}
    return {
        "name": "recorded.tune",
        "training": {**training, "tags": {"team": "training"}},
        "objective": {"type": "Minimize", "metric_name": "validation:logloss"},
        "ranges": {"eta": eta, "max_depth": {"kind": "integer", "minimum": 2, "maximum": 4}},
        "max_jobs": 3,
        "max_parallel": 2,
        "random_seed": 7,
        "tags": {"team": "tuning"},
    }


def run_file_systems(resources: Resources, prefix: str) -> tuple[Any, Any, Any, Any]:
    """File systems and links, made and adopted; answers one's own of each and the adopted ones."""
    own = {"data_compression_type": "LZ4", "tags": {"équipe": "données été"}}
    system = resources.run(Scenario("lustre-create/own", "lustre-create", "n0", own))
    resources.run(Scenario("lustre-create/named", "lustre-create", "n1", SHARED))
    shared = resources.run(Scenario("lustre-create/adopted", "lustre-create", "n0", SHARED, OTHER_EXECUTION))
    linking = {"file_system": system, "repository": prefix, "path": "/data", "tags": {"team": "records"}}
    link = resources.run(Scenario("repository-link/own", "repository-link", "n2", linking))
    adopted = resources.run(Scenario("repository-link/adopted", "repository-link", "n1", linking, OTHER_EXECUTION))
    importing = {"file_system": system, "paths": ["data"], "tags": {"team": "records"}}
    resources.run(Scenario("repository-import/own", "repository-import", "n10", importing))
    return system, link, shared, adopted


def run_jobs(resources: Resources, prefix: str, system: Mapping[str, Any]) -> None:
    """Training and tuning jobs."""
    training = {
        "name": "recorded.train",
        "algorithm": XGBOOST,
        "channels": mounted_channels(system),
        "hyperparameters": LOGISTIC,
        "tags": {"team": "records"},
    }
    resources.run(Scenario("training/builtin", "training", "n3", training))
    image = image_training(prefix, SCRIPT, "recorded.image")
    resources.run(Scenario("training/image", "training", "n4", image))
    failing = image_training(prefix, "echo 'loss=0.5;'; echo no luck >&2; exit 3", "recorded.failing")
    resources.run(Scenario("training/failing", "training", "n5", failing))
    resources.run(Scenario("tuning/builtin", "tuning", "n6", tuning_of(s3_channels(prefix))))


def run_removals(resources: Resources, made: tuple[Any, Any, Any, Any]) -> None:
    """Removal of everything, of what was adopted first: it stays."""
    system, link, shared, adopted = made
    unlinking, deleting = "repository-unlink", "lustre-delete"
    resources.run(Scenario(f"{unlinking}/adopted", unlinking, "n2", {"link": adopted}, OTHER_EXECUTION))
    resources.run(Scenario(f"{unlinking}/own", unlinking, "n7", {"link": link}))
    resources.run(Scenario(f"{deleting}/adopted", deleting, "n3", {"file_system": shared}, OTHER_EXECUTION))
    resources.run(Scenario(f"{deleting}/own", deleting, "n8", {"file_system": system}))
    resources.run(Scenario("release", "release", "n9", {}))


def record_resources(recording: Recording, emulator: Emulator) -> None:
    """Everything that operations make, from start to end."""
    resources = Resources(emulator)
    prefix = put_data(emulator, "recorded")
    made = run_file_systems(resources, prefix)
    run_jobs(resources, prefix, made[0])
    run_removals(resources, made)
    recording.write("resources", {"settings": settings_of(emulator), "resources": resources.records})
