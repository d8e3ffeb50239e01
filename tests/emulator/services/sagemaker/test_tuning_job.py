"""Tuning jobs over the wire: they search, keep their limits, stop, fail and go on after a kill."""

import io
import os
import signal
import tarfile
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Emulator, wait_for

from .jobs import OWN_IMAGE, XGBOOST_IMAGE, Jobs, unique

ETA = {"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.05", "MaxValue": "0.5"}]}
ETA_AND_X = {
    "ContinuousParameterRanges": [
        {"Name": "x", "MinValue": "-5", "MaxValue": "5"},
        {"Name": "eta", "MinValue": "0", "MaxValue": "1"},
    ]
}
DEPTH_RANGE = {"Name": "max_depth", "MinValue": "2", "MaxValue": "6"}
DEPTH = {"IntegerParameterRanges": [DEPTH_RANGE]}
LOGLOSS = {"Type": "Minimize", "MetricName": "validation:logloss"}
FINAL = "FinalHyperParameterTuningJobObjectiveMetric"


class Tuning(Jobs):
    """Starts tuning jobs."""

    def tuning(self, **changes: Any) -> dict[str, Any]:
        """A request: XGBoost, four trials, two at a time. Members of its parts may be given by their names."""
        config = {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": LOGLOSS,
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {**ETA, **DEPTH},
            **changes.pop("config", {}),
        }
        training = self.xgboost()
        static = {**training.pop("HyperParameters"), **changes.pop("static", {})}
        del training["TrainingJobName"]
        definition = {**training, "StaticHyperParameters": static, **changes.pop("definition", {})}
        return {
            "HyperParameterTuningJobName": unique("tune"),
            "HyperParameterTuningJobConfig": config,
            "TrainingJobDefinition": definition,
            **changes,
        }

    def script(self, objective: str, **changes: Any) -> dict[str, Any]:
        """A request whose trials print an objective: a Python expression of ``p``, the hyperparameters as numbers."""
        code = f"""
import json, os, sys
p = {{k: float(v) for k, v in json.loads(os.environ["SM_HPS"]).items()}}
print("objective=%r" % ({objective}), flush=True)
"""
        return self.tuning(
            config={
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "objective"},
                "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "-5", "MaxValue": "5"}]},
                **changes.pop("config", {}),
            },
            definition={
                "AlgorithmSpecification": {
                    "TrainingImage": OWN_IMAGE,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "objective", "Regex": "objective=(.*)"}],
                },
                "StaticHyperParameters": {"sagemaker_program": "trial.py", **self._packed(code)},
                **changes.pop("definition", {}),
            },
            **changes,
        )

    def _packed(self, code: str) -> dict[str, str]:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            member = tarfile.TarInfo("trial.py")
            member.size = len(code)
            tar.addfile(member, io.BytesIO(code.encode()))
        return {"sagemaker_submit_directory": self.put(f"{unique('code')}.tar.gz", packed.getvalue())}

    def begin(self, request: dict[str, Any]) -> str:
        self.sagemaker.create_hyper_parameter_tuning_job(**request)
        return str(request["HyperParameterTuningJobName"])

    def look(self, name: str) -> dict[str, Any]:
        return dict(self.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name))

    def finish(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.over(self.begin(request))

    def over(self, name: str) -> dict[str, Any]:
        """The description once the tuning job has ended."""

        def ended() -> dict[str, Any] | None:
            found = self.look(name)
            return found if found["HyperParameterTuningJobStatus"] not in ("InProgress", "Stopping") else None

        return wait_for(ended, 90)

    def trials(self, name: str, **more: Any) -> list[dict[str, Any]]:
        call = self.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job
        return list(call(HyperParameterTuningJobName=name, MaxResults=100, **more)["TrainingJobSummaries"])


@pytest.fixture
def tuning(emulator: Emulator) -> Tuning:
    return Tuning(emulator)


def values(trials: list[dict[str, Any]], name: str) -> list[str]:
    return [trial["TunedHyperParameters"][name] for trial in trials]


def test_it_searches_and_names_the_best(tuning: Tuning) -> None:  # C41, C45
    name = tuning.begin(tuning.tuning(Tags=[{"Key": "owner", "Value": "a"}]))
    most = 0

    def ended() -> bool:
        nonlocal most
        found = tuning.look(name)
        most = max(most, found["TrainingJobStatusCounters"]["InProgress"])
        return bool(found["HyperParameterTuningJobStatus"] != "InProgress")

    wait_for(ended, 60)
    done = tuning.look(name)
    assert most == 2  # C43
    assert done["HyperParameterTuningJobStatus"] == "Completed"
    assert done["TrainingJobStatusCounters"]["Completed"] == done["ObjectiveStatusCounters"]["Succeeded"] == 4
    trials = tuning.trials(name)
    assert [trial["TrainingJobName"][: len(name) + 5] for trial in trials] == [f"{name}-{n:03d}-" for n in range(1, 5)]
    assert all(0.05 <= float(value) <= 0.5 for value in values(trials, "eta"))  # C42
    assert all(2 <= int(value) <= 6 for value in values(trials, "max_depth"))
    metric = "FinalHyperParameterTuningJobObjectiveMetric"
    best = min(trials, key=lambda trial: float(trial[metric]["Value"]))
    assert done["BestTrainingJob"]["TrainingJobName"] == best["TrainingJobName"]
    assert done["BestTrainingJob"]["TunedHyperParameters"] == best["TunedHyperParameters"]
    job = tuning.describe(best["TrainingJobName"])
    assert job["TuningJobArn"] == done["HyperParameterTuningJobArn"]
    assert job["HyperParameters"]["eta"] == best["TunedHyperParameters"]["eta"]
    assert job["HyperParameters"]["_tuning_objective_metric"] == "validation:logloss"
    assert tuning.get(job["ModelArtifacts"]["S3ModelArtifacts"])
    ordered = tuning.trials(name, SortBy="FinalObjectiveMetricValue", SortOrder="Ascending")
    assert ordered[0]["TrainingJobName"] == best["TrainingJobName"]
    assert tuning.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"] == [{"Key": "owner", "Value": "a"}]


def test_a_tunable_hyperparameter_wins_over_a_static_one(tuning: Tuning) -> None:  # C44
    done = tuning.finish(tuning.tuning(static={"eta": "0.9"}))
    for trial in tuning.trials(done["HyperParameterTuningJobName"]):
        assert tuning.describe(trial["TrainingJobName"])["HyperParameters"]["eta"] != "0.9"


def test_the_search_gets_better_than_chance(tuning: Tuning) -> None:
    limits = {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 2}
    request = tuning.script("-(p['x'] - 2) ** 2", config={"ResourceLimits": limits, "RandomSeed": 5})
    done = tuning.finish(request)
    trials = tuning.trials(done["HyperParameterTuningJobName"])
    distance = [abs(float(value) - 2) for value in values(trials, "x")]
    assert sum(distance[10:]) < sum(distance[:10])
    assert min(distance) < 0.5
    assert done["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > -0.25


def test_scaling_and_categories(tuning: Tuning) -> None:
    ranges = {
        "ContinuousParameterRanges": [
            {"Name": "log", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Logarithmic"},
            {"Name": "reverse", "MinValue": "0.1", "MaxValue": "0.9999", "ScalingType": "ReverseLogarithmic"},
        ],
        "CategoricalParameterRanges": [{"Name": "kind", "Values": ["1", "2"]}],
    }
    limits = {"MaxNumberOfTrainingJobs": 8, "MaxParallelTrainingJobs": 4}
    config = {"Strategy": "Random", "ParameterRanges": ranges, "ResourceLimits": limits, "RandomSeed": 1}
    done = tuning.finish(tuning.script("p['log']", config=config))
    trials = tuning.trials(done["HyperParameterTuningJobName"])
    assert sum(float(value) < 0.1 for value in values(trials, "log")) > 2
    assert sum(float(value) > 0.9 for value in values(trials, "reverse")) > 2
    assert all(0.1 <= float(value) <= 0.9999 for value in values(trials, "reverse"))
    assert set(values(trials, "kind")) == {"1", "2"}


def test_a_grid_is_tried_completely(tuning: Tuning) -> None:
    ranges = {
        "CategoricalParameterRanges": [
            {"Name": "a", "Values": ["1", "2"]},
            {"Name": "b", "Values": ["3", "4", "5"]},
        ]
    }
    config = {"Strategy": "Grid", "ParameterRanges": ranges, "ResourceLimits": {"MaxParallelTrainingJobs": 3}}
    done = tuning.finish(tuning.script("p['a'] * p['b']", config=config))
    trials = tuning.trials(done["HyperParameterTuningJobName"])
    tried = Counter(zip(values(trials, "a"), values(trials, "b"), strict=True))
    assert tried == Counter((a, b) for a in "12" for b in "345")
    assert done["BestTrainingJob"]["TunedHyperParameters"] == {"a": "2", "b": "5"}


def test_a_target_value_ends_the_search(tuning: Tuning) -> None:
    limits = {"MaxNumberOfTrainingJobs": 50, "MaxParallelTrainingJobs": 1}
    criteria = {"TargetObjectiveMetricValue": -1000.0}
    config = {"ResourceLimits": limits, "TuningJobCompletionCriteria": criteria}
    done = tuning.finish(tuning.script("p['x']", config=config))
    assert done["HyperParameterTuningJobStatus"] == "Completed"
    assert done["TrainingJobStatusCounters"]["Completed"] == 1


def test_nothing_better_for_long_ends_the_search(tuning: Tuning) -> None:
    limits = {"MaxNumberOfTrainingJobs": 50, "MaxParallelTrainingJobs": 1}
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    config = {"ResourceLimits": limits, "TuningJobCompletionCriteria": criteria}
    done = tuning.finish(tuning.script("0", config=config))
    assert done["TrainingJobStatusCounters"]["Completed"] == 4


def test_a_warm_start_knows_what_its_parent_tried(tuning: Tuning) -> None:
    parent = tuning.finish(tuning.script("-(p['x'] - 2) ** 2", config={"RandomSeed": 5}))
    name = parent["HyperParameterTuningJobName"]
    warm = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": name}],
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    child = tuning.finish(tuning.script("-(p['x'] - 2) ** 2", config={"RandomSeed": 5}, WarmStartConfig=warm))
    best = max((parent, child), key=lambda job: float(job["BestTrainingJob"][FINAL]["Value"]))
    assert child["OverallBestTrainingJob"]["TrainingJobName"] == best["BestTrainingJob"]["TrainingJobName"]
    assert "OverallBestTrainingJob" not in parent
    first_of = [values(tuning.trials(d["HyperParameterTuningJobName"]), "x")[0] for d in (parent, child)]
    assert first_of[0] != first_of[1]
    for changes, text in (
        ({"config": {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "objective"}}}, "same as"),
        ({"config": {"ParameterRanges": ETA_AND_X}}, "total number of static plus tunable hyperparameters"),
    ):
        with pytest.raises(ClientError, match=text):
            tuning.begin(tuning.script("0", WarmStartConfig=warm, **changes))
    with pytest.raises(ClientError, match="names must be unique"):
        tuning.begin(tuning.script("0", HyperParameterTuningJobName=name.upper()))
    warm["ParentHyperParameterTuningJobs"] = [{"HyperParameterTuningJobName": "nobody"}]
    with pytest.raises(ClientError, match="can't find the parent tuning job nobody"):
        tuning.begin(tuning.script("0", WarmStartConfig=warm))


def test_trials_that_cannot_win_are_stopped_early(tuning: Tuning) -> None:
    """After three good trials, one whose values are far worse is stopped long before its end."""
    ranges = {"CategoricalParameterRanges": [{"Name": "wait", "Values": ["0", "0.01", "0.02", "60"]}]}
    config = {
        "Strategy": "Grid",
        "ParameterRanges": ranges,
        "ResourceLimits": {"MaxParallelTrainingJobs": 1},
        "TrainingJobEarlyStoppingType": "Auto",
    }
    epochs = "[print('objective=%r' % (1 if p['wait'] > 1 else 5 + epoch), flush=True) for epoch in range(3)]"
    done = tuning.finish(tuning.script(f"{epochs} and __import__('time').sleep(p['wait']) or 8", config=config))
    assert done["HyperParameterTuningJobStatus"] == "Completed"
    assert done["TrainingJobStatusCounters"]["Completed"] == 3
    assert done["TrainingJobStatusCounters"]["Stopped"] == 1


def test_hyperband_goes_on_with_the_best_only(tuning: Tuning) -> None:
    limits = {"MaxNumberOfTrainingJobs": 6, "MaxParallelTrainingJobs": 1}
    strategy = {"HyperbandStrategyConfig": {"MinResource": 2, "MaxResource": 4}}
    config = {"Strategy": "Hyperband", "StrategyConfig": strategy, "ResourceLimits": limits, "RandomSeed": 1}
    waits = "__import__('time').sleep(0 if epoch < 2 else 0.4)"
    epochs = f"[{waits} or print('objective=%r' % (p['x'] + epoch / 10), flush=True) for epoch in range(40)]"
    done = tuning.finish(tuning.script(f"{epochs} and 9", config=config))
    name = done["HyperParameterTuningJobName"]
    assert done["TrainingJobStatusCounters"]["Stopped"] == 6
    reached = {t["TrainingJobName"]: len(tuning.lines(t["TrainingJobName"])) for t in tuning.trials(name)}
    assert all(epochs < 40 for epochs in reached.values())
    assert max(reached.values()) >= 4 > min(reached.values())
    best = done["BestTrainingJob"]["TunedHyperParameters"]["x"]
    assert float(best) == max(map(float, values(tuning.trials(name), "x")))


def test_stop_stops_the_training_jobs(tuning: Tuning) -> None:  # C38
    name = tuning.begin(tuning.script("__import__('time').sleep(60)"))
    wait_for(lambda: Counter(t["TrainingJobStatus"] for t in tuning.trials(name))["InProgress"] == 2)
    wait_for(lambda: len(running(tuning, name)) == 2)
    tuning.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    done = tuning.over(name)
    assert done["HyperParameterTuningJobStatus"] == "Stopped"
    assert done["TrainingJobStatusCounters"]["Stopped"] == 2
    assert running(tuning, name) == []
    with pytest.raises(ClientError, match="the hyperparameter tuning job is in status Stopped"):
        tuning.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def running(tuning: Tuning, name: str) -> list[str]:
    return [p["name"] for p in tuning.emulator.processes() if p["name"].startswith(f"{name}-")]


def test_when_all_trials_fail_the_tuning_job_fails(tuning: Tuning) -> None:
    done = tuning.finish(tuning.tuning(static={"objective": "nonsense"}))
    assert done["HyperParameterTuningJobStatus"] == "Failed"
    assert done["FailureReason"].startswith("All training jobs failed.")
    assert done["TrainingJobStatusCounters"]["NonRetryableError"] == 4
    assert "BestTrainingJob" not in done
    assert all("objective" in trial["FailureReason"] for trial in tuning.trials(done["HyperParameterTuningJobName"]))


def test_several_definitions(tuning: Tuning) -> None:
    request = tuning.tuning()
    config = request["HyperParameterTuningJobConfig"]
    definition = {
        **request.pop("TrainingJobDefinition"),
        "TuningObjective": config.pop("HyperParameterTuningJobObjective"),
        "HyperParameterRanges": config.pop("ParameterRanges"),
    }
    request["TrainingJobDefinitions"] = [{**definition, "DefinitionName": name} for name in ("one", "two")]
    done = tuning.finish(request)
    names = Counter(t["TrainingJobDefinitionName"] for t in tuning.trials(done["HyperParameterTuningJobName"]))
    assert names == {"one": 2, "two": 2}
    assert "OverallBestTrainingJob" not in done
    assert done["BestTrainingJob"]["TrainingJobDefinitionName"] in ("one", "two")
    assert {trial["TrainingJobDefinitionName"] for trial in tuning.trials(done["HyperParameterTuningJobName"])} == {
        "one",
        "two",
    }


def test_it_goes_on_after_a_kill(own_emulator: Emulator) -> None:
    own_emulator.start()
    tuning = Tuning(own_emulator)
    name = tuning.begin(tuning.tuning(static={"num_round": "100"}))
    wait_for(lambda: tuning.look(name)["TrainingJobStatusCounters"]["Completed"] >= 1, 30)
    before = [trial["TrainingJobName"] for trial in tuning.trials(name)]
    os.kill(own_emulator.server["pid"], signal.SIGKILL)
    own_emulator.start()
    tuning = Tuning(own_emulator)
    done = tuning.over(name)
    after = [trial["TrainingJobName"] for trial in tuning.trials(name)]
    assert done["HyperParameterTuningJobStatus"] == "Completed"
    assert done["TrainingJobStatusCounters"]["Completed"] == 4
    assert after[: len(before)] == before
    assert len(after) == 4


MANY = [{"Name": f"c{number}", "Values": ["a", "b"]} for number in range(30)]


def bad_range(**range: str) -> dict[str, Any]:
    return {"ParameterRanges": {"ContinuousParameterRanges": [{"Name": "eta", **range}]}}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"config": {"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"}}, "must be Off"),
        (
            {"config": {"StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1}}}},
            "only for the Hyperband strategy",
        ),
        (
            {"config": {"Strategy": "Hyperband"}},
            "MaxResource must be specified in HyperbandStrategyConfig, or epochs in StaticHyperParameters.",
        ),
        (
            {"config": {"Strategy": "Hyperband"}, "static": {"n_epochs": "20001"}},
            "MaxResource must be from MinResource to 20000",
        ),
        (
            {
                "config": {
                    "ParameterRanges": {
                        "CategoricalParameterRanges": MANY[:16],
                        "ContinuousParameterRanges": [
                            {"Name": f"x{number}", "MinValue": "0", "MaxValue": "1"} for number in range(15)
                        ],
                    }
                }
            },
            "At most 30 hyperparameters",
        ),
        ({"Autotune": {"Mode": "Enabled"}}, "does not implement Autotune"),
        ({"config": {"ParameterRanges": {}}}, "At least one hyperparameter range must be specified"),
        ({"config": bad_range(MinValue="1", MaxValue="0")}, "must be less than MaxValue 0"),
        ({"config": bad_range(MinValue="a", MaxValue="1")}, "must be of type float"),
        (
            {"config": bad_range(MinValue="0", MaxValue="1", ScalingType="Logarithmic")},
            "Logarithmic scaling of the hyperparameter eta requires values greater than 0.",
        ),
        (
            {"config": bad_range(MinValue="0", MaxValue="1", ScalingType="ReverseLogarithmic")},
            "requires a continuous range in 0 <= x < 1",
        ),
        (
            {
                "config": {
                    "ParameterRanges": {
                        "IntegerParameterRanges": [{**DEPTH["IntegerParameterRanges"][0], "Name": "seed"}]
                    }
                }
            },
            "untunable hyperparameters: ['seed']",
        ),
        ({"config": {"ParameterRanges": {"IntegerParameterRanges": [DEPTH_RANGE] * 2}}}, "unique"),
        (
            {"config": {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "mood"}}},
            "The objective metric for the hyperparameter tuning job, [mood], isn't valid for the",
        ),
        (
            {"config": {"HyperParameterTuningJobObjective": {**LOGLOSS, "Type": "Maximize"}}},
            "The objective type for the hyperparameter tuning job, [Maximize], isn't valid",
        ),
        (
            {"config": {"ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 2}}},
            "MaxParallelTrainingJobs must be less than or equal to MaxNumberOfTrainingJobs",
        ),
        ({"config": {"Strategy": "Grid"}}, "The Grid strategy supports only categorical hyperparameters."),
        ({"HyperParameterTuningJobName": "x" * 33}, "length less than or equal to 32"),
        ({"definition": {"RoleArn": "arn:aws:iam::123456789012:role/nobody"}}, "Could not assume role"),
        (
            {
                "definition": {
                    "AlgorithmSpecification": {
                        "TrainingImage": XGBOOST_IMAGE,
                        "TrainingInputMode": "File",
                        "MetricDefinitions": [{"Name": "m", "Regex": "m"}],
                    }
                }
            },
            "You can't override the metric definitions",
        ),
    ],
)
def test_requests_that_are_refused(tuning: Tuning, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError) as caught:
        tuning.begin(tuning.tuning(**changes))
    assert caught.value.response["Error"]["Code"] in ("ValidationException", "NotImplementedByEmulator")
    assert text in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("limits", "quota"),
    [
        ({"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 11}, "parallel training jobs per hyperparameter"),
        ({"MaxNumberOfTrainingJobs": 751, "MaxParallelTrainingJobs": 1}, "training jobs per hyperparameter"),
    ],
)
def test_quotas(tuning: Tuning, limits: dict[str, int], quota: str) -> None:
    with pytest.raises(tuning.sagemaker.exceptions.ResourceLimitExceeded, match=quota):
        tuning.begin(tuning.tuning(config={"ResourceLimits": limits}))


def test_names(tuning: Tuning) -> None:
    done = tuning.finish(
        tuning.script("0", config={"ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1}})
    )
    name = done["HyperParameterTuningJobName"]
    with pytest.raises(tuning.sagemaker.exceptions.ResourceInUse, match="tuning job names must be unique"):
        tuning.begin(tuning.tuning(HyperParameterTuningJobName=name))
    with pytest.raises(tuning.sagemaker.exceptions.ResourceNotFound, match="can't find a tuning job with the name"):
        tuning.look("unknown")
    found = tuning.sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)["HyperParameterTuningJobSummaries"]
    assert [(f["HyperParameterTuningJobName"], f["HyperParameterTuningJobStatus"]) for f in found] == [
        (name, "Completed")
    ]


def test_an_image_of_ones_own_is_told_the_objective(tuning: Tuning) -> None:
    """As Amazon's algorithms are; the training toolkit keeps it from the script."""
    done = tuning.finish(tuning.script("p['x']"))
    definition = done["TrainingJobDefinition"]
    assert definition["StaticHyperParameters"]["_tuning_objective_metric"] == "objective"
    found = [{"Name": name, "Regex": "objective=(.*)"} for name in ("objective", "ObjectiveMetric")]
    assert definition["AlgorithmSpecification"]["MetricDefinitions"] == found
    for trial in tuning.trials(done["HyperParameterTuningJobName"]):
        job = tuning.describe(trial["TrainingJobName"])
        assert job["HyperParameters"]["_tuning_objective_metric"] == "objective"
        metrics = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
        assert metrics["ObjectiveMetric"] == metrics["objective"] == trial[FINAL]["Value"]


def test_all_trials_have_the_one_place_for_checkpoints(tuning: Tuning) -> None:
    """What one leaves there the next one finds: SageMaker adds nothing to the path."""
    place = {"S3Uri": tuning.url("shared")}
    limits = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1}
    there = "len(os.listdir('/opt/ml/checkpoints')) + 0 * open('/opt/ml/checkpoints/%s' % p['x'], 'w').write('x')"
    request = tuning.script(there, config={"ResourceLimits": limits}, definition={"CheckpointConfig": place})
    done = tuning.finish(request)
    trials = tuning.trials(done["HyperParameterTuningJobName"])
    assert [trial[FINAL]["Value"] for trial in trials] == [0.0, 1.0]
    for trial in trials:
        shown = tuning.describe(trial["TrainingJobName"])["CheckpointConfig"]
        assert shown == {**place, "LocalPath": "/opt/ml/checkpoints"}


def test_resources_of_a_choice_are_shown_as_trials_get_them(tuning: Tuning) -> None:
    """What the SageMaker SDK attaches to is ResourceConfig, whichever way the resources were asked for."""
    choices = [
        {"InstanceType": f"ml.m5.{size}", "InstanceCount": 1, "VolumeSizeInGB": 5} for size in ("large", "xlarge")
    ]
    request = tuning.script("p['x']")
    del request["TrainingJobDefinition"]["ResourceConfig"]
    request["TrainingJobDefinition"]["HyperParameterTuningResourceConfig"] = {"InstanceConfigs": choices}
    name = tuning.begin(request)
    shown = tuning.look(name)
    assert shown["TrainingJobDefinition"]["ResourceConfig"] == choices[0]
    assert shown["TrainingJobDefinition"]["HyperParameterTuningResourceConfig"]["InstanceConfigs"] == choices
    assert shown["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] == "Off"
    tuning.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
