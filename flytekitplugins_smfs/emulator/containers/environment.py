"""The Python environment of a job: its own to write to, above the packages of its image, which are read-only.

It is written by hand, in milliseconds (``venv`` takes seconds), and is what ``venv`` would make: ``pip`` and ``python``
in it see the image's packages and install beside them.
"""

import ensurepip
import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
_PRODUCT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Image:
    """Where an image's Python packages and programs are, and what of the machine must be readable for them."""

    sites: tuple[str, ...]
    programs: tuple[str, ...]
    readable: tuple[str, ...]


@cache
def product() -> Image:
    """The image of the built-in algorithms, and of all that name no packages of their own: this installation."""
    sites = [path for path in _sites() if os.path.isdir(path)]
    linked = [path for place in sites for path in _linked(Path(place))]
    return Image(tuple(sites), (_programs(sys.prefix),), (*interpreter(), sys.prefix, *sites, *linked, str(_PRODUCT)))


def installed(directory: Path) -> Image:
    """The image of an environment that ``make`` made and pip installed requirements into."""
    packages = str(directory / "lib" / _VERSION / "site-packages")
    return Image((packages,), (str(directory / "bin"),), (*interpreter(), str(directory), str(_PRODUCT)))


@cache
def interpreter() -> tuple[str, ...]:
    """What the interpreter itself is made of."""
    return (sys.base_prefix, sys.base_exec_prefix, str(Path(_base()).resolve().parent), *_bundled_pip())


def make(directory: Path, shown_at: str, image: Image | None) -> None:
    """Write an environment that a job will see at another path; without an image it has pip alone."""
    packages = directory / "lib" / _VERSION / "site-packages"
    packages.mkdir(parents=True)
    programs = directory / "bin"
    programs.mkdir()
    base = _base()
    version = ".".join(map(str, sys.version_info[:3]))
    settings = (f"home = {Path(base).parent}", "include-system-site-packages = false", f"version = {version}", "")
    directory.joinpath("pyvenv.cfg").write_text("\n".join(settings))
    programs.joinpath("python").symlink_to(base)
    for name in ("python3", _VERSION):
        programs.joinpath(name).symlink_to("python")
    for name in ("pip", "pip3"):
        script = programs / name
        script.write_text(f'#!/bin/sh\nexec "{shown_at}/bin/python" -m pip "$@"\n')
        script.chmod(0o755)
    # This installation may have no pip (as environments of uv have none); an image of requirements begins with nothing.
    pip = _bundled_pip() if image is None or find_spec("pip") is None else ()
    # A plain path in a .pth file would not have the .pth files there read: editable installations are such.
    lines = (*(f"import site; site.addsitedir({path!r})" for path in (image.sites if image else ())), *pip, "")
    packages.joinpath("_image.pth").write_text("\n".join(lines))


def _base() -> str:
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def _programs(prefix: str) -> str:
    return str(Path(prefix, "bin"))


def _sites() -> list[str]:
    """The directories that packages of this installation are in, first that which counts first."""
    paths = sysconfig.get_paths()
    own = [paths["purelib"], paths["platlib"], *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        own.insert(0, site.getusersitepackages())
    return list(dict.fromkeys(own))


def _linked(place: Path) -> Iterator[str]:
    """Directories that .pth files add (as of editable installations), but none that holds the user's home."""
    for file in sorted(place.glob("*.pth")):
        for line in file.read_text(errors="replace").splitlines():
            path = os.path.realpath(place / line.strip())
            is_path = line.strip() and not line.startswith(("import ", "import\t", "#")) and os.path.isdir(path)
            if is_path and not Path.home().is_relative_to(path):
                yield path


@cache
def _bundled_pip() -> tuple[str, ...]:
    """The interpreter's own copy of pip, a wheel that can be imported from."""
    bundled = sorted((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    return (str(bundled[-1]),) if bundled else ()
