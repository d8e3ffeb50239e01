"""The connector's work, free of event loops: begin, look, cancel. What `outputs` makes of an answer is Flyte's."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flytekit.models.literals import LiteralMap
from flytekit.models.task import TaskExecutionMetadata, TaskTemplate

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.flyte import events, literals
from flytekitplugins_smfs.flyte.binding import Binding, plain_inputs, validated
from flytekitplugins_smfs.flyte.config import settings
from flytekitplugins_smfs.flyte.meta import LONGEST_PROBLEM, Meta
from flytekitplugins_smfs.flyte.metadata import order_of, owner_of
from flytekitplugins_smfs.flyte.spool import Spool
from flytekitplugins_smfs.flyte.sweeper import SWEEPER
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.operations.base import AnyOperation, AnyPaced, Paced, as_of_now, now
from flytekitplugins_smfs.operations.queue import TOMBSTONE, Queue, Ticket
from flytekitplugins_smfs.operations.watch import Watch
from flytekitplugins_smfs.values.errors import AwsFault, SmfsError
from flytekitplugins_smfs.values.operation import Answer, Handle, Order, Owner, Phase, State

literals.register()

ANSWER_TIME = 4.0
"""Seconds in which the last AWS call of a create or delete is begun: Flyte gives each of them 10 in all."""
EXTRAS_TIME = 3.0
"""Seconds for what is good to have and may be missing: a curve, the last lines of a log."""
REMEMBERED = 4096
"""How many operations are remembered for the time that AWS does not answer, and how many failures."""
ASKED = 300.0
"""Seconds after the last question in which an operation counts as followed."""
ENDED = 3600.0
"""Seconds for which a failure is told again as it was: what failed is cleaned up, and looks different then."""

_log = logging.getLogger(__name__)
_watches: OrderedDict[bytes, Watch] = OrderedDict()
_failures: OrderedDict[bytes, tuple[float, Answer]] = OrderedDict()
_queues: dict[str, Queue] = {}
_lock = threading.Lock()


def begin(
    name: str,
    template: TaskTemplate,
    output_prefix: str,
    inputs: LiteralMap | None,
    metadata: TaskExecutionMetadata | None,
) -> Meta:
    """Start a task's operation.

    A create that raises costs the user a retry whatever the reason, and shows a traceback. So what is wrong is put
    into the meta, and the first get answers it as a failure that is final, or is not.
    """
    begun, happened = time.monotonic(), functools.partial(events.Event, events.Kind.CREATE, name)
    try:
        owner = owner_of(metadata, output_prefix)
        happened = functools.partial(happened, owner)
        binding = Binding.of_custom(template.custom)
        operation = catalog.load(binding.operation)
        spec = validated(operation.spec_type, binding.data(plain_inputs(inputs)), f"The call of {template.id.name}")
        handle, waiting = _started(operation, spec, owner, order_of(template, output_prefix, metadata))
    except SmfsError as error:
        events.tell(happened(problem=str(error), seconds=time.monotonic() - begun))
        return Meta(name, problem=str(error)[:LONGEST_PROBLEM], retryable=error.passing)
    except Exception as error:  # noqa: BLE001 - whatever it is, a raising create is worse
        _log.exception("%s was not started", name)
        events.tell(happened(problem=repr(error), seconds=time.monotonic() - begun))
        return Meta(name, problem=f"It could not be started: {error!r}"[:LONGEST_PROBLEM])
    took, what = time.monotonic() - begun, operation.what(handle)
    events.tell(happened(resource=what, region=handle.region, seconds=took, waits=bool(waiting)))
    SWEEPER.watch(handle.region)
    kept = output_prefix if binding.deck or operation.writes_outputs else ""
    fields = handle.model_dump(mode="json", exclude_none=True)
    meta = Meta(binding.operation, fields, output_prefix=kept, waiting=waiting)
    _watch(meta, meta.encode(), begun_here=True)
    return meta


def _started(operation: AnyOperation, spec: Any, owner: Owner, order: Order) -> tuple[Handle, str]:
    """The handle, and where its spec lies if it waits for its turn."""
    aws = Aws(settings()).within(ANSWER_TIME)
    if not isinstance(operation, Paced) or operation.turn is None or not order.output_prefix:
        return operation.start(aws, spec, owner, order), ""
    queue = queue_of(operation)
    if queue.directly(aws, operation):
        try:
            return operation.start(aws, spec, owner, order), ""
        finally:
            queue.done()
    handle = operation.plan(aws, spec, owner)
    spool = Spool.beside(order.output_prefix)
    try:
        kept = {"command": list(order.command), "environment": dict(order.environment)}
        spool.write({"spec": spec.model_dump(mode="json"), **kept})
    except OSError as error:
        _log.warning("%s waits in the call, because its spec cannot be kept: %s", operation.what(handle), error)
        operation.make(aws, spec, handle, order)
        return as_of_now(handle), ""
    queue.submit(Ticket(operation, spec, owner, order, handle, spool))
    return handle, spool.path


def queue_of(operation: AnyPaced) -> Queue:
    """The creates of an operation that wait in this process."""
    with _lock:
        if operation.name not in _queues:
            _queues[operation.name] = Queue(lambda region: Aws(settings(), region).quick())
        return _queues[operation.name]


def look(meta: Meta) -> Answer:
    """How far it is; never raises for what AWS answers."""
    if meta.handle is None:
        phase = Phase.RETRYABLE_FAILED if meta.retryable else Phase.FAILED
        return Answer(phase, meta.problem)
    begun, key = time.monotonic(), meta.encode()
    answer = _failed_before(key) or _looked(meta, key)
    took = time.monotonic() - begun
    events.tell(events.Event(events.Kind.GET, meta.operation, phase=answer.phase, seconds=took))
    return answer


def _looked(meta: Meta, key: bytes) -> Answer:
    try:
        watch = _watch(meta, key)
        aws = Aws(settings())
        SWEEPER.watch(watch.handle.region)
        answer = _waiting(meta, watch, aws) or watch.ask(aws)
    except SmfsError as error:  # such as an operation that this release does not know, or settings that are missing
        return Answer(Phase.FAILED, str(error))
    if answer.phase.final:
        _ended(watch, answer)
        _forget(key, answer)
    return answer


def _ended(watch: Watch, answer: Answer) -> None:
    operation, handle = watch.operation, watch.handle
    event = events.Event(
        events.Kind.END,
        operation.name,
        handle.owner,
        operation.what(handle),
        handle.region,
        answer.phase,
        seconds=(now() - handle.started_at).total_seconds(),
        problem="" if answer.phase is Phase.SUCCEEDED else answer.message.partition("\n")[0],  # no line of a job's log
    )
    events.tell(event)


def followed() -> Mapping[tuple[str, str], int]:
    """How many operations were asked for lately, by operation and the phase that was told last. The end of others may
    have been told by another replica."""
    since = time.monotonic() - ASKED
    with _lock:
        watches = tuple(watch for watch in _watches.values() if watch.asked_at > since)
    return Counter((watch.operation.name, str(watch.latest)) for watch in watches)


def waiting() -> Mapping[str, int]:
    """How many creates wait for their turn, by operation."""
    with _lock:
        return {name: len(queue) for name, queue in _queues.items()}


def _failed_before(key: bytes) -> Answer | None:
    """What was told at the end: Flyte may ask once more before it has taken notice."""
    with _lock:
        while _failures and next(iter(_failures.values()))[0] < time.monotonic() - ENDED:
            _failures.popitem(last=False)
        return _failures[key][1] if key in _failures else None


def _forget(key: bytes, answer: Answer) -> None:
    with _lock:
        _watches.pop(key, None)
        if answer.phase is not Phase.SUCCEEDED:
            _failures[key] = time.monotonic(), replace(answer, record=None)
        while len(_failures) > REMEMBERED:
            _failures.popitem(last=False)


def _watch(meta: Meta, key: bytes, *, begun_here: bool = False) -> Watch:
    with _lock:
        if key not in _watches:
            operation, handle = _loaded(meta)
            _watches[key] = Watch(operation, handle, EXTRAS_TIME, begun_here=begun_here)
        _watches[key].asked_at = time.monotonic()
        _watches.move_to_end(key)
        while len(_watches) > REMEMBERED:
            _watches.popitem(last=False)
        return _watches[key]


def _waiting(meta: Meta, watch: Watch, aws: Aws) -> Answer | None:
    """Where what waits for its turn is; None for what was made."""
    operation, handle = watch.operation, watch.handle
    if not meta.waiting or not isinstance(operation, Paced):
        return None
    queue, key = queue_of(operation), handle.owner.attempt_key
    state = queue.state(key)
    if state is None and not queue.made(key) and watch.last is None:
        state = _queued_again(meta, watch, queue)
    if state is None:
        watch.made = queue.made(key) or watch.made or as_of_now(handle)  # another process may have made it just now
        return None
    return watch.told(Answer.of(state.linked(operation.links(aws.at(handle.region), handle))))


def _queued_again(meta: Meta, watch: Watch, queue: Queue) -> State | None:
    """What this process does not know: its spec tells whether it was made, is still to be made, or was given up."""
    operation: Any = watch.operation
    handle, spool = watch.handle, Spool(meta.waiting)
    try:
        document = spool.read()
    except OSError as error:
        phase = Phase.WAITING if watch.begun_here else Phase.RUNNING  # it may have been told as running
        return State(phase, f"Whether it waits for its turn cannot be read just now: {error}")
    if document is None:
        return None
    if document == TOMBSTONE:  # and the process that made it may have died before it saw that
        SWEEPER.see_through(
            operation.what(handle), handle.region, functools.partial(_cancelled_again, operation, handle)
        )
        return State(Phase.FAILED, f"{operation.what(handle)} was cancelled before it was made.")
    spec = validated(operation.spec_type, document.get("spec"), f"What waits at {spool.path}")
    prefix = spool.path.rpartition("/")[0]
    order = Order(prefix, tuple(document.get("command", ())), document.get("environment", {}))
    queue.submit(Ticket(operation, spec, handle.owner, order, handle, spool))
    return queue.state(handle.owner.attempt_key)


def cancel(meta: Meta) -> None:
    """Ask for the end. Raises AwsFault only when AWS did not take the request: Flyte asks again up to ten times, and
    then fails the workflow without its clean-up. What more there is to do is seen through by the sweeper."""
    if meta.handle is None:
        if meta.problem:
            _log.warning("Nothing is cancelled: %s", meta.problem)
        return
    try:
        operation, handle = _loaded(meta)
    except SmfsError as error:
        _log.warning("Nothing is cancelled: %s", error)
        return
    if meta.waiting and isinstance(operation, Paced):
        _condemn(meta, operation, handle)
        handle = queue_of(operation).made(handle.owner.attempt_key) or as_of_now(handle)
    what, again, begun = (
        operation.what(handle),
        functools.partial(_cancelled_again, operation, handle),
        time.monotonic(),
    )
    happened = functools.partial(events.Event, events.Kind.DELETE, operation.name, handle.owner, what, handle.region)
    try:
        ended = operation.cancel(Aws(settings()).within(ANSWER_TIME), handle)
    except AwsFault as error:
        if error.passing:  # Flyte's further requests come within a second, and may all be in vain
            SWEEPER.see_through(what, handle.region, again)
        events.tell(happened(problem=str(error), seconds=time.monotonic() - begun))
        raise
    events.tell(happened(seconds=time.monotonic() - begun))
    if not ended:
        SWEEPER.see_through(what, handle.region, again)


def _cancelled_again(operation: AnyOperation, handle: Handle) -> bool:
    return operation.cancel(Aws(settings()).quick(), handle)


def _condemn(meta: Meta, operation: AnyPaced, handle: Handle) -> None:
    if not queue_of(operation).withdraw(handle.owner.attempt_key):
        Spool(meta.waiting).write(TOMBSTONE)


def abandon(meta: Meta) -> None:
    """Flyte gave up on the create, and will never ask after it: what waits is not made. What was made at once is
    taken up by the next attempt."""
    if meta.handle is None or not meta.waiting:
        return
    operation, handle = _loaded(meta)
    _condemn(meta, operation, handle)


def _loaded(meta: Meta) -> tuple[Any, Any]:
    operation = catalog.load(meta.operation)
    return operation, validated(operation.handle_type, meta.handle, "The task's state in Flyte")
