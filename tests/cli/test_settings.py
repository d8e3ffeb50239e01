"""`smfs settings`: which AWS, and who said so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Smfs


def test_a_setting_and_where_it_comes_from(smfs: Smfs, tmp_path: Path) -> None:
    config = tmp_path / "flyte.config"
    config.write_text("[smfs]\nendpoint = aws\nregion = eu-west-1\n")
    done = smfs("--config", str(config), "settings", env={"FLYTE_SMFS_REGION": "us-west-2"})
    assert done.returncode == 0, done.stderr
    assert "AWS is real AWS." in done.stdout
    rows = {row[0]: row[1:] for row in (line.strip("│ ").split("│") for line in done.stdout.splitlines())}
    found = {name.strip(): [cell.strip() for cell in cells] for name, cells in rows.items()}
    assert found["endpoint"] == ["aws", str(config)]
    assert found["region"] == ["us-west-2", "FLYTE_SMFS_REGION"]
    assert found["role"] == ["-", "not set"]


def test_yaml_is_as_good(smfs: Smfs, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("smfs:\n  endpoint: emulator\n  tags: {team: vision}\n")
    done = smfs("-c", str(config), "settings")
    assert done.returncode == 0, done.stderr
    assert "embedded AWS emulator" in done.stdout
    assert "team=vision" in done.stdout


@pytest.mark.parametrize("command", [["settings"], ["ls"], ["release", "p/d/e", "--yes"]], ids=lambda c: c[0])
def test_without_a_choice_of_aws_the_message_says_how_to_choose(smfs: Smfs, command: list[str]) -> None:
    done = smfs(*command)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: No AWS is chosen.")
    assert "FLYTE_SMFS_ENDPOINT" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_wrong_settings_are_named_at_once(smfs: Smfs) -> None:
    done = smfs("settings", env={"FLYTE_SMFS_ENDPOINT": "moon", "FLYTE_SMFS_ROLE": "me"})
    assert done.returncode == 1
    assert "endpoint" in done.stderr
    assert "role" in done.stderr


def test_a_config_file_that_is_not_there_is_an_error(smfs: Smfs) -> None:
    done = smfs("--config", "nowhere.config", "settings")
    assert done.returncode == 2
    assert "nowhere.config" in done.stderr


def test_a_password_in_a_url_is_not_shown(smfs: Smfs) -> None:
    done = smfs("settings", env={"FLYTE_SMFS_ENDPOINT": "http://me:secret@localhost:1", "COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    assert "AWS is http://***@localhost:1." in done.stdout
    assert "secret" not in done.stdout
    wrong = smfs("settings", env={"FLYTE_SMFS_ENDPOINT": "ftp://me:secret@localhost:1"})
    assert wrong.returncode == 1
    assert "secret" not in wrong.stderr
