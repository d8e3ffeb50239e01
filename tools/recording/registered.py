"""Tasks, as they are registered."""

from __future__ import annotations

import dataclasses
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from recording.files import Recording
from recording.layout import ROLE, bound_spec, public, public_values
from recording.literals import context, literal_type, serialized
from recording.runs import LOGISTIC, SCRIPT, XGBOOST, image_training, tuning_of


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
