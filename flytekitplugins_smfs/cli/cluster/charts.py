"""Where Flyte's Helm charts take propeller's configuration, and what they have there already.

Helm and propeller merge maps by key but put a list in the place of the other. So a list that an installation has is
read from its values and written whole, with ours added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flytekitplugins_smfs.values.plain import Json, Record

PLAIN = "yaml"
"""No chart: a configuration file of flytepropeller."""
PLACES: dict[str, dict[str, tuple[str, ...]]] = {
    "flyte-binary": {"tasks": ("configuration", "inline", "tasks"), "plugins": ("configuration", "inline", "plugins")},
    "flyte-core": {
        "tasks": ("configmap", "enabled_plugins", "tasks"),
        "plugins": ("configmap", "k8s", "plugins"),  # a configuration file of its own, so other plugins may stand in it
    },
    PLAIN: {"tasks": ("tasks",), "plugins": ("plugins",)},
}
"""Chart -> section of the configuration -> where in the chart's values it stands."""
_OTHERS: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
    "flyte-binary": (
        (("enabled_plugins", "tasks"), ("tasks",)),
        (("configuration", "connectorService"), ("plugins", "connector-service")),
    ),
    "flyte-core": ((("flyteconnector", "plugin_config", "plugins"), ("plugins",)),),
    PLAIN: (),
}
"""Chart -> other places that it fills the configuration from; what stands in PLACES wins over them."""
_OF_BUNDLED = {"connectorService", "plugin_config"}
"""Places that the charts read only where they install Flyte's own connector, too."""


def values(config: Record, chart: str, present: Record | None = None) -> Json:
    """The chart's values for this configuration, with the lists of the values that are present merged in.

    They are to be given to Helm after the installation's own. Raises KeyError for a chart that is not in PLACES.
    """
    merged = {section: config[section] for section in PLACES[chart]}
    if present:
        merged = _with_lists(merged, configured(present, chart))
    told: Json = {}
    for section, place in PLACES[chart].items():
        _put(told, place, merged[section])
    return told


def configured(present: Record, chart: str) -> Json:
    """The configuration that a chart makes of these values, as far as it concerns plugins."""
    made: Json = {}
    sections = tuple((place, (section,)) for section, place in PLACES[chart].items())
    for source, target in (*_OTHERS[chart], *sections):
        found = _get(present, source)
        if _OF_BUNDLED.intersection(source) and not _get(present, ("flyteconnector", "enabled")):
            continue
        if isinstance(found, Mapping):
            layer: Json = {}
            _put(layer, target, found)
            made = merge(made, layer)
    return made


def chart_of(present: Record) -> str:
    """Which of PLACES these values are for."""
    named = ("configuration" in present and "flyte-binary") or ("configmap" in present and "flyte-core")
    return named or ("flyte-binary" if "enabled_plugins" in present else PLAIN)


def merge(under: Record, over: Record) -> Json:
    """Both, as Helm and propeller merge files: maps by key, anything else is replaced."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _with_lists(ours: Any, theirs: Any) -> Any:
    """Ours; in the place of each list both, theirs first."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return {key: _with_lists(value, theirs.get(key)) for key, value in ours.items()}
    if isinstance(ours, list) and isinstance(theirs, list):
        return _joined(theirs, ours)
    return ours


def _joined(first: Sequence[Any], then: Sequence[Any]) -> list[Any]:
    """Both lists, each item once. One-key maps are variables: the later value of a name wins."""
    joined: dict[Any, Any] = {}
    for item in (*first, *then):
        name = next(iter(item)) if isinstance(item, Mapping) and len(item) == 1 else repr(item)
        joined[name] = item
    return list(joined.values())


def _get(tree: Any, place: Sequence[str]) -> Any:
    for key in place:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _put(tree: Json, place: Sequence[str], value: Any) -> None:
    for key in place[:-1]:
        tree = tree.setdefault(key, {})
    tree[place[-1]] = value
