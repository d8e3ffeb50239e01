"""What keeps a job from the rest of the machine: which of it this system allows, and what a job may read and write."""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import landlock

_SYSTEM = (
    *("/bin", "/sbin", "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/gnu", "/home/linuxbrew"),
    *("/run/systemd/resolve", "/run/opengl-driver", "/var/lib/alternatives", "/var/cache/fontconfig"),
)
"""What programs of any system are made of."""
_CONFIGURATION = (
    *("passwd", "group", "nsswitch.conf", "hosts", "host.conf", "resolv.conf", "gai.conf"),  # names of users and hosts
    *("services", "protocols", "networks", "ethertypes", "rpc", "netconfig"),
    *("ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "pki/tls/certs", "pki/tls/cert.pem", "pki/tls/openssl.cnf"),
    *("pki/ca-trust", "ca-certificates", "ca-certificates.conf", "crypto-policies"),
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld.so.preload", "alternatives", "static", "profiles"),
    *("localtime", "timezone", "locale.alias", "locale.conf", "default/locale", "os-release", "debian_version"),
    *("lsb-release", "redhat-release", "alpine-release", "mime.types", "magic", "inputrc", "terminfo", "fonts"),
    *("OpenCL", "vulkan", "glvnd", "perl", "java-*", "python3*"),
)
"""Below /etc, what programs look for: names, certificates (not their keys), libraries, the time and the locale.

The rest stays unseen: a job that runs as root owns /etc/shadow, and /etc/pip.conf may hold the password of an index.
"""
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/shm", "/dev/pts")
_PROBE = (
    "import os, pathlib, sys; from flytekitplugins_smfs.emulator.containers import namespace\n"
    "namespace.enter()\n"
    "if os.fork() == 0:\n"
    "    namespace.separate(network='network' not in sys.argv)\n"
    "    namespace.arrange(pathlib.Path('/tmp'), ['/usr'], [])\n"
    "    os._exit(0)\n"
    "sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))"
)


@dataclass(frozen=True)
class Walls:
    """What this system allows. ``landlock`` is the version of its interface, 0 for none."""

    namespaces: bool
    networks: bool
    landlock: int

    def missing(self) -> list[str]:
        """What a job here is not kept from, a line each; empty where all walls stand."""
        found = []
        if not self.namespaces:
            found.append(
                "no private mounts and processes (namespaces are not allowed): /opt/ml lies at its real path, given by "
                "the SM_* variables, and other processes can be listed"
            )
        elif not self.networks:
            found.append(
                "no private networks: the hosts of a job share this machine's, and EnableNetworkIsolation fails a job"
            )
        if not self.landlock:
            found.append(
                "no Landlock (Linux 5.13 or later): the file system is kept by private mounts alone"
                if self.namespaces
                else "no Landlock (Linux 5.13 or later): a job reads and writes what this user can"
            )
        return found


@cache
def available() -> Walls:
    """What this system allows, found out by trying. Some 100 ms, once."""
    namespaces = sys.platform == "linux" and _tries()
    return Walls(namespaces, namespaces and _tries("network"), landlock.version() if sys.platform == "linux" else 0)


def readable(image: Iterable[str]) -> list[str]:
    """What a job may read: the system, and its image's paths. Sorted, so that what is inside another comes after it."""
    return sorted({*_SYSTEM, *_configuration(), *map(str, image)})


def _configuration() -> list[str]:
    return [str(path) for pattern in _CONFIGURATION for path in Path("/etc").glob(pattern)]


def writable(own: Iterable[str], isolated: bool) -> list[str]:
    """What a job may write: its own directories, and the devices that are for everybody."""
    return [*own, *(("/dev",) if isolated else _DEVICES)]


def notice(walls: Walls, isolated: bool) -> str | None:
    """The first line of a job's log, if there is something to say."""
    missing = Walls(isolated, isolated and walls.networks, walls.landlock).missing()
    return f"The embedded AWS runs this job with {'; '.join(missing)}." if missing else None


def _tries(*options: str) -> bool:
    command = [sys.executable, "-ISc", f"import sys; sys.path.append({str(Path(__file__).parents[3])!r})\n{_PROBE}"]
    script = [*command, *options]
    return subprocess.run(script, capture_output=True, check=False, env={"PATH": os.defpath}).returncode == 0
