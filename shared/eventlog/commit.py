"""What goes into a log in one transaction, and what can keep it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
from eventsourcing.persistence import IntegrityError, StoredEvent
from sqlalchemy import Table

from shared.eventlog.aggregate import RequestKey


class LogUnavailable(Exception):
    """The log cannot be written or read now (lock, disk, connection).

    A command was not kept, or nobody can tell now; repeat it later with the same Idempotency-Key.
    """


class Interrupted(LogUnavailable):
    """This command was broken off (time limit, deadlock), and nothing of it kept; the log itself works."""


class VersionConflict(IntegrityError):
    """Somebody else recorded a newer version of the same aggregate first."""


class KeyReused(IntegrityError):
    """A request with this Idempotency-Key was recorded first; look it up and give its answer."""


class PositionMoved(IntegrityError):
    """Another listener has moved this position, or taken this row; read it again and decide anew."""


@dataclass(frozen=True)
class PlacedEvent(StoredEvent):
    """A stored event with its lane and patient, ready for the log."""

    lane: int
    patient_id: UUID | None


class LoggedEvent(msgspec.Struct, frozen=True):
    """An event as the log holds it: its position, the position before it in its lane, and when it was recorded.

    Its fields stand in the order of the table's columns. Histories are long: no dataclass is made as fast.
    """

    position: int
    originator_id: UUID
    originator_version: int
    topic: str
    state: bytes
    recorded_at: datetime
    lane: int
    previous: int
    patient_id: UUID | None


@dataclass(frozen=True)
class Replace:
    """Put `rows` in the place of all rows of `table` that match `where`.

    With `must_match` it is PositionMoved if none does: somebody else took them first.
    """

    table: Table
    where: Mapping[str, object]
    rows: Sequence[Mapping[str, object]]
    must_match: bool = False


@dataclass(frozen=True)
class Position:
    """How far a consumer has come in one lane of an upstream log; sequence 0 is before the first event."""

    epoch: UUID
    sequence: int
    event_id: str


@dataclass(frozen=True)
class Move:
    """Move a consumer's position, if it still stands at `before` (None: nothing consumed yet)."""

    upstream: str
    lane: int
    before: Position | None
    after: Position


@dataclass(frozen=True)
class StoredKey:
    """A recorded Idempotency-Key and what its first request did."""

    route: str
    body_hash: bytes
    status: int
    aggregate_id: UUID
    version: int
    first_position: int
    last_position: int


@dataclass(frozen=True)
class KeyRow:
    """The row that remembers a request: its key and the version of the aggregate that it led to."""

    key: RequestKey
    aggregate_id: UUID
    version: int
    now: datetime


@dataclass(frozen=True)
class Receipt:
    """Where the events of a commit stand: positions and recorded times, in their order."""

    positions: Sequence[int] = ()
    recorded_at: Sequence[datetime] = ()


@dataclass
class Commit:
    """All or nothing: events, worklist rows, a listener's position, and the idempotency row of one command."""

    events: Sequence[PlacedEvent] = ()
    floor: datetime | None = None
    rows: Sequence[Replace] = ()
    moves: Sequence[Move] = ()
    key: KeyRow | None = None
    receipt: Receipt = field(default_factory=Receipt)

    @property
    def size(self) -> int:
        """Tell how many bytes of bodies it carries."""
        return sum(len(event.state) for event in self.events)


@dataclass(frozen=True)
class Heads:
    """A log's epoch, the last position of every lane, and a time: every event behind these is recorded after it."""

    epoch: UUID
    lanes: Sequence[int]
    at: datetime
