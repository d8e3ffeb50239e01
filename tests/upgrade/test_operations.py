"""What earlier releases started is followed, cancelled, and found again: nothing is made twice. N18"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from flyteidl.core.execution_pb2 import TaskExecution
from flytekit.models.literals import Literal

from flytekitplugins_smfs.flyte import outputs as answering
from flytekitplugins_smfs.flyte import resource as connector
from flytekitplugins_smfs.flyte.binding import plain
from flytekitplugins_smfs.flyte.meta import Meta
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.operations.lustre.link import LinkHandle
from flytekitplugins_smfs.values.errors import FingerprintMismatch
from flytekitplugins_smfs.values.identity import RELEASE, mark, same
from flytekitplugins_smfs.values.operation import Handle, Owner, Phase
from tests.conftest import wait_for
from tests.operations.driving import ask
from tests.upgrade.recordings import (
    FIRST,
    RELEASES,
    Offline,
    Replayed,
    fingerprints,
    handle_of,
    holds,
    load,
    metas,
    owner_of,
    resources,
    spec_of,
    starts,
)

Record = dict[str, Any]
RESOURCES = [pytest.param(one, id=f"{release}-{one['name']}") for release in RELEASES for one in resources(release)]
FOUND_AGAIN = [one for one in RESOURCES if "handle_again" in one.values[0]]
SLOW = ("lustre-create", "repository-link", "training", "tuning")
UNDER_WAY = [one for one in FOUND_AGAIN if one.values[0]["received"] and one.values[0]["operation"] in SLOW]
METAS = [
    pytest.param(release, one, id=f"{release}-{one['task_type']}-{one['case']}-{one['attempt']}")
    for release in RELEASES
    for one in metas(release)
]
STARTED_METAS = [one for one in METAS if json.loads(one.values[1]["meta"]).get("handle")]
PROBLEMS = [one for one in METAS if "problem" in json.loads(one.values[1]["meta"])]
STARTS = [
    pytest.param(release, operation, case, id=f"{release}-{operation}-{case['case']}")
    for release in RELEASES
    for operation, case in starts(release)
]
OF_ITS_RUN = ("started_at", "ended_at", "remaining")
"""The times, which 0.1.0 and 0.2.0 took from the start and the poll that saw the end, and which are AWS's own; and
`remaining`, which 0.1.0 counted also what others still used."""
ENDED = {"succeeded": TaskExecution.SUCCEEDED, "failed": TaskExecution.FAILED}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> list[Replayed]:
    """The AWS of the connector: the one that is put in here."""
    there: list[Replayed] = []
    monkeypatch.setattr(connector, "Aws", lambda *_: there[0])
    monkeypatch.setattr(connector, "settings", lambda: None)
    monkeypatch.setattr(connector.SWEEPER, "watch", lambda region: None)
    monkeypatch.setattr(connector.SWEEPER, "see_through", lambda *_: None)
    return there


def plainly(value: Any) -> Any:
    return json.loads(value.model_dump_json())


# Handles


@pytest.mark.parametrize("record", RESOURCES)
def test_a_handle_is_read_also_with_what_a_later_release_wrote_beside(record: Record) -> None:
    handle = handle_of(record)
    known = json.loads(record["handle"])
    for name in ("region", "owner", "started_at"):
        assert holds(plainly(handle)[name], known[name])
    later = {**known, "version": 2, "of_a_later_release": {"some": 1}, "owner": {**known["owner"], "later": 1}}
    assert type(handle).model_validate(later) == handle.model_copy(update={"version": 2})
    assert type(handle).model_validate_json(handle.encode()) == handle


@pytest.mark.parametrize(("release", "record"), STARTED_METAS)
def test_what_flyte_keeps_is_read(release: str, record: Record) -> None:
    known = json.loads(record["meta"])
    meta = Meta.decode(record["meta"].encode())
    assert (meta.problem, meta.operation) == ("", record["task_type"].removeprefix("smfs-"))
    assert meta.output_prefix == known.get("output_prefix", "")
    assert meta.waiting == known.get("waiting", "")
    assert meta.handle == known["handle"]
    handle = catalog.load(meta.operation).handle_type.model_validate(meta.handle)
    if record["metadata"]:
        execution = f"flytesnacks/development/{record['execution']}"
        assert handle.owner == Owner(execution=execution, step=record["node"], attempt=record["attempt"])
    later = json.dumps({**known, "version": 2, "of_a_later_release": [1]}).encode()
    assert Meta.decode(later) == meta


@pytest.mark.parametrize(("release", "record"), PROBLEMS)
def test_what_could_not_be_started_is_told_as_it_was(release: str, record: Record) -> None:
    known = json.loads(record["meta"])
    answer = connector.look(Meta.decode(record["meta"].encode()))
    assert answer.message == known["problem"]
    assert answer.phase is (Phase.RETRYABLE_FAILED if known.get("retryable") else Phase.FAILED)


# Polls


@pytest.mark.parametrize("record", RESOURCES)
def test_it_is_polled_to_the_end_that_it_had(record: Record) -> None:
    aws = Replayed.at_the_end(record)
    answer = ask(catalog.load(record["operation"]), aws, handle_of(record))
    assert aws.unanswered == []
    assert aws.changes == []
    assert answer.phase == record["phase"], answer.message
    if record["result"] is None:
        assert answer.result is None
        assert answer.message.startswith(record["message"].splitlines()[0])
    else:
        assert holds(plainly(answer.result), record["result"], but=OF_ITS_RUN)


@pytest.mark.parametrize("record", RESOURCES)
def test_a_connector_answers_with_the_end_that_it_had(record: Record, account: list[Replayed]) -> None:
    account.append(Replayed.at_the_end(record))
    meta = Meta.decode(meta_of(record))
    resource = asyncio.run(answering.answer(meta, connector.look(meta)))
    assert resource.phase == ENDED[record["phase"]], resource.message
    if record["result"] is not None:
        (literal,) = outputs(resource)
        assert holds(plain(literal), record["result"], but=OF_ITS_RUN)


def meta_of(record: Record) -> bytes:
    """What a connector gave Flyte to keep of it."""
    handle = json.loads(record["handle"])
    return json.dumps({"version": 1, "operation": record["operation"], "handle": handle}).encode()


def outputs(resource: Any) -> list[Literal]:
    assert list(resource.outputs.literals) == ["o0"]
    return list(resource.outputs.literals.values())


@pytest.mark.parametrize("record", UNDER_WAY)
def test_it_is_followed_while_it_is_under_way(record: Record) -> None:
    aws = Replayed.at_the_start(record)
    answer = ask(catalog.load(record["operation"]), aws, handle_of(record))
    assert aws.unanswered == []
    assert answer.phase in (Phase.INITIALIZING, Phase.RUNNING)


@pytest.mark.parametrize(("release", "record"), STARTED_METAS)
def test_what_flyte_keeps_is_polled_and_cancelled(release: str, record: Record, account: list[Replayed]) -> None:
    meta = Meta.decode(record["meta"].encode())
    like = resource_like(release, meta)
    account.append(Replayed.at_the_end(like))
    if not meta.waiting:
        assert connector.look(meta).phase is Phase.SUCCEEDED
    account[:] = [Replayed.at_the_start(like)]
    if not meta.waiting:
        connector.cancel(meta)
        assert account[0].changes == changes_of_cancel(like)


def resource_like(release: str, meta: Meta) -> Record:
    """A resource of the same release as AWS would have described it, had it had this handle's ids."""
    handle = meta.handle or {}
    for record in resources(release):
        theirs = json.loads(record["handle"])
        same_kind = record["operation"] == meta.operation and set(theirs) == set(handle)
        if same_kind and all(theirs.get(name) == handle.get(name) for name in ("created", "algorithm")):
            text = json.dumps(record)
            for name in ("file_system_id", "association_id", "job_name", "tuning_job_name", "task_id"):
                text = text.replace(str(theirs.get(name)), str(handle[name])) if theirs.get(name) else text
            return {**json.loads(text), "handle": json.dumps(handle)}
    raise AssertionError(f"nothing like {meta}")


# Cancels


def changes_of_cancel(record: Record) -> list[tuple[str, Record]]:
    """What AWS is asked for when it is cancelled just after its start."""
    handle = json.loads(record["handle"])
    described = [record["answers"][key] for key in record["described"]["started"].values()]
    operation = record["operation"]
    if operation == "training":
        return [("StopTrainingJob", {"TrainingJobName": handle["job_name"]})]
    if operation == "tuning":
        return [("StopHyperParameterTuningJob", {"HyperParameterTuningJobName": handle["tuning_job_name"]})]
    if operation == "repository-import":
        return [("CancelDataRepositoryTask", {"TaskId": handle["task_id"]})]
    if not handle.get("created"):
        return []  # somebody else's, or a removal, which cannot be taken back
    removed = {
        "lustre-create": ("FileSystems", "DeleteFileSystem", {"FileSystemId": handle.get("file_system_id")}),
        "repository-link": (
            "Associations",
            "DeleteDataRepositoryAssociation",
            {"AssociationId": handle.get("association_id"), "DeleteDataInFileSystem": False},
        ),
    }
    key, deletion, request = removed[operation]
    tag = {"ResourceARN": described[0][key][0]["ResourceARN"], "Tags": [{"Key": "smfs:removing", "Value": "yes"}]}
    return [("TagResource", tag), (deletion, request)]


@pytest.mark.parametrize("record", RESOURCES)
def test_it_is_cancelled(record: Record) -> None:
    aws, operation, handle = Replayed.at_the_start(record), catalog.load(record["operation"]), handle_of(record)
    wanted = changes_of_cancel(record)
    assert operation.cancel(aws, handle) is not bool(wanted)
    assert aws.changes == wanted
    assert aws.unanswered == []


# Adoption


def handle_again(record: Record, aws: Replayed, **changes: Any) -> Handle:
    """The handle of another start by the same owner, of a spec with changes."""
    handle: Handle = catalog.load(record["operation"]).start(aws, spec_of(record, **changes), owner_of(record))
    return handle


@pytest.mark.parametrize("record", FOUND_AGAIN)
def test_a_second_start_finds_what_the_first_made(record: Record) -> None:
    aws = Replayed.again(record)
    again = handle_again(record, aws)
    assert aws.changes == []
    assert aws.unanswered == []
    assert again == handle_of(record).model_copy(update={"started_at": again.started_at})


CHANGES: dict[str, list[tuple[str, Any, str]]] = {
    "lustre-create": [
        ("capacity_gib", 7200, "capacity_gib is "),
        ("data_compression_type", "*", "data_compression_type is "),
        ("weekly_maintenance_start_time", "1:02:03", "weekly_maintenance_start_time is "),
        ("file_system_type_version", "2.15", "file_system_type_version is 2.12, wanted 2.15"),
    ],
    "repository-link": [
        ("auto_import", ["NEW"], "auto_import is "),
        ("batch_import_meta_data_on_create", False, "batch_import_meta_data_on_create is True, wanted False"),
        ("imported_file_chunk_size_mib", 512, "imported_file_chunk_size_mib is 1024, wanted 512"),
    ],
    "repository-import": [("paths", ["other"], "another specification")],
    "training": [
        ("hyperparameters", {"num_round": 4}, "another specification"),
        ("resources", {"instance_type": "ml.m5.large"}, "another specification"),
        ("environment", {"MODE": "other"}, "another specification"),
    ],
    "tuning": [
        ("max_jobs", 4, "another specification"),
        ("random_seed", None, "another specification"),
        ("objective", {"type": "Maximize", "metric_name": "validation:logloss"}, "another specification"),
    ],
}
CHANGED = [
    pytest.param(one.values[0], *change, id=f"{one.id}-{change[0]}")
    for one in FOUND_AGAIN
    for change in CHANGES[one.values[0]["operation"]]
]


@pytest.mark.parametrize(("record", "field", "value", "told"), CHANGED)
def test_a_second_start_of_another_spec_is_refused(record: Record, field: str, value: Any, told: str) -> None:
    aws = Replayed.again(record)
    if value == "*":
        value = {"NONE": "LZ4", "LZ4": "NONE"}[record["spec"][field]]
    with pytest.raises(FingerprintMismatch, match=told) as refused:
        handle_again(record, aws, **{field: value})
    assert aws.changes == []
    assert (field in str(refused.value)) == (record["operation"] in ("lustre-create", "repository-link"))


@pytest.mark.parametrize("record", FOUND_AGAIN)
def test_what_is_no_part_of_a_thing_holds_nothing_back(record: Record) -> None:
    """Other tags, and another state of a file system that it is made on, as a second start finds it."""
    changes: Record = {"tags": {"team": "others"}}
    if "file_system" in record["spec"]:
        timing = {"started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:05:00Z"}
        grown = {"capacity_gib": 9600, "security_group_ids": ["sg-0123456789abcdef0"], "adopted": True}
        changes["file_system"] = {**record["spec"]["file_system"], **grown, "timing": timing}
    again = handle_again(record, Replayed.again(record), **changes)
    told = {name: getattr(again, name) for name in ("started_at", "file_system") if hasattr(again, name)}
    assert again == handle_of(record).model_copy(update=told)


# Marks and requests


@pytest.mark.parametrize(("release", "operation"), [(one, name) for one in RELEASES for name in fingerprints(one)])
def test_a_mark_is_of_those_specs_that_were_the_same(release: str, operation: str) -> None:
    """0.1.0 counted a link's file system; what is there is compared with AWS's account of it, and not by its mark."""
    cases = [case for name, case in starts(release) if name == operation and "fingerprint" in case]
    kind = catalog.load(operation).spec_type
    for case in cases if (release, operation) != (FIRST, "repository-link") else []:
        spec = kind.model_validate(case["spec"])
        for other in cases:
            assert same(spec, other["fingerprint"]) == (case["fingerprint"] == other["fingerprint"]), other["case"]
        if release == RELEASE:
            assert mark(spec) == case["fingerprint"]


@pytest.mark.parametrize(("release", "operation", "case"), STARTS)
def test_aws_is_asked_for_the_same(release: str, operation: str, case: Record) -> None:
    """The name and request of a start, but for the mark and the token that derives from it."""
    recorded = load(release, "fingerprints")
    aws = Offline(recorded, case)
    owner = Owner.model_validate(case.get("owner", recorded["owner"]))
    handle = catalog.load(operation).start(aws, catalog.load(operation).spec_type.model_validate(case["spec"]), owner)
    if waits(case):  # 0.1.0 asked at once, and was refused by AWS
        assert aws.changes == []
        assert isinstance(handle, LinkHandle)
        assert handle.awaited is not None
        return
    ((creation, request),) = aws.changes
    assert (creation, unmarked(request)) == (case["creation"], without_shared_checkpoints(unmarked(case["request"])))
    assert [
        handle.model_dump()[key] for key in ("job_name", "tuning_job_name") if key in type(handle).model_fields
    ] == [name for name in (case.get("job_name"),) if name]
    if release == RELEASE:
        assert request.get("ClientRequestToken") == case.get("client_token")


def without_shared_checkpoints(request: Record) -> Record:
    """Up to 0.2.0 the trials of a tuning job had one place for checkpoints, and went on with each other's models."""
    if "TrainingJobDefinition" not in request:
        return request
    definition = {k: value for k, value in request["TrainingJobDefinition"].items() if k != "CheckpointConfig"}
    return {**request, "TrainingJobDefinition": definition}


def waits(case: Record) -> bool:
    """Whether there is one of the same place that is being removed."""
    return any(one["Lifecycle"] == "DELETING" and "AssociationId" in one for one in case.get("existing", []))


def unmarked(request: Record) -> Record:
    kept = {key: item for key, item in request.items() if key != "ClientRequestToken"}
    return {**kept, "Tags": [tag for tag in request["Tags"] if tag["Key"] != "smfs:fingerprint"]}


# What waits


WAITING = [one for one in METAS if "waiting" in one.values[1]]
AWAITED = [one for one in STARTS if "handle" in one.values[2]]


@pytest.mark.parametrize(("release", "record"), WAITING)
def test_what_waited_for_its_turn_is_made(
    release: str, record: Record, account: list[Replayed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its account does not show what it has made: AWS may not either for a while. However long it waited, it is new."""
    known = json.loads(record["meta"])
    spool = tmp_path / "smfs-spec.json"
    spool.write_text(json.dumps(record["waiting"]))
    recorded = load(release, "fingerprints")
    account.append(Offline(recorded, {}))
    meta = Meta.decode(json.dumps({**known, "waiting": str(spool)}).encode())
    assert connector.look(meta).phase in (Phase.WAITING, Phase.RUNNING)  # made at once, and not shown yet
    wait_for(lambda: account[0].changes and not spool.exists())
    ((creation, request),) = account[0].changes
    assert (creation, request["TrainingJobName"]) == ("CreateTrainingJob", known["handle"]["job_name"])
    wait_for(lambda: connector.look(meta).phase is not Phase.WAITING)
    assert connector.look(meta).phase is Phase.RUNNING
    seen_through: list[str] = []
    monkeypatch.setattr(connector.SWEEPER, "see_through", lambda what, *_: seen_through.append(what))
    connector.cancel(meta)
    assert seen_through == [f"training job {known['handle']['job_name']}"]


@pytest.mark.parametrize(("release", "operation", "case"), AWAITED)
def test_a_link_that_waited_for_another_to_go_is_made(release: str, operation: str, case: Record) -> None:
    handle = catalog.load(operation).handle_type.model_validate(case["handle"])
    aws = Offline(load(release, "fingerprints"), {})
    ask(catalog.load(operation), aws, handle)
    assert [creation for creation, _ in aws.changes] == ["CreateDataRepositoryAssociation"]
