"""What a connector leaves with Flyte."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recording.embedded import Emulator, put_data, settings_of
from recording.files import Recording
from recording.layout import all_wait, public
from recording.literals import context, serialized
from recording.registered import Call, import_task, inputs_of, template_of, training_task, value
from recording.runs import LOGISTIC, SCRIPT, SHARED, XGBOOST, image_training, s3_channels, tuning_of


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
