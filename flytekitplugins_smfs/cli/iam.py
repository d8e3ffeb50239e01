"""The commands of `smfs iam`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flytekitplugins_smfs.values.errors import SmfsError

if TYPE_CHECKING:
    from flytekitplugins_smfs.operations.policies import Registered, Scope
    from flytekitplugins_smfs.values.plain import Json

ROLES = ("connector", "pods", "job")


@click.group()
def iam() -> None:
    """What the roles of connector, pods and jobs have to be allowed in AWS."""


@iam.command()
@click.option("--pkgs", "-k", "packages", multiple=True, required=True, help="Packages to read, as for pyflyte.")
@click.option("--source", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path("."))
@click.option("--role", "wanted", type=click.Choice([*ROLES, "all"]), default="all", show_default=True)
@click.option("--document", type=click.Choice(["policy", "trust"]), help="With --role: this document alone.")
@click.option("--account", default="*", show_default=True, help="The account's number.")
@click.option("--region", default="*", show_default=True)
@click.option("--partition", default="aws", show_default=True)
@click.option("--job-role", metavar="ARN", help="Jobs' execution role; without it the settings'.")
@click.option(
    "--store", multiple=True, required=True, metavar="S3URI", help="Flyte's own prefixes: metadata and raw data."
)
@click.option("--data", multiple=True, metavar="S3URI", help="Prefixes of data sets, channels and jobs' outputs.")
@click.option("--cluster-oidc", metavar="ARN", help="The cluster's OIDC provider; without it EKS Pod Identity.")
@click.option("--namespace", default="flyte", show_default=True, help="The connector's.")
@click.option("--service-account", default="smfs-connector", show_default=True, help="The connector's.")
@click.option("--pod-namespace", default="*-*", show_default=True, help="Of pods: PROJECT-DOMAIN.")
@click.option("--pod-service-account", default="default", show_default=True)
@click.option("--first-use", is_flag=True, help="Allow FSx to make its role with the account's first file system.")
def policy(
    packages: tuple[str, ...],
    source: Path,
    wanted: str,
    document: str | None,
    account: str,
    region: str,
    partition: str,
    job_role: str | None,
    store: tuple[str, ...],
    data: tuple[str, ...],
    cluster_oidc: str | None,
    namespace: str,
    service_account: str,
    pod_namespace: str,
    pod_service_account: str,
    first_use: bool,
) -> None:
    """Print policies and trust policies for what packages register, and nothing more.

    The steps of workflows count, and every task of ours that a module names; so import what a @dynamic task uses.
    """
    from flytekitplugins_smfs.operations import trusts
    from flytekitplugins_smfs.operations.policies import Scope

    if document and wanted == "all":
        raise SmfsError("--document is for one role: give --role connector, pods or job.")
    if wrong := [place for place in (*store, *data) if not place.startswith("s3://")]:
        raise SmfsError(f"{wrong[0]!r} is no S3 URI: s3://BUCKET/PREFIX.")
    tasks = _registered(packages, source)
    scope = Scope(partition, region, account, job_role or _own_role(), store, data, first_use)
    trust = {
        "connector": trusts.of_account(cluster_oidc, namespace, service_account),
        "pods": trusts.of_account(cluster_oidc, pod_namespace, pod_service_account),
        "job": trusts.of_jobs(account),
    }
    policies = _policies(tasks, scope)
    found = {role: {"policy": policies[role], "trust": trust[role]} for role in ROLES}
    shown = found if wanted == "all" else found[wanted][document] if document else found[wanted]
    click.echo(json.dumps(shown, indent=2))


def _policies(tasks: list[Registered], scope: Scope) -> dict[str, Json]:
    from flytekitplugins_smfs.operations import policies

    return {
        "connector": policies.connector(tasks, scope),
        "pods": policies.pods(scope),
        "job": policies.job(tasks, scope),
    }


def _registered(packages: tuple[str, ...], source: Path) -> list[Registered]:
    from flytekitplugins_smfs.flyte.registered import registered

    try:
        return registered(packages, source)
    except ModuleNotFoundError as error:
        raise SmfsError(f"{error.name} is not found in {source.absolute()}: give --source and --pkgs.") from error


def _own_role() -> str | None:
    """The settings' execution role; none where there are no settings, which a policy does not need."""
    from flytekitplugins_smfs.flyte.config import sources

    return next((one.value for one in sources() if one.name == "role"), None)
