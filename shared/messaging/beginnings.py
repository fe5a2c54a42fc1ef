"""Which event each lane was begun with: one that ends the process whenever it is tried would be tried for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select

from shared.eventlog import Application, Replace
from shared.eventlog.tables import begun

MOST_ENDED = 5
APART = timedelta(seconds=5)
"""Workers that start together begin a lane with the same event; so many starts at once count as one."""

Lane = tuple[str, int]


class Beginnings:
    """Notes durably, before it is tried, the first event that a listener takes in each lane after its start.

    What ends a process is, after the next start, the first event of its lane: whatever came before it was kept.
    """

    def __init__(self, application: Application, clock: Callable[[], datetime]):
        self._application = application
        self._clock = clock
        self._lanes: set[Lane] = set()

    def ended_too_often(self, lane: Lane, position: int) -> bool:
        """Note that a lane is begun with this event; True if five starts did so before and none came past it."""
        if lane in self._lanes:
            return False
        self._lanes.add(lane)
        times = self._times(lane, position)
        return times > MOST_ENDED

    def _times(self, lane: Lane, position: int) -> int:
        place, now = {"upstream": lane[0], "lane": lane[1]}, self._clock()
        at_lane = (begun.c.upstream == lane[0], begun.c.lane == lane[1])
        times = 1
        for noted in self._application.query(select(begun).where(*at_lane)):
            if noted["sequence"] == position:
                times = noted["times"] + 1
                if abs(now - noted["begun_at"]) < APART:
                    return int(noted["times"])
        row = {**place, "sequence": position, "times": times, "begun_at": now}
        self._application.record((), rows=[Replace(begun, place, [row])])
        return times
