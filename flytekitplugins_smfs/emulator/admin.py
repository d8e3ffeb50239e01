"""What is not AWS: health, the calls received, settings, faults and processes, as JSON under ``/_emulator/``."""

import json
import os
from typing import Any
from urllib.parse import parse_qs

from . import credentials, processes
from .account import Account
from .messages import Request, Response

PREFIX = "/_emulator/"
_FAR_SECONDS = 100 * 365 * 86400.0


class Admin:
    """``GET health|calls?since=N|settings|faults|processes|clock`` ``PUT settings|faults|clock``, ``POST reset``."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def handle(self, request: Request) -> Response:
        name = request.path.removeprefix(PREFIX)
        try:
            if request.method == "GET":
                return self._get(name, request)
            if request.method == "PUT":
                return self._put(name, json.loads(request.body))
            if request.method == "POST":
                return self._post(name)
        except (ValueError, TypeError) as problem:
            return _json({"error": str(problem)}, 400)
        except TimeoutError as problem:
            return _json({"error": str(problem)}, 503)
        return _json({"error": f"no {request.method} here"}, 405)

    def _get(self, name: str, request: Request) -> Response:
        if name == "health":
            return _json({"status": "ready", "pid": os.getpid(), "state": str(self._account.paths.state)})
        if name == "credentials":
            return self._credentials(request)
        if name == "calls":
            since = parse_qs(request.query).get("since", ["0"])[0]
            return _json({"calls": self._account.calls.since(int(since))})
        if name == "settings":
            return _json(self._account.settings.as_dict())
        if name == "faults":
            return _json({"faults": self._account.context.injections.listed()})
        if name == "clock":
            return _json(self._clock())
        if name == "processes":
            groups = processes.live(self._account.paths.processes)
            return _json({"processes": [{"name": g.name, "pid": g.pid, "started": g.started} for g in groups]})
        return _json({"error": f"there is no {name!r}"}, 404)

    def _post(self, name: str) -> Response:
        if name == "reset":
            self._account.renewal.renew()
            return _json({"status": "ready"})
        return _json({"error": f"there is no {name!r}"}, 404)

    def _credentials(self, request: Request) -> Response:
        """What a job's token is worth. The answers are those of AWS's own container credentials endpoint."""
        document = credentials.answer(self._account.context, request.headers.get("authorization", ""))
        if document is None:
            return _json({"code": "AccessDeniedException", "message": "The token is not a running job's."}, 401)
        return _json(document)

    def _put(self, name: str, document: Any) -> Response:
        if name == "settings":
            self._account.settings.update(document)
            return _json(self._account.settings.as_dict())
        if name == "faults":
            self._account.context.injections.replace(document)
            return _json({"faults": self._account.context.injections.listed()})
        if name == "clock":
            return self._set_clock(document)
        return _json({"error": f"there is no {name!r}"}, 404)

    def _clock(self) -> dict[str, Any]:
        clock = self._account.clock
        return {"now": clock.now(), "offset": clock.offset, "mode": clock.mode}

    def _set_clock(self, document: dict[str, Any]) -> Response:
        """``{"advance": seconds}`` sets the clock forward, ``{"mode": "skip"}`` lets it skip what nobody waits for."""
        if not document or set(document) - {"advance", "mode"}:
            raise ValueError('the clock takes "advance" (seconds) and "mode" ("real" or "skip")')
        seconds = float(document.get("advance", 0))
        if not 0 <= seconds < _FAR_SECONDS:
            raise ValueError(f"the clock advances by 0 seconds to 100 years, not by {seconds}")
        if "mode" in document:
            self._account.clock.set_mode(document["mode"])
            self._account.scheduler.look()
        try:
            self._account.scheduler.advance(seconds)
        except TimeoutError as problem:
            return _json({"error": str(problem)}, 503)
        return _json(self._clock())


def _json(document: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(document).encode(), {"content-type": "application/json"})
