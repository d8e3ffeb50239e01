"""Operations as Flyte connectors. Imported by `import flytekit`, so everything else is imported where it is used."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from flytekit.extend.backend.base_connector import AsyncConnectorBase, ConnectorRegistry, Resource
from flytekit.models.literals import LiteralMap
from flytekit.models.task import TaskExecutionMetadata, TaskTemplate

from flytekitplugins_smfs.flyte.meta import Meta
from flytekitplugins_smfs.operations.catalog import OPERATIONS

if TYPE_CHECKING:
    from flytekitplugins_smfs.values.operation import Progress

T = TypeVar("T")
TASK_TYPE_PREFIX = "smfs-"
POLLS = 32
STARTS = 16
REMEMBERED = 4096
"""How many operations' last answers are kept for the time that AWS does not answer."""


class OperationConnector(AsyncConnectorBase):
    """The connector of one operation. Holds nothing that a restart would lose."""

    name = "SageMaker and FSx for Lustre"

    def __init__(self, operation: str) -> None:
        super().__init__(task_type_name=TASK_TYPE_PREFIX + operation, metadata_type=Meta)
        self.operation = operation

    # The methods are coroutines, but boto3 blocks: so they run in threads of our own. flytekit's default pool for
    # synchronous methods has as few as five threads, and slow polls in it would keep a create past its deadline.

    async def create(
        self,
        task_template: TaskTemplate,
        output_prefix: str,
        inputs: LiteralMap | None = None,
        task_execution_metadata: TaskExecutionMetadata | None = None,
        **kwargs: Any,
    ) -> Meta:
        from flytekitplugins_smfs.flyte import resource

        begin = functools.partial(resource.begin, task_template, output_prefix, inputs, task_execution_metadata)
        return await _in_thread(_starts(), begin)

    async def get(self, resource_meta: Meta, **kwargs: Any) -> Resource:
        from flytekitplugins_smfs.flyte import resource

        key = resource_meta.encode()
        look = functools.partial(resource.look, resource_meta, _last.get(key))
        progress = await _in_thread(_polls(), look)
        _remember(key, progress)
        return await resource.answer(resource_meta, progress)

    async def delete(self, resource_meta: Meta, **kwargs: Any) -> None:
        from flytekitplugins_smfs.flyte import resource

        ended = await _in_thread(_starts(), functools.partial(resource.cancel_once, resource_meta))
        if not ended:  # AWS took the request; see it through without keeping Flyte waiting
            see_through = functools.partial(resource.cancel_until_ended, resource_meta)
            threading.Thread(target=see_through, name="smfs-stop", daemon=True).start()


_last: OrderedDict[bytes, Progress[Any]] = OrderedDict()


def _remember(key: bytes, answer: Progress[Any]) -> None:
    if answer.phase.final:
        _last.pop(key, None)
        return
    _last[key] = answer
    while len(_last) > REMEMBERED:
        _last.popitem(last=False)


async def _in_thread(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work)


@functools.cache
def _polls() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(POLLS, thread_name_prefix="smfs-poll")


@functools.cache
def _starts() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(STARTS, thread_name_prefix="smfs-start")


def register() -> None:
    """Make the connectors known to flytekit; those that are known already stay."""
    known = {category.name for category in ConnectorRegistry._REGISTRY}
    for operation in OPERATIONS:
        if TASK_TYPE_PREFIX + operation not in known:
            ConnectorRegistry.register(OperationConnector(operation))
