"""The carrier of files between bucket and file system, by itself: it converges and then rests. C8."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flytekitplugins_smfs.emulator.objects import ObjectStore
from flytekitplugins_smfs.emulator.objects.intake import write_bytes
from flytekitplugins_smfs.emulator.objects.records import About
from flytekitplugins_smfs.emulator.services.fsx.repository import (
    Index,
    Link,
    baseline,
    export_paths,
    import_all,
    import_paths,
    synchronize,
)

ALL = {"NEW", "CHANGED", "DELETED"}
NAMES = st.sampled_from(["a", "b", "d/a", "d/e/f"])
CHANGES = st.lists(st.tuples(st.sampled_from(["bucket", "directory"]), NAMES, st.none() | st.binary(max_size=3)))
LONG_AGO = 1_700_000_000


class Sides:
    """A link with two empty sides. Times are given, so that nothing is "still being written"."""

    def __init__(self, parent: str) -> None:
        self.objects = ObjectStore(Path(parent, "objects"))
        self.objects.buckets.ensure("bucket", "us-east-1")
        self.link = Link(self.objects, "bucket", "prefix", Path(parent, "fs"))
        self.link.root.mkdir()

    def change(self, side: str, name: str, content: bytes | None, when: int) -> None:
        """Write or remove a file or an object."""
        if side == "bucket":
            key = f"prefix/{name}"
            if content is None:
                self.objects.contents.delete("bucket", key)
            else:
                written = write_bytes(self.objects.files, content, [])
                self.objects.contents.put("bucket", key, written, About(), modified=when)
            return
        path = self.link.root / name
        if content is None:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (when, when))

    def bucket(self) -> dict[str, bytes]:
        """All objects of the link."""
        found = self.objects.listing.every("bucket", "prefix/")
        return {item.key.removeprefix("prefix/"): self.objects.read("bucket", item.key) for item in found}


def contents(root: Path) -> dict[str, bytes]:
    """All files below a directory."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@settings(max_examples=60, deadline=None)
@given(st.lists(CHANGES, max_size=4))
def test_both_sides_become_the_same_and_stay_so(rounds: list[list[tuple[str, str, bytes | None]]]) -> None:
    with tempfile.TemporaryDirectory() as parent:
        sides, index, when = Sides(parent), Index(), LONG_AGO
        for changes in rounds:
            for side, name, content in changes:
                when += 1
                sides.change(side, name, content, when)
            synchronize(sides.link, index, ALL, ALL)
            assert sides.bucket() == contents(sides.link.root)
            assert not synchronize(sides.link, index, ALL, ALL)


@settings(max_examples=40, deadline=None)
@given(CHANGES)
def test_nothing_is_carried_that_was_not_asked_for(changes: list[tuple[str, str, bytes | None]]) -> None:
    with tempfile.TemporaryDirectory() as parent:
        sides, when = Sides(parent), LONG_AGO
        sides.change("bucket", "old", b"o", when)
        index = baseline(sides.link)
        for side, name, content in changes:
            when += 1
            sides.change(side, name, content, when)
        before = contents(sides.link.root)
        synchronize(sides.link, index, set(), {"DELETED"})
        assert contents(sides.link.root) == before
        assert sides.bucket()["old"] == b"o"


def test_a_lost_index_does_no_harm() -> None:
    with tempfile.TemporaryDirectory() as parent:
        sides = Sides(parent)
        sides.change("bucket", "d/a", b"1", LONG_AGO)
        import_all(sides.link)
        assert synchronize(sides.link, {}, ALL, ALL)
        assert sides.bucket() == contents(sides.link.root) == {"d/a": b"1"}


def test_an_older_versions_index_is_taken_over() -> None:
    with tempfile.TemporaryDirectory() as parent:
        sides = Sides(parent)
        for name in ("kept", "removed"):
            sides.change("bucket", name, name.encode(), LONG_AGO)
            sides.change("directory", name, name.encode(), LONG_AGO)
        seen = [LONG_AGO * 1_000_000_000, 4]
        old: Index = {"kept": [seen, seen], "removed": [[*seen[:1], 7], [*seen[:1], 7]]}
        sides.change("directory", "removed", None, LONG_AGO)
        sides.change("bucket", "new", b"new", LONG_AGO)
        assert synchronize(sides.link, old, ALL, ALL)
        assert sides.bucket() == contents(sides.link.root) == {"kept": b"kept", "new": b"new"}


def test_a_file_still_being_written_waits() -> None:
    with tempfile.TemporaryDirectory() as parent:
        sides, index = Sides(parent), Index()
        (sides.link.root / "model").write_bytes(b"half")
        synchronize(sides.link, index, ALL, ALL)
        assert sides.bucket() == {}
        os.utime(sides.link.root / "model", (LONG_AGO, LONG_AGO))
        assert synchronize(sides.link, index, ALL, ALL)
        assert sides.bucket() == {"model": b"half"}


def test_an_object_that_changed_under_an_unsettled_file_is_not_forgotten() -> None:
    with tempfile.TemporaryDirectory() as parent:
        sides, index = Sides(parent), Index()
        synchronize(sides.link, index, ALL, ALL)
        (sides.link.root / "both").write_bytes(b"file")
        sides.change("bucket", "both", b"object", LONG_AGO)
        synchronize(sides.link, index, ALL, ALL)
        assert index["pending"] == ["both"]
        os.utime(sides.link.root / "both", (LONG_AGO - 60, LONG_AGO - 60))
        assert synchronize(sides.link, index, ALL, ALL)
        assert sides.bucket() == contents(sides.link.root) == {"both": b"object"}


def test_changes_are_followed_without_a_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as parent:
        sides, index = Sides(parent), Index()
        synchronize(sides.link, index, ALL, ALL)
        monkeypatch.setattr(sides.objects.listing, "page", lambda *_: pytest.fail("the bucket was listed"))
        sides.change("bucket", "new", b"new", LONG_AGO)
        assert synchronize(sides.link, index, ALL, ALL)
        assert contents(sides.link.root) == {"new": b"new"}


def test_names_that_no_file_can_have_are_left_in_s3() -> None:
    with tempfile.TemporaryDirectory() as parent:
        sides = Sides(parent)
        odd = ["a", "a/b", "../up", "x//y", "/lead", "l" * 300, "d/.", "nul\0"]
        for name in [*odd, "folder/", "folder/file"]:
            sides.change("bucket", name, b"1", LONG_AGO)
        count = import_paths(sides.link, [])
        assert sorted(count.failed) == sorted(odd[1:])
        assert contents(sides.link.root) == {"a": b"1", "folder/file": b"1"}
        assert sorted(os.listdir(parent)) == ["fs", "objects"]
        assert count.done == 3


def test_mode_and_time_go_along_as_fsx_has_them() -> None:
    with tempfile.TemporaryDirectory() as parent:
        sides = Sides(parent)
        sides.change("directory", "tool", b"#!", LONG_AGO)
        (sides.link.root / "tool").chmod(0o750)
        assert export_paths(sides.link, []).done == 1
        said = sides.objects.contents.get("bucket", "prefix/tool").about.metadata
        assert (said["file-permissions"], said["file-mtime"]) == ("0100750", f"{LONG_AGO}000000000ns")
        (sides.link.root / "tool").unlink()
        import_paths(sides.link, ["tool"])
        status = (sides.link.root / "tool").stat()
        assert (status.st_mode & 0o777, int(status.st_mtime)) == (0o750, LONG_AGO)
