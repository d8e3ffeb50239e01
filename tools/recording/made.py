"""Resources that were really made, and what AWS said of them."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from recording.embedded import Emulator, settings_of
from recording.files import in_order, plain
from recording.layout import EXECUTION, door, finished, load, owner_of, replace_call


class Shelf:
    """Keeps AWS's answers, each once."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}

    def put(self, operation: str, answer: Mapping[str, Any]) -> str:
        """Keep an answer; gives the key under which it lies."""
        kept = shortened(in_order({key: item for key, item in answer.items() if key != "ResponseMetadata"}))
        mine = [key for key in self.answers if key.split()[0] == operation]
        for key in mine:
            if self.answers[key] == kept:
                return key
        key = f"{operation} {len(mine) + 1}"
        self.answers[key] = kept
        return key


def shortened(answer: Any) -> Any:
    """AWS's answer without most of the dozens of metrics that XGBoost could have had."""
    if isinstance(answer, list):
        return [shortened(item) for item in answer]
    if not isinstance(answer, dict):
        return answer
    whole = {key: shortened(item) for key, item in answer.items()}
    if len(whole.get("MetricDefinitions", [])) > 10:
        whole["MetricDefinitions"] = [one for one in whole["MetricDefinitions"] if one["Name"].endswith(":logloss")]
    return whole


class Tape:
    """Keeps every AWS call that goes through a door, and puts the answers on a shelf."""

    def __init__(self, aws: Any, shelf: Shelf) -> None:
        self._call = aws.call
        self._calls: list[dict[str, Any]] = []
        self._shelf = shelf
        self.aws = replace_call(aws, self._record)

    def _record(self, service: str, operation: str, request: Any = None, **options: Any) -> Any:
        entry = {"service": service, "operation": operation, "request": in_order(request or {})}
        try:
            answer = self._call(service, operation, request, **options)
        except Exception as error:
            self._calls.append({**entry, "error": {"kind": type(error).__name__, "code": getattr(error, "code", "")}})
            raise
        self._calls.append({**entry, "answer": self._shelf.put(operation, answer)})
        return answer

    def taken(self) -> list[dict[str, Any]]:
        """The calls, each once: some are asked by threads, as often as there is time."""
        return [call for at, call in enumerate(self._calls) if call not in self._calls[:at]]


@dataclasses.dataclass
class Scenario:
    """One operation to start: its name, its owner's step and its spec."""

    name: str
    operation: str
    step: str
    spec: Mapping[str, Any]
    execution: str = EXECUTION


class Resources:
    """Starts operations on the embedded AWS, sees them end, and writes down everything about them."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._shelf = Shelf()
        self._received = 0
        self.records: list[dict[str, Any]] = []

    def run(self, scenario: Scenario) -> Any:
        """Start it, start it again, wait for its end; answers the result as plain data."""
        operation = load(scenario.operation)
        spec = operation.spec_type.model_validate(in_order(scenario.spec))
        owner = owner_of({"execution": scenario.execution, "step": scenario.step})
        self._changes()
        self._shelf = Shelf()
        handle = operation.start(self._door(), spec, owner)
        record: dict[str, Any] = {
            "name": scenario.name,
            "operation": scenario.operation,
            "spec": plain(spec),
            "owner": plain(owner),
            "handle": handle.encode().decode(),
            "received": self._changes(),
            "described": {"started": self._described(scenario.operation, plain(handle))},
            "exchanges": {},
        }
        self._end(record, operation, spec, owner, handle)
        record["answers"] = self._shelf.answers
        self.records.append(record)
        return record["result"]

    def _end(self, record: dict[str, Any], operation: Any, spec: Any, owner: Any, handle: Any) -> None:
        self._await(operation, handle)
        tape = self._tape()
        answer = finished(operation, tape.aws, handle)
        record["exchanges"]["end"] = tape.taken()
        record["phase"], record["message"] = str(answer.phase), answer.message
        record["result"] = plain(answer.result) if answer.result is not None else None
        described = record["described"]["ended"] = self._described(record["operation"], plain(handle))
        record["tags"] = tags_in(self._shelf.answers[key] for key in described.values())
        if described:
            tape = self._tape()
            record["handle_again"] = operation.start(tape.aws, spec, owner).encode().decode()
            record["exchanges"]["again"] = tape.taken()

    def _door(self) -> Any:
        return door(settings_of(self._emulator))

    def _tape(self) -> Tape:
        return Tape(self._door(), self._shelf)

    def _await(self, operation: Any, handle: Any) -> None:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if finished(operation, self._door(), handle):
                return
            time.sleep(0.1)
        raise SystemExit(f"{handle} did not end")

    def _changes(self) -> list[dict[str, Any]]:
        """The calls received since this was asked before that change something."""
        calls = self._emulator.calls()[self._received :]
        self._received += len(calls)
        kept = ("service", "operation", "request", "error")
        changing = re.compile(r"Create|Delete|Stop|Cancel|Update|Tag|Add")
        return [{key: call[key] for key in kept} for call in calls if changing.match(call["operation"])]

    def _described(self, operation: str, handle: Mapping[str, Any]) -> dict[str, str]:
        """AWS's operation -> the key of its answer."""
        answers = DESCRIBING[operation](self._emulator, handle) if operation in DESCRIBING else {}
        return {asked: self._shelf.put(asked, answer) for asked, answer in answers.items()}


def described(emulator: Emulator, service: str, method: str, **request: Any) -> dict[str, Any]:
    """One answer of AWS."""
    answer: dict[str, Any] = getattr(emulator.client(service), method)(**request)
    return answer


def file_system(emulator: Emulator, handle: Mapping[str, Any]) -> dict[str, Any]:
    """What AWS says of a file system."""
    answer = described(emulator, "fsx", "describe_file_systems", FileSystemIds=[handle["file_system_id"]])
    return {"DescribeFileSystems": answer}


def association(emulator: Emulator, handle: Mapping[str, Any]) -> dict[str, Any]:
    """What AWS says of a link."""
    ids = [handle["association_id"]]
    answer = described(emulator, "fsx", "describe_data_repository_associations", AssociationIds=ids)
    return {"DescribeDataRepositoryAssociations": answer}


def repository_task(emulator: Emulator, handle: Mapping[str, Any]) -> dict[str, Any]:
    """What AWS says of an import."""
    answer = described(emulator, "fsx", "describe_data_repository_tasks", TaskIds=[handle["task_id"]])
    return {"DescribeDataRepositoryTasks": answer}


def training_job(emulator: Emulator, handle: Mapping[str, Any]) -> dict[str, Any]:
    """What AWS says of a training job."""
    job = described(emulator, "sagemaker", "describe_training_job", TrainingJobName=handle["job_name"])
    tags = described(emulator, "sagemaker", "list_tags", ResourceArn=job["TrainingJobArn"])
    return {"DescribeTrainingJob": job, "ListTags": tags}


def tuning_job(emulator: Emulator, handle: Mapping[str, Any]) -> dict[str, Any]:
    """What AWS says of a tuning job and its trials."""
    name = {"HyperParameterTuningJobName": handle["tuning_job_name"]}
    job = described(emulator, "sagemaker", "describe_hyper_parameter_tuning_job", **name)
    tags = described(emulator, "sagemaker", "list_tags", ResourceArn=job["HyperParameterTuningJobArn"])
    trials = described(emulator, "sagemaker", "list_training_jobs_for_hyper_parameter_tuning_job", **name)
    return {
        "DescribeHyperParameterTuningJob": job,
        "ListTags": tags,
        "ListTrainingJobsForHyperParameterTuningJob": trials,
    }


DESCRIBING: dict[str, Callable[[Emulator, Mapping[str, Any]], dict[str, Any]]] = {
    "lustre-create": file_system,
    "repository-link": association,
    "repository-import": repository_task,
    "training": training_job,
    "tuning": tuning_job,
}
"""What to ask AWS about what an operation made."""


def tags_in(answers: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The tags in what AWS says of a resource."""
    tags: list[dict[str, str]] = []
    for answer in answers:
        listed = [one for key in ("FileSystems", "Associations", "DataRepositoryTasks") for one in answer.get(key, [])]
        tags += [tag for one in (answer, *listed) for tag in one.get("Tags", [])]
    return {tag["Key"]: tag["Value"] for tag in tags}
