"""The training jobs that a tuning job starts: what they are made from, and how they are described."""

from dataclasses import dataclass
from typing import Any

from ....images import Algorithm, algorithm_of
from ....registry import Context
from ....store import Doc
from ..documents import identity
from ..metric_definitions import TUNING_METRIC
from ..training_job.record import ENDED, TRAINING_JOB
from .search import Search, Tried, seed_of


@dataclass(frozen=True)
class Definition:
    """One kind of training job that a tuning job starts, with what it searches for."""

    name: str | None
    training: dict[str, Any]
    ranges: dict[str, Any]
    objective: dict[str, str]

    @property
    def maximize(self) -> bool:
        return self.objective["Type"] == "Maximize"

    @property
    def metric(self) -> str:
        return self.objective["MetricName"]

    def better(self, one: float, other: float) -> bool:
        return one > other if self.maximize else one < other


@dataclass(frozen=True)
class Trial:
    """A training job of a tuning job, as it stands now."""

    record: dict[str, Any]
    job: Doc
    definition: Definition

    @property
    def ended(self) -> bool:
        return self.job["status"] in ENDED

    @property
    def objective(self) -> float | None:
        """The last value of the objective metric that the job printed."""
        found = self.job["metrics"].get(self.definition.metric)
        return float(found[0]) if found else None

    @property
    def succeeded(self) -> bool:
        return self.job["status"] in ("Completed", "Stopped") and self.objective is not None


def definitions(request: dict[str, Any]) -> list[Definition]:
    """The one definition of a request, or its several."""
    config = request["HyperParameterTuningJobConfig"]
    several = request.get("TrainingJobDefinitions") or [request["TrainingJobDefinition"]]
    return [
        Definition(
            name=training.get("DefinitionName"),
            training=training,
            ranges=training.get("HyperParameterRanges") or config.get("ParameterRanges") or {},
            objective=training.get("TuningObjective") or config.get("HyperParameterTuningJobObjective") or {},
        )
        for training in several
    ]


def trials(ctx: Context, doc: Doc) -> list[Trial]:
    """The training jobs started so far that still have a record, in order."""
    known = definitions(doc["request"])
    found = []
    for record in doc["trials"]:
        job = ctx.store.get(TRAINING_JOB, identity(ctx, record["name"]))
        if job is not None:
            found.append(Trial(record, job, known[record["definition"]]))
    return found


def search(doc: Doc, number: int) -> Search:
    """The search of the tuning job's definition of that number."""
    config = doc["request"]["HyperParameterTuningJobConfig"]
    definition = definitions(doc["request"])[number]
    seed = config.get("RandomSeed", seed_of(f"{doc['name']}/{number}"))
    limit = config["ResourceLimits"].get("MaxNumberOfTrainingJobs", 100)
    return Search(definition.ranges, config["Strategy"], definition.maximize, seed, limit)


def tried(some: list[Trial], definition: int) -> list[Tried]:
    """What the search has to know of the trials of one definition."""
    return [
        Tried(trial.record["params"], trial.objective if trial.succeeded else None, running=not trial.ended)
        for trial in some
        if trial.record["definition"] == definition
    ]


def best(some: list[Trial]) -> Trial | None:
    """The successful trial with the best objective; the first of equals."""
    leader = None
    for trial in some:
        if not trial.succeeded or trial.objective is None:
            continue
        if leader is None or leader.objective is None or trial.definition.better(trial.objective, leader.objective):
            leader = trial
    return leader


def trial_summary(doc: Doc, trial: Trial) -> dict[str, Any]:
    """A member of ListTrainingJobsForHyperParameterTuningJob's answer, and the shape of BestTrainingJob."""
    job = trial.job
    summary = {
        "TrainingJobDefinitionName": trial.definition.name,
        "TrainingJobName": job["name"],
        "TrainingJobArn": job["arn"],
        "CreationTime": job["created"],
        "TrainingStartTime": job["started"],
        "TrainingEndTime": job["ended"],
        "TrainingJobStatus": job["status"],
        "TunedHyperParameters": trial.record["hyperparameters"],
        "FailureReason": job["failure"],
        "ObjectiveStatus": "Pending" if not trial.ended else "Succeeded" if trial.succeeded else "Failed",
    }
    if trial.objective is not None:
        summary["FinalHyperParameterTuningJobObjectiveMetric"] = {
            **trial.definition.objective,
            "Value": trial.objective,
        }
    return {name: value for name, value in summary.items() if value is not None}


def training_request(definition: Definition, name: str, tuned: dict[str, str]) -> dict[str, Any]:
    """The CreateTrainingJob request of a trial. A hyperparameter both static and tuned is the tuned one."""
    training = definition.training
    hyperparameters = {**training.get("StaticHyperParameters", {}), **tuned}
    if "MetricName" in definition.objective:
        hyperparameters[TUNING_METRIC] = definition.metric
    unshared = (
        "DefinitionName",
        "TuningObjective",
        "HyperParameterRanges",
        "StaticHyperParameters",
        "HyperParameterTuningResourceConfig",
    )
    request = {member: value for member, value in training.items() if member not in unshared}
    if "ResourceConfig" not in training:
        request["ResourceConfig"] = _resources(training.get("HyperParameterTuningResourceConfig", {}))
    return {**request, "TrainingJobName": name, "HyperParameters": hyperparameters}


def _resources(flexible: dict[str, Any]) -> dict[str, Any]:
    """A ResourceConfig from the tuning job's own kind: the first of its instance choices."""
    choice = (flexible.get("InstanceConfigs") or [flexible])[0]
    return {
        member: choice[member] for member in ("InstanceType", "InstanceCount", "VolumeSizeInGB") if member in choice
    }


def algorithm_tuned(definition: Definition) -> Algorithm | None:
    """The built-in algorithm that is tuned, if it is one."""
    training = definition.training
    parts = {
        "HyperParameters": training.get("StaticHyperParameters", {}),
        "Environment": training.get("Environment", {}),
    }
    return algorithm_of({"AlgorithmSpecification": training["AlgorithmSpecification"], **parts})
