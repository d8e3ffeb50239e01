"""The Python packages of images: this installation's, or requirements, installed once and kept by their hash.

Requirements are installed as their user would do it, with pip and outside of the walls of jobs, a few at a time. Who
waits for them holds up nobody else.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from .containers import environment
from .containers.environment import Image
from .images import Program

_INSTALL_SECONDS = 900
_AT_ONCE = 2
_ROOT = str(Path(__file__).parents[2])
_PIP = (
    f"import runpy, sys; sys.path.append({_ROOT!r})\n"
    "from flytekitplugins_smfs.emulator.containers.system import die_with_parent\n"
    "die_with_parent(); sys.path.pop(); sys.argv[0] = 'pip'; runpy.run_module('pip', run_name='__main__')\n"
)
"""pip, which ends with the server however that ends: the next one begins anew."""


class ImageError(Exception):
    """An image's packages could not be installed; the text says why."""


class Installing(Exception):
    """An image's packages are not there yet: ask again."""


@dataclass
class _Installation:
    """One that is under way, or has failed and not all who wait for it know."""

    future: "Future[None]"
    waiting: set[str] = field(default_factory=set)


class ImagePackages:
    """What is installed below a directory."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="image")
        self._guard = threading.Lock()
        self._installations: dict[Path, _Installation] = {}
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether something is being installed."""
        with self._guard:
            return any(not one.future.done() for one in self._installations.values())

    def of(self, program: Program, owner: str) -> Image:
        """The packages of a program's image. ``owner`` is who wants them.

        Raises Installing where they are not there yet, and ImageError, to all who wait, where they cannot be installed.
        """
        if program.requirements is None:
            image = environment.product()
        else:
            image = environment.installed(self._directory(program.requirements, owner))
        return replace(image, readable=(*image.readable, *_readable(program.readable)))

    def close(self) -> None:
        """End what is being installed."""
        with self._guard:
            self._closed = True
            for process in self._running:
                process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _directory(self, requirements: tuple[str, ...], owner: str) -> Path:
        key = json.dumps([sorted(requirements), sys.version, sys.base_prefix])
        directory = self._store / hashlib.sha256(key.encode()).hexdigest()[:20]
        with self._guard:
            found = self._installations.get(directory)
            if found is not None and found.future.done():
                self._heard(directory, found, owner)
                found = None
            if (directory / "ready").exists():
                return directory
            if found is None:
                found = _Installation(self._pool.submit(self._install, directory, requirements))
                self._installations[directory] = found
            found.waiting.add(owner)
        raise Installing(f"{' '.join(requirements)}: being installed")

    def _heard(self, directory: Path, ended: _Installation, owner: str) -> None:
        """Tell who waited for it how an installation has ended; who comes later begins another."""
        was_waiting = owner in ended.waiting
        ended.waiting.discard(owner)
        if not ended.waiting or not was_waiting:
            del self._installations[directory]
        if was_waiting:
            ended.future.result()

    def _install(self, directory: Path, requirements: tuple[str, ...]) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        directory.parent.mkdir(parents=True, exist_ok=True)
        environment.make(directory, str(directory), None)
        what = f"pip install {' '.join(requirements)}"
        process = self._pip(directory, requirements)
        try:
            _, said = process.communicate(timeout=_INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise ImageError(f"{what}: not done after {_INSTALL_SECONDS} s") from None
        finally:
            with self._guard:
                self._running.discard(process)
        if process.returncode != 0:
            raise ImageError(f"{what}: {said.strip()[-500:]}")
        directory.joinpath("ready").touch()

    def _pip(self, directory: Path, requirements: tuple[str, ...]) -> "subprocess.Popen[str]":
        command = [str(directory / "bin/python"), "-c", _PIP, "install", "--quiet", "--no-input", *requirements]
        variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        with self._guard:
            if self._closed:
                raise ImageError("the emulator is being stopped")
            null, pipe = subprocess.DEVNULL, subprocess.PIPE
            process = subprocess.Popen(command, env=variables, stdin=null, stdout=null, stderr=pipe, text=True)
            self._running.add(process)
        return process


def _readable(paths: tuple[str, ...]) -> list[str]:
    """Paths of this machine that belong to an image; of an interpreter in an environment the whole of that."""
    found = []
    for path in paths:
        home = Path(path).parent.parent
        found += [str(home)] if (home / "pyvenv.cfg").exists() else []
        found += [path, os.path.realpath(path)]
    return [path for path in dict.fromkeys(found) if os.path.exists(path)]
