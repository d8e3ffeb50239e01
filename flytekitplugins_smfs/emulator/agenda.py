"""What is due when: the turns of the scheduler in memory, in their order."""

import heapq
from dataclasses import dataclass

Key = tuple[str, str]
"""Kind and id of a thing."""


@dataclass(frozen=True)
class Turn:
    """A turn of a thing. A later one for the same thing has a greater number.

    A turn that is ``firm`` is something that happens; another is only a look at what may have changed meanwhile.
    """

    due: float
    number: int
    firm: bool


class Agenda:
    """At most one turn per thing. Not safe for threads by itself."""

    def __init__(self) -> None:
        self._turns: dict[Key, Turn] = {}
        self._queue: list[tuple[float, int, Key]] = []
        self._firm: list[tuple[float, int, Key]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._turns)

    def put(self, key: Key, due: float, firm: bool = True) -> Turn:
        """Give a thing its turn; an earlier one is forgotten."""
        self._number += 1
        turn = self._turns[key] = Turn(due, self._number, firm)
        heapq.heappush(self._queue, (due, turn.number, key))
        if firm:
            heapq.heappush(self._firm, (due, turn.number, key))
        return turn

    def drop(self, key: Key) -> None:
        """Forget a thing's turn."""
        self._turns.pop(key, None)

    def get(self, key: Key) -> Turn | None:
        """The turn of a thing, if it has one."""
        return self._turns.get(key)

    def take(self, now: float) -> Key | None:
        """A thing whose turn has come, each turn once; None when there is no other. The turn stays until it is over."""
        if (due := self.next()) is None or due > now:
            return None
        return heapq.heappop(self._queue)[2]

    def again(self, key: Key) -> None:
        """Let ``take`` answer this thing once more."""
        if (turn := self._turns.get(key)) is not None:
            heapq.heappush(self._queue, (turn.due, turn.number, key))

    def next(self) -> float | None:
        """When the next turn comes that was not taken."""
        return self._first(self._queue)

    def next_firm(self) -> float | None:
        """When the next firm turn comes, taken or not."""
        return self._first(self._firm)

    def _first(self, queue: list[tuple[float, int, Key]]) -> float | None:
        while queue:
            due, number, key = queue[0]
            turn = self._turns.get(key)
            if turn is not None and turn.number == number:
                return due
            heapq.heappop(queue)
        return None
