"""A model is downloaded and unpacked, and what would do harm is refused."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.datasets import model
from flytekitplugins_smfs.datasets.model import download, download_model, extract
from flytekitplugins_smfs.values.errors import InvalidSpec, Missing, SmfsError
from tests.conftest import Emulator


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def test_a_model_comes_down_and_is_unpacked(emulator: Emulator, aws: Aws, bucket: str, tmp_path: Path) -> None:
    packed = archive(tmp_path / "m.tgz", member("xgboost-model", b"trees"), member("code/inference.py", b"pass"))
    emulator.client("s3").upload_file(str(packed), bucket, "jobs/output/model.tar.gz")
    found = download_model(aws, f"s3://{bucket}/jobs/output/model.tar.gz", tmp_path)
    assert (found / "xgboost-model").read_bytes() == b"trees"
    assert (found / "code/inference.py").read_bytes() == b"pass"


def test_a_model_that_is_not_there_is_named(aws: Aws, bucket: str, tmp_path: Path) -> None:
    uri = f"s3://{bucket}/none/model.tar.gz"
    with pytest.raises(Missing, match=f"While downloading {uri}: s3 GetObject answered NoSuchKey"):
        download(aws, uri, tmp_path / "model.tar.gz")
    assert list(tmp_path.iterdir()) == []


def test_a_bucket_that_is_not_there_is_named(aws: Aws, tmp_path: Path) -> None:
    with pytest.raises(Missing, match="NoSuch"):
        download(aws, "s3://there-is-no-such-bucket/model.tar.gz", tmp_path / "model.tar.gz")
    with pytest.raises(InvalidSpec, match="must begin with 's3://'"):
        download(aws, "model.tar.gz", tmp_path / "model.tar.gz")


HARMFUL: dict[str, list[tuple[tarfile.TarInfo, bytes]]] = {
    "upwards": [member("../escaped", b"x")],
    "upwards within": [member("a/../../escaped", b"x")],
    "link out": [member("link", type=tarfile.SYMTYPE, linkname="../..")],
    "absolute link": [member("link", type=tarfile.SYMTYPE, linkname="/etc")],
    "hard link out": [member("link", type=tarfile.LNKTYPE, linkname="../escaped")],
    "through a link": [member("a", type=tarfile.SYMTYPE, linkname=".."), member("a/escaped", b"x")],
    "through links": [
        member("d", type=tarfile.DIRTYPE, mode=0o755),
        member("d/here", type=tarfile.SYMTYPE, linkname="."),
        member("up", type=tarfile.SYMTYPE, linkname="d/here/../.."),
        member("up/escaped", b"x"),
    ],
    "device": [member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "block device": [member("disk", type=tarfile.BLKTYPE, devmajor=8)],
    "pipe": [member("pipe", type=tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("kind", HARMFUL)
def test_what_would_leave_the_directory_or_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    packed = archive(tmp_path / "model.tar.gz", *HARMFUL[kind])
    target = tmp_path / "deep" / "model"
    with pytest.raises(SmfsError, match="cannot be unpacked safely: "):
        extract(packed, target)
    assert not list(tmp_path.glob("**/escaped"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "model.tar.gz"]


def test_an_absolute_name_stays_inside(tmp_path: Path) -> None:
    extract(archive(tmp_path / "model.tar.gz", member("/etc/model", b"x")), tmp_path / "model")
    assert (tmp_path / "model/etc/model").read_bytes() == b"x"


def test_links_inside_are_kept_and_no_file_runs_as_another_user(tmp_path: Path) -> None:
    packed = archive(
        tmp_path / "model.tar.gz",
        member("model-1", b"x", mode=0o6777),
        member("model", type=tarfile.SYMTYPE, linkname="model-1"),
    )
    found = extract(packed, tmp_path / "model")
    assert (found / "model").read_bytes() == b"x"
    assert (found / "model-1").stat().st_mode & 0o7022 == 0


def test_too_much_is_refused_before_it_is_written(tmp_path: Path) -> None:
    packed = archive(tmp_path / "model.tar.gz", member("small", b"x" * 400), member("large", bytes(5_000_000)))
    with pytest.raises(SmfsError, match="unpacks to more than 1,000,000 bytes"):
        extract(packed, tmp_path / "model", largest=1_000_000)
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["small"]


def test_too_many_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "MOST", 10)
    packed = archive(tmp_path / "model.tar.gz", *(member(f"part-{at}") for at in range(11)))
    with pytest.raises(SmfsError, match="holds more than 10 files"):
        extract(packed, tmp_path / "model")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


SPOILT: dict[str, Callable[[Path], object]] = {
    "cut": cut,
    "flipped": flip,
    "not gzip": lambda path: path.write_bytes(b"Not an archive at all. " * 100),
    "not tar": lambda path: path.write_bytes(gzip.compress(b"Not an archive at all. " * 100)),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_archive_is_told_as_such(how: str, tmp_path: Path) -> None:
    noise = bytes(at * at % 251 for at in range(30_000))
    packed = archive(tmp_path / "model.tar.gz", member("a", noise), member("b", noise[::-1]))
    SPOILT[how](packed)
    with pytest.raises(SmfsError, match=r"model\.tar\.gz cannot be unpacked"):
        extract(packed, tmp_path / "model")
