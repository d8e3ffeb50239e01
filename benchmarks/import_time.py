"""What the plugin adds to `import flytekit`, which every Flyte process pays.

Runs are made in turns, so that a busy moment hits both sides; other plugins are left out on both. Ends with 1 when the
median of the differences is over the limit.

    python benchmarks/import_time.py --pairs 15
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

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
begun = time.perf_counter()
import flytekit
print((time.perf_counter() - begun) * 1000)
heavy = {"boto3", "botocore", "sagemaker"} & set(sys.modules)
print(",".join(sorted(heavy)))
print("flytekitplugins_smfs.flyte.plugin" in sys.modules)
"""


def measure(plugin: str) -> tuple[float, str, bool]:
    """Milliseconds of one import with only this plugin, which heavy modules it loaded, whether it loaded ours."""
    done = subprocess.run([sys.executable, "-c", PROBE, plugin], capture_output=True, text=True, check=True)
    took, heavy, ours = done.stdout.split("\n")[:3]
    return float(took), heavy, ours == "True"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15, help="runs on each side")
    pairs = parser.parse_args().pairs
    measure("none"), measure("smfs")  # the first runs read the disk
    without, with_ours = [], []
    for _ in range(pairs):
        took, heavy_before, _ = measure("none")
        without.append(took)
        took, heavy_after, loaded = measure("smfs")
        with_ours.append(took)
        if not loaded:
            print("The plugin was not loaded: is it installed?", file=sys.stderr)
            return 1
    difference = statistics.median(b - a for a, b in zip(without, with_ours, strict=True))
    print(f"import flytekit, median of {pairs}: {statistics.median(without):.0f} ms without the plugin, ", end="")
    print(f"{statistics.median(with_ours):.0f} ms with it")
    print(f"difference, median of pairs: {difference:+.1f} ms (limit {LIMIT_MS:.0f} ms)")
    print(f"heavy modules loaded: {heavy_before or 'none'} without, {heavy_after or 'none'} with")
    return int(difference > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
