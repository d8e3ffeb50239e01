"""Record this release of the package as data, so that tests of later releases can see that they lose nothing of it.

    python tools/record_release.py

Drives the release against its own embedded AWS and writes JSON files to a folder of `tests/recorded`, which has the
name that the release gives itself (`values.identity.RELEASE`); `tests/recorded/README.md` says what is in each. What
depends on the layout of the release is in the first section, in one small function each.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import dataclasses
import getpass
import importlib
import importlib.metadata
import json
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOM = "flytekitplugins_smfs"
EXECUTION = "flytesnacks/development/recorded"
OWNER = {"execution": EXECUTION, "step": "n0", "attempt": 0}
OTHER_EXECUTION = "flytesnacks/development/other"
ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
BUCKET = "sagemaker-us-east-1-123456789012"
OFFLINE = {
    "endpoint": "http://aws.invalid",
    "region": "us-east-1",
    "role": ROLE,
    "output_uri": "s3://bucket/settings",
    "security_group_ids": ["sg-00000000000000005"],
    "tags": {"installation": "recorded"},
}
"""The settings under which requests are recorded that never leave the process."""
OFFLINE_ANSWERS: dict[str, Any] = {
    "DescribeSubnets": {"Subnets": [{"SubnetId": "subnet-00000000000000001", "AvailabilityZone": "us-east-1a"}]},
    "DescribeFileSystems": {
        "FileSystems": [{"SubnetIds": ["subnet-00000000000000001"], "NetworkInterfaceIds": ["eni-00000000000000001"]}]
    },
    "DescribeNetworkInterfaces": {
        "NetworkInterfaces": [{"Groups": [{"GroupId": "sg-00000000000000002"}, {"GroupId": "sg-00000000000000001"}]}]
    },
    "DescribeMountTargets": {
        "MountTargets": [{"SubnetId": "subnet-00000000000000003", "NetworkInterfaceId": "eni-00000000000000003"}]
    },
}
"""What AWS answers then, by operation; nothing else is there, except what a case calls `existing`."""

BASE64 = re.compile(r'"[A-Za-z0-9+/]{40,}=*"')
WIDTH = 160
"""Characters of a line of what is written."""
DEPTH = 6
"""Levels of what is written that have lines of their own."""


# What depends on the layout of the release


def named(module: str, name: str) -> Any:
    """Something of the package by where it lies."""
    return getattr(importlib.import_module(f"{ROOM}.{module}"), name)


def public(name: str) -> Any:
    """A public name of the package."""
    return getattr(importlib.import_module(ROOM), name)


def public_values() -> dict[str, Any]:
    """Every public value class."""
    from pydantic import BaseModel

    found = {name: public(name) for name in importlib.import_module(ROOM).__all__}
    return {name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, BaseModel)}


def load(operation: str) -> Any:
    """An operation by its name."""
    return named("operations.catalog", "load")(operation)


def owner_of(fields: Mapping[str, Any]) -> Any:
    """An owner."""
    return named("values.operation", "Owner").model_validate(dict(fields))


def door(settings: Mapping[str, Any]) -> Any:
    """The one door to AWS."""
    return named("aws.door", "Aws")(public("Settings").model_validate(dict(settings)))


def release() -> str:
    """The release that is recorded."""
    return str(named("values.identity", "RELEASE"))


def replace_call(aws: Any, call: Callable[..., Any]) -> Any:
    """Let every AWS call of a door, and of those that are made of it, go through `call`.

    It is an AWS of its own: what the process knows of another is not asked for here.
    """
    place = (object(),)
    aws.__class__ = type("Replaced", (type(aws),), {"place": property(lambda _: place)})
    aws.call = call
    return aws


def missing(service: str, operation: str) -> Exception:
    """The error for what does not exist."""
    text = "not found"
    fault = public("Missing")(doing="looking", service=service, operation=operation, code="Missing", text=text)
    assert isinstance(fault, Exception)
    return fault


def finished(operation: Any, aws: Any, handle: Any) -> Any:
    """The final answer (phase, message, result) about a started operation; None before it has ended."""
    answer = named("operations.watch", "Watch")(operation, handle, 30.0).ask(aws.waiting(5.0))
    return answer if answer.phase.final else None


def register_literals() -> None:
    """Make the values known to flytekit."""
    named("flyte.literals", "register")()


def bound_spec(template: Any, inputs: Any) -> str:
    """The spec that a template and the inputs of a call make, as JSON."""
    binding = named("flyte.binding", "Binding").of_custom(template.custom)
    data = binding.data(named("flyte.binding", "plain_inputs")(inputs))
    return str(load(binding.operation).spec_type.model_validate(data).model_dump_json())


@contextmanager
def all_wait() -> Iterator[list[Any]]:
    """Within, creates wait for their turn in the store beside their outputs; gives what is written there."""
    spool, queue = named("flyte.spool", "Spool"), named("operations.queue", "Queue")
    written: list[Any] = []
    write, directly = spool.write, queue.directly

    def keep(self: Any, document: Any) -> None:
        written.append(document)
        write(self, document)

    spool.write, queue.directly = keep, lambda *_: False
    try:
        yield written
    finally:
        spool.write, queue.directly = write, directly


def journal_of(step: str, call: tuple[str, Any] | None) -> Path:
    """Write the journal of a local run that was left while its first attempt at a step was under way.

    It is of the process, or of the call of a workflow with inputs. Gives where it lies.
    """
    if call is None:
        named("runs.execution", "Execution")().keep(step, 0)
    else:
        with named("runs.execution", "called")(*call) as made:
            made.execution().keep(step, 0)
    return Path(named("runs.journal", "directory")())


# Files: readable JSON with nothing of this machine in it


class Places:
    """Knows the places and names of this machine, and keeps them out of what is written."""

    def __init__(self, scratch: Path) -> None:
        self._placeholders = {str(scratch): "{scratch}"}
        checkout = Path(str(importlib.import_module(ROOM).__file__)).parents[1]
        words = [re.escape(str(word)) for word in (checkout, sys.prefix, scratch)]
        words.append(rf"(?<![\w-]){re.escape(socket.gethostname())}(?![\w-])")
        paths = [r"127\.0\.0\.1", "localhost", "/home/", "/tmp/", r"/root\b", rf"/{re.escape(getpass.getuser())}/"]
        self._forbidden = re.compile("|".join([*words, *paths]))

    def know(self, place: str, placeholder: str) -> None:
        """Write `placeholder` wherever `place` would stand."""
        self._placeholders[place] = placeholder

    def cleared(self, text: str) -> str:
        """The text with placeholders. Ends the program if something of this machine is left in it."""
        for place, placeholder in self._placeholders.items():
            text = text.replace(place, placeholder)
        seen = BASE64.sub("", text)  # by chance it may hold anything; what it stands for was looked at before
        if found := self._forbidden.search(seen):
            raise SystemExit(f"of this machine: {seen[max(0, found.start() - 200) : found.end() + 200]}")
        return text

    def encoded(self, data: bytes) -> str:
        """Bytes as base64. Ends the program if something of this machine is in them."""
        if self.cleared(data.decode("latin-1")) != data.decode("latin-1"):
            raise SystemExit(f"of this machine: {data!r}")
        return base64.b64encode(data).decode()

    def compressed(self, data: bytes) -> str:
        """Bytes as base64 of their zlib form. Ends the program if something of this machine is in them."""
        self.encoded(data)
        return base64.b64encode(zlib.compress(data, 9)).decode()


def jsonable(value: Any) -> Any:
    """What JSON has no form for: times in UTC, as ISO 8601."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(repr(value))


def pretty(value: Any, indent: str = "", used: int = 0) -> str:
    """JSON with sorted keys. What fits stands on one line, as does what lies deep; `used` of the line is taken."""
    line = json.dumps(value, sort_keys=True, ensure_ascii=False, default=jsonable)
    fits = len(indent) + used + len(line) < WIDTH or len(indent) > DEPTH
    if fits or not isinstance(value, dict | list) or not value:
        return line
    inner = indent + " "
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + pretty(item, inner) for item in value) + f"\n{indent}]"
    keys = {key: f"{json.dumps(key, ensure_ascii=False)}: " for key in sorted(value)}
    rows = [f"{inner}{text}{pretty(value[key], inner, len(text))}" for key, text in keys.items()]
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"


def plain(value: Any) -> Any:
    """A pydantic value as JSON gives it."""
    return json.loads(value.model_dump_json())


def in_order(data: Any) -> Any:
    """Data as it will be read from a file: its keys sorted, so that what is made from it has the same order."""
    return json.loads(json.dumps(data, sort_keys=True, default=jsonable))


def expanded(data: Any, parts: Mapping[str, Any]) -> Any:
    """Cases with every `{"$use": part, ...}` replaced by that part with the rest laid over it."""
    if isinstance(data, list):
        return [expanded(item, parts) for item in data]
    if not isinstance(data, dict):
        return data
    own = {key: expanded(item, parts) for key, item in data.items() if key != "$use"}
    return {**expanded(parts[data["$use"]], parts), **own} if "$use" in data else own


def version_of(directory: Path) -> tuple[int, ...]:
    """The release whose recording lies in a directory."""
    return tuple(int(part) for part in directory.name.split("."))


@dataclasses.dataclass
class Recording:
    """Where to write, and what all records share."""

    out: Path
    places: Places

    def earlier(self, name: str) -> list[Path]:
        """The same file of earlier releases, the latest last."""
        mine = version_of(self.out)
        there = [one for one in self.out.parent.iterdir() if one.is_dir() and version_of(one) < mine]
        return [one / name for one in sorted(there, key=version_of) if (one / name).exists()]

    def write(self, name: str, value: Any) -> None:
        """One file."""
        path = self.out / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.places.cleared(pretty(in_order(value))) + "\n", encoding="utf-8")
        print(f"{path.relative_to(self.out)}: {path.stat().st_size:,} bytes")


def news(recording: Recording, file: str, found: Mapping[str, Any], section: str | None = None) -> dict[str, Any]:
    """The entries of a file, or of a section of it, that no earlier release recorded alike."""
    known: dict[str, Any] = {}
    for path in recording.earlier(file):
        whole = json.loads(path.read_text(encoding="utf-8"))
        known |= whole[section] if section else whole
    return {name: entry for name, entry in in_order(found).items() if known.get(name) != entry}


# Values and their types, as flytekit stores them


def context() -> Any:
    """flytekit's context."""
    from flytekit import FlyteContextManager

    return FlyteContextManager.current_context()


def literal_type(kind: Any) -> Any:
    """The literal type of a Python type, as a protobuf message."""
    from flytekit.core.type_engine import TypeEngine

    return TypeEngine.to_literal_type(kind).to_flyte_idl()


def literal(value: Any, kind: Any) -> bytes:
    """The literal of a value, serialized."""
    from flytekit.core.type_engine import TypeEngine

    made = TypeEngine.to_literal(context(), value, kind, TypeEngine.to_literal_type(kind))
    return serialized(made)


def serialized(model: Any) -> bytes:
    """A flytekit model as bytes of its protobuf message, the same for the same content."""
    return bytes(model.to_flyte_idl().SerializeToString(deterministic=True))


def record_value(recording: Recording, kind: Any, given: Any) -> dict[str, str]:
    """A value as text and as a literal."""
    value = kind.model_validate(in_order(given))
    return {"json": value.model_dump_json(), "literal": recording.places.encoded(literal(value, kind))}


def record_values(recording: Recording, cases: Mapping[str, Any]) -> None:
    """Every public value with typical content, and the specs that have no public name."""
    kinds = public_values()
    if absent := set(kinds) - set(cases["values"]):
        raise SystemExit(f"there are no cases of {', '.join(sorted(absent))}")
    values = {
        name: [record_value(recording, kind, given) for given in cases["values"][name]] for name, kind in kinds.items()
    }
    specs = {
        name: [load(name).spec_type.model_validate(one).model_dump_json() for one in given]
        for name, given in cases["specs"].items()
    }
    sections = {"values": values, "specs": specs}
    recording.write("values", {name: news(recording, "values.json", some, name) for name, some in sections.items()})


def record_types(recording: Recording) -> None:
    """The literal type of every public value."""
    from google.protobuf import json_format

    types = {name: json_format.MessageToDict(literal_type(kind)) for name, kind in public_values().items()}
    recording.write("types", news(recording, "types.json", types))


# Requests, fingerprints, names and tokens of many specs


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


# The embedded AWS of the release


class Emulator:
    """An embedded AWS of this recording's own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._command("start", "--detach", "--port", "0")
        self.env: dict[str, str] = json.loads(self._command("env", "--json"))

    def _command(self, *arguments: str) -> str:
        command = [sys.executable, "-m", f"{ROOM}.emulator", *arguments, "--state", str(self.state)]
        done = subprocess.run(command, text=True, capture_output=True, timeout=120)
        if done.returncode:
            raise SystemExit(f"{command}: {done.stderr}")
        return done.stdout

    def stop(self) -> None:
        """End it and everything it started."""
        self._command("stop")

    def client(self, service: str) -> Any:
        """A boto3 client of it."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.env.get(f"AWS_ENDPOINT_URL_{service.upper()}", self.env["AWS_ENDPOINT_URL"]),
            region_name=self.env["AWS_REGION"],
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
        )

    def admin(self, method: str, name: str, document: Any = None) -> Any:
        """Ask it something that is not AWS."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        body = None if document is None else json.dumps(document).encode()
        url = f"{self.env['AWS_ENDPOINT_URL']}/_emulator/{name}"
        asked = AWSRequest(method, url, {"Content-Type": "application/json"} if body else {}, body or b"")
        keys = Credentials(self.env["AWS_ACCESS_KEY_ID"], self.env["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(keys, "emulator", self.env["AWS_REGION"]).add_auth(asked)  # releases up to 0.2.0 do not look at it
        request = urllib.request.Request(url, body, dict(asked.headers.items()), method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def calls(self) -> list[dict[str, Any]]:
        """The AWS calls received so far."""
        found: list[dict[str, Any]] = self.admin("GET", "calls?since=0")["calls"]
        return found


def settings_of(emulator: Emulator) -> dict[str, Any]:
    """Settings under which resources are made on it."""
    return {
        "endpoint": "emulator",
        "emulator_state": str(emulator.state),
        "role": ROLE,
        "availability_zone": "us-east-1a",
        "tags": {"installation": "recorded"},
        "requests_per_second": 1000,
    }


def put_data(emulator: Emulator, prefix: str) -> str:
    """CSV to train from and to validate with; answers its S3 prefix."""
    rows = "".join(f"{at % 2},{at % 2 + at / 1000:.3f},{at % 7}\n" for at in range(60))
    for channel in ("train", "validation"):
        emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{prefix}/{channel}/part.csv", Body=rows.encode())
    return f"s3://{BUCKET}/{prefix}"


# Resources that were really made


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


XGBOOST = {"kind": "builtin", "name": "xgboost", "version": "1.7-1"}
LOGISTIC = {"objective": "binary:logistic", "eval_metric": "logloss", "num_round": 3, "eta": 0.3, "lambda": 1e-05}
SHARED = {"name": "shared-data", "deployment_type": "SCRATCH_2", "capacity_gib": 2400}
SCRIPT = "echo 'loss=0.75;'; echo 'loss=0.25;'; echo model > $SM_MODEL_DIR/model"


def image_training(prefix: str, script: str, name: str) -> dict[str, Any]:
    """A training with an image of one's own, which runs a shell script."""
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    return {
        "name": name,
        "algorithm": {"kind": "image", "image_uri": image, "entrypoint": ["sh", "-c", script]},
        "channels": {"train": {"kind": "s3", "s3_uri": f"{prefix}/train/", "content_type": "text/csv"}},
        "hyperparameters": {"rate": 1e-05, "verbose": True, "gamma": 3.0},
        "metrics": [{"name": "loss", "regex": "loss=([0-9.]+);"}],
        "environment": {"MODE": "recorded"},
        "checkpoints": {"s3_uri": f"{prefix}/checkpoints"},
        "tags": {"équipe": "données été"},
    }


def s3_channels(prefix: str) -> dict[str, Any]:
    """Both channels, read from S3."""
    return {
        name: {"kind": "s3", "s3_uri": f"{prefix}/{name}/", "content_type": "text/csv"}
        for name in ("train", "validation")
    }


def mounted_channels(system: Mapping[str, Any]) -> dict[str, Any]:
    """Both channels, read from the file system: one with its network said, one without."""
    channel = {"kind": "file_system", "file_system_id": system["id"], "content_type": "text/csv"}
    place = {"subnet_ids": [system["subnet_id"]], "security_group_ids": system["security_group_ids"]}
    directory = f"/{system['mount_name']}/data"
    return {
        "train": {**channel, **place, "directory_path": f"{directory}/train"},
        "validation": {**channel, "directory_path": f"{directory}/validation", "file_system_access_mode": "rw"},
    }


def tuning_of(channels: Mapping[str, Any]) -> dict[str, Any]:
    """A tuning of three trials."""
    training = {"name": "recorded.train", "algorithm": XGBOOST, "channels": channels, "hyperparameters": LOGISTIC}
    eta = {"kind": "continuous", "minimum": 1e-05, "maximum": 0.9, "scaling": "Logarithmic"}
    return {
        "name": "recorded.tune",
        "training": {**training, "tags": {"team": "training"}},
        "objective": {"type": "Minimize", "metric_name": "validation:logloss"},
        "ranges": {"eta": eta, "max_depth": {"kind": "integer", "minimum": 2, "maximum": 4}},
        "max_jobs": 3,
        "max_parallel": 2,
        "random_seed": 7,
        "tags": {"team": "tuning"},
    }


def run_file_systems(resources: Resources, prefix: str) -> tuple[Any, Any, Any, Any]:
    """File systems and links, made and adopted; answers one's own of each and the adopted ones."""
    own = {"data_compression_type": "LZ4", "tags": {"équipe": "données été"}}
    system = resources.run(Scenario("lustre-create/own", "lustre-create", "n0", own))
    resources.run(Scenario("lustre-create/named", "lustre-create", "n1", SHARED))
    shared = resources.run(Scenario("lustre-create/adopted", "lustre-create", "n0", SHARED, OTHER_EXECUTION))
    linking = {"file_system": system, "repository": prefix, "path": "/data", "tags": {"team": "records"}}
    link = resources.run(Scenario("repository-link/own", "repository-link", "n2", linking))
    adopted = resources.run(Scenario("repository-link/adopted", "repository-link", "n1", linking, OTHER_EXECUTION))
    importing = {"file_system": system, "paths": ["data"], "tags": {"team": "records"}}
    resources.run(Scenario("repository-import/own", "repository-import", "n10", importing))
    return system, link, shared, adopted


def run_jobs(resources: Resources, prefix: str, system: Mapping[str, Any]) -> None:
    """Training and tuning jobs."""
    training = {
        "name": "recorded.train",
        "algorithm": XGBOOST,
        "channels": mounted_channels(system),
        "hyperparameters": LOGISTIC,
        "tags": {"team": "records"},
    }
    resources.run(Scenario("training/builtin", "training", "n3", training))
    image = image_training(prefix, SCRIPT, "recorded.image")
    resources.run(Scenario("training/image", "training", "n4", image))
    failing = image_training(prefix, "echo 'loss=0.5;'; echo no luck >&2; exit 3", "recorded.failing")
    resources.run(Scenario("training/failing", "training", "n5", failing))
    resources.run(Scenario("tuning/builtin", "tuning", "n6", tuning_of(s3_channels(prefix))))


def run_removals(resources: Resources, made: tuple[Any, Any, Any, Any]) -> None:
    """Removal of everything, of what was adopted first: it stays."""
    system, link, shared, adopted = made
    unlinking, deleting = "repository-unlink", "lustre-delete"
    resources.run(Scenario(f"{unlinking}/adopted", unlinking, "n2", {"link": adopted}, OTHER_EXECUTION))
    resources.run(Scenario(f"{unlinking}/own", unlinking, "n7", {"link": link}))
    resources.run(Scenario(f"{deleting}/adopted", deleting, "n3", {"file_system": shared}, OTHER_EXECUTION))
    resources.run(Scenario(f"{deleting}/own", deleting, "n8", {"file_system": system}))
    resources.run(Scenario("release", "release", "n9", {}))


def record_resources(recording: Recording, emulator: Emulator) -> None:
    """Everything that operations make, from start to end."""
    resources = Resources(emulator)
    prefix = put_data(emulator, "recorded")
    made = run_file_systems(resources, prefix)
    run_jobs(resources, prefix, made[0])
    run_removals(resources, made)
    recording.write("resources", {"settings": settings_of(emulator), "resources": resources.records})


# Tasks, as they are registered


@dataclasses.dataclass
class Call:
    """A task and the inputs of one call of it."""

    task: Any
    inputs: Mapping[str, Any]
    operation: bool = True


def value(name: str, given: Any) -> Any:
    """A public value."""
    return public(name).model_validate(given)


def training_task(name: str, kind: str, **options: Any) -> Any:
    """A training task of a built-in algorithm, whose channels are of one kind."""
    channels = {"train": public(kind), "validation-1": public(kind)}
    return public("TrainingTask")(
        name, value("BuiltinAlgorithm", XGBOOST), channels, hyperparameters=LOGISTIC, **options
    )


def image_task() -> Any:
    """A training task of an image, with everything that can be said of one."""
    given = image_training("s3://bucket/recorded", SCRIPT, "recorded.image")
    return public("TrainingTask")(
        "recorded.image",
        value("ImageAlgorithm", given["algorithm"]),
        {"train": public("TrainingInput")},
        hyperparameters=given["hyperparameters"],
        resources=value("Resources", {"instance_type": "ml.g5.xlarge", "keep_alive_period_in_seconds": 600}),
        stopping=value("Stopping", {"use_spot": True, "max_runtime_in_seconds": 3600}),
        metrics=[value("MetricDefinition", one) for one in given["metrics"]],
        environment=given["environment"],
        network=value("Network", {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}),
        checkpoints=value("Checkpoints", given["checkpoints"]),
        role=ROLE,
        output_uri="s3://bucket/output",
        tags=given["tags"],
        retries=2,
        timeout=3600,
        enable_deck=True,
    )


def tuning_task(training: Any) -> Any:
    """A tuning task."""
    given = tuning_of({})
    return public("TuningTask")(
        "recorded.tune",
        training,
        value("Objective", given["objective"]),
        value("Ranges", given["ranges"]),
        max_jobs=3,
        max_parallel=2,
        early_stopping="Auto",
        random_seed=7,
        tags=given["tags"],
    )


def cached_task() -> Any:
    """A task whose results Flyte keeps."""
    from flytekit import TaskMetadata

    metadata = TaskMetadata(cache=True, cache_version="1", cache_serialize=True, retries=1)
    return training_task("recorded.cached", "TrainingInput", metadata=metadata)


def release_task() -> Any:
    """A task for a workflow's failure."""
    from flytekit.types.directory import FlyteDirectory

    inputs = {"source": FlyteDirectory, "repository": str, "ranges": public("Ranges")}
    return public("ReleaseTask")(name="recorded.release", inputs=inputs)


def import_task() -> Any:
    """A task of an operation that has none of its own."""
    return public("OperationTask")("recorded.import", "repository-import")


def file_system_calls(cases: Mapping[str, Any]) -> dict[str, Call]:
    """The tasks that come with the package."""
    from flytekit.types.directory import FlyteDirectory

    system = value("LustreFileSystem", cases["LustreFileSystem"][0])
    link = value("RepositoryLink", cases["RepositoryLink"][0])
    source = FlyteDirectory.from_source("s3://bucket/source")
    spec = value("LustreSpec", cases["LustreSpec"][1])
    linking = {"file_system": system, "repository": "s3://bucket/prices", "path": "/données"}
    reading = {"link": link, "uri": link.repository, "path": "train", "content_type": "text/csv", "access_mode": "rw"}
    return {
        "create_lustre": Call(public("create_lustre"), {"spec": spec}),
        "delete_lustre": Call(public("delete_lustre"), {"file_system": system}),
        "link_repository": Call(public("link_repository"), linking),
        "unlink_repository": Call(public("unlink_repository"), {"link": link}),
        "import_repository": Call(import_task(), {"file_system": system, "paths": ["données"], "tags": {"team": "a"}}),
        "upload": Call(public("upload"), {"source": source, "destination": "prices", "delete": True}, operation=False),
        "file_system_input": Call(public("file_system_input"), reading, operation=False),
    }


def job_calls(cases: Mapping[str, Any]) -> dict[str, Call]:
    """Tasks that train, tune and release, as a user declares them."""
    from flytekit.types.directory import FlyteDirectory

    over = {"hyperparameters": value("Hyperparameters", cases["Hyperparameters"][1])}
    ranges = {"ranges": value("Ranges", {"eta": cases["Ranges"][0]["eta"]})}
    mounted = {key: value("FileSystemInput", cases["FileSystemInput"][1]) for key in ("train", "validation_1")}
    s3 = {key: value("TrainingInput", cases["TrainingInput"][0]) for key in ("train", "validation_1")}
    builtin = training_task("recorded.train", "FileSystemInput")
    nothing = {"source": FlyteDirectory.from_source("s3://bucket/source"), "repository": "prices", **ranges}
    return {
        "training_builtin": Call(builtin, {**mounted, **over}),
        "training_cached": Call(cached_task(), {**s3, "hyperparameters": value("Hyperparameters", {})}),
        "training_image": Call(image_task(), {"train": s3["train"], **over}),
        "tuning": Call(tuning_task(builtin), {**mounted, **over, **ranges}),
        "release": Call(release_task(), nothing),
    }


def template_of(task: Any) -> Any:
    """A task's template, as `pyflyte register` sends it."""
    from flytekit.configuration import Image, ImageConfig, SerializationSettings
    from flytekit.tools.translator import get_serializable

    images = ImageConfig(default_image=Image("default", "example", "1"))
    chosen = SerializationSettings(project="flytesnacks", domain="development", version="v1", image_config=images)
    return get_serializable(OrderedDict(), chosen, task).template


def inputs_of(call: Call) -> Any:
    """The inputs of a call as literals."""
    from flytekit.core.type_engine import TypeEngine

    return TypeEngine.dict_to_literal_map(context(), dict(call.inputs), call.task.python_interface.inputs)


def readable_variables(variables: Any) -> dict[str, Any]:
    """Names and types of a task's inputs or outputs; a public value's type is given by the value's name."""
    from google.protobuf import json_format

    names = {literal_type(kind).SerializeToString(deterministic=True): name for name, kind in public_values().items()}
    found: dict[str, Any] = {}
    for name, variable in variables.variables.items():
        known = names.get(variable.type.SerializeToString(deterministic=True))
        found[name] = {"value": known} if known else json_format.MessageToDict(variable.type)
    return found


def readable_template(message: Any) -> Any:
    """A template without its interface, to read."""
    from google.protobuf import json_format

    return {key: part for key, part in json_format.MessageToDict(message).items() if key != "interface"}


def record_template(recording: Recording, call: Call) -> dict[str, Any]:
    """A task and one call of it."""
    template, inputs = template_of(call.task), inputs_of(call)
    message = template.to_flyte_idl()
    return {
        "template_zlib": recording.places.compressed(serialized(template)),
        "readable": readable_template(message),
        "interface": {
            "inputs": readable_variables(message.interface.inputs),
            "outputs": readable_variables(message.interface.outputs),
        },
        "inputs": recording.places.encoded(serialized(inputs)),
        "spec": json.loads(bound_spec(template, inputs)) if call.operation else None,
    }


def record_templates(recording: Recording, cases: Mapping[str, Any]) -> None:
    """Every kind of task, a file each."""
    calls = file_system_calls(cases["values"]) | job_calls(cases["values"])
    for name, call in calls.items():
        recording.write(f"templates/{name}", record_template(recording, call))


# What a connector leaves with Flyte


class Connector:
    """Creates and gets as Flyte does, through the connectors that the release registers with flytekit."""

    def __init__(self, recording: Recording, scratch: Path) -> None:
        self._recording = recording
        self.scratch = scratch
        self.records: list[dict[str, Any]] = []

    def create(self, case: str, call: Call, node: str, run: str = "metas", **how: Any) -> Any:
        """Let a task begin and see it end; answers its output as Python value."""
        meta = self._begin(case, template_of(call.task), inputs_of(call), node, run, **how)
        resource = self._finished(call.task.task_type, meta)
        self.records[-1]["resource"] = self._readable(resource)
        return output_of(call.task, resource)

    def start(self, case: str, task: Any, inputs: Any, node: str, run: str = "metas", **how: Any) -> None:
        """Let a task begin, with inputs as literals."""
        self._begin(case, template_of(task), inputs, node, run, **how)

    def _begin(self, case: str, template: Any, inputs: Any, node: str, run: str, **how: Any) -> Any:
        metadata = metadata_of(node, run, how.get("attempt", 0)) if how.get("known", True) else None
        prefix = f"{how.get('store', 's3://flyte')}/metadata/propeller/{run}-{node}/data/0"
        connector = connector_of(template.type)
        asked = connector.create(template, prefix, inputs, task_execution_metadata=metadata)
        meta = asyncio.run(asked)
        record = {"case": case, "task_type": template.type, "node": node, "execution": run, "output_prefix": prefix}
        record["attempt"], record["metadata"] = how.get("attempt", 0), metadata is not None
        self.records.append({**record, "meta": meta.encode().decode()})
        return meta

    def _finished(self, task_type: str, meta: Any) -> Any:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            resource = asyncio.run(connector_of(task_type).get(meta))
            if phase_of(resource) in ("SUCCEEDED", "FAILED", "RETRYABLE_FAILED"):
                return resource
            time.sleep(0.1)
        raise SystemExit(f"{meta} did not end")

    def _readable(self, resource: Any) -> dict[str, Any]:
        outputs = self._recording.places.encoded(serialized(resource.outputs)) if resource.outputs else None
        return {"phase": phase_of(resource), "message": resource.message, "outputs": outputs}


def connector_of(task_type: str) -> Any:
    """The connector that flytekit knows for a task type."""
    from flytekit.extend.backend.base_connector import ConnectorRegistry

    return ConnectorRegistry.get_connector(task_type)


def phase_of(resource: Any) -> str:
    """The name of a resource's phase."""
    from flyteidl.core.execution_pb2 import TaskExecution

    return str(TaskExecution.Phase.Name(resource.phase))


def output_of(task: Any, resource: Any) -> Any:
    """The output of an ended task as its Python type; None without one."""
    from flytekit.core.type_engine import TypeEngine

    if not resource.outputs:
        return None
    kind = task.python_interface.outputs["o0"]
    return TypeEngine.to_python_value(context(), resource.outputs.literals["o0"], kind)


def metadata_of(node: str, run: str, attempt: int) -> Any:
    """What Flyte says of a task's execution."""
    from flyteidl.admin import agent_pb2
    from flyteidl.core import identifier_pb2
    from flytekit.models.task import TaskExecutionMetadata

    execution = identifier_pb2.WorkflowExecutionIdentifier(project="flytesnacks", domain="development", name=run)
    place = identifier_pb2.NodeExecutionIdentifier(node_id=node, execution_id=execution)
    task = identifier_pb2.TaskExecutionIdentifier(node_execution_id=place, retry_attempt=attempt)
    return TaskExecutionMetadata.from_flyte_idl(agent_pb2.TaskExecutionMetadata(task_execution_id=task))


def plain_literals(data: Mapping[str, Any]) -> Any:
    """Literals that no Python value checked, as Flyte's console may send them."""
    import msgpack
    from flytekit.models.literals import Binary, Literal, LiteralMap, Scalar

    return LiteralMap(
        literals={
            name: Literal(scalar=Scalar(binary=Binary(value=msgpack.dumps(item), tag="msgpack")))
            for name, item in data.items()
        }
    )


def create_file_systems(connector: Connector, prefix: str) -> tuple[Any, Any]:
    """Metas of file systems and links; answers an own file system and its link."""
    create, link = public("create_lustre"), public("link_repository")
    system = connector.create("own", Call(create, {"spec": value("LustreSpec", {})}), "n0")
    shared = Call(create, {"spec": value("LustreSpec", SHARED)})
    connector.create("named", shared, "n1")
    adopted = connector.create("adopted", shared, "n0", run="others")
    linking = {"file_system": system, "repository": prefix, "path": "/data"}
    linked = connector.create("own", Call(link, linking), "n2")
    theirs = connector.create("adopted", Call(link, linking), "n1", run="others")
    connector.create("own", Call(import_task(), {"file_system": system, "paths": ["data"], "tags": {}}), "n14")
    connector.create("adopted, so it stays", Call(public("unlink_repository"), {"link": theirs}), "n2", run="others")
    connector.create(
        "adopted, so it stays", Call(public("delete_lustre"), {"file_system": adopted}), "n3", run="others"
    )
    return system, linked


def create_jobs(connector: Connector, prefix: str) -> None:
    """Metas of jobs."""
    train, validation = (value("TrainingInput", channel) for channel in s3_channels(prefix).values())
    unset = {"hyperparameters": value("Hyperparameters", {})}
    training = Call(
        training_task("recorded.train", "TrainingInput"), {"train": train, "validation_1": validation, **unset}
    )
    connector.create("builtin", training, "n3")
    connector.create("a second attempt", training, "n3", attempt=1)
    with all_wait() as written:
        connector.create("waits for its turn", training, "n9", store=connector.scratch)
    connector.records[-1]["waiting"] = written[0]
    connector.create("image", Call(script_task(prefix), {"train": train, **unset}), "n4")
    tune = two_trials()
    inputs = {"train": train, "validation": validation, "ranges": tune.spec.ranges, **unset}
    connector.create("builtin", Call(tune, inputs), "n5")


def script_task(prefix: str) -> Any:
    """A training task of an image that the embedded AWS runs."""
    given = image_training(prefix, SCRIPT, "recorded.image")
    algorithm = value("ImageAlgorithm", given["algorithm"])
    metrics = [value("MetricDefinition", one) for one in given["metrics"]]
    return public("TrainingTask")("recorded.image", algorithm, {"train": public("TrainingInput")}, metrics=metrics)


def two_trials() -> Any:
    """A tuning task that the embedded AWS runs."""
    channels = {"train": public("TrainingInput"), "validation": public("TrainingInput")}
    algorithm = value("BuiltinAlgorithm", XGBOOST)
    training = public("TrainingTask")("recorded.train", algorithm, channels, hyperparameters=LOGISTIC)
    ranges = value("Ranges", {"max_depth": {"kind": "integer", "minimum": 2, "maximum": 4}})
    objective = value("Objective", tuning_of({})["objective"])
    return public("TuningTask")("recorded.tune", training, objective, ranges, max_jobs=2)


def create_problems(connector: Connector, emulator: Emulator) -> None:
    """Metas of what could not be started, and others that are not polled here."""
    create, spec = public("create_lustre"), value("LustreSpec", {})
    decked = public("CreateLustreTask")(name="recorded.decked", enable_deck=True)
    start = connector.start
    start("with a deck", decked, inputs_of(Call(decked, {"spec": spec})), "n10")
    start("without metadata", create, inputs_of(Call(create, {"spec": spec})), "n11", known=False)
    start("invalid", create, plain_literals({"spec": {"capacity_gib": 1300, "deployment_typ": "é"}}), "n12")
    start("made from another spec", create, plain_literals({"spec": {"capacity_gib": 2400}}), "n0")
    for code in ("AccessDeniedException", "ThrottlingException", "ServiceLimitExceeded", "BadRequest"):
        fault = {"service": "fsx", "operation": "CreateFileSystem", "status": 400, "code": code, "message": "So it is."}
        emulator.admin("PUT", "faults", [fault])
        start(f"AWS answers {code}", create, inputs_of(Call(create, {"spec": spec})), "n13")
    emulator.admin("PUT", "faults", [])


def create_removals(connector: Connector, system: Any, link: Any) -> None:
    """Metas of removals."""
    connector.create("own", Call(public("unlink_repository"), {"link": link}), "n6")
    connector.create("own", Call(public("delete_lustre"), {"file_system": system}), "n7")
    connector.create("all that is left", Call(public("ReleaseTask")(name="recorded.release.all"), {}), "n8")


def record_metas(recording: Recording, emulator: Emulator, scratch: Path) -> None:
    """What every operation's connector gives Flyte to keep, and answers at the end."""
    for name, given in settings_of(emulator).items():
        text = "installation=recorded" if name == "tags" else str(given)
        os.environ[f"FLYTE_SMFS_{name.upper()}"] = text
    connector = Connector(recording, scratch)
    prefix = put_data(emulator, "metas")
    system, link = create_file_systems(connector, prefix)
    create_jobs(connector, prefix)
    create_problems(connector, emulator)
    create_removals(connector, system, link)
    recording.write("metas", {"metas": connector.records})


# The journal of a local run, and everything together


def record_journal(recording: Recording) -> None:
    """What local runs that were killed leave for the next start of the same command."""
    argv, cwd = sys.argv, Path.cwd()
    os.environ["LOGNAME"] = "someone"
    sys.argv = ["/opt/venv/bin/pyflyte", "run", "workflow.py", "prices"]
    os.chdir("/")
    call: tuple[str, Any] = ("workflow.prices", {"rounds": 3, "source": "s3://bucket/prices"})
    try:
        place = {"argv": sys.argv, "cwd": "/", "directory": "$XDG_STATE_HOME/smfs/runs"}
        called = {"name": call[0], "inputs": call[1], "file": journal_file(call)}
        recording.write("journal", {**place, "file": journal_file(None), "call": called})
    finally:
        sys.argv = argv
        os.chdir(cwd)


def journal_file(call: tuple[str, Any] | None) -> dict[str, Any]:
    """One journal, taken away from where it was left."""
    (path,) = journal_of("smfs.create_lustre#0", call).glob("*.json")
    file = {"name": path.name, "content": {**json.loads(path.read_text()), "pid": 1}}
    path.unlink()
    return file


def record_about(recording: Recording) -> None:
    """Which release and commit this is of, and which packages took part: what is recorded depends on some of them."""
    packages = ("boto3", "flyteidl", "flytekit", "msgpack", "protobuf", "pydantic", "pydantic-core")
    versions = {name: importlib.metadata.version(name) for name in packages}
    checkout = Path(str(importlib.import_module(ROOM).__file__)).parent
    about = {"release": release(), "commit": commit_of(checkout), "python": sys.version.split()[0]}
    recording.write("about", {**about, "packages": versions})


def commit_of(checkout: Path) -> str:
    """The commit of a checkout; with a `+` if it was changed since."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(checkout), *arguments]
        return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()

    return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--", ".") else "")


@contextmanager
def clean_surroundings() -> Iterator[Path]:
    """A place for temporary files that is removed, and no settings of the person who runs this."""
    scratch = Path(tempfile.mkdtemp(prefix="smfs-record-"))
    for name in [name for name in os.environ if name.startswith(("AWS_", "FLYTE", "SMFS_"))]:
        del os.environ[name]
    home = scratch / "home"
    home.mkdir()
    os.environ.update(TMPDIR=str(scratch), HOME=str(home), XDG_STATE_HOME=str(home), AWS_EC2_METADATA_DISABLED="true")
    tempfile.tempdir = str(scratch)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def record(out: Path, cases: Mapping[str, Any], scratch: Path, emulator: Emulator) -> None:
    """Write all files."""
    recording = Recording(out, Places(scratch))
    recording.places.know(emulator.env["AWS_ENDPOINT_URL_S3"], "http://s3.emulator")
    recording.places.know(emulator.env["AWS_ENDPOINT_URL"], "http://emulator")
    register_literals()
    record_about(recording)
    record_journal(recording)
    record_values(recording, cases)
    record_types(recording)
    record_templates(recording, cases)
    record_fingerprints(recording, cases)
    record_resources(recording, emulator)
    record_metas(recording, emulator, scratch)


def record_apart(out: Path, cases: Mapping[str, Any], scratch: Path) -> int:
    """Write all files, in a process of its own: its threads follow what it made for as long as it lives, and would
    have the embedded AWS again that is stopped here. Gives its exit code."""
    emulator = Emulator(scratch / "emulator")
    try:
        process = multiprocessing.get_context("spawn").Process(target=record, args=(out, cases, scratch, emulator))
        process.start()
        process.join()
        return process.exitcode or 0
    finally:
        emulator.stop()


def main() -> int:
    """Record the release that is importable."""
    recorded = Path(__file__).resolve().parents[1] / "tests/recorded"
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, help="directory of the recording; its name is the release's")
    parser.add_argument("--cases", type=Path, default=recorded / "cases.json", help="what to record")
    chosen = parser.parse_args()
    out = (chosen.out or recorded / release()).resolve()
    cases = json.loads(chosen.cases.read_text(encoding="utf-8"))
    cases = expanded(cases, cases["parts"])
    print(f"Recording {Path(str(importlib.import_module(ROOM).__file__)).parent} as {out}")
    with clean_surroundings() as scratch:
        return record_apart(out, cases, scratch)


if __name__ == "__main__":
    sys.exit(main())
