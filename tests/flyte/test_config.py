"""Settings from the Flyte config file and the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flytekitplugins_smfs.flyte.config import settings, sources
from flytekitplugins_smfs.values.errors import SettingsError

OVERRIDE = "_FLYTECTL_CONFIG_PYFLYTE_OVERRIDE"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("FLYTE_SMFS_") or name in (OVERRIDE, "FLYTECTL_CONFIG"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def use(monkeypatch: pytest.MonkeyPatch, path: Path, text: str) -> None:
    path.write_text(text)
    monkeypatch.setenv(OVERRIDE, str(path))


def test_an_ini_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "[smfs]\nendpoint = emulator\nregion = eu-west-1\nsecurity_group_ids = sg-1, sg-2\ntags = team=a,cost=b\n"
    use(monkeypatch, tmp_path / "sandbox.config", text)
    found = settings()
    assert (found.endpoint, found.region, found.security_group_ids) == ("emulator", "eu-west-1", ("sg-1", "sg-2"))
    assert found.tags == {"team": "a", "cost": "b"}


def test_a_yaml_file_with_lists_and_mappings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = "{endpoint: aws, security_group_ids: [sg-1, sg-2], tags: {team: a}, requests_per_second: 5}"
    use(monkeypatch, tmp_path / "config.yaml", f"admin: {{}}\nsmfs: {given}\n")
    found = settings()
    assert (found.endpoint, found.security_group_ids, found.tags) == ("aws", ("sg-1", "sg-2"), {"team": "a"})
    assert found.requests_per_second == 5


def test_the_environment_wins_and_is_named_as_the_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, tmp_path / "c.config", "[smfs]\nendpoint = emulator\nregion = eu-west-1\n")
    monkeypatch.setenv("FLYTE_SMFS_ENDPOINT", "aws")
    assert settings().endpoint == "aws"
    where = {source.name: source.where for source in sources()}
    assert where == {"endpoint": "FLYTE_SMFS_ENDPOINT", "region": str(tmp_path / "c.config")}


def test_a_file_chosen_after_flytekit_was_imported_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for endpoint in ("emulator", "aws"):  # flytekit would answer the second time what it cached the first time
        use(monkeypatch, tmp_path / f"{endpoint}.config", f"[smfs]\nendpoint = {endpoint}\n")
        assert settings().endpoint == endpoint


def test_a_file_in_the_directory_is_found(tmp_path: Path) -> None:
    (tmp_path / "flytekit.config").write_text("[smfs]\nendpoint = emulator\n")
    assert settings().endpoint == "emulator"


def test_without_a_choice_it_says_how_to_choose() -> None:
    with pytest.raises(SettingsError, match="FLYTE_SMFS_ENDPOINT"):
        settings()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.config", "[smfs]\nendpiont = aws\n", "endpiont"),
        ("a.yaml", "smfs:\n  endpoint: aws\n  regoin: x\n", "regoin"),
        ("a.yaml", "smfs: emulator\n", "must be a mapping"),
        ("a.yaml", "smfs: {endpoint: [unclosed\n", "not valid YAML"),
        ("a.config", "no section\n", "cannot be read"),
        ("a.config", "[smfs]\nendpoint = %(home)s\n", "percent sign"),
        ("a.config", "[smfs]\nendpoint = somewhere\n", "endpoint"),
    ],
)
def test_what_is_wrong_in_a_file_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str, told: str
) -> None:
    use(monkeypatch, tmp_path / name, text)
    with pytest.raises(SettingsError, match=told):
        settings()


def test_a_file_that_was_named_but_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(OVERRIDE, str(tmp_path / "missing.config"))
    with pytest.raises(SettingsError, match="does not exist"):
        settings()
