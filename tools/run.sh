#!/usr/bin/env bash
# Runs the main workflow against an emulator of this checkout's own, and stops it afterwards if it was not running before.
# Used by `make run`.
set -euo pipefail
bin="$1"
export FLYTE_SMFS_EMULATOR_STATE="${FLYTE_SMFS_EMULATOR_STATE:-$PWD/.smfs/emulator}"

if ! "$bin/smfs" emulator status --state "$FLYTE_SMFS_EMULATOR_STATE" >/dev/null 2>&1; then
    trap '"$bin/smfs" emulator stop --state "$FLYTE_SMFS_EMULATOR_STATE"' EXIT
fi
"$bin/pyflyte" --config sandbox.config run workflows/digits.py lustre_training
