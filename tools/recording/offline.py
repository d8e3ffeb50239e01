"""Requests, fingerprints, names and tokens of many specs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from recording.files import Recording, in_order, plain
from recording.layout import OFFLINE, OFFLINE_ANSWERS, OWNER, door, load, missing, owner_of, replace_call


class Offline:
    """An AWS where nothing is but what a case says, which keeps what it is asked to create."""

    def __init__(self, existing: list[dict[str, Any]]) -> None:
        self._existing = existing
        self.created: list[tuple[str, dict[str, Any]]] = []

    def call(self, service: str, operation: str, request: Any = None, *, doing: str = "") -> Any:
        """Answer one call."""
        if operation.startswith("Create"):
            self.created.append((operation, dict(request)))
            made = {"FileSystemId": "fs-00000000000000000", "AssociationId": "dra-00000000000000000"}
            begun = {key: {**made, "Lifecycle": "CREATING"} for key in ("FileSystem", "Association")}
            return {**begun, "DataRepositoryTask": {"TaskId": "task-00000000000000000", "Lifecycle": "PENDING"}}
        if service == "fsx" and "FileSystemIds" not in (request or {}):
            return dict.fromkeys(("FileSystems", "Associations", "DataRepositoryTasks"), self._existing)
        if operation in OFFLINE_ANSWERS:
            return OFFLINE_ANSWERS[operation]
        raise missing(service, operation)


def existing_of(case: Mapping[str, Any], owner: Any) -> Any:
    """What is there already, with the owner's key filled in."""
    return json.loads(json.dumps(case.get("existing", [])).replace("{owner.key}", owner.key))


def record_start(operation: str, case: Mapping[str, Any]) -> dict[str, Any]:
    """What starting one spec asks AWS to create."""
    owner = owner_of(case.get("owner", OWNER))
    running, existing = load(operation), existing_of(case, owner)
    spec = running.spec_type.model_validate(in_order(case["spec"]))
    offline = Offline(existing)
    handle = running.start(replace_call(door(OFFLINE), offline.call), spec, owner)
    creation, request = offline.created.pop() if offline.created else (None, {})  # it may wait for what is there
    if offline.created:
        raise SystemExit(f"{operation}, {case['case']}: more than one is created")
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    record = {
        "case": case["case"],
        "spec": case["spec"],
        "owner": plain(owner) if "owner" in case else None,
        "existing": existing or None,
        "creation": creation,
        "fingerprint": tags.get("smfs:fingerprint"),
        "client_token": request.get("ClientRequestToken"),
        "job_name": request.get("TrainingJobName", request.get("HyperParameterTuningJobName")),
        "request": request or None,
        "handle": None if creation else {**plain(handle), "started_at": "2026-05-04T09:30:00Z"},
    }
    return {key: item for key, item in record.items() if item is not None}


def earlier_cases(recording: Recording) -> dict[tuple[str, str], tuple[str, Any]]:
    """Operation and case -> the latest release before this one that recorded it whole, and its record."""
    found: dict[tuple[str, str], tuple[str, Any]] = {}
    for path in recording.earlier("fingerprints.json"):
        for operation, some in json.loads(path.read_text(encoding="utf-8"))["operations"].items():
            found |= {(operation, one["case"]): (path.parent.name, one) for one in some if "as" not in one}
    return found


def without_identity(record: Mapping[str, Any]) -> Any:
    """A record of a start without what each release makes its own of: the mark, and the token that derives from it."""
    request = {key: item for key, item in record.get("request", {}).items() if key != "ClientRequestToken"}
    request["Tags"] = [tag for tag in request.get("Tags", []) if tag["Key"] != "smfs:fingerprint"]
    return {**record, "request": request, "fingerprint": None, "client_token": None}


def shortest(record: dict[str, Any], known: tuple[str, Any] | None) -> dict[str, Any]:
    """A record of a start; what an earlier release recorded alike is left to that."""
    record = in_order(record)
    if known is None or without_identity(record) != without_identity(known[1]):
        return record
    return {"as": known[0], **{key: record[key] for key in ("case", "fingerprint", "client_token") if key in record}}


def record_fingerprints(recording: Recording, cases: Mapping[str, Any]) -> None:
    """The fingerprint, name, token and whole request of many specs."""
    earlier = earlier_cases(recording)
    found = {
        operation: [shortest(record_start(operation, case), earlier.get((operation, case["case"]))) for case in some]
        for operation, some in cases["fingerprints"].items()
    }
    recording.write(
        "fingerprints", {"owner": OWNER, "settings": OFFLINE, "answers": OFFLINE_ANSWERS, "operations": found}
    )
