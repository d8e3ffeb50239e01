"""What releases left, as `tests/recorded/README.md` says, and an AWS that answers as it answered them. N18"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.base import Result
from flytekitplugins_smfs.values.errors import Missing
from flytekitplugins_smfs.values.operation import Handle, Owner
from flytekitplugins_smfs.values.settings import Settings

RECORDED = Path(__file__).parents[1] / "recorded"
FIRST = "0.1.0"
RELEASES = sorted(
    (path.name for path in RECORDED.iterdir() if path.is_dir()),
    key=lambda name: [int(part) for part in name.split(".")],
)
CHANGING = ("Cancel", "Create", "Delete", "Stop", "Tag", "Untag", "Update")
NOTHING: dict[str, dict[str, Any]] = {
    "Search": {"Results": []},
    "DescribeDataRepositoryAssociations": {"Associations": []},
    "DescribeFileSystems": {"FileSystems": []},
}
"""The answers to listings that an earlier release did not ask for."""


def load(release: str, name: str) -> Any:
    """A file of a recording. Values, specs and types that are not in it are as in an earlier one."""
    return json.loads((RECORDED / release / f"{name}.json").read_text(encoding="utf-8"))


def starts(release: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Operation and case of all that was started on an AWS that calls nothing."""
    for operation, cases in load(release, "fingerprints")["operations"].items():
        for case in cases:
            yield operation, {**dict(_of(case.get("as"), operation, case["case"])), **case}


def _of(release: str | None, operation: str, name: str) -> Mapping[str, Any]:
    cases = load(release, "fingerprints")["operations"][operation] if release else []
    return next((case for case in cases if case["case"] == name), {})


def fingerprints(release: str) -> list[str]:
    """The operations of which starts were recorded."""
    return list(load(release, "fingerprints")["operations"])


def resources(release: str) -> list[dict[str, Any]]:
    """What was made on the embedded AWS."""
    found: list[dict[str, Any]] = load(release, "resources")["resources"]
    return found


def resource(release: str, name: str) -> dict[str, Any]:
    """One of them."""
    return next(one for one in resources(release) if one["name"] == name)


def metas(release: str) -> list[dict[str, Any]]:
    """What connectors gave Flyte to keep."""
    found: list[dict[str, Any]] = load(release, "metas")["metas"]
    return found


def handle_of(record: Mapping[str, Any]) -> Handle:
    """The handle of a resource, as today's type."""
    handle: Handle = catalog.load(record["operation"]).handle_type.model_validate_json(record["handle"])
    return handle


def spec_of(record: Mapping[str, Any], **changes: Any) -> Any:
    """The spec that a resource was made from, as today's type."""
    return catalog.load(record["operation"]).spec_type.model_validate({**record["spec"], **changes})


def owner_of(record: Mapping[str, Any]) -> Owner:
    return Owner.model_validate(record["owner"])


def decoded(text: str) -> bytes:
    return base64.b64decode(text)


def holds(new: Any, old: Any, *, but: Iterable[str] = ()) -> bool:
    """Whether `new` has everything that `old` has, and the same; fields named in `but` are not looked at."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(
            key in new and holds(new[key], item, but=but) for key, item in old.items() if key not in but
        )
    if isinstance(old, list):
        pairs = zip(new, old, strict=False) if isinstance(new, list) and len(new) == len(old) else [(0, 1)]
        return all(holds(one, other, but=but) for one, other in pairs)
    return type(new) is type(old) and bool(new == old)  # 1, 1.0 and True are three things to an algorithm


def with_more(value: Any, plain: Any) -> Any:
    """A value's plain data as a newer release may write it: each result in it has a field that is unknown here."""
    if isinstance(value, tuple):
        return [with_more(item, one) for item, one in zip(value, plain, strict=True)]
    if not isinstance(value, Result):
        return plain
    fields = {name: with_more(getattr(value, name), item) for name, item in plain.items()}
    return {**fields, "of_a_later_release": {"some": ["thing"]}}


class Replayed(Aws):
    """An AWS that answers as it answered a release, and keeps what it is asked to change."""

    def __init__(self, record: Mapping[str, Any], *exchanges: Mapping[str, Any]) -> None:
        super().__init__(Settings(endpoint="http://127.0.0.1:9", region="us-east-1"))
        self.answers = record["answers"]
        self.exchanges = exchanges
        self.changes: list[tuple[str, dict[str, Any]]] = []
        self.unanswered: list[Any] = []
        self.me = object()

    @classmethod
    def at_the_end(cls, record: Mapping[str, Any]) -> Replayed:
        """As it was when the operation had ended."""
        return cls(record, *record["exchanges"]["end"])

    @classmethod
    def again(cls, record: Mapping[str, Any]) -> Replayed:
        """As it was for a second start."""
        return cls(record, *record["exchanges"]["again"])

    @classmethod
    def at_the_start(cls, record: Mapping[str, Any]) -> Replayed:
        """As it was when the operation had just been started."""
        described = record["described"]["started"].items()
        return cls(record, *({"operation": asked, "request": None, "answer": key} for asked, key in described))

    @property
    def place(self) -> tuple[Any, ...]:
        """An account of its own: the status view of another must not answer for it."""
        return (self.me,)

    def call(self, service: str, operation: str, request: Any = None, *, doing: str) -> dict[str, Any]:
        asked = json.loads(json.dumps(request or {}, default=str))
        if operation.startswith(CHANGING):
            self.changes.append((operation, asked))
            return {}
        for exchange in self.exchanges:
            if exchange["operation"] == operation and _alike(asked, exchange["request"]):
                if "error" in exchange:
                    fault = exchange["error"]
                    raise Missing(doing=doing, service=service, operation=operation, code=fault["code"], text="")
                answer: dict[str, Any] = json.loads(json.dumps(self.answers[exchange["answer"]]))
                return answer
        if operation not in NOTHING:
            self.unanswered.append((operation, asked))
            raise AssertionError(f"nobody asked {operation} {asked} before")
        return NOTHING[operation]


def _alike(asked: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    """Whether it is the same question; how big a page is to be makes no other one."""
    return before is None or _unpaged(asked) == _unpaged(before)


def _unpaged(request: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in request.items() if key != "MaxResults"}


class Offline(Replayed):
    """An AWS where nothing is but what a case says: it answers a start as it did when a release was recorded."""

    def __init__(self, recorded: Mapping[str, Any], case: Mapping[str, Any]) -> None:
        super().__init__({"answers": recorded["answers"]})
        self.settings = Settings.model_validate(recorded["settings"])
        self.region = self.settings.region or ""
        self.existing = case.get("existing", [])

    def call(self, service: str, operation: str, request: Any = None, *, doing: str) -> dict[str, Any]:
        if operation.startswith("Create"):
            self.changes.append((operation, json.loads(json.dumps(request))))
            begun = {"FileSystemId": "fs-00000000000000000", "AssociationId": "dra-00000000000000000"}
            made = {"TaskId": "task-00000000000000000", "Lifecycle": "CREATING", **begun}
            return dict.fromkeys(("FileSystem", "Association", "DataRepositoryTask"), made)
        if service == "fsx" and "FileSystemIds" not in (request or {}):
            return dict.fromkeys(("FileSystems", "Associations", "DataRepositoryTasks"), self.existing)
        if operation in self.answers:
            return dict(self.answers[operation])
        raise Missing(doing=doing, service=service, operation=operation, code="Missing", text="not found")
