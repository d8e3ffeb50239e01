"""Operations as Flyte connectors. Imported by `import flytekit`, so everything else is imported where it is used."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from flytekit.extend.backend.base_connector import AsyncConnectorBase, ConnectorRegistry, Resource
from flytekit.models.literals import LiteralMap
from flytekit.models.task import TaskExecutionMetadata, TaskTemplate

from flytekitplugins_smfs.flyte.meta import Meta
from flytekitplugins_smfs.flyte.registry import registered_task_types
from flytekitplugins_smfs.operations.catalog import OPERATIONS

T = TypeVar("T")
TASK_TYPE_PREFIX = "smfs-"
POLLS = 32
STARTS = 16
_log = logging.getLogger(__name__)


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

        begin = functools.partial(
            resource.begin, self.operation, task_template, output_prefix, inputs, task_execution_metadata
        )
        future = _starts().submit(begin)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:  # Flyte waits no longer, and nobody will ask after this attempt
            future.add_done_callback(_abandon)
            raise

    async def get(self, resource_meta: Meta, **kwargs: Any) -> Resource:
        from flytekitplugins_smfs.flyte import outputs, resource

        answer = await _in_thread(_polls(), functools.partial(resource.look, resource_meta))
        return await outputs.answer(resource_meta, answer)

    async def delete(self, resource_meta: Meta, **kwargs: Any) -> None:
        from flytekitplugins_smfs.flyte import resource

        await _in_thread(_starts(), functools.partial(resource.cancel, resource_meta))


def _abandon(future: Future[Meta]) -> None:
    from flytekitplugins_smfs.flyte import resource

    if not future.cancelled() and future.exception() is None:
        resource.abandon(future.result())


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
    known = registered_task_types()
    for operation in OPERATIONS:
        if TASK_TYPE_PREFIX + operation not in known:
            ConnectorRegistry.register(OperationConnector(operation))
