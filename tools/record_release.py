"""Record this release of the package as data, so that tests of later releases can see that they lose nothing of it.

    python tools/record_release.py

Drives the release against its own embedded AWS and writes JSON files to a folder of `tests/recorded`, which has the
name that the release gives itself (`values.identity.RELEASE`); `tests/recorded/README.md` says what is in each. What
depends on the layout of the release is in `recording/layout.py`, in one small function each.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recording.connecting import record_metas
from recording.embedded import Emulator
from recording.files import Places, Recording, expanded
from recording.layout import ROOM, journal_of, register_literals, release
from recording.literals import record_types, record_values
from recording.offline import record_fingerprints
from recording.registered import record_templates
from recording.runs import record_resources


def record_journal(recording: Recording) -> None:
    """What local runs that were killed leave for the next start of the same command."""
    argv, cwd = sys.argv, Path.cwd()
    os.environ["LOGNAME"] = "someone"
    sys.argv = ["/opt/venv/bin/pyflyte", "run", "workflow.py", "prices"]
    os.chdir("/")
    call: tuple[str, Any] = ("workflow.prices", {"rounds": 3, "source": "s3://bucket/prices"})
    try:
        place = {"argv": sys.argv, "cwd": "/", "directory": "$XDG_STATE_HOME/smfs/runs"}
        called = {"name": call[0], "inputs": call[1], "file": journal_file(call)}
        recording.write("journal", {**place, "file": journal_file(None), "call": called})
    finally:
        sys.argv = argv
        os.chdir(cwd)


def journal_file(call: tuple[str, Any] | None) -> dict[str, Any]:
    """One journal, taken away from where it was left."""
    (path,) = journal_of("smfs.create_lustre#0", call).glob("*.json")
    file = {"name": path.name, "content": {**json.loads(path.read_text()), "pid": 1}}
    path.unlink()
    return file


def record_about(recording: Recording) -> None:
    """Which release and commit this is of, and which packages took part: what is recorded depends on some of them."""
    packages = ("boto3", "flyteidl", "flytekit", "msgpack", "protobuf", "pydantic", "pydantic-core")
    versions = {name: importlib.metadata.version(name) for name in packages}
    checkout = Path(str(importlib.import_module(ROOM).__file__)).parent
    about = {"release": release(), "commit": commit_of(checkout), "python": sys.version.split()[0]}
    recording.write("about", {**about, "packages": versions})


def commit_of(checkout: Path) -> str:
    """The commit of a checkout; with a `+` if it was changed since."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(checkout), *arguments]
        return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()

    return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--", ".") else "")


@contextmanager
def clean_surroundings() -> Iterator[Path]:
    """A place for temporary files that is removed, and no settings of the person who runs this."""
    scratch = Path(tempfile.mkdtemp(prefix="smfs-record-"))
    for name in [name for name in os.environ if name.startswith(("AWS_", "FLYTE", "SMFS_"))]:
        del os.environ[name]
    home = scratch / "home"
    home.mkdir()
    os.environ.update(TMPDIR=str(scratch), HOME=str(home), XDG_STATE_HOME=str(home), AWS_EC2_METADATA_DISABLED="true")
    tempfile.tempdir = str(scratch)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def record(out: Path, cases: Mapping[str, Any], scratch: Path, emulator: Emulator) -> None:
    """Write all files."""
    recording = Recording(out, Places(scratch))
    recording.places.know(emulator.env["AWS_ENDPOINT_URL_S3"], "http://s3.emulator")
    recording.places.know(emulator.env["AWS_ENDPOINT_URL"], "http://emulator")
    register_literals()
    record_about(recording)
    record_journal(recording)
    record_values(recording, cases)
    record_types(recording)
    record_templates(recording, cases)
    record_fingerprints(recording, cases)
    record_resources(recording, emulator)
    record_metas(recording, emulator, scratch)


def record_apart(out: Path, cases: Mapping[str, Any], scratch: Path) -> int:
    """Write all files, in a process of its own: its threads follow what it made for as long as it lives, and would
    have the embedded AWS again that is stopped here. Gives its exit code."""
    emulator = Emulator(scratch / "emulator")
    try:
        process = multiprocessing.get_context("spawn").Process(target=record, args=(out, cases, scratch, emulator))
        process.start()
        process.join()
        return process.exitcode or 0
    finally:
        emulator.stop()


def main() -> int:
    """Record the release that is importable."""
    recorded = Path(__file__).resolve().parents[1] / "tests/recorded"
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, help="directory of the recording; its name is the release's")
    parser.add_argument("--cases", type=Path, default=recorded / "cases.json", help="what to record")
    chosen = parser.parse_args()
    out = (chosen.out or recorded / release()).resolve()
    cases = json.loads(chosen.cases.read_text(encoding="utf-8"))
    cases = expanded(cases, cases["parts"])
    print(f"Recording {Path(str(importlib.import_module(ROOM).__file__)).parent} as {out}")
    with clean_surroundings() as scratch:
        return record_apart(out, cases, scratch)


if __name__ == "__main__":
    sys.exit(main())
