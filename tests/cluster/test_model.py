"""The model holds to its own rules: each is held with a connector that answers as the test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from flyteidl.admin.node_execution_pb2 import NodeExecutionForTaskListRequest
from flyteidl.core.execution_pb2 import NodeExecution, TaskExecution, WorkflowExecution

from tests.cluster.cluster import DOMAIN, PROGRAMS, PROJECT, documented
from tests.cluster.model.pods import Image
from tests.cluster.model.records import Attempt, Execution
from tests.cluster.model.rules import CONNECTOR, FIRST_LINE, Endpoint, Rules, seconds
from tests.cluster.model.serving import Model, s3_of
from tests.cluster.scripted import DONE, KIND, RUNNING, Author, Scripted, node, said, serve, task
from tests.conftest import Emulator, wait_for

S = TaskExecution
Make = Callable[..., tuple[Model, Author]]


@pytest.fixture
def connector() -> Scripted:
    return Scripted()


@pytest.fixture
def make(emulator: Emulator, connector: Scripted, tmp_path: Path) -> Iterator[Make]:
    """Makes a model that knows the scripted connector, with other rules."""
    serving = serve(connector)
    target = next(serving)
    models: list[Model] = []

    def one(**rules: Any) -> tuple[Model, Author]:
        quick = {"resync": 0.1, "reevaluation": 0.02, "read_qps": 1000.0, "read_burst": 1000}
        endpoint = {KIND: Endpoint(target, timeout=5)}
        given = Rules({KIND: CONNECTOR}, endpoint, {KIND: KIND}, **{**quick, **rules})
        models.append(Model(given, s3_of(emulator.env), Image(PROGRAMS)))
        return models[-1], Author(models[-1].endpoint)

    yield one
    for model in models:
        model.close()
    serving.close()


def ended(model: Model, name: Any) -> Execution:
    execution = model.book.executions[PROJECT, DOMAIN, name.name]
    wait_for(lambda: execution.ended)
    return execution


def attempts(execution: Execution, node: str = "n0") -> list[Attempt]:
    return execution.nodes[node].attempts


def phases(attempt: Attempt) -> list[int]:
    return [one.phase for one in attempt.told]


def test_a_task_type_that_no_plugin_is_set_for_is_a_bad_specification(make: Make) -> None:
    model, author = make()
    execution = ended(model, author.run(task("stray", kind="unknown")))
    assert execution.shown.closure.error.code == "BadTaskSpecification"


def test_a_create_that_raises_costs_an_attempt_at_once_and_is_not_deleted(make: Make, connector: Scripted) -> None:
    model, author = make()
    connector.creates = {"n0/0": grpc.StatusCode.INTERNAL, "n0/1": grpc.StatusCode.UNAVAILABLE}
    execution = ended(model, author.run(task("t", retries=2)))
    assert execution.phase == WorkflowExecution.SUCCEEDED
    assert [phases(one)[-1] for one in attempts(execution)] == [S.RETRYABLE_FAILED, S.RETRYABLE_FAILED, S.SUCCEEDED]
    first, *_, last = connector.of("create")
    assert last.at - first.at < 1
    assert connector.of("delete") == []


def test_attempts_are_one_more_than_retries(make: Make, connector: Scripted) -> None:
    model, author = make()
    connector.creates = {f"n0/{n}": grpc.StatusCode.INTERNAL for n in range(9)}
    execution = ended(model, author.run(task("t", retries=2)))
    assert execution.phase == WorkflowExecution.FAILED
    assert len(attempts(execution)) == 3


def test_the_first_get_follows_the_create_and_the_others_tick_for_all_together(make: Make, connector: Scripted) -> None:
    model, author = make(resync=1.0)
    connector.script = {f"n{n}/0": [RUNNING, RUNNING, RUNNING, DONE] for n in range(2)}
    tasks = task("a"), task("b")
    ended(model, author.run(*tasks))
    for name in ("n0/0", "n1/0"):
        (create,), gets = connector.of("create", name), connector.of("get", name)
        assert gets[0].at - create.at < 0.5
        assert len(gets) == 4
    for one, other in zip(connector.of("get", "n0/0")[1:], connector.of("get", "n1/0")[1:], strict=True):
        assert abs(one.at - other.at) < 0.5


def test_what_a_template_carries_comes_through_bytes_with_numbers_as_floats(make: Make, connector: Scripted) -> None:
    model, author = make()
    ended(model, author.run(task("t")))
    request = connector.of("create")[0].request
    assert request.template.custom["number"] == 3.0
    assert request.output_prefix.endswith("/n0/data/0")
    assert request.task_execution_metadata.max_attempts == 1


def test_gets_that_fail_are_counted_for_ever_and_then_the_node_stays_as_it_is(make: Make, connector: Scripted) -> None:
    model, author = make(max_system_failures=2)
    bad = grpc.StatusCode.UNAVAILABLE
    connector.script = {"n0/0": [RUNNING, bad, RUNNING, bad, RUNNING, bad, DONE]}
    name = author.run(task("t"))
    wait_for(lambda: len(connector.of("get")) == 6)
    execution = model.book.executions[PROJECT, DOMAIN, name.name]
    ticks = len(connector.of("get"))
    connector.script["n1/0"] = [RUNNING, RUNNING, RUNNING, DONE]
    ended(model, author.run(task("t"), task("u"), nodes=[node("n1", task("u"))]))
    assert len(connector.of("get", "n0/0")) == ticks, "it is asked for no more"
    assert not execution.ended


def test_a_task_that_was_never_answered_for_is_lost(make: Make, connector: Scripted) -> None:
    model, author = make(max_system_failures=2)
    connector.script = {"n0/0": [grpc.StatusCode.UNAVAILABLE]}
    execution = ended(model, author.run(task("t")))
    assert execution.shown.closure.error.code == "CacheFailed"
    assert len(connector.of("get")) == 3


def test_the_first_reason_of_a_phase_is_kept_and_running_has_none(make: Make, connector: Scripted) -> None:
    model, author = make()
    connector.script["n0/0"] = [
        said(S.INITIALIZING, "0 of 8", "http://a"),
        said(S.INITIALIZING, "1 of 8", "http://b"),
        said(S.RUNNING, "2 of 8", "http://a"),
        DONE,
    ]
    execution = ended(model, author.run(task("t")))
    (attempt,) = attempts(execution)
    assert phases(attempt) == [S.QUEUED, S.INITIALIZING, S.RUNNING, S.SUCCEEDED]
    assert [one.reason for one in attempt.told[1:3]] == ["0 of 8", ""]
    assert [log.uri for log in attempt.shown.closure.logs] == ["http://a"]
    assert attempt.shown.closure.duration.ToTimedelta().total_seconds() > 0


def test_an_earlier_phase_is_not_shown_and_is_held_against_the_connector(make: Make, connector: Scripted) -> None:
    model, author = make()
    connector.script["n0/0"] = [RUNNING, said(S.INITIALIZING, "as if"), DONE]
    execution = ended(model, author.run(task("t")))
    assert S.INITIALIZING not in phases(attempts(execution)[0])
    assert model.book.violations == ["n0: INITIALIZING after RUNNING: as if"]


def test_a_get_that_raises_is_held_against_the_connector_unless_it_is_away(make: Make, connector: Scripted) -> None:
    model, author = make()
    connector.script["n0/0"] = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, DONE]
    ended(model, author.run(task("t")))
    assert [line for line in model.book.violations if "INTERNAL" in line] == model.book.violations != []


def test_outputs_in_the_answer_are_written_and_others_must_have_been(make: Make, connector: Scripted) -> None:
    model, author = make()
    execution = ended(model, author.run(task("t")))
    closure = attempts(execution)[0].shown.closure
    written = model.store.literals(closure.output_uri)
    assert written is not None
    assert written.literals["o0"].scalar.primitive.integer == 7
    connector.script["n0/0"] = [said(S.SUCCEEDED)]
    execution = ended(model, author.run(task("t")))
    assert execution.shown.closure.error.code == "OutputsNotFound"


def test_a_deck_is_shown_from_running_on_and_taken_away_after_a_failure(make: Make, connector: Scripted) -> None:
    model, author = make()
    connector.script["n0/0"] = [RUNNING] * 8 + [said(S.FAILED, "no")]
    name = author.run(task("decked", deck=True))
    execution = model.book.executions[PROJECT, DOMAIN, name.name]
    wait_for(lambda: "n0" in execution.nodes and execution.nodes["n0"].shown.closure.deck_uri)
    ended(model, name)
    assert execution.nodes["n0"].shown.closure.deck_uri == ""


def test_what_may_be_retried_is_deleted_and_tried_at_once_and_what_is_final_is_neither(
    make: Make, connector: Scripted
) -> None:
    model, author = make()
    connector.script = {"n0/0": [said(S.RETRYABLE_FAILED, "not now")], "n0/1": [said(S.FAILED, "never")]}
    execution = ended(model, author.run(task("t", retries=5)))
    assert [phases(one)[-1] for one in attempts(execution)] == [S.RETRYABLE_FAILED, S.FAILED]
    assert [call.attempt for call in connector.of("delete")] == ["n0/0"]
    assert connector.of("create")[1].request.output_prefix.endswith("/n0/data/1")


def test_a_timeout_counts_for_all_attempts_and_deletes(make: Make, connector: Scripted) -> None:
    model, author = make()
    connector.script["n0/0"] = [RUNNING]
    execution = ended(model, author.run(task("short", retries=3, timeout=0.3), failure=task("cleanup")))
    assert execution.shown.closure.error.code == "TimeoutExpired"
    assert execution.nodes["n0"].shown.closure.phase == NodeExecution.TIMED_OUT
    assert [call.attempt for call in connector.of("delete")] == ["n0/0"]
    assert phases(attempts(execution, "fn0")[0])[-1] == S.SUCCEEDED


def test_a_failure_ends_the_others_and_then_runs_the_failure_node(make: Make, connector: Scripted) -> None:
    model, author = make()
    connector.script = {"n0/0": [RUNNING], "n1/0": [RUNNING, said(S.FAILED, "broken")]}
    execution = ended(model, author.run(task("a"), task("b"), failure=task("cleanup")))
    assert execution.phase == WorkflowExecution.FAILED
    assert execution.shown.closure.error.message == "broken"
    (delete,), (cleanup,) = connector.of("delete"), connector.of("create", "fn0")
    assert (delete.attempt, delete.at < cleanup.at) == ("n0/0", True)


def test_an_abort_deletes_and_does_not_run_the_failure_node(make: Make, connector: Scripted) -> None:
    model, author = make()
    connector.script["n0/0"] = [RUNNING]
    name = author.run(task("t"), failure=task("cleanup"))
    wait_for(lambda: connector.of("get"))
    author.terminate(name)
    execution = ended(model, name)
    assert execution.phase == WorkflowExecution.ABORTED
    assert author.seen(name).closure.abort_metadata.cause == "a person said so"
    assert len(connector.of("delete")) == 1
    assert connector.of("create", "fn0") == []


def test_an_abort_whose_deletes_fail_is_tried_eleven_times_and_fails(make: Make, connector: Scripted) -> None:
    model, author = make()
    connector.script["n0/0"] = [RUNNING]
    connector.deletes["n0/0"] = grpc.StatusCode.INTERNAL
    name = author.run(task("t"))
    wait_for(lambda: connector.of("get"))
    author.terminate(name)
    execution = ended(model, name)
    assert execution.phase == WorkflowExecution.FAILED
    assert "Workflow abort failed" in execution.shown.closure.error.message
    assert len(connector.of("delete")) == 11


def test_a_recovery_takes_over_what_had_succeeded(make: Make, connector: Scripted) -> None:
    model, author = make()
    connector.script["n1/0"] = [said(S.FAILED, "broken")]
    tasks = task("a"), task("b")
    name = author.run(*tasks, nodes=[node("n0", tasks[0]), node("n1", tasks[1], "n0")])
    ended(model, name)
    connector.script.clear()
    recovered = ended(model, author.recover(name, "again"))
    assert recovered.phase == WorkflowExecution.SUCCEEDED
    assert recovered.nodes["n0"].shown.closure.phase == NodeExecution.RECOVERED
    assert [call.attempt for call in connector.of("create")] == ["n0/0", "n1/0", "n1/0"]


def test_what_it_does_not_serve_it_refuses_in_its_own_words(make: Make) -> None:
    _, author = make()
    with pytest.raises(grpc.RpcError) as refused:
        author.admin.ListNodeExecutionsForTask(NodeExecutionForTaskListRequest())
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert refused.value.details().startswith(FIRST_LINE)


def test_it_reads_the_configuration_that_a_cluster_is_given() -> None:
    rules = Rules.of(documented())
    endpoint = rules.endpoint("smfs-training")
    assert endpoint is not None
    assert endpoint.timeout == 60
    assert "waitForReady" in endpoint.service_config
    assert rules.resync == 5
    assert rules.endpoint("smfs-unknown") is None


@pytest.mark.parametrize(("text", "value"), [("5s", 5), ("1m30s", 90), ("250ms", 0.25), ("1h", 3600)])
def test_durations_are_go_s(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["5", "", "5 s", "s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        seconds(text)
