"""What a worker knows of the others that share its lanes: whether they move what is theirs."""

from __future__ import annotations

import time
from collections.abc import Callable

from shared.eventlog import Position

LEFT_AFTER = 3.0


class OtherWorkers:
    """Notices lanes of other workers that nobody has moved for some seconds: who had them sleeps, or is cut off."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._reached: dict[tuple[str, int], int] = {}
        self._since: dict[tuple[str, int], float] = {}

    def left(self, lane: tuple[str, int], reached: int, due: bool) -> bool:
        """Tell whether a lane of which there is more to take (is `due`) has for long stood where it stands now."""
        if not due:
            self._reached.pop(lane, None)
        elif self._reached.get(lane) != reached:
            self._reached[lane], self._since[lane] = reached, self._clock()
        return due and self._clock() - self._since[lane] > LEFT_AFTER

    def moved_by_us(self, lane: tuple[str, int], position: Position | None) -> None:
        """Remember that we, not its worker, have moved a lane."""
        if lane in self._reached and position is not None:
            self._reached[lane] = position.sequence
