"""How a consumer stands to its upstreams' epochs, and where it may go on behind a log that was restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlalchemy import func, select

from events.base import event_id
from shared.eventlog import LogRecorder, Position
from shared.eventlog.backup import known_epochs
from shared.eventlog.tables import events
from shared.messaging.feed import HeadsView, Page, heads, page


class Stands(StrEnum):
    """How a position stands to its upstream's log."""

    FINE = "fine"
    OTHER_EPOCH = "the log has another epoch than the one that it was taken from"
    AHEAD = "more was taken than the log holds"
    OTHER_EVENT = "another event stands where the last one was taken"


class Followed(Protocol):
    """A log that can be followed: by its feed (a FeedClient), or opened (an OpenLog)."""

    def heads(self) -> HeadsView:
        """Give its heads."""

    def read(self, after: int, lane: int | None = None, limit: int = ...) -> Page:
        """Give a page of it."""


@dataclass(frozen=True)
class OpenLog:
    """A log that is opened here, read as its feed would give it."""

    service: str
    recorder: LogRecorder

    def heads(self) -> HeadsView:
        """Give its heads."""
        return heads(self.recorder)

    def read(self, after: int, lane: int | None = None, limit: int = 500) -> Page:
        """Give a page of it."""
        return page(self.service, self.recorder, after, limit, lane)


def standing_of(taken: Mapping[int, Position], upstream: Followed) -> dict[int, Stands]:
    """Tell of each lane that a consumer has taken anything of whether it can go on; FeedUnavailable if nobody can."""
    now = upstream.heads()
    return {lane: _stands(position, lane, now, upstream) for lane, position in sorted(taken.items())}


def what_to_do(consumer: str, upstream: str, stands: Stands) -> str:
    """Say in a sentence what an operator is to do about lanes that stand so; empty if nothing."""
    if stands is Stands.FINE:
        return ""
    if stands is Stands.OTHER_EPOCH:
        return f"see what `caretrail reconcile {consumer} {upstream}` would do, then let it, with --yes and --reason"
    return (
        f"the log of {upstream} was put back by other means than `caretrail restore`: stop {upstream}, run "
        f"`caretrail new-epoch {upstream}`, then `caretrail reconcile {consumer} {upstream}`"
    )


def _stands(position: Position, lane: int, now: HeadsView, upstream: Followed) -> Stands:
    if position.epoch != now.epoch:
        return Stands.OTHER_EPOCH
    if position.sequence > now.lanes[lane]:
        return Stands.AHEAD
    found = upstream.read(position.sequence - 1, lane, 1).events
    return Stands.FINE if found and found[0].id == position.event_id else Stands.OTHER_EVENT


# Going on


class CannotReconcile(Exception):
    """Nobody can tell from the logs where a consumer is to go on; the message says why and what to do."""


@dataclass(frozen=True)
class Step:
    """Where a consumer stands in one lane of an earlier epoch, and where it goes on; `after` None: at the beginning."""

    lane: int
    before: Position
    after: Position | None

    @property
    def behind(self) -> int:
        """The position behind which it goes on."""
        return self.after.sequence if self.after else 0


def steps_back(consumer: LogRecorder, upstream: str, log: LogRecorder) -> list[Step]:
    """Find the last common event of every lane that stands in an earlier epoch of a restored log.

    Empty if there is nothing to do. CannotReconcile if the log does not know the epoch, or not the event.
    """
    epoch = log.epoch()
    with log.reading() as connection:
        known = known_epochs(connection)
    earlier = {lane: at for lane, at in consumer.positions(upstream).items() if at.epoch != epoch}
    return [_step(upstream, log, epoch, known, lane, at) for lane, at in sorted(earlier.items())]


def _step(upstream: str, log: LogRecorder, epoch: UUID, known: Mapping[UUID, int], lane: int, before: Position) -> Step:
    shared = known.get(before.epoch)
    if shared is None:
        raise CannotReconcile(
            f"the log of {upstream} does not know the epoch {before.epoch}, so it cannot be told what both have in "
            f"common: restore {upstream} from a backup that was made of that log, or all services together"
        )
    after = _last_of(log, epoch, lane, min(before.sequence, shared))
    if before.sequence <= shared and (after is None or after.event_id != before.event_id):
        raise CannotReconcile(
            f"{before.event_id}, taken at {before.sequence}, does not stand there in the log of {upstream}: "
            "it is another log, or was changed"
        )
    return Step(lane, before, after)


def _last_of(log: LogRecorder, epoch: UUID, lane: int, until: int) -> Position | None:
    last = select(func.max(events.c.position)).where(events.c.lane == lane, events.c.position <= until)
    for row in log.query(select(events).where(events.c.position == last.scalar_subquery())):
        return Position(epoch, row["position"], event_id(row["originator_id"], row["originator_version"]))
    return None
