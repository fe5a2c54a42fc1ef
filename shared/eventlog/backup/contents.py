"""What a copied log holds, its epochs, and what they mean to those who follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, func, insert, inspect, select, update

from shared.eventlog.commit import Position
from shared.eventlog.tables import earlier_epochs, events, log_state, positions


@dataclass(frozen=True)
class Contents:
    """A log's epoch and last position, and how far its service has come in each (upstream, lane)."""

    epoch: UUID
    head: int
    positions: Mapping[tuple[str, int], Position]


def contents_of(connection: Connection) -> Contents:
    """Read them."""
    taken = {
        (row.upstream, row.lane): Position(row.epoch, row.sequence, row.event_id)
        for row in connection.execute(select(positions))
    }
    epoch = connection.scalars(select(log_state.c.epoch)).one()
    return Contents(epoch, _head(connection), taken)


def _head(connection: Connection) -> int:
    return connection.scalar(select(func.max(events.c.position))) or 0


def known_epochs(connection: Connection) -> dict[UUID, int]:
    """Give every epoch that a log knows, and the last position that it shares with it: its own up to its head."""
    known: dict[UUID, int] = {}
    if inspect(connection).has_table(earlier_epochs.name):
        known = {row.epoch: row.shared_until for row in connection.execute(select(earlier_epochs))}
    epoch: UUID = connection.scalars(select(log_state.c.epoch)).one()
    return {**known, epoch: _head(connection)}


def renew_epoch(connection: Connection, replaced: Mapping[UUID, int], now: datetime) -> UUID:
    """Begin a new epoch in a log that was put back, and keep how far it shares the earlier ones.

    `replaced` are the known epochs of the log whose place it takes: both share what they share of any epoch.
    """
    known = known_epochs(connection)
    shared = max((min(until, known[epoch]) for epoch, until in replaced.items() if epoch in known), default=None)
    if shared is not None:
        known = {**{epoch: min(until, shared) for epoch, until in replaced.items()}, **known}
    renewed = uuid4()
    earlier_epochs.create(connection, checkfirst=True)
    connection.execute(delete(earlier_epochs))
    rows = [{"epoch": epoch, "shared_until": until, "ended_at": now} for epoch, until in known.items()]
    connection.execute(insert(earlier_epochs), rows)
    connection.execute(update(log_state).values(epoch=renewed))
    return renewed


def follow_epoch(connection: Connection, upstream: str, old: UUID, new: UUID) -> None:
    """Let a consumer that was put back together with its upstream go on in the upstream's new epoch."""
    here = (positions.c.upstream == upstream, positions.c.epoch == old)
    connection.execute(update(positions).where(*here).values(epoch=new))
