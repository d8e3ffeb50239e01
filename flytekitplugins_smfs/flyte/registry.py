"""flytekit's registry of connectors, by a private name; apart from `private`, because `import flytekit` loads it."""

from __future__ import annotations

from flytekit.extend.backend.base_connector import ConnectorRegistry


def registered_task_types() -> set[str]:
    """The task types of every connector that is known."""
    return {category.name for category in ConnectorRegistry._REGISTRY}
