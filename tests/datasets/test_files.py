"""Which files of a directory are sent, and which cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flytekitplugins_smfs.datasets.files import scan
from flytekitplugins_smfs.values.errors import InvalidSpec


def keys(source: Path) -> list[str]:
    return [file.key for file in scan(source)]


def problems(source: Path) -> str:
    with pytest.raises(InvalidSpec) as caught:
        scan(source)
    return str(caught.value)


def test_every_file_is_found_with_its_size(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "empty directory").mkdir()
    (tmp_path / "b/.hidden").write_bytes(b"12")
    (tmp_path / "a.csv").write_bytes(b"")
    assert [(file.key, file.size) for file in scan(tmp_path)] == [("a.csv", 0), ("b/.hidden", 2)]


def test_a_relative_directory_is_as_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a").write_bytes(b"1")
    monkeypatch.chdir(tmp_path / "data")
    assert keys(Path()) == keys(Path("../data")) == ["a"]
    os.symlink("nowhere", "broken")
    assert "broken: is a link to something that does not exist" in problems(Path())


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/part.csv").write_bytes(b"1")
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").symlink_to(tmp_path / "elsewhere/part.csv")
    (source / "folder").symlink_to(tmp_path / "elsewhere")
    assert keys(source) == ["file", "folder/part.csv"]
    (tmp_path / "link").symlink_to(source)
    assert keys(tmp_path / "link") == ["file", "folder/part.csv"]


def test_a_loop_of_directories_is_walked_once(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/part").write_bytes(b"1")
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to(tmp_path)
    assert keys(tmp_path) == ["a/b/part"]


def test_a_link_to_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(b"1")
    (tmp_path / "itself").symlink_to("itself")
    assert f"{tmp_path.name}/itself: " in problems(tmp_path)


def test_directories_that_link_to_each_other_end(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").write_bytes(b"1")
        (tmp_path / name / "other").symlink_to(tmp_path / other)
    assert keys(tmp_path) == ["a/other/part", "a/part", "b/other/part", "b/part"]


def test_all_that_cannot_be_sent_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(b"1")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a\nb").write_bytes(b"1")
    with open(os.fsencode(tmp_path) + b"/\xff", "wb"):
        pass
    said = problems(tmp_path)
    assert "gone: is a link to something that does not exist. Fix: repair it, or remove it." in said
    assert "pipe: is neither a file nor a directory." in said
    assert r"a\nb: has a control character in its name. Fix: rename it." in said
    assert "has a name that is not valid UTF-8." in said
    assert said.count("\n  - ") == 4
    said.encode()  # printable


def test_a_message_has_the_name_as_people_write_it(tmp_path: Path) -> None:
    (tmp_path / "große Zahlen").symlink_to(tmp_path / "nowhere")
    assert "/große Zahlen: is a link" in problems(tmp_path)


def test_a_path_longer_than_a_key_is_refused(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d" * 200] * 6)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"1")
    assert "has a path of more than 1024 bytes. Fix: shorten it." in problems(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"1")
    (tmp_path / "secret").chmod(0)
    (tmp_path / "closed").mkdir(mode=0)
    said = problems(tmp_path)
    assert "secret: cannot be read (permission denied)." in said
    assert "closed: cannot be listed (Permission denied)." in said
    (tmp_path / "closed").chmod(0o700)


def test_a_file_that_is_too_large_for_s3_is_named(tmp_path: Path) -> None:
    try:
        with (tmp_path / "large").open("wb") as stream:
            stream.truncate(5 * 1024**4 + 1)
    except OSError:
        pytest.skip("this file system has no files of that size")
    assert "large: is larger than an S3 object may be (5 TiB)." in problems(tmp_path)


def test_missing_empty_or_no_directory(tmp_path: Path) -> None:
    assert f"source: {tmp_path / 'none'} does not exist." in problems(tmp_path / "none")
    (tmp_path / "file").write_bytes(b"1")
    assert f"source: {tmp_path / 'file'} is not a directory." in problems(tmp_path / "file")
    (tmp_path / "empty/er").mkdir(parents=True)
    assert f"source: {tmp_path / 'empty'} holds no files. Fix: put the data there first." in problems(
        tmp_path / "empty"
    )
