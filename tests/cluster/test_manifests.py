"""deploy/connector: each file by its schema, and what they say of each other, of the image and of the configuration."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from grpc_health.v1 import health_pb2

from flytekitplugins_smfs.cli.cluster.config import Choices
from flytekitplugins_smfs.flyte.serve import DRAIN, GRACE, READY
from flytekitplugins_smfs.values.settings import Settings
from tests.flyte.connecting import Service
from tests.test_house import DISTRIBUTION, ROOT

DEPLOY = ROOT / "deploy" / "connector"
FILES = sorted(DEPLOY.rglob("*.yaml"))
KUBERNETES = ("1.29", "1.33")
"""The oldest and the newest release that the manifests are held to."""
OWN_SCHEMAS = {"ServiceMonitor": "servicemonitor", "Kustomization": "kustomization", "Component": "kustomization"}
"""Kinds that are no part of Kubernetes itself."""


def documents(text: str) -> list[dict[str, Any]]:
    return [dict(one) for one in yaml.safe_load_all(text) if one]


def validate(document: dict[str, Any]) -> None:
    """Raises when the document breaks its schema, also with a key that is not known."""
    own = OWN_SCHEMAS.get(document["kind"])
    if own:
        schema = json.loads((Path(__file__).parent / "schemas" / f"{own}.json").read_text())
        jsonschema.validate(document, schema)
    else:
        for release in KUBERNETES:
            kubernetes_validate.validate(document, release, strict=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_a_manifest_keeps_to_its_schema(path: Path) -> None:
    (document,) = documents(path.read_text())
    validate(document)


@pytest.mark.parametrize(
    ("kind", "spoilt"),
    [
        ("Deployment", ("spec", "replica", 2)),
        ("Service", ("spec", "ports", "8000")),
        ("ServiceMonitor", ("spec", "endpoint", [])),
        ("Kustomization", ("resource", "x")),
    ],
)
def test_a_mistake_in_a_manifest_is_found(kind: str, spoilt: tuple[Any, ...]) -> None:
    (document,) = [one for path in FILES for one in documents(path.read_text()) if one["kind"] == kind][:1]
    *place, name, value = spoilt
    tree = document
    for key in place:
        tree = tree[key]
    tree[name] = value
    with pytest.raises((kubernetes_validate.ValidationError, jsonschema.ValidationError)):
        validate(document)


def test_every_file_is_in_a_kustomization_and_every_name_leads_somewhere() -> None:
    reached = set()
    for path in FILES:
        if path.name != "kustomization.yaml":
            continue
        (told,) = documents(path.read_text())
        envs = [name for made in told.get("configMapGenerator", []) for name in made.get("envs", [])]
        for name in (*told["resources"], *told.get("components", []), *envs):
            found = (path.parent / name).resolve()
            assert found.exists(), f"{path}: {name}"
            reached.add(found / "kustomization.yaml" if found.is_dir() else found)
    entry = DEPLOY / "overlays" / "eks" / "kustomization.yaml"
    assert reached == {path.resolve() for path in DEPLOY.rglob("*.*")} - {entry}


@pytest.fixture(scope="module")
def rendered() -> dict[str, dict[str, Any]]:
    """What the overlay makes, by kind."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not here, which renders a kustomization")
    done = subprocess.run(
        [kubectl, "kustomize", DEPLOY / "overlays" / "eks"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found = documents(done.stdout)
    made = {one["kind"]: one for one in found}
    assert len(made) == len(found)
    return made


def test_the_overlay_makes_everything_and_all_of_it_stands(rendered: dict[str, dict[str, Any]]) -> None:
    for document in rendered.values():
        validate(document)
        assert document["metadata"]["namespace"] == "flyte"
    assert set(rendered) == {
        *("ConfigMap", "Deployment", "PodDisruptionBudget", "Service", "ServiceAccount", "ServiceMonitor")
    }
    generated = rendered["ConfigMap"]["metadata"]["name"]
    (source,) = container(rendered)["envFrom"]
    assert source["configMapRef"]["name"] == generated, "a change of the settings makes new pods"
    annotations = rendered["ServiceAccount"]["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/role-arn"].startswith("arn:aws:iam::")
    assert (
        rendered["Deployment"]["spec"]["template"]["spec"]["serviceAccountName"]
        == (rendered["ServiceAccount"]["metadata"]["name"])
    )
    assert container(rendered)["image"].endswith(f"/smfs:{DISTRIBUTION.version}")


def container(made: dict[str, dict[str, Any]]) -> dict[str, Any]:
    (one,) = made["Deployment"]["spec"]["template"]["spec"]["containers"]
    return dict(one)


def plain() -> dict[str, dict[str, Any]]:
    """The documents as they are written, by kind; without kubectl."""
    found = (one for path in FILES for one in documents(path.read_text()))
    return {one["kind"]: one for one in found if one["kind"] not in ("Kustomization", "Component")}


def test_everything_selects_the_pods_of_the_deployment() -> None:
    made = plain()
    labels = made["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert labels
    assert made["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert made["Service"]["spec"]["selector"] == labels
    assert made["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    (base,) = documents((DEPLOY / "base" / "kustomization.yaml").read_text())
    assert base["labels"] == [{"pairs": labels}]
    assert made["ServiceMonitor"]["spec"]["selector"]["matchLabels"] == labels


def test_propeller_finds_each_replica_under_the_address_that_is_generated() -> None:
    service = plain()["Service"]
    assert service["spec"]["clusterIP"] == "None", "one cluster address would hide the replicas"
    (base,) = documents((DEPLOY / "base" / "kustomization.yaml").read_text())
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    name = f"{service['metadata']['name']}.{base['namespace']}.svc.cluster.local"
    assert Choices().endpoint == f"dns:///{name}:{ports['grpc']}"


def test_the_ports_are_those_of_the_image() -> None:
    exposed = re.search(r"^EXPOSE (\d+) (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert exposed is not None
    made = plain()
    ports = {port["name"]: port["containerPort"] for port in container(made)["ports"]}
    assert [ports["grpc"], ports["metrics"]] == [int(port) for port in exposed.groups()]
    assert {port["targetPort"] for port in made["Service"]["spec"]["ports"]} == set(ports)
    assert {endpoint["port"] for endpoint in made["ServiceMonitor"]["spec"]["endpoints"]} <= set(ports)


def test_one_replica_always_serves() -> None:
    made = plain()
    deployment = made["Deployment"]["spec"]
    assert made["PodDisruptionBudget"]["spec"]["minAvailable"] < deployment["replicas"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_settings_are_settings_and_stand() -> None:
    lines = (DEPLOY / "overlays" / "eks" / "settings.env").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert all(name.startswith("FLYTE_SMFS_") for name in given)
    named = {name.removeprefix("FLYTE_SMFS_").lower(): value for name, value in given.items()}
    assert set(named) <= set(Settings.model_fields)
    assert Settings.of(dict(named)).endpoint == "aws"


# The probes, against the connector


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A connector as the image serves it, from where no AWS can be reached."""
    home = tmp_path_factory.mktemp("connector")
    settings = {"FLYTE_SMFS_ENDPOINT": "http://127.0.0.1:1", "AWS_REGION": "us-east-1"}
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    started = Service({**settings, **keys, "HOME": str(home)}, log=home / "log")
    started.start()
    yield started
    started.kill()


def service_of(probe: str) -> str:
    asked = container(plain())[probe]["grpc"]
    assert asked["port"] in {port["containerPort"] for port in container(plain())["ports"]}
    return str(asked.get("service", ""))


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe"])
def test_a_connector_that_cannot_reach_aws_is_alive(probe: str, away: Service) -> None:
    """A restart would not bring AWS back."""
    assert away.ready(service_of(probe)) == health_pb2.HealthCheckResponse.SERVING


def test_a_connector_that_cannot_reach_aws_is_not_ready(away: Service) -> None:
    assert service_of("readinessProbe") == READY
    assert away.ready(service_of("readinessProbe")) != health_pb2.HealthCheckResponse.SERVING


def test_the_metrics_of_the_page_are_those_of_the_connector(away: Service) -> None:
    rows = re.findall(r"^\| (`smfs_.*?) \|", (ROOT / "docs" / "cluster.md").read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(smfs_\w+)`", row)}
    with urllib.request.urlopen(away.metrics, timeout=10) as answer:
        served = set(re.findall(r"^# TYPE (\S+) ", answer.read().decode(), re.MULTILINE))
    assert named
    assert named <= served


def test_the_pod_has_time_for_an_end_in_order() -> None:
    """A SIGTERM is answered after the address was taken away, and calls under way end."""
    spec = plain()["Deployment"]["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] > DRAIN + GRACE
