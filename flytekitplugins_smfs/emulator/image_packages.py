"""The Python packages of images: this installation's, or requirements, installed once and kept by their hash."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from .containers import environment
from .containers.environment import Image
from .images import Program

_INSTALL_SECONDS = 900


class ImageError(Exception):
    """An image's packages could not be installed; the text says why."""


def image_of(program: Program, store: Path) -> Image:
    """The packages of a program's image, installed below ``store`` if they are not there yet. Raises ImageError."""
    if program.requirements is None:
        image = environment.product()
    else:
        image = environment.installed(_installed(program.requirements, store))
    return replace(image, readable=(*image.readable, *_readable(program.readable)))


def _installed(requirements: tuple[str, ...], store: Path) -> Path:
    key = json.dumps([sorted(requirements), sys.version, sys.base_prefix])
    directory = store / hashlib.sha256(key.encode()).hexdigest()[:20]
    store.mkdir(parents=True, exist_ok=True)
    with directory.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "ready").exists():
            shutil.rmtree(directory, ignore_errors=True)
            environment.make(directory, str(directory), None)
            _install(directory, requirements)
            directory.joinpath("ready").touch()
    return directory


def _install(directory: Path, requirements: tuple[str, ...]) -> None:
    command = [str(directory / "bin/python"), "-m", "pip", "install", "--quiet", "--no-input", *requirements]
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        subprocess.run(command, env=variables, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=True)
    except subprocess.CalledProcessError as failed:
        raise ImageError(f"pip install {' '.join(requirements)}: {failed.stderr.strip()[-500:]}") from None
    except subprocess.TimeoutExpired:
        raise ImageError(f"pip install {' '.join(requirements)}: not done after {_INSTALL_SECONDS} s") from None


def _readable(paths: tuple[str, ...]) -> list[str]:
    """Paths of this machine that belong to an image; of an interpreter in an environment the whole of that."""
    found = []
    for path in paths:
        home = Path(path).parent.parent
        found += [str(home)] if (home / "pyvenv.cfg").exists() else []
        found += [path, os.path.realpath(path)]
    return [path for path in dict.fromkeys(found) if os.path.exists(path)]
