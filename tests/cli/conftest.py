"""The `smfs` command as a user runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Smfs = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def smfs(tmp_path: Path) -> Smfs:
    """Run `smfs <arguments>` in an empty directory, with only the given FLYTE_ settings."""

    def run(*arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "FLYTE"))}
        return subprocess.run(
            [Path(sys.executable).with_name("smfs"), *arguments],
            cwd=tmp_path,
            env={**inherited, "HOME": str(tmp_path), "COLUMNS": "160", **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run
