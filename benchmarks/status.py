"""What following many training jobs costs, up to 1,000 of them, against an AWS that takes as few calls as SageMaker.

Three processes: an AWS in memory that enforces SageMaker's rates (5 DescribeTrainingJob, 2 ListTrainingJobs, 1
CreateTrainingJob a second, with a second's worth of burst); a connector as `pyflyte serve connector` runs it; and here
a poller that stands in for flytepropeller. It asks after each job every 30 seconds, ten at once and with a deadline of
10 seconds, which are its defaults. The jobs ask at times of their own, spread over the 30 seconds; with --burst all at
once. Of the jobs a tenth begins during the run, three tenths end in it, and the others run all the time.

    python benchmarks/status.py                     # 3, 60, 200 and 1,000 jobs, the neighbour, creates: 14 minutes
    python benchmarks/status.py --quick             # 1,000 jobs for two minutes, the neighbour, creates: 5 minutes
    python benchmarks/status.py --jobs 200 --minutes 2 --no-neighbour --creates 0

By default 3, 60 and 200 jobs are followed for two minutes each, which is four rounds of polls and a dozen listings;
1,000 for four minutes, so that 300 of them end at SageMaker's rate for descriptions; and the neighbour for one minute,
because it cannot keep up anyway.

- *age of a status*: the time from the last AWS call that told, or would have told, of a change of this job to the
  answer; a listing counts for a job when it showed it or its window goes back to what was known of it. Where the state
  that was told had ended longer ago than that, the time since then.
- *from a change to its answer*: until the first answer that tells it. The interval of the poller is in it. An end is
  told by a final phase, nothing less.
- *calls beside those for ends*: SageMaker calls but those about one job that has ended, such as its description, by
  the time that the jobs were followed. The first round of polls, in which everything is new, is left out.
- *CPU of a poll*: of the connector's process, with its gRPC and all that it did meanwhile, by the number of polls; and
  beside it that of polls of running jobs alone, which are asked after once more at the end.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence

from following.cloud import aws
from following.connecting import Connector, connector
from following.creating import creates, shown_creates
from following.figures import Run, misses, shown
from following.jobs import INTERVAL, Job, planned
from following.polling import NEIGHBOUR, OURS, Poller, Side


def followed(side: Side, many: int, seconds: float, options: argparse.Namespace) -> Run:
    """Follow so many jobs for so long."""
    begin = time.time() + 15  # once both processes are there
    jobs = planned(many, begin, seconds)
    with aws(jobs) as cloud, connector(cloud.url, side.modules, options.log) as served:
        time.sleep(max(0.0, begin - time.time()))
        started, cpu = time.time(), served.cpu
        gets = Poller(served.address, side, options.interval, begin + seconds).follow(jobs, burst=options.burst)
        ended, log, used = time.time(), cloud.log(), served.cpu - cpu
        return Run(side, jobs, started, ended, gets, log, used, _running(side, jobs, served), served.memory)


def _running(side: Side, jobs: Sequence[Job], served: Connector) -> float:
    """Milliseconds of CPU for a poll of a running job: a round of polls, after one that is not measured."""
    running = [job for job in jobs if job.created < time.time() - 60 and not job.ended(time.time())]
    few = running[: 600 if side is OURS else 30]
    Poller(served.address, side, 0.0, time.time() + 60).once(few)
    time.sleep(5)  # for what the first one began
    cpu = served.cpu
    rounds = max(1, 600 // len(few)) if side is OURS else 1
    for _ in range(rounds):
        Poller(served.address, side, 0.0, time.time() + 60).once(few)
    return 1000 * (served.cpu - cpu) / (rounds * len(few))


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What is to be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, action="append", help="jobs followed; may be given more than once")
    parser.add_argument("--minutes", type=float, help="for how long (2; 4 for 1,000 jobs)")
    parser.add_argument("--interval", type=float, default=INTERVAL, help="seconds between two polls of a job")
    parser.add_argument("--burst", action="store_true", help="ask after all jobs at once")
    parser.add_argument("--quick", action="store_true", help="only 1,000 jobs, for two minutes")
    parser.add_argument("--creates", type=int, default=40, help="creates at once; 0 for none")
    parser.add_argument("--neighbour", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--log", default=os.devnull, help="file to which the connectors' output is appended")
    return parser.parse_args(arguments)


def measured(options: argparse.Namespace) -> Iterator[Run]:
    """Every run that was asked for, in turns."""
    numbers = options.jobs or ([1000] if options.quick else [3, 60, 200, 1000])
    for many in numbers:
        minutes = options.minutes or (4.0 if many >= 1000 and not options.quick else 2.0)
        yield followed(OURS, many, minutes * 60, options)
    if options.neighbour:
        yield followed(NEIGHBOUR, max(numbers), 60.0, options)


def main() -> int:
    """Measure and print; 1 if something is not as it must be."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else the connector would stay
    options, runs = options_of(), list[Run]()
    for run in measured(options):
        print(shown(run), flush=True)
        runs.append(run)
    wrong = list(misses(runs))
    if options.creates:
        done = creates(options.creates, options)
        print(shown_creates(options.creates, done), flush=True)
        wrong += [f"creates: {problem}" for problem in done.problems]
    print("\n".join(f"MISSED: {one}" for one in wrong) or "all as it must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
