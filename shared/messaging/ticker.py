"""The ticker: fires the timers whose time has passed, each once, however many tickers there are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import and_, func, select

from events.base import Event
from shared.clock import Clock
from shared.eventlog import Aggregate, Application, Interrupted, LogUnavailable, NotFound, Refused, VersionConflict
from shared.messaging import points
from shared.messaging.refusals import Refusal, refusal_id
from shared.messaging.timers import Due, Firing, Timers

POLL_EVERY = 1.0
MOST_CONFLICTS = 20
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LATE_AFTER = timedelta(minutes=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _PutOff:
    """A timer that failed: how often, and until when (of the monotonic clock) it rests."""

    failures: int
    until: float

    def again(self, now: float) -> _PutOff:
        """Rest twice as long as the last time."""
        return _PutOff(self.failures + 1, now + min(FIRST_PAUSE * 2**self.failures, LONGEST_PAUSE))


class Ticker:
    """Acts like a command for each timer that is due, the longest due first.

    A timer's row goes in the transaction of what it led to, and is looked at after the aggregates were loaded: so
    whoever was faster, another ticker or a person, has left a newer version of the aggregate or no row. What fails is
    tried again after a growing pause and holds up no other timer. Counts by name of timer: `fired` (`late` of them
    more than a minute after their time), `dropped` (nothing was left to do), `refused`, `failed`. Used by one thread.
    """

    def __init__(
        self,
        application: Application,
        timers: Timers,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ):
        names = [timer.name for timer in timers]
        self.fired, self.late, self.dropped = (dict.fromkeys(names, 0) for _ in range(3))
        self.refused, self.failed = (dict.fromkeys(names, 0) for _ in range(2))
        self._application = application
        self._timers = timers
        self._clock = clock
        self._monotonic = monotonic
        self._put_off: dict[Due, _PutOff] = {}

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Fire until told to stop, calling `beat` at each turn; a broken log ends it with an error."""
        while not stop.is_set():
            beat()
            if not self.fire_next():
                stop.wait(POLL_EVERY)

    def fire_next(self) -> bool:
        """Fire the timer that has been due the longest; False if none is, or all that are rest after a failure."""
        now = self._clock()
        self._forget_rested()
        due = min(self._due(now), key=lambda due: due.due_at, default=None)
        if due is None:
            return False
        self._fire(due, now)
        return True

    def overdue(self) -> timedelta:
        """Tell for how long the oldest timer has been due; no time if none is."""
        now = self._clock()
        firsts = [timer.table.c.due_at for timer in self._timers]
        found = [self._application.query(select(func.min(column).label("due_at")))[0]["due_at"] for column in firsts]
        return max((now - due_at for due_at in found if due_at and due_at < now), default=timedelta(0))

    def _due(self, now: datetime) -> Iterator[Due]:
        """Give of each timer the one that has been due the longest, of those that do not rest."""
        for timer in self._timers:
            running = timer.table.c
            oldest = select(timer.table).where(running.due_at <= now).order_by(running.due_at)
            rows = self._application.query(oldest.limit(1 + len(self._put_off)))
            ready = (due for row in rows if not self._rests(due := Due.of(timer, row)))
            yield from [*ready][:1]

    def _fire(self, due: Due, now: datetime) -> None:
        try:
            self._carry_out(due, now)
        except Exception as error:
            if isinstance(error, LogUnavailable) and not isinstance(error, Interrupted):
                raise
            name = due.timer.name
            log.warning("timer-failed", timer=name, set_by=due.set_by, error=type(error).__name__, exc_info=True)
            self.failed[name] += 1
            self._put_off[due] = self._put_off.get(due, _PutOff(0, 0.0)).again(self._monotonic())
        else:
            self._put_off.pop(due, None)

    def _carry_out(self, due: Due, now: datetime) -> None:
        for _ in range(MOST_CONFLICTS):
            try:
                self._attempt(due, now)
            except VersionConflict:
                continue
            return
        raise _NoEndOfConflicts(f"{MOST_CONFLICTS} times somebody else was faster")

    def _attempt(self, due: Due, now: datetime) -> None:
        cause = self._cause_of(due)
        firing = Firing(self._application, self._timers.service, due, cause, now)
        counted = self.fired
        try:
            due.timer.act(due.aggregate_id, firing)
            changed = firing.changed
        except (Refused, NotFound) as refusal:
            counted, changed = self.refused, self._refusal(firing, cause, due, str(refusal))
        if not self._still_runs(due):
            return
        self._record(due, changed)
        self._count(counted if changed else self.dropped, due, now)

    def _record(self, due: Due, changed: list[Aggregate]) -> None:
        types = {str(event.__struct_config__.tag) for aggregate in changed for event in aggregate.pending}
        points.reached(points.TIMER_DUE, types)
        self._application.record(changed, rows=[due.gone])
        points.reached(points.TIMER_RECORDED, types)

    def _refusal(self, firing: Firing, cause: Event, due: Due, reason: str) -> list[Aggregate]:
        log.warning("timer-refused", timer=due.timer.name, set_by=due.set_by)
        if self._application.find(Refusal, refusal_id(cause, due.timer.name)) is not None:
            return []
        refused_now = replace(firing.context, occurred_at=None)
        return [Refusal.of(refused_now, cause, due.timer.name, self._timers.refused, reason)]

    def _cause_of(self, due: Due) -> Event:
        """Load the event that set the timer."""
        aggregate_id, _, version = due.set_by.rpartition("-")
        (cause,) = self._application.events.get(UUID(aggregate_id), gt=int(version) - 1, lte=int(version))
        return cause  # type: ignore[return-value]

    def _still_runs(self, due: Due) -> bool:
        same = [due.timer.table.c[name] == value for name, value in due.gone.where.items()]
        return bool(self._application.query(select(due.timer.table).where(and_(*same))))

    def _count(self, counted: dict[str, int], due: Due, now: datetime) -> None:
        counted[due.timer.name] += 1
        if counted is self.fired and now - due.due_at > LATE_AFTER:
            self.late[due.timer.name] += 1

    def _rests(self, due: Due) -> bool:
        return due in self._put_off and self._monotonic() < self._put_off[due].until

    def _forget_rested(self) -> None:
        """Forget what has long rested and was not tried again: somebody else has fired it or called it off."""
        since = self._monotonic() - LONGEST_PAUSE
        self._put_off = {due: rest for due, rest in self._put_off.items() if rest.until > since}


class _NoEndOfConflicts(Exception):
    """A timer never got its turn."""
