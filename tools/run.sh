#!/usr/bin/env bash
# Runs the main workflow against an emulator of this checkout's own, and stops it afterwards if it was not running before.
# Used by `make run`. Ctrl-C and SIGTERM are passed on, and the emulator is there until the workflow has cleaned up.
set -euo pipefail
bin="$1"
export FLYTE_SMFS_EMULATOR_STATE="${FLYTE_SMFS_EMULATOR_STATE:-$PWD/.smfs/emulator}"

if ! "$bin/smfs" emulator status --state "$FLYTE_SMFS_EMULATOR_STATE" >/dev/null 2>&1; then
    trap '"$bin/smfs" emulator stop --state "$FLYTE_SMFS_EMULATOR_STATE"' EXIT
fi

set -m # the workflow gets a process group of its own, so that each signal reaches it once
"$bin/pyflyte" --config sandbox.config run workflows/digits.py lustre_training &
workflow=$!
trap 'kill -INT "$workflow"' INT
trap 'kill -TERM "$workflow"' TERM
status=0
while kill -0 "$workflow" 2>/dev/null; do # a signal ends `wait`, not the workflow
    status=0
    wait "$workflow" || status=$?
done
exit "$status"
