"""Which AWS is chosen, and what is said when none is."""

import pytest

from flytekitplugins_smfs.values.errors import SettingsError
from flytekitplugins_smfs.values.settings import Settings


def test_no_choice_says_how_to_choose() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.of({"endpoint": " ", "region": "us-east-1"})
    for word in ("FLYTE_SMFS_ENDPOINT", "[smfs]", "sandbox.config", "emulator", "aws"):
        assert word in str(caught.value)


def test_all_wrong_settings_are_named() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.of({"endpoint": "localstack", "role": "me", "requests_per_second": "0"})
    for name in ("endpoint", "role", "requests_per_second"):
        assert f"- {name}:" in str(caught.value)


def test_texts_become_values() -> None:
    settings = Settings.of(
        {
            "endpoint": "http://127.0.0.1:9",
            "security_group_ids": "sg-1, sg-2",
            "tags": "team=ml, cost = 7",
            "region": None,
        }
    )
    assert settings.security_group_ids == ("sg-1", "sg-2")
    assert settings.tags == {"team": "ml", "cost": "7"}
    assert settings.described == "http://127.0.0.1:9"
