"""The ordinary steps: what they tell, give and refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flytekit.types.directory import FlyteDirectory

from flytekitplugins_smfs.flyte.steps import file_system_input, upload
from flytekitplugins_smfs.values.dataset import Dataset
from flytekitplugins_smfs.values.errors import InvalidSpec, SmfsError
from tests.conftest import Emulator
from tests.flyte.samples import run_report


@pytest.fixture
def here(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the emulator."""
    monkeypatch.setenv("FLYTE_SMFS_ENDPOINT", "emulator")
    monkeypatch.setenv("FLYTE_SMFS_EMULATOR_STATE", str(emulator.state))
    monkeypatch.setenv("COLUMNS", "200")


def send(directory: Path, destination: str, **more: Any) -> Dataset:
    done: Dataset = upload(source=FlyteDirectory(str(directory)), destination=destination, **more)
    return done


# C20
def test_upload_tells_in_one_line_what_it_did(here: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "part.csv").write_text("1,2\n")
    prefix = f"steps/{tmp_path.name}"
    assert send(source, prefix).uploaded == 1
    assert send(source, prefix).skipped == 1
    (source / "other.csv").write_text("3,4\n")
    (source / "part.csv").unlink()
    last = send(source, prefix, delete=True)
    assert (last.uploaded, last.deleted) == (1, 1)
    told = [line for line in capfd.readouterr().err.splitlines() if not line.startswith("AWS: ")]
    assert told == [
        f"Upload to {prefix}: 1 files, 4 bytes (1 sent, 0 unchanged)",
        f"Upload to {prefix}: 1 files, 4 bytes (0 sent, 1 unchanged)",
        f"Upload to {prefix}: 1 files, 4 bytes (1 sent, 0 unchanged)",
    ]


def test_upload_shows_a_bar_on_a_terminal(
    here: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    (tmp_path / "part.csv").write_text("1,2\n")
    send(tmp_path, f"steps/{tmp_path.name}")
    said = capfd.readouterr().err
    assert "━" in said
    assert "1/1" in said


def test_upload_of_nothing_says_what_to_do(here: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidSpec, match=r"holds no files\. Fix: put the data there first"):
        send(tmp_path, "steps/none")
    assert "Upload to" not in capfd.readouterr().err


# C21
def test_a_channel_reads_the_prefix_through_the_file_system() -> None:
    link = run_report().link
    channel = file_system_input(link=link, uri=link.repository, path="train", content_type="text/csv")
    assert channel.file_system_id == link.file_system.id
    assert channel.directory_path.endswith("/ns1/train")
    assert (channel.file_system_access_mode, channel.content_type) == ("ro", "text/csv")
    assert file_system_input(link=link, uri=link.repository).content_type is None
    assert file_system_input(link=link, uri=f"{link.repository}/train/", access_mode="rw").directory_path == (
        channel.directory_path
    )


def test_a_channel_that_cannot_be_is_refused() -> None:
    link = run_report().link
    with pytest.raises(InvalidSpec, match="access_mode: 'rx' is not an access mode; allowed are 'ro' and 'rw'"):
        file_system_input(link=link, uri=link.repository, access_mode="rx")
    with pytest.raises((SmfsError, ValueError), match="somewhere-else"):
        file_system_input(link=link, uri="s3://somewhere-else/data")
