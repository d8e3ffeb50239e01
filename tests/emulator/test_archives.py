"""Archives of jobs, packed and unpacked."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.archives import TooLarge, pack, unpack
from flytekitplugins_smfs.emulator.guard import Tree
from tests.emulator.odd_files import ODD, listing

ROOM = 1 << 20


def packed(root: Path, *folders: str, limit: int = ROOM) -> dict[str, tarfile.TarInfo]:
    target = io.BytesIO()
    with Tree(root) as tree:
        pack(tree, folders, target, limit)
    target.seek(0)
    with tarfile.open(fileobj=target) as archive:
        return {member.name: member for member in archive}


def test_the_first_of_a_name_counts_and_all_is_roots(tmp_path: Path) -> None:
    for folder, content in (("one", "1"), ("two", "22")):
        (tmp_path / folder / "sub").mkdir(parents=True)
        (tmp_path / folder / "sub/same").write_text(content)
        (tmp_path / folder / folder).write_text(content)
    members = packed(tmp_path, "one", "two", "three")
    assert {name: member.size for name, member in members.items()} == {"one": 1, "sub/same": 1, "two": 2}
    assert {(member.uid, member.uname, member.type) for member in members.values()} == {(0, "root", tarfile.REGTYPE)}


@pytest.mark.parametrize("make", ODD)
def test_what_is_not_the_jobs_is_not_packed(tmp_path: Path, make: Callable[[Path, Path], None]) -> None:
    (tmp_path / "secret").write_text("not yours")
    (tmp_path / "root/model").mkdir(parents=True)
    (tmp_path / "root/model/own").write_text("own")
    make(tmp_path / "root/model/odd", tmp_path / "secret")
    assert list(packed(tmp_path / "root", "model")) == ["own"]


def test_links_inside_a_model_stay_links(tmp_path: Path) -> None:
    (tmp_path / "model/step-2").mkdir(parents=True)
    (tmp_path / "model/step-2/weights").write_text("w")
    (tmp_path / "model/latest").symlink_to("step-2")
    (tmp_path / "model/out").symlink_to("../secret")
    os.link(tmp_path / "model/step-2/weights", tmp_path / "model/best")
    members = packed(tmp_path, "model")
    assert sorted(members) == ["best", "latest", "step-2/weights"]
    assert (members["latest"].linkname, members["best"].isreg()) == ("step-2", True)


def test_a_file_of_holes_does_not_go_on_for_ever(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with (tmp_path / "model/zeros").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TooLarge, match="zeros"):
        packed(tmp_path, "model")


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


ODD_MEMBERS = [
    [member("../up", mode=0o644)],
    [member("a/../../up")],
    [member("/absolute")],
    [member("link", tarfile.SYMTYPE, "/etc/passwd")],
    [member("link", tarfile.SYMTYPE, "../.."), member("link/up")],
    [member("hard", tarfile.LNKTYPE, "../secret")],
    [member("pipe", tarfile.FIFOTYPE)],
    [member("device", tarfile.CHRTYPE)],
    [member("block", tarfile.BLKTYPE)],
]


@pytest.mark.point("attack matrix, members of archives")
@pytest.mark.parametrize("odd", ODD_MEMBERS, ids=lambda odd: f"{odd[-1].name} {odd[-1].type.decode()}")
def test_odd_members_are_left_out_and_the_rest_unpacked(tmp_path: Path, odd: list[tarfile.TarInfo]) -> None:
    directory = tmp_path / "code"
    directory.mkdir()
    (tmp_path / "secret").write_text("not yours")
    source = tmp_path / "source.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        for info in odd:
            archive.addfile(info, io.BytesIO())
        content = b"print()"
        good = member("train.py")
        good.size = len(content)
        archive.addfile(good, io.BytesIO(content))
    before = listing(tmp_path)
    left_out = unpack(source, directory, ROOM)
    assert (directory / "train.py").read_bytes() == content
    assert left_out
    assert left_out[0].startswith(odd[0].name)
    after = listing(tmp_path)
    assert {name for name in after if not name.startswith("code/")} == set(before)
    assert set(os.listdir(directory)) <= {"train.py", "link"}


def test_an_archive_of_endless_zeros_does_not_fill_the_disk(tmp_path: Path) -> None:
    source = tmp_path / "source.tar.gz"
    zeros = member("zeros")
    zeros.size = 4 * ROOM
    with tarfile.open(source, "w:gz") as archive:
        archive.addfile(zeros, io.BytesIO(bytes(zeros.size)))
    with pytest.raises(TooLarge):
        unpack(source, tmp_path / "code", ROOM)
    assert not (tmp_path / "code/zeros").exists()
