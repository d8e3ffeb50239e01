"""The carrier of files between bucket and file system, by itself: it converges and then rests. C8."""

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from flytekitplugins_smfs.emulator.services.fsx.repository import Index, Link, baseline, import_all, synchronize

ALL = {"NEW", "CHANGED", "DELETED"}
NAMES = st.sampled_from(["a", "b", "d/a", "d/e/f"])
CHANGES = st.lists(st.tuples(st.sampled_from(["bucket", "directory"]), NAMES, st.none() | st.binary(max_size=3)))
LONG_AGO = 1_700_000_000


def change(root: Path, name: str, content: bytes | None, when: int) -> None:
    """Write or remove a file; its time is given, so that nothing is "still being written"."""
    path = root / name
    if content is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (when, when))


def contents(root: Path) -> dict[str, bytes]:
    """All files below a directory."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def new_link(parent: str) -> Link:
    """Two empty sides."""
    link = Link(Path(parent, "bucket"), "prefix", Path(parent, "fs"))
    (link.bucket / link.prefix).mkdir(parents=True)
    link.root.mkdir()
    return link


@settings(max_examples=60, deadline=None)
@given(st.lists(CHANGES, max_size=4))
def test_both_sides_become_the_same_and_stay_so(rounds: list[list[tuple[str, str, bytes | None]]]) -> None:
    with tempfile.TemporaryDirectory() as parent:
        link, index, when = new_link(parent), Index(), LONG_AGO
        for changes in rounds:
            for side, name, content in changes:
                when += 1
                change((link.bucket / link.prefix) if side == "bucket" else link.root, name, content, when)
            synchronize(link, index, ALL, ALL)
            assert contents(link.bucket / link.prefix) == contents(link.root)
            assert not synchronize(link, index, ALL, ALL)


@settings(max_examples=40, deadline=None)
@given(CHANGES)
def test_nothing_is_carried_that_was_not_asked_for(changes: list[tuple[str, str, bytes | None]]) -> None:
    with tempfile.TemporaryDirectory() as parent:
        link, when = new_link(parent), LONG_AGO
        change((link.bucket / link.prefix), "old", b"o", when)
        index = baseline(link)
        for side, name, content in changes:
            when += 1
            change((link.bucket / link.prefix) if side == "bucket" else link.root, name, content, when)
        before = contents(link.root)
        synchronize(link, index, set(), {"DELETED"})
        assert contents(link.root) == before
        assert contents(link.bucket / link.prefix)["old"] == b"o"


def test_a_lost_index_does_no_harm() -> None:
    with tempfile.TemporaryDirectory() as parent:
        link = new_link(parent)
        change((link.bucket / link.prefix), "d/a", b"1", LONG_AGO)
        import_all(link)
        assert synchronize(link, {}, ALL, ALL)
        assert contents(link.bucket / link.prefix) == contents(link.root) == {"d/a": b"1"}


def test_uploads_under_way_are_not_imported() -> None:
    with tempfile.TemporaryDirectory() as parent:
        link = new_link(parent)
        change((link.bucket / link.prefix), ".rclone_temp_put_1", b"half", LONG_AGO)
        assert not synchronize(link, {}, ALL, ALL)
        assert contents(link.root) == {}


def test_a_file_still_being_written_waits() -> None:
    with tempfile.TemporaryDirectory() as parent:
        link, index = new_link(parent), Index()
        (link.root / "model").write_bytes(b"half")
        assert not synchronize(link, index, ALL, ALL)
        assert contents(link.bucket / link.prefix) == {}
        os.utime(link.root / "model", (LONG_AGO, LONG_AGO))
        assert synchronize(link, index, ALL, ALL)
        assert contents(link.bucket / link.prefix) == {"model": b"half"}
