"""Training jobs, and what happens to them while they are followed."""

from __future__ import annotations

import bisect
import random
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonSageMaker-ExecutionRole"
RATES = {"DescribeTrainingJob": 5.0, "ListTrainingJobs": 2.0, "CreateTrainingJob": 1.0}
"""Calls a second that AWS takes: https://docs.aws.amazon.com/general/latest/gr/sagemaker.html"""
AT_ONCE, DEADLINE = 10, 10.0
"""Workers and time-out of flytepropeller's connector plugin, by default."""
INTERVAL = 30.0
"""Its seconds between two polls of a task."""
ENDED = ("Completed", "Failed")
HOUR = 3600.0


@dataclass(frozen=True)
class Job:
    """A training job and when it is in which stage, by the clock of the machine."""

    name: str
    stages: tuple[tuple[float, str], ...]

    @property
    def created(self) -> float:
        """When it was created."""
        return self.stages[0][0]

    def at(self, now: float) -> int:
        """The index of its stage."""
        return bisect.bisect_right(self.stages, (now, "~")) - 1

    def ended(self, now: float) -> bool:
        """Whether it has ended."""
        return self.stages[self.at(now)][1] in ENDED


def planned(many: int, begin: float, seconds: float) -> tuple[Job, ...]:
    """Jobs and what happens to them in the `seconds` from `begin`: each tenth begins, three tenths end in them."""
    chance = random.Random(many)
    jobs = []
    for index in range(many):
        part, name = (index * 7 + 3) % 10, f"status-{index:04}"
        if part == 0:
            jobs.append(Job(name, _beginning(begin + chance.uniform(0.05, 0.8) * seconds, chance)))
        elif part <= 3:
            jobs.append(
                Job(name, _ending(begin + chance.uniform(0.05, 0.85) * seconds, chance, failed=index % 20 == 0))
            )
        else:
            jobs.append(Job(name, _beginning(begin - chance.uniform(0.1, 5) * HOUR, chance)))
    return tuple(jobs)


def _beginning(at: float, chance: random.Random) -> tuple[tuple[float, str], ...]:
    instance, data = at + chance.uniform(15, 40), at + chance.uniform(45, 60)
    return (at, "Starting"), (instance, "Downloading"), (data, "Training")


def _ending(at: float, chance: random.Random, *, failed: bool) -> tuple[tuple[float, str], ...]:
    before = _beginning(at - chance.uniform(0.1, 5) * HOUR, chance)
    return (*before, (at - chance.uniform(5, 15), "Uploading"), (at, ENDED[failed]))
