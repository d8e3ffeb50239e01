"""A connector's log: one JSON object a line on standard error; a line for each create, delete and end."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime

from flytekitplugins_smfs.flyte import events
from flytekitplugins_smfs.values.plain import Json
from flytekitplugins_smfs.values.settings import without_password

ROOT = "flytekitplugins_smfs"
LEVEL_VARIABLE = "FLYTE_SDK_LOGGING_LEVEL"
"""flytekit's own, a number such as 20 for INFO; it holds for this package's log, too."""
LONGEST = 4000
"""Characters of a text in the log."""
_log = logging.getLogger(__name__)


class Lines(logging.Formatter):
    """Each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback is a field of it."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: Json = {"time": moment, "level": record.levelname.lower(), "logger": record.name}
        line |= getattr(record, "fields", None) or {"message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({name: _clean(item) for name, item in line.items()}, default=str)


def _clean(item: object) -> object:
    return without_password(item)[:LONGEST] if isinstance(item, str) else item


def configure() -> None:
    """Let this package's loggers write; once. For a process that is a connector: a library leaves that to others."""
    logger = logging.getLogger(ROOT)
    if any(isinstance(handler.formatter, Lines) for handler in logger.handlers):
        return
    handler = logging.StreamHandler()
    handler.setFormatter(Lines())
    logger.addHandler(handler)
    logger.propagate = False
    level = os.environ.get(LEVEL_VARIABLE, "")
    logger.setLevel(int(level) if level.isdigit() else logging.INFO)
    events.listeners.append(_told)


def _told(event: events.Event) -> None:
    if event.kind is events.Kind.GET:
        return
    level = logging.WARNING if event.problem else logging.INFO
    _log.log(level, "%s of %s", event.kind, event.resource or event.operation, extra={"fields": fields(event)})


def fields(event: events.Event) -> Json:
    """What the line of an event says."""
    owner = event.owner
    said: Json = {
        "event": str(event.kind),
        "operation": event.operation,
        "execution": owner.execution if owner else "",
        "step": owner.step if owner else "",
        "attempt": owner.attempt if owner else None,
        "resource": event.resource,
        "region": event.region,
        "phase": str(event.phase) if event.phase else "",
        "seconds": round(event.seconds, 3),
        "waits": event.waits or None,
        "problem": event.problem,
    }
    return {name: item for name, item in said.items() if item not in ("", None)}
