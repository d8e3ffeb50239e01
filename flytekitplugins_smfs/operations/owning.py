"""Find, check, create with a token, recover: once, for everything that is made in AWS.

There are four ways to come by a resource. *Find* what this owner made before; *adopt* what somebody else made and
that is what the spec asks for; *make* one; and *change* somebody else's: record what was there, merge, write, and put
it back at the end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flytekitplugins_smfs.aws.door import Aws, Halted
from flytekitplugins_smfs.aws.names import client_token
from flytekitplugins_smfs.values.errors import (
    AwsFault,
    Conflict,
    FingerprintMismatch,
    Invalid,
    Missing,
    Throttled,
    Transient,
)
from flytekitplugins_smfs.values.plain import Record

LOST = (Conflict, Invalid, Missing, Transient, Throttled)
"""Faults of a create after which what was asked for may be there: another start was quicker, or an answer was lost."""


@dataclass(frozen=True)
class Difference:
    """One field in which what is there is not what the spec asks for."""

    field: str
    there: Any
    wanted: Any
    changeable: bool = False
    """Whether AWS can change it in place."""

    def __str__(self) -> str:
        changed = ", which AWS can change in place" if self.changeable else ""
        return f"{self.field} is {self.there}, wanted {self.wanted}{changed}"


class Making(ABC):
    """One resource that is to be there, as `own` needs to know it."""

    what: str
    """For a person: `Training job digits-train-0123456789`."""
    named_before: bool = False
    """Whether it has its id before it is made, so that a lost answer can be left to the first state."""
    renewal: str = ""
    """With it in its token it may be made anew, where AWS remembers the token of an earlier one that is gone."""

    @abstractmethod
    def find(self, aws: Aws) -> Sequence[Record]:
        """Everything that may be it, the oldest first, dead ones included."""

    @abstractmethod
    def differences(self, aws: Aws, record: Record) -> Iterable[Difference] | None:
        """In what it is not what is asked for; None where it is another's and no more is known."""

    @abstractmethod
    def create(self, aws: Aws, token: str) -> Record:
        """Make it, by one AWS call, with the client token where AWS takes one."""

    @abstractmethod
    def id(self, record: Record) -> str:
        """Its id."""

    @abstractmethod
    def identity(self) -> tuple[str, ...]:
        """What its client token stands for: its kind, its owner or name, its spec."""

    def dead(self, record: Record) -> bool:
        """Whether it is going or broken, so that it can be neither used nor adopted."""
        return False

    def check(self, there: Sequence[Record]) -> None:
        """Raise InvalidSpec for what AWS would refuse because of what is there."""
        return


def own(aws: Aws, making: Making, generations: tuple[str, ...] = ()) -> Record | None:
    """The one resource: found, or made. Killed between any two steps and run again, there is still one.

    `generations` tell one that is made anew, because earlier ones are gone, from those. Raises FingerprintMismatch
    when it exists and is not what is asked for. None when it has its name, was asked for, and AWS does not show it.
    """
    there = making.find(aws)
    found = _living(aws, making, there)
    if found is not None:
        return found
    making.check(there)
    dead = [making.id(record) for record in there]
    parts = (*making.identity(), *dict.fromkeys([*dead, *generations]))
    try:
        made = making.create(aws, client_token(*parts))
    except LOST as fault:
        return _recovered(aws, making, fault, generations)
    if made and making.dead(made) and making.id(made) not in parts:
        # AWS remembers the token of one that died since, shows it still, and gave that one.
        return own(aws, making, (*generations, making.id(made)))
    return made


def _living(aws: Aws, making: Making, there: Sequence[Record]) -> Record | None:
    """The oldest that lives. Raises FingerprintMismatch when it is not what is asked for."""
    living = next((record for record in there if not making.dead(record)), None)
    if living is None:
        return None
    differences = making.differences(aws, living)
    told = [str(one) for one in differences or ()]
    if differences is None or told:
        raise FingerprintMismatch(making.what, told)
    return living


def _recovered(aws: Aws, making: Making, fault: AwsFault, generations: tuple[str, ...]) -> Record | None:
    try:
        found = _living(aws, making, making.find(aws.steadfast().impatient()))
    except (Transient, Throttled, Halted):
        if making.named_before and isinstance(fault, Transient):
            return None  # made or not, the first state will tell
        raise fault from None  # what became of it cannot be told now; the next start finds out
    if found is not None:
        return found
    if making.named_before and isinstance(fault, Transient):
        return None
    remembered = isinstance(fault, Missing) or fault.code == "IncompatibleParameterError"
    if remembered and making.renewal and making.renewal not in generations:
        return own(aws, making, (*generations, making.renewal))
    if fault.code == "IncompatibleParameterError":
        raise FingerprintMismatch(making.what, [fault.text]) from fault
    raise fault


class Changing(ABC):
    """Somebody else's resource that is changed for a while."""

    @abstractmethod
    def recorded(self, aws: Aws) -> Record | None:
        """What was there before the change, where that was recorded; it outlives this process."""

    @abstractmethod
    def record(self, aws: Aws, before: Record | None) -> None:
        """Record what was there; None forgets it."""

    @abstractmethod
    def read(self, aws: Aws) -> Record:
        """What is there now."""

    @abstractmethod
    def merged(self, current: Record) -> Record:
        """With what is wanted, everything else left as it is."""

    @abstractmethod
    def without(self, current: Record, before: Record) -> Record:
        """As it was before, but for what others changed since."""

    @abstractmethod
    def write(self, aws: Aws, settings: Record) -> None:
        """Put this in its place."""


def change(aws: Aws, changing: Changing) -> None:
    """Change it. What was there is recorded before anything is written, and never again over that."""
    current = changing.read(aws)
    if changing.recorded(aws) is None:
        changing.record(aws, current)
    wanted = changing.merged(current)
    if wanted != current:
        changing.write(aws, wanted)


def put_back(aws: Aws, changing: Changing) -> None:
    """Undo the change. Without a record there is nothing to undo."""
    before = changing.recorded(aws)
    if before is None:
        return
    current = changing.read(aws)
    restored = changing.without(current, before)
    if restored != current:
        changing.write(aws, restored)
    changing.record(aws, None)
