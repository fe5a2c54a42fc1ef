"""Parked events: what could not be taken, and what waits behind it, until it is taken; nothing is skipped here."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import RowMapping, func, select

from events.catalogue import Catalogue, UnknownType, Unreadable
from events.envelope import CloudEvent, unwrap
from shared.eventlog import Application, Move, PositionMoved, Replace
from shared.eventlog.tables import parked
from shared.messaging.alarm import may_be_safety, sound
from shared.messaging.beginnings import MOST_ENDED
from shared.messaging.outcomes import ONE_TRY, NotNow, Outcomes

LONGEST_REASON = 2000

Row = Mapping[str, Any] | RowMapping

log = structlog.get_logger(__name__)


class Kind(StrEnum):
    """Why an event is parked."""

    FAILED = "failed"
    UNREADABLE = "unreadable"
    UNKNOWN_TYPE = "unknown-type"
    ENDED_PROCESS = "ended-process"
    WAITS = "waits"


MEANINGS = {
    Kind.FAILED: "its reaction failed",
    Kind.UNREADABLE: "this version cannot read it",
    Kind.UNKNOWN_TYPE: "this version does not know its type",
    Kind.ENDED_PROCESS: "the process ended whenever it was tried",
    Kind.WAITS: "waits behind an earlier event of the same patient",
}


class PlaceTaken(Exception):
    """Another event is parked at this position: its upstream was restored since, and nothing else remembers it."""


class Parking:
    """The events that one service could not take, and those of the same patient that came after them.

    Whoever takes one insists on its row in the same transaction, so that of two who try only one has it; and only the
    first of a patient may be taken. Used by one thread.
    """

    def __init__(
        self,
        application: Application,
        catalogue: Catalogue,
        service: str,
        outcomes: Outcomes,
        clock: Callable[[], datetime],
    ):
        self._application = application
        self._catalogue = catalogue
        self._service = service
        self._outcomes = outcomes
        self._clock = clock

    def park(self, event: CloudEvent, move: Move, kind: Kind, error: Exception | None = None) -> None:
        """Put an event aside while the position moves past it.

        PositionMoved if somebody else did something with it, PlaceTaken if another event is parked at its place.
        """
        place = {"upstream": move.upstream, "lane": move.lane, "sequence": event.position}
        self._must_be_free(place, event)
        row = {
            **place,
            "event_id": event.id,
            "partition": event.partitionkey,
            "event_type": event.type,
            "message": msgspec.json.encode(event),
            "parked_at": self._clock(),
            "safety": int(may_be_safety(self._catalogue, event.type)),
            **_why(kind, error),
        }
        self._application.record((), rows=[Replace(parked, place, [row])], moves=[move])
        log.error("parked", upstream=move.upstream, lane=move.lane, event_id=event.id, type=event.type, kind=kind)
        if row["safety"]:
            sound(self._service, event, kind)

    def holds_up(self, event: CloudEvent) -> bool:
        """Tell whether an earlier event of the same patient is parked."""
        return self._first(event.service, event.partitionkey) is not None

    def retry_all(self) -> int:
        """Try each patient's parked events in order up to the first that fails; give how many were taken.

        Those whose process ended at each of the last tries are left to a person's command.
        """
        return sum(self._retry(upstream, partition, MOST_ENDED) for upstream, partition in self.patients())

    def retry_freed(self) -> int:
        """Try what waits behind an event that is gone; give how many were taken."""
        return sum(self._retry(upstream, partition, MOST_ENDED) for upstream, partition in self.patients(freed=True))

    def retry(self, upstream: str, partition: UUID) -> int:
        """Try one patient's parked events in order up to the first that fails, whatever happened before.

        Gives how many were taken.
        """
        return self._retry(upstream, partition, None)

    def patients(self, freed: bool = False) -> Iterator[tuple[str, UUID]]:
        """Give upstream and patient of all that is parked, the longest first; `freed`: where the first only waits."""
        each = (parked.c.upstream, parked.c.partition)
        found = select(*each).group_by(*each).order_by(func.min(parked.c.parked_at))
        if freed:
            found = found.having(func.min(parked.c.waits) == 1)
        for row in self._application.query(found):
            yield row["upstream"], row["partition"]

    def _must_be_free(self, place: Mapping[str, object], event: CloudEvent) -> None:
        there = select(parked.c.event_id).where(*(parked.c[name] == value for name, value in place.items()))
        for row in self._application.query(there):
            if row["event_id"] != event.id:
                raise PlaceTaken(
                    f"at position {event.position} {row['event_id']} is parked, of its log as it was before"
                )

    def _first(self, upstream: str, partition: UUID) -> RowMapping | None:
        mine = select(parked).where(parked.c.upstream == upstream, parked.c.partition == partition)
        rows = self._application.query(mine.order_by(parked.c.sequence).limit(1))
        return rows[0] if rows else None

    def _retry(self, upstream: str, partition: UUID, most_ended: int | None) -> int:
        taken = 0
        while (row := self._first(upstream, partition)) is not None:
            if most_ended is not None and (row["unended"] or 0) >= most_ended:
                break
            try:
                if not self._try(row):
                    break
                taken += 1
            except PositionMoved:
                continue  # somebody else has taken it, or skipped it
        return taken

    def _try(self, row: Row) -> bool:
        event = unwrap(bytes(row["message"]))
        self._outcomes.beat()
        try:
            fact = self._outcomes.read(event)
            row = self._change(row, unended=(row["unended"] or 0) + 1)
            self._outcomes.carry_out(fact, rows=[gone(row)], envelope=event, tries=ONE_TRY)
        except (Unreadable, NotNow) as error:
            kind = kind_of(error)
            self._change(row, **_why(kind, error), unended=0)
            log.warning("still-parked", upstream=row["upstream"], event_id=event.id, kind=kind)
            if row["safety"]:
                sound(self._service, event, kind)
            return False
        log.info("parked-taken", upstream=row["upstream"], event_id=event.id)
        return True

    def _change(self, row: Row, **changed: Any) -> Row:
        """Change a row and give it, if it is still there: PositionMoved if not."""
        new = {**row, **changed}
        if new != dict(row):
            self._application.record((), rows=[Replace(parked, gone(row).where, [new], must_match=True)])
        return new


def gone(row: Row) -> Replace:
    """Give the change that takes an event out of the parking; PositionMoved at the commit if somebody else did so."""
    return Replace(parked, {name: row[name] for name in ("upstream", "lane", "sequence")}, [], must_match=True)


def kind_of(error: Exception) -> Kind:
    """Tell for which of the reasons an event is parked that this error kept out."""
    if isinstance(error, UnknownType):
        return Kind.UNKNOWN_TYPE
    return Kind.UNREADABLE if isinstance(error, Unreadable) else Kind.FAILED


def kind_in(row: RowMapping) -> Kind:
    """Tell why a parked event is parked; earlier versions only noted whether it waits."""
    if row["kind"]:
        return Kind(row["kind"])
    return Kind.WAITS if row["waits"] else Kind.FAILED


def _why(kind: Kind, error: Exception | None) -> dict[str, object]:
    return {"kind": kind, "waits": int(kind is Kind.WAITS), "reason": _reason(kind, error)}


def _reason(kind: Kind, error: Exception | None) -> str:
    """Say in a first line, which quotes nothing, why it is parked; then what the error says, as a traceback ends."""
    if error is None:
        return MEANINGS[kind]
    cause = error.__cause__ if isinstance(error, NotNow) and error.__cause__ else error
    said = traceback.format_exception_only(cause)[-1]
    text = f"{MEANINGS[kind]}{_place(cause) if kind is Kind.FAILED else ''}\n{said.strip()}"
    # What an error quotes may be more than a text column takes.
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST_REASON]


def _place(error: BaseException) -> str:
    frames: Sequence[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    where = f" in {ours[-1].name} ({Path(ours[-1].filename).name}, line {ours[-1].lineno})" if ours else ""
    return f": {type(error).__name__}{where}"
