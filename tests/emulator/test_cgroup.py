"""Control groups of version 2: what is written to them, and that none is left.

The tree here behaves as the kernel's does where files go: they are there with the directory, and a directory is removed
with them unless it has members, which ``cgroup.kill`` ends. What the kernel does with the values is not seen here.
"""

import errno
import os
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator import cgroup
from flytekitplugins_smfs.emulator.cgroup import Cgroup

LIMITS = (1 << 30, 10)
"""Of memory, in bytes, and of processes."""
MEMORY = ("memory.max", "memory.oom.group", "memory.events")
CORE = ("cgroup.kill", "cgroup.procs")


class Kernel:
    """Which files new groups have, and the tree that they are in."""

    def __init__(self, mount: Path) -> None:
        self.mount = mount
        self.files: tuple[str, ...] = (*CORE, *MEMORY)
        self.immortal = False

    def made(self, path: Path) -> None:
        if path.is_relative_to(self.mount):
            for name in self.files:
                (path / name).touch()

    def removed(self, path: Path) -> None:
        if path.is_relative_to(self.mount):
            if (path / "cgroup.kill").exists() and (path / "cgroup.kill").read_text() and not self.immortal:
                (path / "cgroup.procs").write_text("")
            if (path / "cgroup.procs").read_text():
                raise OSError(errno.EBUSY, "busy")
            for name in os.listdir(path):
                (path / name).unlink()


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """A hierarchy in which this process is in ``slice/own``."""
    found = Kernel(tmp_path / "unified")
    make, remove = Path.mkdir, Path.rmdir
    (found.mount / "slice/own").mkdir(parents=True)
    (found.mount / "slice/own/cgroup.procs").write_text("1\n")
    membership = tmp_path / "membership"
    membership.write_text("4:memory:/elsewhere\n0::/slice/own\n")

    def mkdir(path: Path, *arguments: object, **options: object) -> None:
        make(path, *arguments, **options)  # type: ignore[arg-type]
        found.made(path)

    def rmdir(path: Path) -> None:
        found.removed(path)
        remove(path)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.setattr(Path, "rmdir", rmdir)
    monkeypatch.setattr(cgroup, "_MEMBERSHIP", membership)
    monkeypatch.setattr(cgroup, "_MOUNTS", (tmp_path / "nothing", found.mount))
    return found


def create(registry: Path, limits: tuple[int | None, int | None] = LIMITS) -> Cgroup:
    made = Cgroup.create(registry, *limits)
    assert made is not None
    return made


def test_limits_are_written_to_a_group_beside_the_own(kernel: Kernel, tmp_path: Path) -> None:
    made = create(tmp_path)
    assert made.path.parent == kernel.mount / "slice"
    assert (made.path / "memory.max").read_text() == str(1 << 30)
    assert (made.path / "memory.oom.group").read_text() == "1"
    assert made.controlled == {"memory"}  # the system delegates no "pids" here: those are measured
    made.enter()
    assert (made.path / "cgroup.procs").read_text() == "0"
    assert not made.out_of_memory()
    (made.path / "memory.events").write_text("low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\n")
    assert made.out_of_memory()
    cgroup.remove(made.path)
    assert not made.path.exists()
    cgroup.remove(made.path)


def test_swap_is_no_memory_and_processes_are_limited_where_that_is_delegated(kernel: Kernel, tmp_path: Path) -> None:
    kernel.files = (*CORE, *MEMORY, "memory.swap.max", "pids.max")
    made = create(tmp_path)
    assert made.controlled == {"memory", "pids"}
    assert ((made.path / "memory.swap.max").read_text(), (made.path / "pids.max").read_text()) == ("0", "10")
    unlimited = create(tmp_path / "other", (None, None))
    assert (unlimited.path / "memory.max").read_text() == ""


def test_what_the_kernel_does_not_take_is_measured(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def refusing(place: int, data: bytes) -> int:
        if os.readlink(f"/proc/self/fd/{place}").endswith("memory.max"):
            raise OSError(errno.EINVAL, "invalid")
        return write(place, data)

    kernel.files = (*CORE, *MEMORY, "pids.max")
    monkeypatch.setattr(os, "write", refusing)
    assert create(tmp_path).controlled == {"pids"}


def test_without_a_right_beside_it_is_made_below(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Path.mkdir

    def mkdir(path: Path, *arguments: object, **options: object) -> None:
        if path.parent == kernel.mount / "slice":
            raise PermissionError(errno.EACCES, "denied")
        make(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert create(tmp_path).path.parent == kernel.mount / "slice/own"


def test_where_groups_cannot_be_killed_or_are_not_there_none_is_made(kernel: Kernel, tmp_path: Path) -> None:
    kernel.files = ("cgroup.procs",)  # before Linux 5.14
    assert Cgroup.create(tmp_path, *LIMITS) is None
    assert sorted(os.listdir(kernel.mount / "slice")) == ["own"]
    (tmp_path / "membership").write_text("1:name=systemd:/\n0::/gone\n")
    assert Cgroup.create(tmp_path, *LIMITS) is None
    (tmp_path / "membership").unlink()
    assert Cgroup.create(tmp_path, *LIMITS) is None


def test_groups_of_lost_supervisors_are_swept_and_no_others(kernel: Kernel, tmp_path: Path) -> None:
    living = create(tmp_path)
    prefix = living.path.name.rpartition("-")[0].rpartition("-")[0]
    lost = [living.path.with_name(f"{prefix}-{name}") for name in (f"{os.getpid()}-1", "999999999-5")]
    other = create(tmp_path / "other")  # of another state
    stranger = other.path.with_name(other.path.name.replace(str(os.getpid()), "999999999"))
    for path in (*lost, stranger):
        path.mkdir()
        (path / "cgroup.procs").write_text("77\n")
    cgroup.sweep(tmp_path)
    assert [path.exists() for path in lost] == [False, False]
    assert living.path.exists()
    assert stranger.exists()


def test_a_group_whose_members_do_not_end_stays(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroup, "_ENDING_SECONDS", 0.05)
    made = create(tmp_path)
    kernel.immortal = True
    (made.path / "cgroup.procs").write_text("77\n")
    cgroup.remove(made.path)
    assert made.path.exists()
