#!/usr/bin/env bash
# Runs the main workflow, and stops the emulator afterwards if it was not running before. Used by `make run`.
set -euo pipefail
bin="$1"

if ! "$bin/smfs" emulator status >/dev/null 2>&1; then
    trap '"$bin/smfs" emulator stop' EXIT
fi
"$bin/pyflyte" --config sandbox.config run workflows/digits.py lustre_training
