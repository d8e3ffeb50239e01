"""What is not AWS: health, the calls received, settings, faults and processes, as JSON under ``/_emulator/``."""

import json
import os
from typing import Any
from urllib.parse import parse_qs

from . import processes
from .account import Account
from .protocol import Request, Response

PREFIX = "/_emulator/"


class Admin:
    """``GET health|calls?since=N|settings|faults|processes`` and ``PUT settings|faults``."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def handle(self, request: Request) -> Response:
        name = request.path.removeprefix(PREFIX)
        try:
            if request.method == "GET":
                return self._get(name, request)
            if request.method == "PUT":
                return self._put(name, json.loads(request.body))
        except (ValueError, TypeError) as problem:
            return _json({"error": str(problem)}, 400)
        return _json({"error": f"no {request.method} here"}, 405)

    def _get(self, name: str, request: Request) -> Response:
        if name == "health":
            return _json({"status": "ready", "pid": os.getpid(), "state": str(self._account.paths.state)})
        if name == "calls":
            since = parse_qs(request.query).get("since", ["0"])[0]
            return _json({"calls": self._account.calls.since(int(since))})
        if name == "settings":
            return _json(self._account.settings.as_dict())
        if name == "faults":
            return _json({"faults": self._account.context.injections.listed()})
        if name == "processes":
            groups = processes.live(self._account.paths.processes)
            return _json({"processes": [{"name": g.name, "pid": g.pid, "started": g.started} for g in groups]})
        return _json({"error": f"there is no {name!r}"}, 404)

    def _put(self, name: str, document: Any) -> Response:
        if name == "settings":
            self._account.settings.update(document)
            return _json(self._account.settings.as_dict())
        if name == "faults":
            self._account.context.injections.replace(document)
            return _json({"faults": self._account.context.injections.listed()})
        return _json({"error": f"there is no {name!r}"}, 404)


def _json(document: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(document).encode(), {"content-type": "application/json"})
