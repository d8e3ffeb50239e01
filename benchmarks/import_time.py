"""What the plugin adds to `import flytekit`, which every Flyte process pays.

Twice measured. Inside: the time that flytekit spends loading our entry point, which a busy machine hardly blurs; the
verdict is made from it. Outside: `import flytekit` as a whole, with our entry point and without it, in turns; other
plugins are left out on both sides.

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
found, took = metadata.entry_points, [0.0]
class Timed:
    def __init__(self, point):
        self.point = point
    def load(self):
        begun = time.perf_counter()
        self.point.load()
        took[0] += (time.perf_counter() - begun) * 1000
def entry_points(**wanted):
    points = found(**wanted)
    if wanted.get("group") != "flytekit.plugins":
        return points
    return [Timed(point) for point in points if point.name == sys.argv[1]]
metadata.entry_points = entry_points
begun = time.perf_counter()
import flytekit
print((time.perf_counter() - begun) * 1000, took[0])
print(",".join(sorted({"boto3", "botocore", "sagemaker"} & set(sys.modules))))
print("flytekitplugins_smfs.flyte.plugin" in sys.modules)
"""


class Run(NamedTuple):
    """One import: milliseconds in all and in our entry point, the heavy modules loaded, whether ours was."""

    whole: float
    ours: float
    heavy: str
    loaded: bool


def measure(plugin: str) -> Run:
    """Import flytekit in a process of its own, with only this plugin."""
    env = {
        key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
    }  # compiled, as installed
    done = subprocess.run([sys.executable, "-c", PROBE, plugin], capture_output=True, text=True, check=True, env=env)
    times, heavy, loaded = done.stdout.split("\n")[:3]
    whole, ours = map(float, times.split())
    return Run(whole, ours, heavy, loaded == "True")


def main() -> int:
    """Measure and print. Ends with 1 when our entry point takes longer than the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15, help="runs on each side")
    pairs = parser.parse_args().pairs
    measure("none"), measure("smfs")  # the first runs read the disk
    runs = [(measure("none"), measure("smfs")) for _ in range(pairs)]
    without, with_ours = zip(*runs, strict=True)
    if not with_ours[0].loaded:
        print("The plugin was not loaded: is it installed?", file=sys.stderr)
        return 1
    inside = statistics.median(run.ours for run in with_ours)
    before, after = statistics.median(run.whole for run in without), statistics.median(run.whole for run in with_ours)
    print(f"loading our entry point, median of {pairs}: {inside:.1f} ms (limit {LIMIT_MS:.0f} ms)")
    print(f"import flytekit, median of {pairs}: {before:.0f} ms without the plugin, {after:.0f} ms with it", end="")
    print(f" ({after - before:+.0f} ms)")
    print(f"heavy modules loaded: {without[0].heavy or 'none'} without, {with_ours[0].heavy or 'none'} with")
    return int(inside > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
