"""What a job uses, and what of it is over a limit."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.containers import usage
from flytekitplugins_smfs.emulator.containers.meter import Meter
from flytekitplugins_smfs.emulator.containers.spec import Limits, ProcessSpec

BUSY = "import time, os\nif os.fork():\n    os.wait()\nelse:\n    block = bytearray(80 << 20)\n    time.sleep(60)\n"


def test_all_descendants_count_with_their_memory() -> None:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        until = time.monotonic() + 20
        while usage.memory([process.pid, *usage.descendants(process.pid)], None) < 80 << 20:
            assert time.monotonic() < until
            time.sleep(0.02)
        [child] = usage.descendants(process.pid)
        assert usage.memory([child], limit=1) < usage.memory([process.pid, child], None)
        assert usage.cpu_seconds([process.pid, child]) >= 0
    finally:
        for pid in usage.descendants(process.pid):
            os.kill(pid, 9)
        process.wait()
    assert usage.descendants(process.pid) == []
    assert usage.memory([process.pid], None) == 0


def test_a_file_with_two_names_takes_its_disk_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(os.urandom(1 << 20))
    once = usage.allocated([str(tmp_path)])
    os.link(tmp_path / "file", tmp_path / "again")
    with (tmp_path / "holes").open("wb") as holes:
        holes.truncate(1 << 34)
    assert 1 << 20 <= once == usage.allocated([str(tmp_path)])
    assert usage.allocated([str(tmp_path / "missing")]) == 0


@pytest.mark.parametrize(
    ("limits", "over"),
    [
        (Limits(memory_bytes=1 << 20), "Memory"),
        (Limits(processes=1), "Processes"),
        (Limits(disk_bytes=1 << 10), "Disk"),
        (Limits(memory_bytes=1 << 40, processes=100, disk_bytes=1 << 40), None),
        (Limits(), None),
    ],
)
def test_what_is_over_a_limit_is_named(tmp_path: Path, limits: Limits, over: str | None) -> None:
    (tmp_path / "file").write_bytes(os.urandom(1 << 16))
    process = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {BUSY!r}])"]
    )
    try:
        meter = Meter(process.pid, ProcessSpec([], {}, "/", volume=[str(tmp_path)], limits=limits), None)
        until = time.monotonic() + 20
        while len(usage.descendants(process.pid)) < 2:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert meter.look() is None or meter.due > time.time()
        while time.time() < meter.due:
            time.sleep(0.02)
        meter.look()
        assert meter.exceeded == over
    finally:
        for pid in [*usage.descendants(process.pid), process.pid]:
            os.kill(pid, 9)
        process.wait()
