"""`smfs cluster config`: flytepropeller's configuration, for itself and for Flyte's Helm charts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from flytekitplugins_smfs.cli.cluster import charts
from flytekitplugins_smfs.cli.cluster.commands import task_types
from flytekitplugins_smfs.cli.cluster.config import PLUGIN, Choices, propeller
from flytekitplugins_smfs.cli.cluster.durations import seconds
from flytekitplugins_smfs.flyte.connector import OperationConnector
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.errors import InvalidSpec

TYPES = [f"smfs-{name}" for name in catalog.names()]


def smfs(*arguments: str, stdin: str = "", config: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`smfs cluster ARGUMENTS`, in a process of its own."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "FLYTE"))}
    chosen = ["--config", config] if config else []
    command = [Path(sys.executable).with_name("smfs"), *chosen, "cluster", *arguments]
    return subprocess.run(command, env=env, input=stdin, capture_output=True, text=True, timeout=120)


def config(*arguments: str, stdin: str = "") -> dict[str, Any]:
    done = smfs("config", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return dict(yaml.safe_load(done.stdout))


def of(tree: Any, *place: str) -> Any:
    for key in place:
        tree = tree[key]
    return tree


def test_every_task_type_has_its_plugin_and_its_connector() -> None:
    told = config()
    defaults = told["tasks"]["task-plugins"]["default-for-task-types"]
    service = told["plugins"][PLUGIN]
    assert {name: plugin for name, plugin in defaults.items() if name.startswith("smfs-")} == dict.fromkeys(
        TYPES, PLUGIN
    )
    assert defaults["container"] == "container"
    assert service["connectorForTaskTypes"] == dict.fromkeys(TYPES, "smfs")
    assert service["supportedTaskTypes"] == TYPES
    assert PLUGIN in told["tasks"]["task-plugins"]["enabled-plugins"]


def test_the_connector_serves_those_task_types_in_the_version_that_propeller_asks_for() -> None:
    """`connectorForTaskTypes` registers version 0 of a type and no other."""
    served = [OperationConnector(name).task_category for name in catalog.names()]
    assert [(one.name, one.version) for one in served] == [(name, 0) for name in task_types()]


def test_a_connector_that_is_away_is_waited_for_and_replicas_share_the_calls() -> None:
    connector = config()["plugins"][PLUGIN]["connectors"]["smfs"]
    policy = json.loads(connector["defaultServiceConfig"])
    assert policy["loadBalancingConfig"] == [{"round_robin": {}}]
    (method,) = policy["methodConfig"]
    assert method == {"name": [{"service": "flyteidl.service.AsyncAgentService"}], "waitForReady": True}
    assert connector["defaultTimeout"] == "60s"
    assert connector["endpoint"] == "dns:///smfs-connector.flyte.svc.cluster.local:8000"
    caching = config()["plugins"][PLUGIN]["webApi"]["caching"]
    assert caching == {"resyncInterval": "5s", "maxSystemFailures": 1_000_000}


def test_choices_are_taken() -> None:
    told = config(
        *("--endpoint", "k8s://smfs-connector.flyte:8000", "--resync", "1m30s", "--timeout", "45s"),
        *("--env", "FLYTE_SMFS_REGION=eu-west-1", "--env", "FLYTE_SMFS_ENDPOINT=http://aws:4566"),
    )
    connector = told["plugins"][PLUGIN]["connectors"]["smfs"]
    assert (connector["endpoint"], connector["defaultTimeout"]) == ("k8s://smfs-connector.flyte:8000", "45s")
    assert told["plugins"][PLUGIN]["webApi"]["caching"]["resyncInterval"] == "1m30s"
    assert told["plugins"]["k8s"]["default-env-vars"] == [
        {"FLYTE_SMFS_ENDPOINT": "http://aws:4566"},
        {"FLYTE_SMFS_REGION": "eu-west-1"},
    ]


def test_an_address_without_a_scheme_is_looked_up() -> None:
    assert config("--endpoint", "connector:8000")["plugins"][PLUGIN]["connectors"]["smfs"]["endpoint"] == (
        "dns:///connector:8000"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--endpoint", "moon"], "endpoint: 'moon' is no address"),
        (["--endpoint", "http://connector:8000"], "endpoint"),
        (["--resync", "1s"], "5s is the least"),
        (["--resync", "2h"], "3600s is the most"),
        (["--resync", "5"], "'5' is no duration"),
        (["--timeout", "9s"], "10s is the least"),
        (["--env", "REGION"], "NAME=VALUE"),
        (["--env", "A-B=1"], "'A-B' is no name"),
        (["--env", "A={{ .Values.x }}"], "Helm"),
        (["--in-flight", "-1"], "in-flight"),
        (["--values", "-"], "holds no values"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_bad_choice_is_refused_in_words(arguments: list[str], said: str) -> None:
    done = smfs("config", *arguments, stdin="[]")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_all_bad_choices_are_named_at_once() -> None:
    with pytest.raises(InvalidSpec) as raised:
        Choices(endpoint="moon", resync="1s", timeout="x")
    assert [problem.field for problem in raised.value.problems] == ["endpoint", "resync", "timeout"]


def test_a_task_type_that_propeller_would_write_otherwise_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="smfs-Training"):
        propeller(["smfs-Training"], Choices())


@pytest.mark.parametrize(("in_flight", "resync"), [(50, "5s"), (300, "30s"), (0, "5s")])
def test_propellers_own_rate_stays_where_it_is_enough(in_flight: int, resync: str) -> None:
    told = propeller(TYPES, Choices(in_flight=in_flight, resync=resync))["plugins"][PLUGIN]["webApi"]
    assert "readRateLimiter" not in told


@pytest.mark.parametrize(("in_flight", "resync"), [(51, "5s"), (1000, "5s"), (1000, "30s"), (1_000_000, "5s")])
def test_more_tasks_get_the_rate_that_they_need_within_what_propeller_takes(in_flight: int, resync: str) -> None:
    told = propeller(TYPES, Choices(in_flight=in_flight, resync=resync))["plugins"][PLUGIN]["webApi"]
    rate = told["readRateLimiter"]
    assert rate["qps"] >= min(in_flight / seconds(resync), 100_000)
    assert 1 <= rate["qps"] <= 100_000
    assert 5 <= rate["burst"] <= 10_000
    assert 1 <= told["caching"]["workers"] <= 100


# Charts


@pytest.mark.parametrize("chart", [name for name in charts.PLACES if name != charts.PLAIN])
def test_a_chart_makes_of_the_values_what_is_meant(chart: str) -> None:
    assert charts.configured(config("--for", chart), chart) == config()


def test_the_places_in_the_charts_values() -> None:
    """flyte-binary's `configuration.inline` and flyte-core's `configmap`: read in the templates of 1.16."""
    assert PLUGIN in config("--for", "flyte-binary")["configuration"]["inline"]["plugins"]
    core = config("--for", "flyte-core")
    assert set(core) == {"configmap"}
    assert set(core["configmap"]) == {"enabled_plugins", "k8s"}
    assert set(core["configmap"]["k8s"]["plugins"]) == {"k8s", PLUGIN}


@pytest.mark.parametrize("chart", list(charts.PLACES))
def test_helm_finds_no_template_in_the_values(chart: str) -> None:
    """`configuration.inline` is given to Helm's `tpl`."""
    assert "{{" not in smfs("config", "--for", chart).stdout


BINARY: dict[str, Any] = {
    "flyteconnector": {"enabled": True},
    "enabled_plugins": {
        "tasks": {"task-plugins": {"enabled-plugins": ["container", "spark", "connector-service"]}},
    },
    "configuration": {
        "connectorService": {"defaultConnector": {"endpoint": "k8s://flyteconnector.flyte:8000"}},
        "inline": {
            "plugins": {
                "k8s": {"default-env-vars": [{"TEAM": "vision"}, {"FLYTE_SMFS_ENDPOINT": "emulator"}]},
                PLUGIN: {"supportedTaskTypes": ["bigquery", "smfs-training"]},
            }
        },
    },
}
CORE: dict[str, Any] = {
    "configmap": {
        "enabled_plugins": {"tasks": BINARY["enabled_plugins"]["tasks"]},
        "k8s": {"plugins": {"k8s": BINARY["configuration"]["inline"]["plugins"]["k8s"]}},
    },
    "flyteconnector": {
        "enabled": True,
        "plugin_config": {"plugins": {PLUGIN: {"supportedTaskTypes": ["bigquery", "smfs-training"]}}},
    },
}
PLAIN: dict[str, Any] = {
    "tasks": BINARY["enabled_plugins"]["tasks"],
    "plugins": BINARY["configuration"]["inline"]["plugins"],
}


@pytest.mark.parametrize(("chart", "present"), [("flyte-binary", BINARY), ("flyte-core", CORE), ("yaml", PLAIN)])
def test_what_an_installation_has_in_its_lists_stays(chart: str, present: Mapping[str, Any], tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump(dict(present)))
    ours = config("--for", chart, "--values", str(own))
    made = charts.configured(charts.merge(present, ours), chart)  # as `helm -f own.yaml -f smfs.yaml`
    enabled = made["tasks"]["task-plugins"]["enabled-plugins"]
    assert enabled[:3] == ["container", "spark", "connector-service"]
    assert len(enabled) == len(set(enabled))
    assert made["plugins"]["k8s"]["default-env-vars"] == [{"TEAM": "vision"}, {"FLYTE_SMFS_ENDPOINT": "aws"}]
    supported = made["plugins"][PLUGIN]["supportedTaskTypes"]
    assert sorted(supported) == sorted({"bigquery", *TYPES})
    again = config("--for", chart, "--values", "-", stdin=yaml.safe_dump(charts.merge(present, ours)))
    assert again == ours, "a second time changes nothing"


def test_a_default_connector_of_the_installation_stays() -> None:
    made = charts.configured(charts.merge(BINARY, config("--for", "flyte-binary")), "flyte-binary")
    assert of(made, "plugins", PLUGIN, "defaultConnector", "endpoint") == "k8s://flyteconnector.flyte:8000"
    assert set(of(made, "plugins", PLUGIN, "connectors")) == {"smfs"}


@pytest.mark.parametrize(("chart", "present"), [("flyte-binary", BINARY), ("flyte-core", CORE)])
def test_what_belongs_to_a_connector_that_is_not_installed_is_no_configuration(
    chart: str, present: Mapping[str, Any]
) -> None:
    """Both charts read these values only where `flyteconnector.enabled` is set."""
    off = charts.merge(present, {"flyteconnector": {"enabled": False}})
    assert "defaultConnector" not in charts.configured(off, chart).get("plugins", {}).get(PLUGIN, {})
    if chart == "flyte-core":
        assert PLUGIN not in charts.configured(off, chart)["plugins"]
        assert PLUGIN in charts.configured(present, chart)["plugins"]


def test_values_that_are_no_yaml_are_told(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("a: [")
    done = smfs("config", "--values", str(wrong))
    assert done.returncode == 1
    assert "wrong.yaml is no YAML" in done.stderr


def test_without_the_present_values_a_chart_says_what_it_replaces() -> None:
    assert "enabled-plugins, default-env-vars" in smfs("config", "--for", "flyte-core").stderr
    assert "enabled-plugins" not in smfs("config", "--for", "flyte-core", "--values", "-", stdin="a: 1").stderr


@pytest.mark.parametrize(
    ("text", "value"), [("5s", 5), ("1m30s", 90), ("1h", 3600), ("1.5s", 1.5), ("250ms", 0.25), ("0", 0)]
)
def test_a_duration_as_go_reads_it(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "-5s", "5d", "1m30", "5ss"])
def test_what_go_refuses_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        seconds(text)
