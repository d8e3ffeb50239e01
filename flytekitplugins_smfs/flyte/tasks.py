"""An operation as a Flyte task, and the tasks for file systems and their links."""

from __future__ import annotations

import contextlib
import datetime
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from flytekit.configuration import SerializationSettings
from flytekit.core.base_task import PythonTask, TaskMetadata
from flytekit.core.interface import Interface

from flytekitplugins_smfs.flyte import literals, private, runner
from flytekitplugins_smfs.flyte.binding import PAYLOAD, TASK_TYPE_PREFIX, Binding, plain_values
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.operations.base import OUTPUT
from flytekitplugins_smfs.values.errors import InvalidSpec, Problem
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.lustre.link import RepositoryLink
from flytekitplugins_smfs.values.lustre.provision import LinkedFileSystem
from flytekitplugins_smfs.values.plain import Json, Record
from flytekitplugins_smfs.values.removal import Removed

literals.register()
private.wrap_calls()

NOWHERE = "-"


class TaskOptions(TypedDict, total=False):
    """What every task of this package takes besides its own arguments; names and meaning are flytekit's."""

    retries: int
    timeout: datetime.timedelta | int
    enable_deck: bool
    metadata: TaskMetadata
    """Everything else, such as caching. Not together with `retries` or `timeout`."""


class OperationTask(PythonTask[None]):
    """A Flyte task whose work is one operation.

    On a cluster the connector of its task type runs it; in a local run it is run by this package's own runner.
    """

    def __init__(
        self,
        name: str,
        operation: str,
        inputs: Record | None = None,
        output: type[Any] | Mapping[str, type[Any]] | None = None,
        *,
        spec: Record | None = None,
        paths: Mapping[str, str] | None = None,
        **options: Unpack[TaskOptions],
    ) -> None:
        """`inputs` maps names to types, or to pairs of type and default; without them they are the fields of the
        operation's spec. `output` is the type of the one output, or maps names to types; by default the operation's."""
        inputs = spec_inputs(operation) if inputs is None else inputs
        if output is None:
            output = catalog.load(operation).output_types()
        outputs = output if isinstance(output, Mapping) else {OUTPUT: output}
        self._defaults = {key: kind[1] for key, kind in inputs.items() if isinstance(kind, tuple)}
        super().__init__(
            task_type=TASK_TYPE_PREFIX + operation,
            name=name,
            task_config=None,
            interface=Interface(inputs=OrderedDict(inputs), outputs=OrderedDict(outputs)),
            metadata=_metadata(name, options),
            enable_deck=options.get("enable_deck", False),
        )
        self._binding = Binding(operation, spec or {}, paths or {}, deck=self.enable_deck)

    @property
    def binding(self) -> Binding:
        """How this task's inputs become the operation's spec."""
        return self._binding

    def get_custom(self, settings: SerializationSettings) -> Json:
        return {PAYLOAD: self._binding.encode()}

    def execute(self, **kwargs: Any) -> Any:
        given = {**self._defaults, **kwargs}
        missing = [key for key in self.python_interface.inputs if key not in given]
        if missing:
            raise InvalidSpec(f"The call of {self.name}", [Problem(key, "is required.") for key in missing])
        limits = {"retries": self.metadata.retries, "timeout": self.metadata.timeout, "deck": self.enable_deck}
        outputs = runner.run(self.name, self._binding, plain_values(given), **limits)
        values = tuple(outputs[name] for name in self.python_interface.outputs)
        return values[0] if len(values) == 1 else values

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """As flytekit's; but threads that share its contexts do not mix them, and a default may be a list."""
        unset = {name: value for name, value in self._defaults.items() if isinstance(value, list | dict)}
        kwargs = {**unset, **kwargs}
        with private.own_contexts() if private.runs_here() else contextlib.nullcontext():
            return super().__call__(*args, **kwargs)


def spec_inputs(operation: str) -> Json:
    """The fields of an operation's spec as inputs of a task."""
    fields = catalog.load(operation).spec_type.model_fields
    return {
        name: literals.listed(info.annotation)
        if info.is_required()
        else (literals.listed(info.annotation), _listed(info.get_default(call_default_factory=True)))
        for name, info in fields.items()
    }


def _listed(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


def _metadata(name: str, options: TaskOptions) -> TaskMetadata:
    if "metadata" not in options:
        return TaskMetadata(retries=options.get("retries", 0), timeout=options.get("timeout"))
    both = [key for key in ("retries", "timeout") if key in options]
    if both:
        problems = [Problem(key, "is given beside metadata.", f"put {key} into metadata.") for key in both]
        raise InvalidSpec(f"Task {name!r}", problems)
    return options["metadata"]


class CreateLustreTask(OperationTask):
    """Creates an FSx for Lustre file system; ready when it is AVAILABLE. Call it with `spec: LustreSpec`."""

    def __init__(self, name: str, **options: Unpack[TaskOptions]) -> None:
        inputs = {"spec": (LustreSpec, LustreSpec())}
        super().__init__(name, "lustre-create", inputs, LustreFileSystem, paths={"spec": ""}, **options)


class DeleteLustreTask(OperationTask):
    """Deletes a file system with its links, and sees it gone. What is behind the links stays in S3.

    Call it with `file_system: LustreFileSystem`. One that existed before this execution is left alone.
    """

    def __init__(self, name: str, **options: Unpack[TaskOptions]) -> None:
        super().__init__(name, "lustre-delete", {"file_system": LustreFileSystem}, Removed, **options)


class ProvisionLustreTask(OperationTask):
    """Creates a file system and links S3 prefixes to it, in one step; ready when all of it is AVAILABLE.

    Call it with `spec: LustreSpec` and `repositories: dict[str, str]`, which maps paths of the file system to S3
    prefixes, eight at most: `{"/ns1": dataset.uri}`. Links in the result are in the same order.
    """

    def __init__(self, name: str, **options: Unpack[TaskOptions]) -> None:
        inputs = {"spec": (LustreSpec, LustreSpec()), "repositories": dict[str, str]}
        paths = {"spec": "file_system", "repositories": "links"}
        super().__init__(name, "lustre-provision", inputs, LinkedFileSystem, paths=paths, **options)


class DeprovisionLustreTask(OperationTask):
    """Removes what `ProvisionLustreTask` made: the file system with its links, or of an adopted one the links that
    this execution made. Call it with `lustre: LinkedFileSystem`."""

    def __init__(self, name: str, **options: Unpack[TaskOptions]) -> None:
        inputs = {"lustre": LinkedFileSystem}
        super().__init__(name, "lustre-delete", inputs, Removed, paths={"lustre": ""}, **options)


class LinkRepositoryTask(OperationTask):
    """Links an S3 prefix to a path of a file system (a data repository association).

    Call it with `file_system: LustreFileSystem`, `repository: str` (`s3://...`) and `path: str`.
    """

    def __init__(self, name: str, **options: Unpack[TaskOptions]) -> None:
        inputs = {"file_system": LustreFileSystem, "repository": str, "path": (str, "/ns1")}
        super().__init__(name, "repository-link", inputs, RepositoryLink, **options)


class UnlinkRepositoryTask(OperationTask):
    """Removes a data repository association. Call it with `link: RepositoryLink`."""

    def __init__(self, name: str, **options: Unpack[TaskOptions]) -> None:
        super().__init__(name, "repository-unlink", {"link": RepositoryLink}, Removed, **options)


class ReleaseTask(OperationTask):
    """Removes all that this execution made and that still costs money; for `@workflow(on_failure=...)`.

    Flyte calls a failure task with the workflow's inputs, so say their types in `inputs`; they are not used.
    """

    def __init__(self, name: str, inputs: Record | None = None, **options: Unpack[TaskOptions]) -> None:
        taken = dict(inputs or {})
        super().__init__(name, "release", taken, Removed, paths=dict.fromkeys(taken, NOWHERE), **options)


create_lustre = CreateLustreTask(name="smfs.create_lustre")
delete_lustre = DeleteLustreTask(name="smfs.delete_lustre")
provision_lustre = ProvisionLustreTask(name="smfs.provision_lustre")
deprovision_lustre = DeprovisionLustreTask(name="smfs.deprovision_lustre")
link_repository = LinkRepositoryTask(name="smfs.link_repository")
unlink_repository = UnlinkRepositoryTask(name="smfs.unlink_repository")
