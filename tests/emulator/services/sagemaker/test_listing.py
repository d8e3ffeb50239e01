"""Lists of jobs: filters, order and pages, and what of a job's progress they show."""

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Emulator, wait_for

from .jobs import Jobs, unique
from .test_tuning_job import Tuning

SUMMARIES = "TrainingJobSummaries"


class Listed(Jobs):
    """Three jobs that a region of their own has, made in the order b, c, a; c has failed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sagemaker = self.emulator.client("sagemaker", region_name="eu-central-1")
        self.done = {name: self.run(self._request(name)) for name in ("b-job", "c-job", "a-job")}

    def _request(self, name: str) -> dict[str, Any]:
        return self.shell("exit 1" if name == "c-job" else "true", TrainingJobName=name)

    def pages(self, **request: Any) -> list[str]:
        """The first letters of the names on each page."""
        paginator = self.sagemaker.get_paginator("list_training_jobs")
        size = {"PageSize": request.pop("MaxResults", 10)}
        return [letters(page[SUMMARIES]) for page in paginator.paginate(**request, PaginationConfig=size)]

    def ask(self, **request: Any) -> str:
        return letters(self.sagemaker.list_training_jobs(**request)[SUMMARIES])


def letters(summaries: list[dict[str, Any]]) -> str:
    return "".join(summary["TrainingJobName"][0] for summary in summaries)


@pytest.fixture(scope="module")
def jobs(emulator: Emulator) -> Listed:
    return Listed(emulator)


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def whole(moment: datetime, seconds: int = 0) -> datetime:
    """The whole second of a time, and so many later. Clients send whole seconds."""
    return datetime.fromtimestamp(int(moment.timestamp()) + seconds, UTC)


def test_the_order(jobs: Listed) -> None:
    assert jobs.ask() == "acb"
    assert jobs.ask(SortOrder="Ascending") == "bca"
    assert jobs.ask(SortBy="CreationTime", SortOrder="Descending") == "acb"
    assert jobs.ask(SortBy="Name") == "abc"
    assert jobs.ask(SortBy="Name", SortOrder="Descending") == "cba"
    assert jobs.ask(SortBy="Status", SortOrder="Ascending")[-1] == "c"
    assert refused(jobs.sagemaker.list_training_jobs, SortBy="Mood")[0] == "ValidationException"


def test_pages(jobs: Listed) -> None:
    assert jobs.pages(MaxResults=2) == ["ac", "b"]
    assert jobs.pages(MaxResults=3) == ["acb"]
    for wrong in ({"MaxResults": 101}, {"NextToken": "nonsense"}, {"NextToken": "b2Zmc2V0Oi0x"}):
        assert refused(jobs.sagemaker.list_training_jobs, **wrong)[0] == "ValidationException", wrong


def test_name_and_status_are_looked_for_on_the_page(jobs: Listed) -> None:
    """So a page may be short, or empty and not the last."""
    assert jobs.pages(MaxResults=1, StatusEquals="Failed") == ["", "c", ""]
    assert jobs.pages(MaxResults=2, StatusEquals="Completed") == ["a", "b"]
    assert jobs.pages(MaxResults=2, NameContains="B-") == ["", "b"]
    assert jobs.pages(NameContains="job", StatusEquals="Stopped") == [""]
    code, message = refused(jobs.sagemaker.list_training_jobs, StatusEquals="Finished")
    assert code == "ValidationException"
    assert "[InProgress, Completed, Failed, Stopping, Stopped" in message


@pytest.mark.parametrize(("word", "member"), [("Creation", "CreationTime"), ("LastModified", "LastModifiedTime")])
def test_times(jobs: Listed, word: str, member: str) -> None:
    newest, oldest = jobs.done["a-job"][member], jobs.done["b-job"][member]
    after, before = f"{word}TimeAfter", f"{word}TimeBefore"
    assert jobs.ask(**{after: whole(oldest)}) == "acb"
    assert jobs.ask(**{after: whole(newest, 1)}) == ""
    assert "a" in jobs.ask(**{after: whole(newest)})
    assert jobs.ask(**{before: whole(newest, 1)}) == "acb"
    assert jobs.ask(**{before: whole(oldest)}) == ""
    assert jobs.ask(**{after: whole(oldest), before: whole(newest, 1)}) == "acb"


@pytest.mark.parametrize("word", ["Creation", "LastModified"])
def test_a_time_itself_is_neither_before_nor_after(jobs: Listed, word: str) -> None:
    """To the millisecond that is shown, which boto3 cannot say."""
    shown = jobs.done["c-job"][f"{word}Time"].timestamp()
    assert ask_plainly(jobs, {f"{word}TimeAfter": shown}) == "a"
    assert ask_plainly(jobs, {f"{word}TimeBefore": shown}) == "b"
    assert ask_plainly(jobs, {f"{word}TimeAfter": round(shown - 0.001, 3)}) == "ac"
    assert ask_plainly(jobs, {f"{word}TimeBefore": round(shown + 0.001, 3)}) == "cb"
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask_plainly(jobs, {f"{word}TimeAfter": True})


def ask_plainly(jobs: Listed, request: dict[str, Any]) -> str:
    headers = {"X-Amz-Target": "SageMaker.ListTrainingJobs", "Content-Type": "application/x-amz-json-1.1"}
    body = json.dumps(request).encode()
    asked = jobs.emulator.signed("POST", "/", body, headers, service="sagemaker", region="eu-central-1")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return letters(json.load(answer)[SUMMARIES])


def test_no_job_has_a_warm_pool_or_a_training_plan(jobs: Listed) -> None:
    plan = "arn:aws:sagemaker:eu-central-1:123456789012:training-plan/mine"
    assert jobs.ask(WarmPoolStatusEquals="Available") == jobs.ask(TrainingPlanArnEquals=plan) == ""
    assert refused(jobs.sagemaker.list_training_jobs, WarmPoolStatusEquals="Cold")[0] == "ValidationException"


def test_a_summary_says_how_far_the_job_is(jobs: Listed) -> None:
    for summary in jobs.sagemaker.list_training_jobs()[SUMMARIES]:
        described = jobs.done[summary["TrainingJobName"]]
        assert summary == {name: described[name] for name in summary}
        assert {"SecondaryStatus", "LastModifiedTime", "TrainingEndTime"} <= set(summary)


def test_ten_to_a_page_unless_asked_otherwise(emulator: Emulator) -> None:
    jobs = Jobs(emulator)
    jobs.sagemaker = emulator.client("sagemaker", region_name="eu-west-3")
    names = [jobs.start(jobs.shell("true")) for _ in range(11)]
    page = jobs.sagemaker.list_training_jobs()
    assert len(page[SUMMARIES]) == 10
    assert len(jobs.sagemaker.list_training_jobs(NextToken=page["NextToken"])[SUMMARIES]) == 1
    assert len(jobs.sagemaker.search(Resource="TrainingJob")["Results"]) == 10
    for name in names:
        jobs.ended(name)


def test_every_change_of_status_has_a_later_time(emulator: Emulator) -> None:
    jobs = Jobs(emulator)
    name = jobs.start(jobs.shell("trap 'sleep 0.2; exit 0' TERM; while true; do sleep 0.1; done"))
    seen: list[tuple[str, datetime]] = []

    def look() -> str:
        [found] = jobs.sagemaker.list_training_jobs(NameContains=name)[SUMMARIES]
        state = (found["SecondaryStatus"], found["LastModifiedTime"])
        if not seen or seen[-1] != state:
            seen.append(state)
        return str(found["SecondaryStatus"])

    wait_for(lambda: look() == "Training", 30)
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    wait_for(lambda: look() == "Stopping", 30)
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    wait_for(lambda: look() == "Stopped", 30)
    statuses = [status for status, _ in seen]
    times = [time for _, time in seen]
    assert len(set(statuses)) == len(statuses), f"a time changed though the status did not: {seen}"
    assert {"Training", "Stopping", "Stopped"} <= set(statuses)
    assert len(set(times)) == len(times)
    assert times == sorted(times)
    assert refused(jobs.sagemaker.stop_training_job, TrainingJobName=name)[0] == "ValidationException"
    assert jobs.describe(name)["LastModifiedTime"] == times[-1]


class Tunings(Tuning):
    """Two tuning jobs that a region of their own has: tune-b, then tune-a.

    All trials of tune-b fail; one of tune-a prints no objective.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sagemaker = self.emulator.client("sagemaker", region_name="eu-north-1")
        limits = {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 3}
        failing = self.script("1 / 0", HyperParameterTuningJobName="tune-b", config={"ResourceLimits": limits})
        negative = "p['x'] if p['x'] < 0 else 'no number'"
        ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["-2", "-1", "1"]}]}
        config = {"Strategy": "Grid", "ParameterRanges": ranges, "ResourceLimits": {"MaxParallelTrainingJobs": 3}}
        self.done = [
            self.finish(request)
            for request in (failing, self.script(negative, HyperParameterTuningJobName="tune-a", config=config))
        ]

    def ask(self, **request: Any) -> str:
        found = self.sagemaker.list_hyper_parameter_tuning_jobs(**request)["HyperParameterTuningJobSummaries"]
        return "".join(summary["HyperParameterTuningJobName"][-1] for summary in found)


@pytest.fixture(scope="module")
def tunings(emulator: Emulator) -> Tunings:
    return Tunings(emulator)


def test_tuning_jobs(tunings: Tunings) -> None:
    failed, done = tunings.done
    assert tunings.ask() == "ab"
    assert tunings.ask(SortBy="CreationTime", SortOrder="Ascending") == "ba"
    assert tunings.ask(SortOrder="Descending") == "ba"
    assert tunings.ask(StatusEquals="Failed") == "b"
    assert tunings.ask(NameContains="E-A") == "a"
    assert tunings.ask(CreationTimeAfter=whole(failed["CreationTime"])) == "ab"
    assert tunings.ask(CreationTimeBefore=whole(failed["CreationTime"])) == ""
    assert tunings.ask(LastModifiedTimeAfter=whole(done["LastModifiedTime"], 1)) == ""
    assert tunings.ask(LastModifiedTimeBefore=whole(done["LastModifiedTime"], 1)) == "ab"
    pages = tunings.sagemaker.get_paginator("list_hyper_parameter_tuning_jobs")
    sizes = [len(page["HyperParameterTuningJobSummaries"]) for page in pages.paginate(PaginationConfig={"PageSize": 1})]
    assert sizes == [1, 1]
    for wrong in ({"MaxResults": 101}, {"NextToken": "nonsense"}, {"StatusEquals": "Finished"}):
        assert refused(tunings.sagemaker.list_hyper_parameter_tuning_jobs, **wrong)[0] == "ValidationException"


def test_a_tuning_jobs_summary_counts_its_training_jobs(tunings: Tunings) -> None:
    [a, b] = tunings.sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    failed, done = tunings.done
    assert a == {name: (done | done["HyperParameterTuningJobConfig"])[name] for name in a}
    assert {"LastModifiedTime", "HyperParameterTuningEndTime"} <= set(a)
    assert a["TrainingJobStatusCounters"]["Completed"] == 3
    assert a["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 1}
    assert b["TrainingJobStatusCounters"]["NonRetryableError"] == b["ObjectiveStatusCounters"]["Failed"] == 3
    assert failed["HyperParameterTuningJobStatus"] == "Failed"


def test_training_jobs_of_a_tuning_job(tunings: Tunings) -> None:
    names = [trial["TrainingJobName"] for trial in tunings.trials("tune-a")]
    assert [name[:10] for name in names] == ["tune-a-001", "tune-a-002", "tune-a-003"]
    assert [trial["TrainingJobName"] for trial in tunings.trials("tune-a", SortOrder="Descending")] == names[::-1]
    assert len(tunings.trials("tune-b", StatusEquals="Failed")) == 3
    assert tunings.trials("tune-b", StatusEquals="Completed") == []
    best = tunings.trials("tune-a", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    assert [trial["TunedHyperParameters"]["x"] for trial in best] == ["-1", "-2"]
    for trial in tunings.trials("tune-a"):
        assert trial["TrainingEndTime"] >= trial["TrainingStartTime"] >= trial["CreationTime"]
        assert trial["ObjectiveStatus"] in ("Succeeded", "Failed")
    call = tunings.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job
    page = call(HyperParameterTuningJobName="tune-a", MaxResults=2)
    assert len(page[SUMMARIES]) == 2
    rest = call(HyperParameterTuningJobName="tune-a", MaxResults=2, NextToken=page["NextToken"])
    assert [trial["TrainingJobName"] for trial in rest[SUMMARIES]] == names[2:]
    assert "NextToken" not in rest
    assert refused(call, HyperParameterTuningJobName="unknown")[0] == "ResourceNotFound"
    assert refused(call, HyperParameterTuningJobName="tune-a", NextToken="x")[0] == "ValidationException"


def test_a_tuning_jobs_status_changes_with_a_later_time(emulator: Emulator) -> None:
    tuning = Tuning(emulator)
    name = tuning.begin(tuning.script("__import__('time').sleep(60) or 0"))
    running = wait_for(lambda: tuning.trials(name) and tuning.look(name))
    tuning.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    stopping = tuning.look(name)
    stopped = tuning.over(name)
    seen = [found["LastModifiedTime"] for found in (running, stopping, stopped)]
    assert [found["HyperParameterTuningJobStatus"] for found in (running, stopping, stopped)] == [
        "InProgress",
        "Stopping",
        "Stopped",
    ]
    assert seen[0] < seen[1] < seen[2]


def test_tags_of_a_tuning_job_go_to_the_training_jobs_it_starts_later(emulator: Emulator) -> None:
    tuning = Tuning(emulator)
    limits = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1}
    tags = [{"Key": "kept", "Value": "1"}, {"Key": "gone", "Value": "2"}]
    request = tuning.script("__import__('time').sleep(1) or p['x']", config={"ResourceLimits": limits}, Tags=tags)
    name = tuning.begin(request)
    arn = tuning.look(name)["HyperParameterTuningJobArn"]
    wait_for(lambda: tuning.trials(name))
    answer = tuning.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "late", "Value": "3"}])
    assert {tag["Key"] for tag in answer["Tags"]} == {"kept", "gone", "late"}
    tuning.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["gone", "never"])
    tuning.over(name)
    keys = [
        {tag["Key"] for tag in tuning.sagemaker.list_tags(ResourceArn=trial["TrainingJobArn"])["Tags"]}
        for trial in (tuning.describe(trial["TrainingJobName"]) for trial in tuning.trials(name))
    ]
    assert keys == [{"kept", "gone"}, {"kept", "late"}]
    unknown = arn.replace(name, unique("nobody"))
    for call, more in (
        (tuning.sagemaker.add_tags, {"Tags": tags}),
        (tuning.sagemaker.delete_tags, {"TagKeys": ["kept"]}),
        (tuning.sagemaker.list_tags, {}),
    ):
        assert refused(call, ResourceArn=unknown, **more) == ("ValidationException", "Requested resource not found.")
