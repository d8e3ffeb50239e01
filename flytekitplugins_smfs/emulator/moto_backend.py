"""EC2, IAM, STS and all other services that moto knows, in this process, with a memory.

moto keeps its state in memory only. Every request that changes something is therefore written to a journal with the
seed of moto's random numbers, and replayed at start: the same ids come out again.
"""

import io
import logging
import os
import re
import secrets
import threading
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import UnknownServiceError

from . import models, refusals
from .clock import Clock
from .dialects import scope
from .interfaces import ManagedInterfaces
from .journal import Journal
from .messages import Request, Response
from .moto_effects import Effects
from .protocols.errors import error_for
from .settings import Settings
from .store import Store

log = logging.getLogger(__name__)

_AHEAD_SECONDS = 0.5
_VPC = re.compile(rb"<vpcId>([^<]+)</vpcId>")


Kept = tuple[bytes, set[str], set[tuple[str, str]]]
"""What moto knew at a moment, the regions whose network was furnished, and those that were woken."""


class _Raw(io.BytesIO):
    """A response body that botocore can stream."""

    def stream(self, **_: Any) -> Any:
        while chunk := self.read(65536):
            yield chunk


class MotoBackend:
    """moto behind one lock. ``start`` before use."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        furnish_region: Callable[[Any, str], None],
        furnish_vpc: Callable[[Any, str], None],
    ) -> None:
        """``furnish_region(client, region)`` and ``furnish_vpc(client, vpc)`` add what AWS makes and moto does not."""
        self._furnish_region = furnish_region
        self._furnish_vpc = furnish_vpc
        self._furnished: set[str] = set()
        self._store = store
        self._settings = settings
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._known: set[tuple[str, str]] = set()
        self._app: Any = None
        self._observers: dict[str, Callable[[Request, Response], None]] = {}
        self._clock = clock
        self._journal = Journal(store, clock, lambda: settings.journal_kept)
        self._effects = Effects(settings.account)
        self.managed = ManagedInterfaces(store, settings.account)
        os.environ["MOTO_ACCOUNT_ID"] = settings.account
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"

    def start(self) -> None:
        """Load moto and bring back its state from the journal."""
        from . import moto_ids
        from .moto_clock import moto_at
        from .moto_services import application

        moto_ids.have_prefixes()
        logging.getLogger("moto").setLevel(logging.ERROR)
        self._app = application()
        for entry in self._journal.entries():
            with moto_at(entry.moment):
                response = self._play(entry.request, entry.seed)
            self._tell(entry.request.form().get("Action", ""), entry.request, response)
        self.managed.restore()

    def observe(self, operation: str, function: Callable[[Request, Response], None]) -> None:
        """Call a function after each success of an operation that changes something, at start for earlier ones too."""
        self._observers[operation] = function

    def handle(self, service: str, region: str, operation: str, request: Request) -> Response:
        """Answer a request; what changed something is in the journal before this returns."""
        with self._lock:
            seed = secrets.randbits(63)  # moto makes access keys from it
            if (refusal := refusals.passed(service, operation)) is not None:
                raise refusal
            self._journal.check_room(operation)
            if service == "ec2":
                self._furnish(region)
                self.managed.protect(operation, request)
            mark = self._effects.before(service, operation, request.method)
            with self._at_our_time():
                response = self._play(request, seed)
            if response.status < 400 and self._effects.changed(mark, operation):
                self._journal.add(operation, request, response, seed)
                self._tell(operation, request, response)
                if operation == "CreateVpc" and (made := _VPC.search(response.body)):
                    self._furnish_vpc(self.client("ec2", region), made[1].decode())
        if response.status >= 500:
            return error_for(self.protocol(service), refusals.failed(service, operation))
        return response

    def kept(self) -> Kept:
        """All that moto knows now, for ``bring_back``. The journal is the store's."""
        from . import moto_memory

        with self._lock:
            return moto_memory.kept(), set(self._furnished), set(self._known)

    def bring_back(self, kept: Kept | None) -> None:
        """Know what was known when ``kept`` answered this, and nothing that came later; with None, nothing at all."""
        from . import moto_memory

        with self._lock:
            memory, furnished, known = kept or (b"", set(), set())
            moto_memory.bring_back(memory) if memory else moto_memory.forget()
            self._furnished, self._known = set(furnished), set(known)

    def client(self, service: str, region: str) -> Any:
        """A boto client whose calls go straight to ``handle``, for the emulator's own use."""
        key = (service, region)
        with self._lock:
            if key not in self._clients:
                client = models.session().create_client(service, region_name=region)
                client.meta.events.register("before-send", self._short_circuit(service, region))
                self._clients[key] = client
            return self._clients[key]

    def _tell(self, operation: str, request: Request, response: Response) -> None:
        if response.status < 400 and operation in self._observers:
            self._observers[operation](request, response)

    def _furnish(self, region: str) -> None:
        """Furnish a region's network before anybody sees it, once in the account's life."""
        if region in self._furnished or self._store.get("account", f"furnished/{region}"):
            self._furnished.add(region)
            return
        self._furnished.add(region)
        self._furnish_region(self.client("ec2", region), region)
        self._store.put("account", f"furnished/{region}", {"id": region})

    def _short_circuit(self, service: str, region: str) -> Any:
        def send(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
            body = request.body or b""
            headers = {name.lower(): _text(value) for name, value in request.headers.items()}
            target = request.url.split("/", 3)[3] if request.url.count("/") > 2 else ""
            raw = body if isinstance(body, bytes) else body.encode()
            name = event_name.rpartition(".")[2]
            response = self.handle(service, region, name, Request(request.method, f"/{target}", headers, raw))
            return AWSResponse(request.url, response.status, response.headers, _Raw(response.body))

        return send

    def _wake(self, service: str, region: str) -> None:
        """Make a region's default resources (VPC, subnets, ...) with random numbers that depend on nothing else."""
        from moto.backends import get_backend

        if service != "ec2" or (service, region) in self._known:
            return
        self._seed(zlib.crc32(f"{service}/{region}".encode()))
        backend = get_backend("ec2")[self._settings.account]
        if region in backend:
            backend[region]
        self._known.add((service, region))

    def _seed(self, seed: int) -> None:
        from moto.moto_api._internal import mock_random

        mock_random.seed(seed)

    def _at_our_time(self) -> AbstractContextManager[None]:
        """Within, moto's clock is the emulator's; as long as that is real time, nothing has to be done for it."""
        from .moto_clock import moto_at

        return moto_at(self._clock.now()) if self._clock.offset > _AHEAD_SECONDS else nullcontext()

    def _play(self, request: Request, seed: int) -> Response:
        """Let moto answer. What it cannot do comes back as a status of 500."""
        service, region = scope(request)
        self._wake(service, region)
        self._seed(seed)
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answer["status"] = int(status.split()[0])
            answer["headers"] = {name.lower(): value for name, value in headers}

        try:
            body = b"".join(self._app(_environ(request), start_response))
        except Exception:
            log.exception("moto failed on %s %s", request.method, request.target)
            return Response(500, b"")
        headers = {k: v for k, v in answer["headers"].items() if k not in ("content-length", "connection", "server")}
        return Response(answer["status"], body, headers)

    def protocol(self, signing_name: str) -> str:
        """The wire protocol of a service, by the name it signs with."""
        try:
            return str(models.service_model(signing_name).metadata["protocol"])
        except UnknownServiceError:
            return "json"


def _environ(request: Request) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "RAW_URI": request.target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if name not in ("content-type", "content-length"):
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    environ.setdefault("HTTP_HOST", "127.0.0.1")
    return environ


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
