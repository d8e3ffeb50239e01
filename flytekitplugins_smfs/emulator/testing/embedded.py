"""``Emulator``: an embedded AWS for the length of a ``with`` block."""

import asyncio
import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..paths import Paths
from .admin import Admin, EmulatorError
from .calls import Calls
from .clock import Clock
from .faults import Faults
from .process import ServerProcess

if TYPE_CHECKING:
    import boto3


class Emulator:
    """An embedded AWS of one's own: SageMaker, FSx for Lustre, S3 and what they need, on this machine alone.

    ```
    with Emulator() as emulator:
        sagemaker = emulator.session().client("sagemaker")
    ```

    Also ``async with``, and ``start()`` with ``stop()``. It ends with the block, or with this process, however that
    ends. Several may run at once. Methods may be called from any thread; none of them is a coroutine.
    """

    def __init__(
        self,
        state: str | os.PathLike[str] | None = None,
        *,
        port: int = 0,
        settings: Mapping[str, str | int | float | bool] | None = None,
    ) -> None:
        """``state`` is the directory it keeps everything in, for good; without one it is a temporary directory.

        ``port`` is where it listens on 127.0.0.1 (0: any free one). ``settings`` are those of ``smfs emulator start
        --set``, such as ``{"fsx_creating_seconds": 30}``.
        """
        self._given = None if state is None else Path(state).absolute()
        self._port = port
        self._settings = dict(settings or {})
        self._paths: Paths | None = None
        self._server: ServerProcess | None = None
        self._environment: dict[str, str] = {}

    def start(self) -> Self:
        """Start it and return when it answers. Raises EmulatorError if it cannot; starting twice is fine."""
        if self._server is None:
            state = self._given or Path(tempfile.mkdtemp(prefix="smfs-emulator-"))
            paths = Paths(state)
            if foreign := paths.foreign():
                raise EmulatorError(f"{state} is not a state directory: it has {', '.join(foreign[:5])}")
            paths.create()
            self._paths = paths
            self._launch()
            atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """End it with all its jobs, and remove a temporary state. Raises EmulatorError if something is left."""
        server, self._server = self._server, None
        if server is None or self._paths is None:
            return
        atexit.unregister(self.stop)
        self._environment = {}
        try:
            server.stop()
        finally:
            self._forget()

    def reset(self) -> None:
        """Forget everything that happened: as new, at the same address, with the same keys and first settings.

        Jobs end. Raises EmulatorError if that cannot be.
        """
        self._admin.post("reset")

    @property
    def state(self) -> Path:
        """The directory with its state; its ``server.log`` says what went wrong inside."""
        if self._paths is None:
            raise EmulatorError("the embedded AWS was not started")
        return self._paths.state

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point any AWS client here, keys included: what ``smfs emulator env`` prints."""
        if self._server is None:
            raise EmulatorError("the embedded AWS does not run")
        return dict(self._environment)

    @property
    def endpoint_url(self) -> str:
        """The address of all services but S3 (which is answered there too, more slowly)."""
        return self.environment["AWS_ENDPOINT_URL"]

    @property
    def s3_endpoint_url(self) -> str:
        """The address of S3."""
        return self.environment["AWS_ENDPOINT_URL_S3"]

    def session(self, region: str | None = None) -> "boto3.Session":
        """A boto3 session whose clients talk to it. Neither ``os.environ`` nor ``~/.aws`` is read or changed for that.

        ``region`` is that of the account unless another is given.
        """
        from .session import session

        return session(self.environment, region)

    @property
    def faults(self) -> Faults:
        """What shall go wrong."""
        return Faults(self._admin)

    @property
    def clock(self) -> Clock:
        """Its time."""
        return Clock(self._admin)

    @property
    def calls(self) -> Calls:
        """What was asked of it."""
        return Calls(self._admin)

    @property
    def _admin(self) -> Admin:
        return Admin(self.environment)

    def _launch(self) -> None:
        from ..environment import variables

        assert self._paths is not None
        server = ServerProcess(self._paths, self._port, self._settings, temporary=self._given is None)
        try:
            server.await_ready()
        except EmulatorError:
            self._forget()
            raise
        except BaseException:
            server.stop()
            self._forget()
            raise
        self._environment = variables(self._paths)
        self._server = server

    def _forget(self) -> None:
        """Remove a state that is nobody's."""
        if self._given is None and self._paths is not None:
            shutil.rmtree(self._paths.state, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)
