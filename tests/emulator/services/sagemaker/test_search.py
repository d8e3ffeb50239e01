"""Search for jobs by their properties."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Emulator

from .jobs import Jobs, unique
from .test_tuning_job import Tuning


class Searched(Jobs):
    """Three jobs with a tag of their own: a has completed, b has failed, c runs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.run_id = unique("search")
        self.put("data/file", b"1")
        self._one("a", "echo accuracy=0.9", {"eta": "0.3", "depth": "5", "kind": "tree"}, team="red", channel="train")
        self._one("b", "echo accuracy=0.4; exit 1", {"eta": "0.1", "depth": "7", "kind": "line"}, team="blue")
        self._one("c", "sleep 600", {"eta": "auto"}, channel="test")

    def _one(self, name: str, script: str, parameters: dict[str, str], channel: str = "", **tags: str) -> None:
        channels = [self.channel(channel, self.url("data/"), ContentType="text/csv")] if channel else []
        request = self.shell(
            script,
            {"accuracy": "accuracy=(.*)"},
            TrainingJobName=self.name(name),
            HyperParameters=parameters,
            Tags=[{"Key": key, "Value": value} for key, value in {"run": self.run_id, **tags}.items()],
            **({"InputDataConfig": channels} if channels else {}),
        )
        self.start(request)
        self.wait_for(self.name(name), "Training") if name == "c" else self.ended(self.name(name))

    def name(self, letter: str) -> str:
        return f"{self.run_id}-{letter}"

    def own(self, *expressions: dict[str, Any]) -> dict[str, Any]:
        """An expression that only jobs of this run fit."""
        run = {"Name": "Tags.run", "Operator": "Equals", "Value": self.run_id}
        return {"Filters": [run], **({"SubExpressions": list(expressions)} if expressions else {})}

    def ask(self, *expressions: dict[str, Any], **more: Any) -> dict[str, Any]:
        return dict(
            self.sagemaker.search(**{"Resource": "TrainingJob", "SearchExpression": self.own(*expressions), **more})
        )

    def letters(self, *expressions: dict[str, Any], **more: Any) -> str:
        """Which of the jobs are found, in order."""
        names = [result["TrainingJob"]["TrainingJobName"] for result in self.ask(*expressions, **more)["Results"]]
        return "".join(name[-1] for name in names)


@pytest.fixture(scope="module")
def jobs(emulator: Emulator) -> Iterator[Searched]:
    made = Searched(emulator)
    yield made
    made.sagemaker.stop_training_job(TrainingJobName=made.name("c"))
    made.ended(made.name("c"))


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def one(name: str, operator: str | None = None, value: str | None = None) -> dict[str, Any]:
    """An expression of one filter."""
    given = {"Name": name, "Operator": operator, "Value": value}
    return {"Filters": [{member: text for member, text in given.items() if text is not None}]}


def either(*names: tuple[str, str, str], operator: str = "Or") -> dict[str, Any]:
    return {"Filters": [one(*parts)["Filters"][0] for parts in names], "Operator": operator}


def channel(name: str, content: str) -> dict[str, Any]:
    """A nested filter: one and the same channel has this name and this type of content."""
    filters = [
        {"Name": "InputDataConfig.ChannelName", "Operator": "Equals", "Value": name},
        {"Name": "InputDataConfig.ContentType", "Operator": "Equals", "Value": content},
    ]
    return {"NestedFilters": [{"NestedPropertyName": "InputDataConfig", "Filters": filters}]}


def moment(seconds: float) -> str:
    """A time as a filter has it, so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (one("TrainingJobStatus", "Equals", "Failed"), "b"),
        (one("TrainingJobStatus", "NotEquals", "Completed"), "bc"),
        (one("TrainingJobStatus", "In", "Completed,Failed"), "ab"),
        (one("TrainingJobStatus", value="InProgress"), "c"),
        (one("SecondaryStatus", "Equals", "Training"), "c"),
        (one("TrainingJobName", "Contains", "-b"), "b"),
        (one("FailureReason", "Contains", "exit code: 1"), "b"),
        (one("FailureReason"), "b"),
        (one("TrainingEndTime", "Exists"), "ab"),
        (one("TrainingEndTime", "NotExists"), "c"),
        (one("TrainingEndTime", "LessThan", moment(86400)), "ab"),
        (one("CreationTime", "GreaterThan", moment(-86400)), "abc"),
        (one("CreationTime", "GreaterThanOrEqualTo", moment(86400)), ""),
        (one("LastModifiedTime", "LessThanOrEqualTo", moment(86400)), "abc"),
        (one("LastModifiedTime", "LessThan", moment(-86400)), ""),
        (one("HyperParameters.eta", "LessThan", "0.2"), "b"),
        (one("HyperParameters.eta", "Equals", "0"), "ab"),
        (one("HyperParameters.eta", "Equals", "0.3"), "a"),
        (one("HyperParameters.eta", "Equals", "auto"), "c"),
        (one("HyperParameters.depth", "GreaterThanOrEqualTo", "6"), "b"),
        (one("HyperParameters.kind", "In", "tree,forest"), "a"),
        (one("Metrics.accuracy", "GreaterThan", "0.5"), "a"),
        (one("Metrics.loss", "Exists"), ""),
        (one("Tags.team", "Equals", "red"), "a"),
        (one("Tags.team", "NotExists"), "c"),
        (one("Tags.team", "NotEquals", "red"), "bc"),
        (one("EnableManagedSpotTraining", "Equals", "false"), "abc"),
        (one("EnableManagedSpotTraining", "Equals", "true"), ""),
        (one("ResourceConfig.InstanceCount", "Equals", "1"), "abc"),
        (one("ResourceConfig.VolumeSizeInGB", "GreaterThan", "1.5"), ""),
        (one("AlgorithmSpecification.ContainerEntrypoint", "Equals", "bash"), "abc"),
        (one("InputDataConfig", "Exists"), "ac"),
        (one("InputDataConfig.ChannelName", "Equals", "train"), "a"),
        (one("VpcConfig", "NotExists"), "abc"),
        (channel("train", "text/csv"), "a"),
        (channel("train", "text/plain"), ""),
        (either(("TrainingJobStatus", "Equals", "Failed"), ("Tags.team", "Equals", "red")), "ab"),
        (either(("TrainingJobStatus", "Equals", "Failed"), ("Tags.team", "Equals", "red"), operator="And"), ""),
        ({"SubExpressions": [one("Tags.team", "Exists"), one("FailureReason", "NotExists")]}, "a"),
        ({"SubExpressions": [one("Tags.team", "NotExists"), one("FailureReason")], "Operator": "Or"}, "bc"),
    ],
)
def test_expressions(jobs: Searched, expression: dict[str, Any], found: str) -> None:
    assert jobs.letters(expression, SortBy="TrainingJobName", SortOrder="Ascending") == found


def test_times_are_compared_to_the_millisecond(jobs: Searched) -> None:
    created = jobs.describe(jobs.name("b"))["CreationTime"].timestamp()
    second = datetime.fromtimestamp(int(created), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    after = datetime.fromtimestamp(int(created) + 1, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    only_b = one("TrainingJobName", "Equals", jobs.name("b"))
    assert jobs.letters(only_b, one("CreationTime", "GreaterThanOrEqualTo", second)) == "b"
    assert jobs.letters(only_b, one("CreationTime", "LessThan", after)) == "b"
    assert jobs.letters(only_b, one("CreationTime", "GreaterThan", after)) == ""


def test_a_record_is_the_description_with_the_tags(jobs: Searched) -> None:
    found = jobs.ask(one("TrainingJobName", "Equals", jobs.name("a")))
    assert found["TotalHits"] == {"Value": 1, "Relation": "EqualTo"}
    [record] = [result["TrainingJob"] for result in found["Results"]]
    described = jobs.describe(jobs.name("a"))
    assert {tag["Key"]: tag["Value"] for tag in record.pop("Tags")} == {"run": jobs.run_id, "team": "red"}
    assert record == {name: described[name] for name in record}
    assert {"TrainingJobArn", "SecondaryStatusTransitions", "LastModifiedTime", "FinalMetricDataList"} <= set(record)


def test_tags_are_found_as_they_are_now(jobs: Searched) -> None:
    arn = jobs.describe(jobs.name("c"))["TrainingJobArn"]
    jobs.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a.b", "Value": "x"}])
    assert jobs.letters(one("Tags.a.b", "Equals", "x")) == "c"
    jobs.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a.b"])
    assert jobs.letters(one("Tags.a.b", "Exists")) == ""


def test_the_last_modified_comes_first_unless_asked_otherwise(jobs: Searched) -> None:
    assert jobs.letters() == "cba"
    assert jobs.letters(SortOrder="Ascending") == "abc"
    assert jobs.letters(SortBy="CreationTime", SortOrder="Ascending") == "abc"
    assert jobs.letters(SortBy="TrainingJobName") == "cba"
    assert jobs.letters(SortBy="Metrics.accuracy") == "abc"
    assert jobs.letters(SortBy="Metrics.accuracy", SortOrder="Ascending") == "bac"
    assert jobs.letters(SortBy="HyperParameters.eta", SortOrder="Ascending") == "bac"


def test_results_come_in_pages(jobs: Searched) -> None:
    pages = jobs.sagemaker.get_paginator("search").paginate(
        Resource="TrainingJob", SearchExpression=jobs.own(), PaginationConfig={"PageSize": 2}
    )
    assert [len(page["Results"]) for page in pages] == [2, 1]
    assert jobs.ask(MaxResults=1)["TotalHits"]["Value"] == 3
    for wrong in ({"NextToken": "nonsense"}, {"MaxResults": 101}):
        assert refused(jobs.ask, **wrong)[0] == "ValidationException"


def test_without_an_expression_everything_is_found(jobs: Searched) -> None:
    found = jobs.sagemaker.search(Resource="TrainingJob", MaxResults=100)
    assert {jobs.name(letter) for letter in "abc"} <= {r["TrainingJob"]["TrainingJobName"] for r in found["Results"]}
    assert jobs.sagemaker.search(Resource="TrainingJob")["TotalHits"]["Value"] >= 3
    elsewhere = jobs.emulator.client("sagemaker", region_name="eu-west-1")
    assert elsewhere.search(Resource="TrainingJob", SearchExpression=jobs.own())["Results"] == []


def test_visibility_conditions(jobs: Searched) -> None:
    assert jobs.letters(VisibilityConditions=[{"Key": "Tags.team", "Value": "red"}]) == "ca"
    wrong = [{"Key": "TrainingJobName", "Value": "red"}]
    assert refused(jobs.ask, VisibilityConditions=wrong)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (one("JobName", "Equals", "x"), "Unknown property name: JobName"),
        (one("TrainingJobName.", "Equals", "x"), "Unknown property name: TrainingJobName."),
        (one("ResourceConfig.Colour", "Equals", "x"), "Unknown property name: ResourceConfig.Colour"),
        (one("TrainingJobStatus.x", "Exists"), "Unknown property name: TrainingJobStatus.x"),
        (one("ResourceConfig", "Equals", "x"), "not a value that can be compared"),
        (one("TrainingJobName", "GreaterThan", "x"), "Operator GreaterThan is not supported for text properties"),
        (one("HyperParameters.eta", "LessThan", "x"), "Operator LessThan is not supported for text properties"),
        (one("CreationTime", "Contains", "2024"), "Operator Contains is only supported for text properties"),
        (one("BillableTimeInSeconds", "In", "1,2"), "Operator In is only supported for text properties"),
        (one("BillableTimeInSeconds", "GreaterThan", "few"), "'few' is not a value of type integer"),
        (one("EnableManagedSpotTraining", "Equals", "maybe"), "'maybe' is not a value of type boolean"),
        (one("CreationTime", "GreaterThan", "1700000000"), "'1700000000' is not a value of type timestamp"),
        (one("CreationTime", "GreaterThan", "2024-01-01T00:00:00Z"), "is not a value of type timestamp"),
        (one("TrainingJobName", "Equals"), "Operator Equals needs a Value"),
        (one("TrainingJobName", "Like", "x"), "Member must satisfy enum value set: [Equals, NotEquals"),
        ({}, "needs at least one of Filters, NestedFilters and SubExpressions"),
        ({"SubExpressions": [{"Operator": "Or"}]}, "needs at least one of Filters, NestedFilters and SubExpressions"),
        ({"Filters": []}, "Member must have length greater than or equal to 1"),
        (
            either(("TrainingJobName", "Contains", "x"), ("RoleArn", "Contains", "y")),
            "'CONTAINS' operator usage limit of 1 exceeded.",
        ),
        ({"SubExpressions": [either(*[("RoleArn", "Equals", "x")] * 20)] * 3}, "can have at most 50 SubExpressions"),
        (
            {"NestedFilters": [{"NestedPropertyName": "ResourceConfig", "Filters": one("ResourceConfig")["Filters"]}]},
            "ResourceConfig is not a list of objects",
        ),
        (
            {"NestedFilters": [{"NestedPropertyName": "InputDataConfig", "Filters": one("RoleArn")["Filters"]}]},
            "RoleArn is not a property of the nested property InputDataConfig",
        ),
    ],
)
def test_expressions_that_are_refused(jobs: Searched, expression: dict[str, Any], text: str) -> None:
    raw = jobs.emulator.client("sagemaker", parameter_validation=False)
    code, message = refused(raw.search, Resource="TrainingJob", SearchExpression=expression)
    assert code == "ValidationException"
    assert text in message


def test_an_unknown_property_cannot_order(jobs: Searched) -> None:
    for wrong in ("JobName", "ResourceConfig"):
        assert refused(jobs.ask, SortBy=wrong)[0] == "ValidationException"


def test_what_is_not_searched_is_refused_by_name(jobs: Searched) -> None:
    code, message = refused(jobs.sagemaker.search, Resource="Experiment")
    assert (code, message) == ("NotImplementedByEmulator", "The embedded AWS does not implement Search of Experiment.")
    assert refused(jobs.ask, CrossAccountFilterOption="CrossAccount")[0] == "NotImplementedByEmulator"
    assert jobs.letters(CrossAccountFilterOption="SameAccount") == "cba"
    code, message = refused(jobs.sagemaker.search, Resource="Nonsense")
    assert code == "ValidationException"
    assert "at 'resource' failed to satisfy constraint: Member must satisfy enum value set" in message


def test_tuning_jobs_and_their_training_jobs(emulator: Emulator) -> None:
    tuning = Tuning(emulator)
    limits = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2}
    tags = [{"Key": "run", "Value": unique("run")}]
    done = tuning.finish(tuning.script("p['x']", config={"ResourceLimits": limits}, Tags=tags))
    search = tuning.sagemaker.search

    def ask(resource: str, *filters: tuple[str, str, str]) -> list[dict[str, Any]]:
        found = search(Resource=resource, SearchExpression=either(*filters, operator="And"))
        return [result[resource] for result in found["Results"]]

    run = ("Tags.run", "Equals", tags[0]["Value"])
    [record] = ask("HyperParameterTuningJob", run, ("HyperParameterTuningJobStatus", "Equals", "Completed"))
    assert record["Tags"] == tags
    assert record["TrainingJobStatusCounters"] == done["TrainingJobStatusCounters"]
    assert record["BestTrainingJob"] == done["BestTrainingJob"]
    assert ask("HyperParameterTuningJob", run, ("TrainingJobStatusCounters.Completed", "LessThan", "2")) == []
    of_it = ("TuningJobArn", "Equals", done["HyperParameterTuningJobArn"])
    names = {trial["TrainingJobName"] for trial in tuning.trials(done["HyperParameterTuningJobName"])}
    assert {trial["TrainingJobName"] for trial in ask("TrainingJob", of_it)} == names
    code, message = refused(search, Resource="HyperParameterTuningJob", SearchExpression=one("TrainingJobName"))
    assert (code, message) == ("ValidationException", "Unknown property name: TrainingJobName")
    assert refused(search, Resource="HyperParameterTuningJob", SearchExpression=one("Metrics.x"))[1] == (
        "Unknown property name: Metrics.x"
    )
