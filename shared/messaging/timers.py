"""Whenever a time has passed: the declared timers of one service, and the worklists that hold what they wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Column, MetaData, RowMapping, String, Table, Uuid

from events.base import Actor, Event, ReactionRefused
from shared.eventlog import Application, Context, Replace, UtcDateTime
from shared.messaging.reaction import Acting

Act = Callable[[UUID, Any], None]
F = TypeVar("F", bound=Callable[..., None])


def timer_table(name: str, metadata: MetaData, comment: str) -> Table:
    """Declare a worklist of running timers: at most one for each aggregate, due at a moment, set by an event (its id).

    The aggregate's own rows: a timer that is called off, or set anew, is another row or none.
    """
    return Table(
        name,
        metadata,
        Column("aggregate_id", Uuid, primary_key=True),
        Column("due_at", UtcDateTime, nullable=False, index=True),
        Column("set_by", String(60), nullable=False),
        comment=comment,
    )


@dataclass(frozen=True)
class Timer:
    """One kind of timer: its name is the sentence, `table` holds those that run, `records` what it may lead to."""

    name: str
    table: Table
    records: tuple[type[Event], ...]
    act: Act


class Timers:
    """All timers of one service; `refused` is its own event for what a rule refuses a timer."""

    def __init__(self, service: str, refused: type[ReactionRefused]):
        self.service = service
        self.refused = refused
        self._timers: list[Timer] = []

    def when_due(self, table: Table, *, records: Iterable[type[Event]]) -> Callable[[F], F]:
        """Declare a timer: `timer(aggregate_id, firing)` changes aggregates; what it changes is saved for it.

        It must change the aggregate whose time has passed, or do nothing where that calls for nothing any more: so a
        person's command at the same moment and the timer cannot both have it their way.
        """

        def declare(act: F) -> F:
            self._timers.append(Timer(act.__name__, table, tuple(records), act))
            return act

        return declare

    def __iter__(self) -> Iterator[Timer]:
        return iter(self._timers)


@dataclass(frozen=True)
class Due:
    """One timer whose time has passed."""

    timer: Timer
    aggregate_id: UUID
    due_at: datetime
    set_by: str

    @classmethod
    def of(cls, timer: Timer, row: RowMapping) -> Due:
        """Read it from its worklist."""
        return cls(timer, row["aggregate_id"], row["due_at"], row["set_by"])

    @property
    def gone(self) -> Replace:
        """The change that takes it off its worklist; one that was set anew since stays there."""
        row = {"aggregate_id": self.aggregate_id, "due_at": self.due_at, "set_by": self.set_by}
        return Replace(self.timer.table, row, [])


class Firing(Acting):
    """What a timer works with: it acts now, for nobody, and what it records was true at `due_at`."""

    def __init__(self, application: Application, service: str, due: Due, cause: Event, now: datetime):
        super().__init__(application, due.timer.name, _context(service, due, cause, now))
        self.due_at = due.due_at


def _context(service: str, due: Due, cause: Event, now: datetime) -> Context:
    return Context(
        actor=Actor(id=f"timer:{service}.{due.timer.name}", role="service"),
        now=now,
        occurred_at=due.due_at,
        correlation_id=cause.correlation_id,
        causation_id=cause.event_id,
        floor=cause.recorded_at or None,
    )
