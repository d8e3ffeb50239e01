"""A container of the test's own."""

from pathlib import Path

import pytest

from .container import Container


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)
