"""Container images of the algorithms that SageMaker ships, per version and region.

The table `images.json` is made by `tools/make_image_table.py`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import Any

from flytekitplugins_smfs.values.errors import InvalidSpec, Problem
from flytekitplugins_smfs.values.plain import Json
from flytekitplugins_smfs.values.shipped import shipped

SYNONYMS = {
    "deepar": "forecasting-deepar",
    "ip-insights": "ipinsights",
    "neural-topic-model": "ntm",
    "random-cut-forest": "randomcutforest",
}
"""Names that the documentation also uses."""

_HOST_SUFFIXES = (
    ("cn-", "amazonaws.com.cn"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-iso-", "c2s.ic.gov"),
    ("eusc-", "amazonaws.eu"),
)
"""DNS suffix of each partition by the beginning of its regions' names; every other region's is amazonaws.com."""


def image_uri(name: str, version: str, region: str) -> str:
    """The ECR image of a built-in algorithm.

    Raises InvalidSpec, naming the field and what is allowed, for an unknown name or version, or a region without it.
    """
    table = _table()
    algorithm = SYNONYMS.get(name, name)
    versions: dict[str, list[Any]] = table["algorithms"].get(algorithm)
    if versions is None:
        raise _unknown("name", name, table["algorithms"], "a built-in algorithm")
    if version not in versions:
        raise _unknown("version", version, versions, f"a version of {algorithm}")
    repository, tag, registry = versions[version]
    accounts: dict[str, str] = table["registries"][registry]
    if region not in accounts:
        raise _unknown("region", region, accounts, f"a region with {algorithm} {version}")
    return f"{accounts[region]}.dkr.ecr.{region}.{_host_suffix(region)}/{repository}:{tag}"


def algorithms() -> dict[str, tuple[str, ...]]:
    """Every built-in algorithm and its versions."""
    return {name: tuple(versions) for name, versions in _table()["algorithms"].items()}


@functools.cache
def _table() -> Json:
    text = shipped("flytekitplugins_smfs.operations.sagemaker", "images.json")
    table: Json = json.loads(text)
    return table


def _host_suffix(region: str) -> str:
    return next((suffix for start, suffix in _HOST_SUFFIXES if region.startswith(start)), "amazonaws.com")


def _unknown(field: str, value: str, allowed: Iterable[str], kind: str) -> InvalidSpec:
    problem = Problem(f"algorithm.{field}", f"{value!r} is not {kind}; there are: {', '.join(allowed)}.")
    return InvalidSpec("The algorithm", [problem])
