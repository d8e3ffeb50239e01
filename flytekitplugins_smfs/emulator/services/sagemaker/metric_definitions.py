"""The expressions that find a job's metrics in its log."""

from typing import Any

from ...images import algorithm_of


def metric_definitions(request: dict[str, Any]) -> list[dict[str, str]]:
    """The regexes looked for in the log: the algorithm's own, or those of the request."""
    algorithm = algorithm_of(request)
    if algorithm is not None:
        return algorithm.metric_definitions
    given: list[dict[str, str]] = request["AlgorithmSpecification"].get("MetricDefinitions", [])
    return given
