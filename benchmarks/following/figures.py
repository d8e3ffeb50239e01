"""The figures of a run, and what of them is not as it must be."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from following.cloud import Call, Log
from following.jobs import INTERVAL, Job
from following.polling import NEIGHBOUR, OURS, Get, Side


@dataclass(frozen=True)
class Run:
    """What one connector did with so many jobs for a while."""

    side: Side
    jobs: Sequence[Job]
    begin: float
    end: float
    gets: Sequence[Get]
    log: Log
    cpu: float
    running: float
    """Milliseconds of CPU for a poll of a running job."""
    memory: float

    @property
    def failed(self) -> int:
        """Tasks whose poll raised, or told a failure that was none."""
        wrong = [one for one in self.gets if one.error or (one.final and not _true(one))]
        return len({one.job.name for one in wrong})

    @property
    def errors(self) -> Counter[str]:
        """Errors of polls, by their kind."""
        return Counter(one.error.partition(":")[0] for one in self.gets if one.error)

    @property
    def ages(self) -> list[float]:
        """The age of the status in each answer."""
        return [_age(one, self.log.covered[one.job.name], self.begin) for one in self.gets if not one.error]

    @property
    def delays(self) -> list[float]:
        """The time from each change in the run to the first answer that told it; inf for what none told."""
        by_job: dict[str, list[Get]] = {}
        for one in self.gets:
            by_job.setdefault(one.job.name, []).append(one)
        return [
            _delay(job, index, by_job.get(job.name, ()))
            for job in self.jobs
            for index, (at, _) in enumerate(job.stages)
            if self.begin < at < self.end - 2 * INTERVAL
        ]

    @property
    def calls(self) -> list[Call]:
        """Calls to AWS while they were followed."""
        return [one for one in self.log.calls if self.begin <= one.at <= self.end]

    @property
    def beside(self) -> float:
        """Calls for each job and minute beside those for ends, after the first round of polls."""
        lasts = {one.job.name: one.answered for one in self.gets if one.final}
        begin = min(self.begin + INTERVAL, self.end - 1)
        seconds = sum(max(0.0, lasts.get(job.name, self.end) - max(begin, job.created)) for job in self.jobs)
        these = [one for one in self.calls if one.at >= begin and "TrainingJob" in one.operation and not one.ended]
        return len(these) / (seconds / 60)

    @property
    def cpu_per_get(self) -> float:
        """Milliseconds of the connector's CPU for each poll, whatever else it did included."""
        return 1000 * self.cpu / max(1, len(self.gets))


def _true(get: Get) -> bool:
    """Whether the final phase is what AWS would have told when it was answered."""
    return get.job.stages[get.job.at(get.answered)][1] == get.stage


def _age(get: Get, covered: Sequence[float], begin: float) -> float:
    before = bisect.bisect_right(covered, get.answered)
    asked = covered[before - 1] if before else max(begin, get.job.created)
    stages = [stage for _, stage in get.job.stages]
    index = stages.index(get.stage) if get.stage in stages else len(stages)
    superseded = get.job.stages[index + 1][0] if index + 1 < len(stages) else get.answered
    return get.answered - min(asked, superseded)


def _delay(job: Job, index: int, gets: Sequence[Get]) -> float:
    stages = [stage for _, stage in job.stages]
    at = job.stages[index][0]
    for one in gets:
        if one.stage in stages[index:] and one.answered >= at:
            return one.answered - at
    return float("inf")


def percentile(values: Sequence[float], part: float) -> float:
    """The value under which such a part of them is."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))] if values else float("nan")


def pair(values: Sequence[float], unit: str = "s") -> str:
    """Median and 99th percentile as text."""
    return f"median {percentile(values, 0.5):5.1f} {unit}, 99th percentile {percentile(values, 0.99):5.1f} {unit}"


def shown(run: Run) -> str:
    """A run's figures as text."""
    walls = [1000 * (one.answered - one.asked) for one in run.gets]
    untold = sum(not one.error and one.stage is None for one in run.gets)
    told = [delay for delay in run.delays if delay < float("inf")]
    errors = f" ({', '.join(f'{n} {kind}' for kind, n in run.errors.items())})" if run.errors else ""
    return "\n".join(
        [
            f"{run.side.name}: {len(run.jobs):,} jobs for {(run.end - run.begin) / 60:.1f} min",
            f"  polls               {len(run.gets):,}, of which {untold:,} told no state",
            f"  tasks failed by it  {run.failed:,}{errors}",
            f"  age of a status     {pair(run.ages)}",
            f"  change to answer    {pair(told)}; {len(told)} told, {len(run.delays) - len(told)} not",
            f"  calls               {_calls(run)}",
            f"  beside ends         {run.beside:.3f} per job and minute",
            f"  one poll            {pair(walls, 'ms')}",
            f"  its CPU             {run.cpu_per_get:.2f} ms; of a running job alone {run.running:.2f} ms",
            f"  memory              {run.memory:.0f} MiB",
            *([f"  not known here      {', '.join(sorted(set(run.log.unknown)))}"] if run.log.unknown else []),
        ]
    )


def _calls(run: Run) -> str:
    parts = []
    for operation, number in Counter(one.operation for one in run.calls).most_common():
        these = [one for one in run.calls if one.operation == operation]
        ends, throttled = sum(one.ended for one in these), sum(one.throttled for one in these)
        most = max(Counter(int(one.at) for one in these).values())
        notes = [f"{ends} for ends"] * bool(ends) + [f"{throttled} throttled"] * bool(throttled)
        parts.append(f"{number} {operation} ({', '.join([*notes, f'at most {most}/s'])})")
    return ", ".join(parts) or "none"


def misses(runs: Sequence[Run]) -> Iterator[str]:
    """What of the runs is not as it must be."""
    ours, others = [one for one in runs if one.side is OURS], [one for one in runs if one.side is NEIGHBOUR]
    for run in ours:
        what = f"{len(run.jobs):,} jobs"
        limits = [
            ("tasks failed by polling", run.failed, 0.0),
            ("median age in seconds", percentile(run.ages, 0.5), 15.0),
            ("99th percentile of the age in seconds", percentile(run.ages, 0.99), 60.0),
            ("MiB of memory", run.memory, 300.0),
        ]
        if len(run.jobs) >= 60:
            limits.append(("calls per job and minute beside ends", run.beside, 0.1))
        yield from (f"{what}: {name}: {found:.3g}, at most {most:g}" for name, found, most in limits if found > most)
    for other in others:
        for run in ours:
            if len(run.jobs) == len(other.jobs) and run.running * 100 > other.running:
                yield f"a poll costs {other.running / run.running:.0f} times less CPU, at least 100"
