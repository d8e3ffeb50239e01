"""Packages that images list: installed once, for all who wait, and holding up nobody else."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flytekitplugins_smfs.emulator.image_packages import ImageError, ImagePackages, Installing
from flytekitplugins_smfs.emulator.images import Program
from tests.conftest import Emulator, wait_for
from tests.emulator.containers.test_walls import wheel
from tests.emulator.services.sagemaker.jobs import Jobs, unique


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[ImagePackages]:
    found = ImagePackages(tmp_path / "images")
    yield found
    found.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of an index that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            while True:
                try:
                    held.append(server.accept())
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"
        server.shutdown(socket.SHUT_RDWR)
        for connection, _ in held:
            connection.close()


def pips(url: str) -> list[int]:
    """The processes that install from an index."""
    return [p.pid for p in psutil.process_iter(["cmdline"]) if any(url in word for word in p.info["cmdline"] or [])]


def settled(packages: ImagePackages, program: Program, owner: str) -> tuple[str, ...]:
    """The directories of an image's packages, when they are there."""

    def ask() -> tuple[str, ...] | None:
        try:
            return packages.of(program, owner).sites
        except Installing:
            return None

    return wait_for(ask, 60)


def test_they_are_installed_once(packages: ImagePackages, tmp_path: Path) -> None:
    path = wheel(tmp_path, "smfs_once")
    program = Program(["true"], (str(path),))
    for owner in ("one", "two"):
        with pytest.raises(Installing):
            packages.of(program, owner)
    assert packages.busy
    [site] = settled(packages, program, "one")
    assert Path(site, "smfs_once.py").exists()
    path.unlink()
    assert settled(packages, program, "two") == (site,)
    assert not packages.busy
    assert len(list((tmp_path / "images").iterdir())) == 1


def test_all_who_wait_are_told_of_a_failure_and_who_comes_later_tries_again(
    packages: ImagePackages, tmp_path: Path
) -> None:
    program = Program(["true"], (str(tmp_path / "smfs_late-1.0-py3-none-any.whl"),))
    for owner in ("one", "two"):
        with pytest.raises(Installing):
            packages.of(program, owner)
    wait_for(lambda: not packages.busy, 60)
    for owner in ("one", "two"):
        with pytest.raises(ImageError, match="smfs_late"):
            packages.of(program, owner)
    wheel(tmp_path, "smfs_late")
    assert settled(packages, program, "three")


def test_what_is_under_way_ends_with_the_emulator(packages: ImagePackages, silent: str) -> None:
    with pytest.raises(Installing):
        packages.of(Program(["true"], (f"--index-url={silent}", "nothing")), "one")
    wait_for(lambda: pips(silent), 30)
    packages.close()
    assert pips(silent) == []
    with pytest.raises(ImageError):
        packages.of(Program(["true"], (f"--index-url={silent}", "nothing")), "one")


def test_jobs_that_wait_for_packages_hold_up_no_others(own_emulator: Emulator, silent: str) -> None:
    own_emulator.start("--set", "max_processes=2")
    jobs = Jobs(own_emulator)
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/slow-{}:1"
    waiting = []
    table = {}
    for number in range(12):  # more than the scheduler has workers
        name = image.format(number)
        table[name] = {"command": ["true"], "requirements": [f"--index-url={silent}", f"nothing-{number}"]}
        request = jobs.request()
        request["AlgorithmSpecification"]["TrainingImage"] = name
        waiting.append(request)
    (own_emulator.state / "images.json").write_text(json.dumps(table))
    names = [jobs.start({**request, "TrainingJobName": unique("slow")}) for request in waiting]
    wait_for(lambda: len(pips(silent)) == 2, 60)
    done = jobs.run(jobs.shell("echo through"))
    assert done["TrainingJobStatus"] == "Completed"
    assert {jobs.describe(name)["TrainingJobStatus"] for name in names} == {"InProgress"}
    jobs.sagemaker.stop_training_job(TrainingJobName=names[0])
    assert jobs.ended(names[0], 20)["TrainingJobStatus"] == "Stopped"
    os.kill(own_emulator.server["pid"], signal.SIGKILL)
    wait_for(lambda: not pips(silent), 20)
