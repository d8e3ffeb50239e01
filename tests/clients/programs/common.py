"""What the programs share. They run in their client's environment, so this needs nothing but Python."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

BUCKET = os.environ.get("CLIENT_BUCKET", "")
PREFIX = os.environ.get("CLIENT_PREFIX", "")
DATA = os.environ.get("CLIENT_DATA", "")
"""The URI of a CSV file to train from."""
SPOILED = os.environ.get("CLIENT_SPOILED", "")
"""The URI of a CSV file that no training takes."""
ROLE = os.environ.get("CLIENT_ROLE", "")
IMAGE = os.environ.get("CLIENT_IMAGE", "")
REGION = os.environ.get("AWS_REGION", "")

BODY = bytes(range(256)) * 4096 * 9
"""9 MiB: more than clients send in one piece."""


def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program that is installed beside this Python."""
    command = [str(Path(sys.executable).parent / program), *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=150
    )


def must(program: str, *arguments: str, **environment: str) -> str:
    """What it printed; it has to succeed."""
    done = run(program, *arguments, **environment)
    assert done.returncode == 0, f"{program} {arguments}: {done.stdout[-1000:]} {done.stderr[-2000:]}"
    return done.stdout


def main(success: Callable[[], None], failure: Callable[[], str]) -> None:
    """Do what the first argument says. ``failure`` answers the words by which the client told the error."""
    if sys.argv[1] == "success":
        success()
        print("CLIENT success")
    else:
        print(f"CLIENT failure {failure()!r}")
