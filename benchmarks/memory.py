"""What a connector keeps in memory: 120,000 polls of 1,000 jobs that run, as fast as it answers.

Against the AWS in memory of `status.py`. Printed every 10,000 polls; what was there after 20,000 is to be there at the
end, within a few MiB, and under 250 MiB. About five minutes.

    python benchmarks/memory.py
    python benchmarks/memory.py --jobs 100 --polls 20000
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from following.cloud import aws
from following.connecting import connector
from following.jobs import Job
from following.polling import OURS, Poller

MOST = 250.0
"""MiB; the chart gives a connector 300."""
GROWTH = 5.0
"""MiB from the settled figure to the end."""


def running(many: int) -> tuple[Job, ...]:
    """Jobs that run all the time."""
    begun = time.time() - 3600
    stages = ((begun, "Starting"), (begun + 60, "Training"))
    return tuple(Job(f"memory-{number:04}", stages) for number in range(many))


def main() -> int:
    """Measure and print; 1 if it is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--polls", type=int, default=120_000)
    options = parser.parse_args()
    jobs = running(options.jobs)
    seen: list[tuple[int, float]] = []
    with aws(jobs) as cloud, connector(cloud.url, OURS.modules, os.devnull) as served:
        begun, polls, failed = time.time(), 0, 0
        while polls < options.polls:
            poller = Poller(served.address, OURS, 0.0, time.time() + 600)
            poller.once(jobs)
            failed += sum(bool(get.error) or get.final for get in poller.gets)
            polls += len(poller.gets)
            if polls // 10_000 > (polls - len(jobs)) // 10_000 or polls >= options.polls:
                seen.append((polls, served.memory))
                print(f"{polls:>8,} polls: {served.memory:6.1f} MiB", flush=True)
        print(f"{polls / (time.time() - begun):.0f} polls a second, {failed} failed")
    settled = next(memory for polls, memory in seen if polls >= min(20_000, options.polls))
    wrong = [
        *([f"{failed} polls failed"] if failed else []),
        *([f"over {MOST:.0f} MiB"] if seen[-1][1] > MOST else []),
        *([f"grew by {seen[-1][1] - settled:.1f} MiB"] if seen[-1][1] - settled > GROWTH else []),
    ]
    print("MISSED: " + ", ".join(wrong) if wrong else "all as it must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
