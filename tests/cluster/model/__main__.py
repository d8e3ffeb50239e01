"""The model as a process: `python -m tests.cluster.model CONFIGURATION.yaml`, with AWS's variables for its store."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

import yaml

from tests.cluster.model.pods import Image
from tests.cluster.model.rules import FIRST_LINE, Rules
from tests.cluster.model.serving import Model, s3_of


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description=FIRST_LINE)
    parser.add_argument("configuration", type=Path, help="flytepropeller's, as YAML")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--connector", help="where the connectors really are")
    given = parser.parse_args()
    print(FIRST_LINE, flush=True)
    rules = Rules.of(yaml.safe_load(given.configuration.read_text()))
    if given.connector:
        rules = rules.led_to(given.connector)
    model = Model(rules, s3_of(os.environ), Image(Path(sys.executable).parent), port=given.port)
    print(f"It serves at {model.endpoint}.", flush=True)
    try:
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    finally:
        model.close()


if __name__ == "__main__":
    main()
