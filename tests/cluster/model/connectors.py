"""Connectors as flytepropeller drives them: a create, then a get at once, then gets in ticks that all tasks share."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
from flyteidl.admin import agent_pb2
from flyteidl.core.execution_pb2 import TaskExecution
from flyteidl.service.agent_pb2_grpc import AsyncAgentServiceStub

from tests.cluster.model.rules import Endpoint, Rules

TERMINAL = (TaskExecution.SUCCEEDED, TaskExecution.FAILED, TaskExecution.ABORTED)
"""What is asked for no more. RETRYABLE_FAILED is not among them: it is, until the node was looked at."""
FINAL = (*TERMINAL, TaskExecution.RETRYABLE_FAILED)
_AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
_log = logging.getLogger(__name__)


@dataclass
class Item:
    """A task that a connector has begun, as the cache holds it."""

    category: Any
    meta: bytes
    prefix: str
    endpoint: Endpoint
    about: str
    answer: Any = None
    failures: int = 0
    lost: str = ""
    """Why it is not asked for any more, although it has not ended."""
    asking: bool = False


class Pace:
    """So many a second, and a burst."""

    def __init__(self, qps: float, burst: int) -> None:
        self._qps, self._burst, self._left, self._at = qps, burst, float(burst), time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when it is this one's turn."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self._burst, self._left + (now - self._at) * self._qps) - 1
            self._at = now
            pause = -self._left / self._qps
        if pause > 0:
            time.sleep(pause)


class Connectors:
    """All connectors, and the cache of what they do."""

    def __init__(self, rules: Rules, violation: Callable[[str], None]) -> None:
        self.rules, self._violation = rules, violation
        self._channels: dict[Endpoint, grpc.Channel] = {}
        self._items: list[Item] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(rules.workers, thread_name_prefix="get")
        self._pace = Pace(rules.read_qps, rules.read_burst)
        self._stop = threading.Event()
        self.running = threading.Event()
        self.running.set()
        self._ticker = threading.Thread(target=self._tick, name="ticks", daemon=True)
        self._ticker.start()

    def close(self) -> None:
        self._stop.set()
        self._ticker.join()
        self._pool.shutdown(cancel_futures=True)
        for channel in self._channels.values():
            channel.close()

    def create(self, template: Any, inputs: Any, prefix: str, metadata: Any, endpoint: Endpoint) -> Item:
        """Raises grpc.RpcError: nothing is known then of what the connector may have made."""
        request = agent_pb2.CreateTaskRequest(
            template=template, inputs=inputs, output_prefix=prefix, task_execution_metadata=metadata
        )
        about = f"create of {metadata.task_execution_id.node_execution_id.node_id}"
        answer = self._call(endpoint, "CreateTask", request, about)
        category = agent_pb2.TaskCategory(name=template.type, version=template.task_type_version)
        item = Item(category, answer.resource_meta, prefix, endpoint, about.replace("create", "get"))
        with self._lock:
            self._items.append(item)
        self._ask(item)
        return item

    def delete(self, item: Item) -> None:
        """Raises grpc.RpcError."""
        self.forget(item)
        request = agent_pb2.DeleteTaskRequest(task_category=item.category, resource_meta=item.meta)
        request.task_type = item.category.name
        self._call(item.endpoint, "DeleteTask", request, item.about.replace("get", "delete"))

    def forget(self, item: Item) -> None:
        with self._lock:
            self._items = [one for one in self._items if one is not item]

    def _tick(self) -> None:
        while not self._stop.wait(self.rules.resync):
            if not self.running.is_set():
                continue
            with self._lock:
                due = [one for one in self._items if not (one.lost or one.asking or _terminal(one))]
            for item in due:
                self._ask(item)

    def _ask(self, item: Item) -> None:
        item.asking = True
        self._pool.submit(self._get, item)

    def _get(self, item: Item) -> None:
        try:
            self._pace.wait()
            request = agent_pb2.GetTaskRequest(
                task_type=item.category.name,
                task_category=item.category,
                resource_meta=item.meta,
                output_prefix=item.prefix,
            )
            item.answer = self._call(item.endpoint, "GetTask", request, item.about).resource
        except grpc.RpcError as error:
            item.failures += 1
            if item.failures > self.rules.max_system_failures:
                item.lost = f"{item.failures} gets failed: {error}"
        finally:
            item.asking = False

    def _call(self, endpoint: Endpoint, method: str, request: Any, about: str) -> Any:
        stub = AsyncAgentServiceStub(self._channel(endpoint))
        try:
            return getattr(stub, method)(request, timeout=endpoint.timeout)
        except grpc.RpcError as error:
            _log.info("%s: %s %s", about, error.code(), error.details())
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                self._violation(f"{about}: {method} took over {endpoint.timeout} s")
            elif method == "GetTask" and error.code() not in _AWAY:
                self._violation(f"{about}: {method} raised {error.code()}: {error.details()}")
            raise

    def _channel(self, endpoint: Endpoint) -> grpc.Channel:
        with self._lock:
            if endpoint not in self._channels:
                options: list[tuple[str, Any]] = [
                    ("grpc.initial_reconnect_backoff_ms", 100),
                    ("grpc.max_reconnect_backoff_ms", 500),
                ]
                if endpoint.service_config:
                    options.append(("grpc.service_config", endpoint.service_config))
                self._channels[endpoint] = grpc.insecure_channel(endpoint.target, options)
            return self._channels[endpoint]


def _terminal(item: Item) -> bool:
    return item.answer is not None and item.answer.phase in TERMINAL
