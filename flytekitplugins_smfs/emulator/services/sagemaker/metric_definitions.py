"""The expressions that find a job's metrics in its log."""

from typing import Any

from ...images import algorithm_of

TUNING_METRIC = "_tuning_objective_metric"
"""The hyperparameter by which every training job of a tuning job is told its objective."""


def metric_definitions(request: dict[str, Any]) -> list[dict[str, str]]:
    """The regexes looked for in the log: the algorithm's own, or those of the request.

    A tuning job has its objective found once more, under the name ``ObjectiveMetric``.
    """
    known = _known(request)
    objective = request.get("HyperParameters", {}).get(TUNING_METRIC)
    return [*known, *({**one, "Name": "ObjectiveMetric"} for one in known if one["Name"] == objective)]


def _known(request: dict[str, Any]) -> list[dict[str, str]]:
    algorithm = algorithm_of(request)
    if algorithm is not None:
        return algorithm.metric_definitions
    given: list[dict[str, str]] = request["AlgorithmSpecification"].get("MetricDefinitions", [])
    return given
