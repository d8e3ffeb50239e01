"""Stand-ins for docker, helm, kubectl and flytectl in the page's commands: `python stubs.py PROGRAM ARGUMENTS`.

They hold what they are given to what it leads to: manifests that are there, values that make a right configuration,
names that the manifests have. What they were called with is written to $STUBS/calls, one JSON list a line.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import yaml

from flytekitplugins_smfs.cli.cluster import charts, check
from flytekitplugins_smfs.cli.cluster.commands import task_types

STATE = Path(os.environ["STUBS"])
FLYTE = "flyte-backend-flyte-binary"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/smfs:"


def refuse(why: str) -> NoReturn:
    sys.exit(f"stub: {why}")


def docker(*arguments: str) -> None:
    match arguments:
        case ("build", "-t", tag, ".") if tag.startswith(IMAGE) and Path("Dockerfile").exists():
            (STATE / "built").write_text(tag)
        case ("push", tag) if tag == (STATE / "built").read_text():
            (STATE / "pushed").write_text(tag)
        case _:
            refuse(f"docker {arguments}")


def helm(*arguments: str) -> None:
    match arguments:
        case ("repo", "add", "flyteorg", "https://flyteorg.github.io/flyte"):
            return
        case ("upgrade", "--install", "flyte-backend", "flyteorg/flyte-binary", "--namespace", "flyte", *files):
            merged: dict[str, Any] = {}
            for flag, name in zip(files[::2], files[1::2], strict=True):
                if flag != "-f":
                    refuse(f"helm has {flag}")
                merged = charts.merge(merged, yaml.safe_load(Path(name).read_text()))
            made = charts.configured(merged, "flyte-binary")
            wrong = [
                str(one) for one in check.configuration(check.read(yaml.safe_dump(made)), task_types()) if one.wrong
            ]
            if wrong:
                refuse("\n".join(wrong))
            data = {"001-plugins.yaml": yaml.safe_dump(made)}
            (STATE / "configmap").write_text(yaml.safe_dump({"kind": "ConfigMap", "data": data}))
        case _:
            refuse(f"helm {arguments}")


def kubectl(*arguments: str) -> None:
    match arguments:
        case ("apply", "-k", place):
            applied(Path(place))
        case ("--namespace", namespace, *rest) if namespace == "flyte":
            within(rest)
        case _:
            refuse(f"kubectl {arguments}")


def applied(place: Path) -> None:
    """The overlay is there with what it names, and its image was pushed."""
    told = yaml.safe_load((place / "kustomization.yaml").read_text())
    if not all((place / name).exists() for name in told["resources"]):
        refuse(f"{told['resources']} are not there")
    (image,) = told["images"]
    if f"{image['newName']}:{image['newTag']}" != (STATE / "pushed").read_text():
        refuse(f"{image} was not pushed")
    base = place / told["resources"][0]
    names = [yaml.safe_load((base / name).read_text()) for name in ("deployment.yaml", "service.yaml")]
    (STATE / "applied").write_text(" ".join(one["metadata"]["name"] for one in names))


def within(arguments: list[str]) -> None:
    """What is asked of a namespace."""
    deployments = [f"deployment/{name}" for name in ((STATE / "applied").read_text().split()[0], FLYTE)]
    match arguments:
        case ["rollout", "status" | "restart", deployment] if deployment in deployments:
            return
        case ["exec", deployment, "--", *command] if deployment == deployments[0]:
            os.execvp(command[0], command)
        case ["get", "configmap", name, "-o", "yaml"] if name == f"{FLYTE}-config":
            print((STATE / "configmap").read_text())
        case ["get", "pods", "--selector", label] | ["logs", "--selector", label, "--tail", _]:
            key, _, value = label.partition("=")
            if (key, value) != ("app.kubernetes.io/name", (STATE / "applied").read_text().split()[0]):
                refuse(f"nothing has the label {label}")
        case _:
            refuse(f"kubectl {arguments}")


def flytectl(*arguments: str) -> None:
    match arguments:
        case ("--config", file, "delete", "execution", _, "--project", _, "--domain", _) if Path(file).exists():
            return  # the test does it
        case _:
            refuse(f"flytectl {arguments}")


if __name__ == "__main__":
    _, program, *given = sys.argv
    with (STATE / "calls").open("a") as calls:
        calls.write(json.dumps([program, *given]) + "\n")
    {"docker": docker, "helm": helm, "kubectl": kubectl, "flytectl": flytectl}[program](*given)
