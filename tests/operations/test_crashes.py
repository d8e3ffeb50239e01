"""Starts that are killed, lose AWS's answer, or come twice at once: there is one resource each time. N2, C4"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.operations.lustre import records, removal
from flytekitplugins_smfs.operations.lustre.create import CreateLustre
from flytekitplugins_smfs.operations.release import Release
from flytekitplugins_smfs.values.errors import Transient
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.lustre.link import LinkSpec
from flytekitplugins_smfs.values.operation import Handle, Owner, Phase
from flytekitplugins_smfs.values.removal import ReleaseSpec
from flytekitplugins_smfs.values.sagemaker.training import TrainingSpec
from flytekitplugins_smfs.values.sagemaker.tuning import Integer, Minimize, Ranges, TuningSpec
from tests.operations.driving import BUCKET, XGBOOST, ask, cancelled, file_systems_of, s3_channels, succeed

CREATES = {
    "lustre-create": "CreateFileSystem",
    "repository-link": "CreateDataRepositoryAssociation",
    "training": "CreateTrainingJob",
    "tuning": "CreateHyperParameterTuningJob",
}
ALL = pytest.mark.parametrize("name", CREATES)


class Died(BaseException):
    """Nothing catches it, as nothing catches a SIGKILL."""


class Dying(Aws):
    """Dies after so many calls."""

    calls_left = 0

    def call(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        answer = super().call(*args, **kwargs)
        self.calls_left -= 1
        if self.calls_left == 0:
            raise Died
        return answer

    def at(self, region: str) -> Aws:
        return self


class Losing(Aws):
    """Loses the answer of one operation, which AWS has carried out."""

    lost = ""

    def call(self, service: str, operation: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        answer = super().call(service, operation, *args, **kwargs)
        if operation == self.lost:
            raise Transient(doing="creating", service=service, operation=operation, code="ReadTimeoutError", text="?")
        return answer

    def at(self, region: str) -> Aws:
        return self


@pytest.fixture
def spec(name: str, request: pytest.FixtureRequest, owner: Owner) -> Any:
    """Something to start with the operation `name`."""
    if name == "lustre-create":
        return LustreSpec()
    if name == "repository-link":
        system = request.getfixturevalue("file_system")
        return LinkSpec(file_system=system, repository=f"s3://{BUCKET}/{owner.key}")
    channels = s3_channels(request.getfixturevalue("prefix"))
    fixed = {"objective": "binary:logistic", "num_round": 2}
    training = TrainingSpec(name="crash", algorithm=XGBOOST, channels=channels, hyperparameters=fixed)
    if name == "training":
        return training
    ranges = Ranges(max_depth=Integer(1, 3))
    return TuningSpec(
        name="crash", training=training, objective=Minimize("validation:logloss"), ranges=ranges, max_jobs=1
    )


@pytest.fixture
def made(name: str, emulator: Any, owner: Owner) -> Callable[[], list[str]]:
    """What this owner's starts made, as AWS took them: ids of file systems and links, names of jobs."""
    since = emulator.last_call()

    def ask() -> list[str]:
        taken = [call for call in emulator.calls(since) if call["operation"] == CREATES[name] and not call.get("error")]
        mine = [
            call["request"] for call in taken if owner.key in [tag["Value"] for tag in call["request"].get("Tags", [])]
        ]
        keys = ("ClientRequestToken", "TrainingJobName", "HyperParameterTuningJobName")
        return sorted({one[key] for one in mine for key in keys if key in one})

    return ask


def end(operation: Any, aws: Aws, handle: Handle) -> None:
    """Leave nothing running."""
    cancelled(operation, aws, handle)


@ALL
def test_killed_between_any_two_calls_and_run_again_there_is_one(
    name: str, spec: Any, made: Any, aws: Aws, owner: Owner
) -> None:
    operation, handle, deaths = catalog.load(name), None, 0
    while handle is None:
        dying = Dying(aws.settings)
        dying.calls_left = deaths + 1
        try:
            handle = operation.start(dying, spec, owner)
        except Died:
            deaths += 1
    assert deaths >= 2
    assert len(made()) == 1
    end(operation, aws, handle)


@ALL
def test_an_answer_that_was_lost_is_looked_up(name: str, spec: Any, made: Any, aws: Aws, owner: Owner) -> None:
    operation, losing = catalog.load(name), Losing(aws.settings)
    losing.lost = CREATES[name]
    handle = operation.start(losing, spec, owner)
    assert ask(operation, aws, handle).phase != Phase.FAILED
    assert len(made()) == 1
    end(operation, aws, handle)


@pytest.mark.parametrize("name", ["lustre-create", "repository-link"])
def test_what_was_never_made_is_not_taken_for_made(
    name: str, spec: Any, made: Any, emulator: Any, aws: Aws, owner: Owner
) -> None:
    emulator.faults({"service": "fsx", "operation": CREATES[name], "status": 503, "times": 50})
    try:
        with pytest.raises(Transient):
            catalog.load(name).start(aws.within(1.0), spec, owner)
    finally:
        emulator.faults()
    assert made() == []


@pytest.mark.parametrize("name", ["training", "tuning"])
def test_a_job_that_was_never_made_may_be_tried_again(
    name: str, spec: Any, made: Any, emulator: Any, aws: Aws, owner: Owner
) -> None:
    operation = catalog.load(name)
    emulator.faults({"service": "sagemaker", "operation": CREATES[name], "status": 503, "times": 50})
    try:
        handle = operation.start(aws.within(6.0), spec, owner)  # earlier tests may have used up the rate
    finally:
        emulator.faults()
    assert ask(operation, aws, handle).phase == Phase.QUEUED
    earlier = handle.model_copy(update={"started_at": handle.started_at - timedelta(minutes=1)})
    assert ask(operation, aws, earlier).phase == Phase.RETRYABLE_FAILED
    assert operation.cancel(aws, earlier)
    assert made() == []


@ALL
def test_starts_at_the_same_moment_make_one(name: str, spec: Any, made: Any, aws: Aws, owner: Owner) -> None:
    operation = catalog.load(name)
    # Flyte may begin the next attempt while a create that it gave up on is still under way; jobs are of one attempt.
    attempts = [0, 0, 1, 1] if name in ("lustre-create", "repository-link") else [0, 0, 0, 0]
    owners = [owner.model_copy(update={"attempt": number}) for number in attempts]
    with ThreadPoolExecutor(4) as pool:
        handles = list(pool.map(lambda one: operation.start(aws, spec, one), owners))
    assert len({operation.what(handle) for handle in handles}) == 1
    assert len(made()) == 1
    end(operation, aws, handles[0])


def test_two_executions_that_ask_for_one_name_at_the_same_moment_share_it(aws: Aws, owner: Owner) -> None:
    spec = LustreSpec(name=f"shared-{owner.key}")
    owners = [owner, *(Owner(execution=f"{owner.execution}-{n}", step="step") for n in range(3))]
    with ThreadPoolExecutor(4) as pool:
        handles = list(pool.map(lambda one: CreateLustre().start(aws, spec, one), owners))
    assert len({handle.file_system_id for handle in handles}) == 1
    assert [handle.created for handle in handles].count(True) == 1
    for one in owners:
        succeed(Release(), aws, ReleaseSpec(), one)


def test_what_was_removed_is_made_anew_for_the_same_owner(aws: Aws, owner: Owner) -> None:
    """AWS remembers a client token for some minutes, also that of a file system that is gone."""
    operation = CreateLustre()
    first = operation.start(aws, LustreSpec(), owner)
    cancelled(operation, aws, first)
    again = operation.start(aws, LustreSpec(), owner)
    assert again.file_system_id != first.file_system_id
    assert file_systems_of(aws, owner.execution) == [again.file_system_id]


def test_a_name_is_free_again_once_its_file_system_is_gone(aws: Aws, owner: Owner) -> None:
    operation, spec = CreateLustre(), LustreSpec(name=f"nightly-{owner.key}")
    tonight, tomorrow = owner, Owner(execution=owner.execution + "-2", step="step")
    first = operation.start(aws, spec, tonight)
    cancelled(operation, aws, first)
    second = operation.start(aws, spec, tomorrow)
    assert second.created
    assert second.file_system_id != first.file_system_id
    cancelled(operation, aws, second)


@pytest.mark.parametrize(
    "fault",
    [
        {"code": "ThrottlingException", "message": "Rate exceeded", "status": 400},
        {"code": "ExpiredTokenException", "message": "The security token is expired", "status": 403},
        {"status": 503},
        {"drop": True},
        {"delay": 6.0},
    ],
    ids=lambda fault: next(iter(fault.values())) if "code" in fault else next(iter(fault)),
)
@pytest.mark.parametrize("name", ["lustre-create", "training"])
def test_a_poll_never_raises_and_answers_soon(
    name: str, spec: Any, fault: dict[str, Any], emulator: Any, aws: Aws, owner: Owner
) -> None:
    """Propeller counts every get that raises, and never forgets one."""
    operation = catalog.load(name)
    handle = operation.start(aws, spec, owner)
    describe = {"lustre-create": ("fsx", "DescribeFileSystems"), "training": ("sagemaker", "DescribeTrainingJob")}
    service, call = describe[name]
    emulator.faults({"service": service, "operation": call, "times": 1, **fault})
    began = time.monotonic()
    progress = ask(operation, aws, handle)
    assert time.monotonic() - began < 4
    emulator.faults()
    assert progress.phase == Phase.QUEUED
    assert "could not be read just now" in progress.message or "was started" in progress.message
    end(operation, aws, handle)


def test_links_of_a_file_system_that_is_gone_are_gone(aws: Aws, file_system: LustreFileSystem) -> None:
    while not removal.remove_file_system(aws, file_system.id):
        time.sleep(0.05)
    assert records.describe(aws, file_system.id) is None
    assert removal.remove_file_system(aws, file_system.id)
    assert removal.remove_association(aws, "dra-0123456789abcdef0")
