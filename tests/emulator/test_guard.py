"""Paths of clients, and what jobs leave on a disk: nothing leads out of a tree."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flytekitplugins_smfs.emulator import beneath, guard
from flytekitplugins_smfs.emulator.guard import Outside, Tree
from tests.emulator.odd_files import ODD

SECRET = b"not yours"


@pytest.fixture(params=["kernel", "by name"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of resolving: the kernel's, and name by name."""
    if request.param == "by name":
        monkeypatch.setattr(beneath, "_resolves", False)
    elif not beneath._kernel_resolves():
        pytest.skip("this kernel has no openat2")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file and a directory that nobody may reach; unchanged at the end."""
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "secret").write_bytes(SECRET)
    return directory


@pytest.fixture
def root(tmp_path: Path, outside: Path) -> Iterator[Path]:
    directory = tmp_path / "root"
    (directory / "sub").mkdir(parents=True)
    (directory / "sub/plain").write_bytes(b"plain")
    yield directory
    assert sorted(path.name for path in outside.rglob("*")) == ["secret"]
    assert (outside / "secret").read_bytes() == SECRET


@pytest.mark.parametrize("make", ODD)
def test_odd_things_are_not_files_of_a_tree(root: Path, outside: Path, make: Callable[[Path, Path], None]) -> None:
    make(root / "sub/odd", outside / "secret")
    with Tree(root) as tree:
        assert [name for name, _ in tree.files()] == ["sub/plain"]
        assert [name for name, _ in tree.odd()] == ["sub/odd"]
        with pytest.raises((Outside, OSError)):
            tree.read("sub/odd")


@pytest.mark.parametrize("make", ODD)
def test_odd_things_are_replaced_themselves(root: Path, outside: Path, make: Callable[[Path, Path], None]) -> None:
    make(root / "sub/odd", outside / "secret")
    with Tree(root) as tree:
        with tree.replacing("sub/odd") as file:
            file.write(b"new")
        assert tree.read("sub/odd").read() == b"new"


@pytest.mark.parametrize("make", ODD)
def test_odd_things_are_removed_themselves(root: Path, outside: Path, make: Callable[[Path, Path], None]) -> None:
    make(root / "sub/odd", outside / "secret")
    make(root / "odd", outside / "secret")
    with Tree(root) as tree:
        tree.remove("sub/odd")
        assert os.listdir(root / "sub") == ["plain"]
        tree.empty()
    assert os.listdir(root) == []


def test_a_linked_directory_leads_nowhere(root: Path, outside: Path) -> None:
    (root / "way").symlink_to(outside)
    (root / "inner").symlink_to("sub")
    with Tree(root) as tree:
        assert not tree.is_directory("way")
        assert list(tree.files("way")) == []
        for path in ("way/secret", "inner/plain"):
            with pytest.raises(Outside):
                tree.read(path)
            with pytest.raises(Outside), tree.replacing(path):
                pass
            with pytest.raises(Outside):
                tree.remove(path)
        with pytest.raises(Outside):
            tree.make_directory("way/new")
        with pytest.raises(Outside):
            tree.empty("way")
        tree.empty()
    assert os.listdir(root) == []


def test_hard_links_inside_the_tree_are_the_trees(root: Path) -> None:
    os.link(root / "sub/plain", root / "second")
    with Tree(root) as tree:
        assert sorted(name for name, _ in tree.files()) == ["second", "sub/plain"]
        assert [name for name, _ in tree.files("sub")] == ["plain"]
        assert tree.read("second").read() == b"plain"


def test_writing_makes_directories_and_is_all_or_nothing(root: Path) -> None:
    with Tree(root) as tree:
        with tree.replacing("a/b/c") as file:
            file.write(b"first")
        with suppress(ZeroDivisionError), tree.replacing("a/b/c") as file:
            file.write(b"second")
            assert [name for name, _ in tree.files("a")] == ["b/c"]
            raise ZeroDivisionError
        assert tree.read("a/b/c").read() == b"first"
        assert os.listdir(root / "a/b") == ["c"]
        assert (tree.status("a/b/c") or os.stat("/")).st_size == 5
        assert tree.status("a/nothing") is None
        assert tree.status("sub/plain/below") is None
        tree.remove("a/nothing")
        with pytest.raises(FileNotFoundError):
            tree.read("a/nothing")


BAD = ["..", "../x", "a/../b", "a/..", "./a", "a/./b", "a\0b", "a" * 256, "/".join(["a" * 200] * 25), "\ud800"]


@pytest.mark.parametrize("path", BAD)
def test_what_is_no_plain_path_is_refused(root: Path, path: str) -> None:
    with pytest.raises(Outside):
        guard.names(path)
    with Tree(root) as tree, pytest.raises(Outside):
        tree.make_directory(path)


@given(st.lists(st.sampled_from(["..", ".", "", "sub", "way", "plain", "x", "\0", "..."]), max_size=6))
def test_no_path_leads_out(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    base = tmp_path_factory.mktemp("no-way-out")
    root = base / "root"
    root.mkdir()
    (base / "outside").mkdir()
    (root / "way").symlink_to("../outside")
    before = sorted(os.listdir(base))
    with Tree(root) as tree:
        try:
            with tree.replacing("/".join(parts)) as file:
                file.write(b"x")
        except (Outside, IsADirectoryError):
            pass
    assert (sorted(os.listdir(base)), os.listdir(base / "outside")) == (before, [])
