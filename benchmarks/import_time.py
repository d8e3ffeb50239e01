"""What the plugin adds to `import flytekit`, which every Flyte process pays.

Runs are made in turns, so that a busy moment hits both sides; other plugins are left out on both. The fastest run of
each side is the one that nothing disturbed. Ends with 1 when these differ by more CPU time than the limit.

    python benchmarks/import_time.py --pairs 15
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from typing import NamedTuple

LIMIT_MS = 50.0
PROBE = """
import importlib.metadata as metadata, sys, time
found = metadata.entry_points
def entry_points(**wanted):
    points = found(**wanted)
    if wanted.get("group") != "flytekit.plugins":
        return points
    return metadata.EntryPoints(point for point in points if point.name == sys.argv[1])
metadata.entry_points = entry_points
wall, cpu = time.perf_counter(), time.process_time()
import flytekit
print((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000)
heavy = {"boto3", "botocore", "sagemaker"} & set(sys.modules)
print(",".join(sorted(heavy)))
print("flytekitplugins_smfs.flyte.plugin" in sys.modules)
"""


class Run(NamedTuple):
    """One import: milliseconds, the heavy modules loaded, whether ours was."""

    wall: float
    cpu: float
    heavy: str
    ours: bool


def measure(plugin: str) -> Run:
    """Import flytekit in a process of its own, with only this plugin."""
    env = {
        key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
    }  # compiled, as installed
    done = subprocess.run([sys.executable, "-c", PROBE, plugin], capture_output=True, text=True, check=True, env=env)
    times, heavy, ours = done.stdout.split("\n")[:3]
    wall, cpu = map(float, times.split())
    return Run(wall, cpu, heavy, ours == "True")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15, help="runs on each side")
    pairs = parser.parse_args().pairs
    measure("none"), measure("smfs")  # the first runs read the disk
    without, with_ours = [], []
    for _ in range(pairs):
        without.append(measure("none"))
        with_ours.append(measure("smfs"))
    if not with_ours[0].ours:
        print("The plugin was not loaded: is it installed?", file=sys.stderr)
        return 1
    sides = {
        "wall": ([run.wall for run in without], [run.wall for run in with_ours]),
        "CPU": ([run.cpu for run in without], [run.cpu for run in with_ours]),
    }
    print(f"import flytekit, {pairs} runs on each side, in ms: fastest (median)")
    for name, (before, after) in sides.items():
        print(f"  {name:4s}  without the plugin {min(before):5.0f} ({statistics.median(before):5.0f}),", end="")
        print(f"  with it {min(after):5.0f} ({statistics.median(after):5.0f}),", end="")
        print(f"  fastest differ by {min(after) - min(before):+.1f} (limit {LIMIT_MS:.0f})")
    print(f"heavy modules loaded: {without[0].heavy or 'none'} without, {with_ours[0].heavy or 'none'} with")
    before, after = sides["CPU"]
    return int(min(after) - min(before) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
