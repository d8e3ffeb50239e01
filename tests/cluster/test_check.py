"""`smfs cluster check`: what an installation lacks, from its configuration, a connector and a flyteadmin."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
import yaml
from flyteidl.admin import agent_pb2, project_pb2, version_pb2
from flyteidl.service.admin_pb2_grpc import AdminServiceServicer, add_AdminServiceServicer_to_server
from flyteidl.service.agent_pb2_grpc import AgentMetadataServiceServicer, add_AgentMetadataServiceServicer_to_server
from flytekit.configuration import Config

from flytekitplugins_smfs.cli.cluster import asking, charts, check
from flytekitplugins_smfs.cli.cluster.config import PLUGIN, Choices, propeller
from tests.cluster.cluster import Cluster
from tests.cluster.test_config import TYPES, smfs

RIGHT = propeller(TYPES, Choices())
Spoil = Callable[[dict[str, Any]], Any]


def wrong(text: str) -> list[str]:
    return [str(one) for one in check.configuration(check.read(text), TYPES) if one.wrong]


def configmap(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "flyte-backend-flyte-binary-config"},
        "data": {
            "000-core.yaml": "admin: {endpoint: localhost:8089}",
            "001-plugins.yaml": yaml.safe_dump({"tasks": {"task-plugins": {"enabled-plugins": ["container"]}}}),
            "100-inline-config.yaml": yaml.safe_dump(config),
            "policy.txt": "{not: [yaml",
        },
    }


SHAPES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "plain": lambda config: config,
    "flyte-binary": lambda config: charts.values(config, "flyte-binary"),
    "flyte-core": lambda config: charts.values(config, "flyte-core"),
    "configmap": configmap,
    "list": lambda config: {"kind": "List", "items": [configmap(config)]},
    "lowered": lambda config: json.loads(json.dumps(config).replace("connectorForTaskTypes", "connectorfortasktypes")),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_generated_is_right_however_it_is_given(shape: str) -> None:
    assert wrong(yaml.safe_dump(SHAPES[shape](RIGHT))) == []


def entry(config: dict[str, Any]) -> dict[str, Any]:
    return dict_of(config["plugins"][PLUGIN]["connectors"], "smfs")


def dict_of(tree: dict[str, Any], key: str) -> dict[str, Any]:
    found = tree[key]
    assert isinstance(found, dict)
    return found


def service(config: dict[str, Any]) -> dict[str, Any]:
    return dict_of(config["plugins"], PLUGIN)


def task_plugins(config: dict[str, Any]) -> dict[str, Any]:
    return dict_of(config["tasks"], "task-plugins")


SPOILT: dict[str, tuple[Spoil, str]] = {
    "the plugin is off": (lambda c: task_plugins(c)["enabled-plugins"].remove(PLUGIN), "not among enabled-plugins"),
    "a default": (
        lambda c: task_plugins(c)["default-for-task-types"].pop("smfs-training"),
        "default-for-task-types lacks smfs-training: while the connector is away",
    ),
    "another plugin": (
        lambda c: task_plugins(c)["default-for-task-types"].update({"smfs-tuning": "container"}),
        "default-for-task-types lacks smfs-tuning",
    ),
    "a connector": (
        lambda c: service(c)["connectorForTaskTypes"].pop("smfs-release"),
        "connectorForTaskTypes lacks smfs-release",
    ),
    "a type": (lambda c: service(c)["supportedTaskTypes"].remove("smfs-release"), "supportedTaskTypes lacks"),
    "no such connector": (lambda c: service(c)["connectors"].pop("smfs"), "smfs has no endpoint"),
    "no time-out": (lambda c: entry(c).pop("defaultTimeout"), "no defaultTimeout"),
    "a short time-out": (lambda c: entry(c).update(defaultTimeout="3s"), "defaultTimeout of smfs is 3s"),
    "no duration": (lambda c: entry(c).update(defaultTimeout="soon"), "'soon' is no duration"),
    "no service config": (lambda c: entry(c).pop("defaultServiceConfig"), "do not wait for smfs"),
    "no JSON": (lambda c: entry(c).update(defaultServiceConfig="{"), "no JSON"),
    "another service": (
        lambda c: entry(c).update(
            defaultServiceConfig=entry(c)["defaultServiceConfig"].replace("AsyncAgentService", "SyncAgentService")
        ),
        "do not wait for smfs",
    ),
    "one replica": (
        lambda c: entry(c).update(defaultServiceConfig=entry(c)["defaultServiceConfig"].replace("round_robin", "x")),
        "do not share the calls",
    ),
    "failures": (lambda c: service(c)["webApi"]["caching"].pop("maxSystemFailures"), "maxSystemFailures is 5"),
    "resync": (lambda c: service(c)["webApi"]["caching"].update(resyncInterval="1s"), "resyncInterval is 1s"),
    "pods": (lambda c: dict_of(c["plugins"], "k8s").clear(), "no FLYTE_SMFS_ENDPOINT"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_missing_is_named_with_the_way_to_mend_it(name: str) -> None:
    spoil, said = SPOILT[name]
    config = copy.deepcopy(RIGHT)
    spoil(config)
    found = wrong(yaml.safe_dump(config))
    assert any(said in one and "Fix: " in one for one in found), found


def test_the_stock_chart_lacks_all_that_keeps_a_job() -> None:
    stock = {
        "flyteconnector": {"enabled": True},
        "enabled_plugins": {"tasks": {"task-plugins": {"enabled-plugins": ["container", PLUGIN]}}},
        "configuration": {"connectorService": {"defaultConnector": {"endpoint": "k8s://flyteconnector.flyte:8000"}}},
    }
    found = "\n".join(wrong(yaml.safe_dump(stock)))
    for said in ("default-for-task-types", "connectorForTaskTypes", "maxSystemFailures", "FLYTE_SMFS_ENDPOINT"):
        assert said in found


@pytest.mark.parametrize(
    ("text", "said"), [("a: [", "no YAML"), ("- 1", "no mapping"), ("", "is empty"), ("a: 1", "is empty")]
)
def test_a_text_that_is_no_configuration_is_refused(text: str, said: str) -> None:
    done = smfs("check", "--values", "-", stdin=text)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_ends_with_what_it_found() -> None:
    done = smfs("check", "--values", "-", stdin=smfs("config", "--for", "flyte-core").stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(line.startswith("   ok: ") for line in done.stdout.splitlines())
    config = copy.deepcopy(RIGHT)
    entry(config).pop("defaultTimeout")
    done = smfs("check", "--values", "-", stdin=yaml.safe_dump(config))
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("wrong: ")]


def test_without_anything_to_look_at_it_says_so() -> None:
    assert "nothing to check" in smfs("check").stderr
    assert "needs a flyteadmin" in smfs("check", "--probe", "--connector", "x:1").stderr


# A connector and an admin


def test_a_cluster_that_is_right(cluster: Cluster) -> None:
    (connector,) = cluster.connectors
    asked = ["--connector", connector.address, "--endpoint", cluster.endpoint, "--insecure", "--probe"]
    done = smfs("check", *asked)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"serves all {len(TYPES)} task types" in done.stdout
    assert "flyteadmin is v1.16.8" in done.stdout
    assert "code is uploaded to s3://" in done.stdout
    assert "went through flyteadmin, propeller, the connector and AWS" in done.stdout


def test_the_config_file_says_where_the_admin_is(cluster: Cluster) -> None:
    done = smfs("check", config=cluster.config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "flyteadmin is v1.16.8" in done.stdout


def test_a_project_that_is_not_there_is_told(cluster: Cluster) -> None:
    done = smfs("check", "--endpoint", cluster.endpoint, "--insecure", "--project", "vision")
    assert done.returncode == 1
    assert "no project vision; there are flytesnacks" in done.stdout
    done = smfs("check", "--endpoint", cluster.endpoint, "--insecure", "--domain", "moon")
    assert "no domain moon, but development" in done.stdout


def test_nobody_answers() -> None:
    done = smfs("check", "--connector", "127.0.0.1:1", "--endpoint", "127.0.0.1:1", "--insecure")
    assert done.returncode == 1
    assert "no connector answers at 127.0.0.1:1: UNAVAILABLE" in done.stdout
    assert "no flyteadmin answers at 127.0.0.1:1: UNAVAILABLE" in done.stdout
    assert "Traceback" not in done.stderr


class Other(AgentMetadataServiceServicer, AdminServiceServicer):  # type: ignore[misc]
    """A connector and an admin of another release."""

    def __init__(self, types: list[str], version: str) -> None:
        self.types, self.version = types, version

    def ListAgents(self, request: Any, context: Any) -> Any:
        categories = [agent_pb2.TaskCategory(name=name) for name in self.types]
        return agent_pb2.ListAgentsResponse(agents=[agent_pb2.Agent(supported_task_categories=categories)])

    def GetVersion(self, request: Any, context: Any) -> Any:
        return version_pb2.GetVersionResponse(control_plane_version=version_pb2.Version(Version=self.version))

    def ListProjects(self, request: Any, context: Any) -> Any:
        return project_pb2.Projects()


@pytest.fixture
def other(request: pytest.FixtureRequest) -> Any:
    def start(types: list[str], version: str = "v1.16.8") -> str:
        server = grpc.server(ThreadPoolExecutor(2))
        served = Other(types, version)
        add_AgentMetadataServiceServicer_to_server(served, server)
        add_AdminServiceServicer_to_server(served, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        request.addfinalizer(lambda: server.stop(None).wait())
        return f"127.0.0.1:{port}"

    return start


def test_a_connector_of_another_release(other: Any) -> None:
    older = [str(one) for one in asking.connector(other(TYPES[:-1]), TYPES)]
    assert any(f"does not serve {TYPES[-1]}" in one for one in older)
    newer = [str(one) for one in asking.connector(other([*TYPES, "smfs-next", "bigquery"]), TYPES) if one.wrong]
    assert len(newer) == 1
    assert "smfs-next" in newer[0]
    assert "bigquery" not in newer[0]


@pytest.mark.parametrize(
    ("version", "right"), [("v1.16.8", True), ("1.17.0", True), ("", True), ("v1.15.3", False), ("v2.0.1", False)]
)
def test_an_admin_of_another_release(other: Any, version: str, right: bool) -> None:
    platform = Config.for_endpoint(other(TYPES, version), insecure=True).platform
    first, *rest = asking.admin(platform, "flytesnacks", "development")
    assert first.wrong is not right, first
    assert [one.wrong for one in rest] == [True, True], "no project, and no upload"
