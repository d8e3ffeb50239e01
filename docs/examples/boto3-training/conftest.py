"""Fixtures for the tests of ``training``."""

import pytest

pytest_plugins = ["flytekitplugins_smfs.emulator.fixtures"]


@pytest.fixture(scope="session")
def emulator_settings() -> dict[str, float]:
    """File systems take ten minutes, as on AWS. The tests do not wait for that: they set the clock."""
    return {"fsx_creating_seconds": 600}
