"""A task's pod without a cluster: the image's files in a mount namespace, and another user than root."""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SITE = Path(next(path for path in sys.path if path.endswith("site-packages")))
STORE = "/mnt/store"
"""Where what a pod reads and writes lies: inputs, bundles, outputs."""

# What the image has of its own is under /mnt, so that Python may come from anywhere, also from below /root.
ENTER = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 none /mnt
mkdir /mnt/python /mnt/site /mnt/image /mnt/store
mount --bind "$1" /mnt/python
mount --bind "$2" /mnt/site
mount --bind "$3/env" /mnt/image
mount --bind "$4" /mnt/store
mount --bind "$3/root" /root
mount -t tmpfs -o mode=1777 none /tmp
cd "$5"; identity=$6; shift 6
exec setpriv --reuid "${identity%:*}" --regid "${identity#*:}" --clear-groups env -i "$@"
"""


@functools.cache
def refused() -> str:
    """Why no pod can be run here, or nothing."""
    if os.geteuid():
        return "pods run as another user, which only root can make"
    done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True)
    return f"mounts are not allowed here: {done.stderr.strip()}" if done.returncode else ""


class Dockerfile:
    """What the Dockerfile says of the default image: its last stage on top of those that it is made from."""

    def __init__(self, text: str) -> None:
        stages: dict[str, list[tuple[str, str]]] = {}
        last: list[tuple[str, str]] = []
        for line in re.sub(r"\\\n\s*", "", text).splitlines():
            word, _, rest = line.strip().partition(" ")
            if word == "FROM":
                base, _, name = rest.partition(" AS ")
                last = stages[name] = list(stages.get(base, []))
            elif word.isupper():
                last.append((word, rest))
        self.steps = last

    def last(self, word: str) -> str:
        """The latest of an instruction: what holds."""
        return [rest for step, rest in self.steps if step == word][-1]

    @property
    def environment(self) -> dict[str, str]:
        pairs = [pair for step, rest in self.steps if step == "ENV" for pair in shlex.split(rest)]
        return dict(pair.split("=", 1) for pair in pairs)


@dataclass(frozen=True)
class Image:
    """A directory with what an image holds: `env`, its Python with all that is installed, and `root`, its /root."""

    path: Path
    dockerfile: Dockerfile

    @classmethod
    def build(cls, path: Path, *, plugin: bool = True, code: Path | None = None) -> Image:
        """Follow the Dockerfile as far as files and their owners go.

        Without `plugin` the package is not installed. `code` is a package that lies in /root beside the workflows.
        """
        made = cls(path, Dockerfile((ROOT / "Dockerfile").read_text()))
        made._python()
        if plugin:
            install_package(path / "env/lib" / _version() / "site-packages")
        home = path / "root"
        home.mkdir(mode=0o700)  # as Debian has it
        if code:
            shutil.copytree(code, home / code.name)
        for step, rest in made.dockerfile.steps:
            words = shlex.split(rest)
            if step == "COPY" and words[-1].startswith("/root/"):
                shutil.copytree(ROOT / words[0], path / words[-1].lstrip("/"), ignore=shutil.ignore_patterns("__pyc*"))
            elif step == "RUN" and words[0] == "chown":
                enter = 'mount --bind "$1" /root && eval "$2"'
                subprocess.run(["unshare", "-m", "sh", "-c", enter, "sh", str(home), rest], check=True)
        return made

    def _python(self) -> None:
        """An environment with all that is installed here, this package aside."""
        site = self.path / "env/lib" / _version() / "site-packages"
        site.mkdir(parents=True)
        for installed in SITE.iterdir():
            if "flytekitplugins_smfs" not in installed.name:
                (site / installed.name).symlink_to(f"/mnt/site/{installed.name}")
        (self.path / "env/pyvenv.cfg").write_text("home = /mnt/python/bin\n")
        binaries = self.path / "env/bin"
        binaries.mkdir()
        (binaries / "python").symlink_to(f"/mnt/python/bin/{_version()}")
        for script in ("pyflyte", "pyflyte-execute", "pyflyte-fast-execute"):
            _, _, body = Path(sys.executable).with_name(script).read_text().partition("\n")
            (binaries / script).write_text(f"#!/mnt/image/bin/python\n{body}")
            (binaries / script).chmod(0o755)

    def run(
        self,
        command: Sequence[str],
        store: Path,
        user: str = "",
        environment: Mapping[str, str] | None = None,
        directory: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run a container's command as `user` (`uid:gid`, or the image's own); what it leaves in /root is not kept.

        `store` is at STORE; the network is this machine's. A pod's user that the image does not name is of group 0.
        """
        user = user or f"{self.dockerfile.last('USER')}:0"
        own = {"PATH": "/mnt/image/bin:/usr/local/bin:/usr/bin:/bin", "LD_LIBRARY_PATH": "/mnt/python/lib"}
        own |= self.dockerfile.environment
        pairs = [f"{name}={value}" for name, value in {**own, **(environment or {})}.items()]
        fresh = store / ".pod"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        subprocess.run(["cp", "-a", str(self.path / "root"), str(fresh / "root")], check=True)
        (fresh / "env").symlink_to(self.path / "env")
        places = [
            sys.base_prefix,
            str(SITE),
            str(fresh),
            str(store),
            directory or self.dockerfile.last("WORKDIR"),
            user,
        ]
        whole = ["unshare", "-m", "sh", "-c", ENTER, "sh", *places, *pairs, *command]
        return subprocess.run(whole, capture_output=True, text=True, timeout=300)


def install_package(site: Path) -> None:
    """The package with its data and its entry points, as an installation that is not editable has them."""
    command = [
        sys.executable,
        "setup.py",
        "-q",
        "egg_info",
        "--egg-base",
        str(site),
        "build_py",
        "--build-lib",
        str(site),
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)


def filled(command: Iterable[str], inputs: str, outputs: str) -> list[str]:
    """A container's command as propeller fills it in: `inputs` a file, `outputs` a prefix."""
    templates = {
        "{{.input}}": inputs,
        "{{.outputPrefix}}": outputs,
        "{{.rawOutputDataPrefix}}": f"{outputs}/raw",
        "{{.checkpointOutputPrefix}}": f"{outputs}/checkpoints",
        "{{.prevCheckpointPrefix}}": '""',
    }
    return [templates.get(one, one) for one in command]


def _version() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}"
