"""What can be asked of history: a timeline, and the whole patient as of a moment or a vector of positions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, Select, Table, and_, false, func, or_, select

from events.base import Event, lane_of
from services.history.domain import PatientRecord, own_fields
from services.history.worklists import lost_facts, timeline
from shared.eventlog import Application, NotFound, Refused, Replace
from shared.messaging import REFUSED_REACTIONS, FeedClient, FeedUnavailable, HeadsView, Refusal

VECTOR = re.compile(r"[a-z]+:[0-9]{1,18}(,[a-z]+:[0-9]{1,18})*")

Vector = Mapping[str, int]
"""Service -> the last position of the patient's lane in that service's log that an answer rests on."""


class BadVector(Refused):
    """The vector is not one that history gave."""


@dataclass(frozen=True)
class RecordAsOf:
    """The whole patient as recorded up to a moment.

    The same `vector` gives the same record for ever. `complete` says that no fact recorded up to `as_of` is missing;
    `behind` names the services of which that cannot be said yet.
    """

    as_of: datetime
    vector: str
    complete: bool
    behind: tuple[str, ...]
    record: Mapping[str, Any]


class History(Application):
    """Read models over every service's facts."""

    aggregates = (Refusal,)
    worklists = (REFUSED_REACTIONS,)
    feeds: Mapping[str, FeedClient] = {}

    def follow(self, feeds: Mapping[str, FeedClient]) -> None:
        """Take the readers of the upstreams' feeds: their heads tell whether an answer is complete."""
        self.feeds = feeds

    # Timeline

    def timeline(self, patient_id: UUID, until: datetime | None = None) -> Select[Any]:
        """Select a patient's facts."""
        mine = select(timeline).where(timeline.c.patient_id == patient_id)
        return mine if until is None else mine.where(timeline.c.recorded_at <= until)

    def fact(self, row: RowMapping) -> Event:
        """Open the fact in a row."""
        return self._catalogue.decode(row["type"], bytes(row["body"]))

    def says(self, row: RowMapping) -> dict[str, Any]:
        """Give a fact's own fields as plain values."""
        return own_fields(self.fact(row))

    def meaning(self, type_name: str) -> str:
        """Say in a sentence what a type of fact means."""
        text = (self._catalogue.class_of(type_name).__doc__ or "").strip()
        return text.split("\n")[0]

    # Facts that a restored log no longer holds

    def set_aside(self, upstream: str, behind: Mapping[int, int]) -> Sequence[Replace]:
        """Give the changes that take facts beyond a position of each lane out of the timeline, and keep them apart."""
        changes = []
        for row in self.beyond(timeline, upstream, behind):
            changes.append(Replace(timeline, {"event_id": row["event_id"]}, []))
            place = {name: row[name] for name in ("service", "epoch", "position")}
            changes.append(Replace(lost_facts, place, [dict(row)]))
        return changes

    def beyond(self, table: Table, upstream: str, behind: Mapping[int, int]) -> list[RowMapping]:
        """List the facts of an upstream beyond a position of each lane."""
        lanes = [and_(table.c.lane == lane, table.c.position > position) for lane, position in behind.items()]
        found = select(table).where(table.c.service == upstream, or_(false(), *lanes))
        return self.query(found.order_by(table.c.position))

    # Record

    def record_as_of(self, patient_id: UUID, as_of: datetime | None) -> RecordAsOf:
        """Give the whole patient as recorded up to a moment (the latest that can be answered, if None)."""
        heads = self._heads()
        lane = lane_of(patient_id)
        moment = as_of or self._latest(heads)
        behind = tuple(name for name in self.feeds if not self._is_final(name, heads.get(name), lane, moment))
        vector = {name: self._cut(name, lane, moment) for name in self.feeds}
        record = self._fold(patient_id, vector)
        return RecordAsOf(moment, _written(vector), not behind, behind, record)

    def record_at(self, patient_id: UUID, text: str) -> RecordAsOf:
        """Give the whole patient again as an earlier answer gave it, by its vector; BadVector if it is none of ours."""
        vector = _read(text)
        if set(vector) != set(self.feeds):
            raise BadVector("The vector must name each service once, as history gave it.", code="bad-vector")
        lane = lane_of(patient_id)
        behind = tuple(name for name, position in vector.items() if self._cut(name, lane, None) < position)
        moments = [self._recorded_at(name, lane, position) for name, position in vector.items()]
        as_of = max((moment for moment in moments if moment), default=None)
        if as_of is None:
            raise NotFound("nothing was recorded yet")
        return RecordAsOf(as_of, _written(vector), not behind, behind, self._fold(patient_id, vector))

    def _fold(self, patient_id: UUID, vector: Vector) -> Mapping[str, Any]:
        within = [
            and_(timeline.c.service == name, timeline.c.position <= position) for name, position in vector.items()
        ]
        mine = select(timeline).where(timeline.c.patient_id == patient_id, or_(false(), *within))
        order = (timeline.c.recorded_at, timeline.c.service, timeline.c.position)
        rows = self.query(mine.order_by(*order))
        if not rows:
            raise NotFound(f"nothing was recorded of patient {patient_id} up to then")
        return PatientRecord.of(self._facts(rows)).view()

    def _facts(self, rows: Sequence[RowMapping]) -> Iterable[Event]:
        for row in rows:
            fact = self.fact(row)
            msgspec.structs.force_setattr(fact, "recorded_at", row["recorded_at"])
            yield fact

    def _heads(self) -> dict[str, HeadsView | None]:
        with ThreadPoolExecutor(max_workers=len(self.feeds) or 1) as pool:
            return dict(zip(self.feeds, pool.map(_head_of, self.feeds.values()), strict=True))

    def _latest(self, heads: Mapping[str, HeadsView | None]) -> datetime:
        """Give the latest moment that every upstream has answered for."""
        answered = [head.at for head in heads.values() if head is not None]
        if not answered:
            raise NotFound("no service answers, so there is no moment to answer for")
        return min(answered)

    def _is_final(self, name: str, head: HeadsView | None, lane: int, moment: datetime) -> bool:
        return head is not None and moment <= head.at and self._taken(name, lane) >= head.lanes[lane]

    def _taken(self, name: str, lane: int) -> int:
        position = self.recorder.position(name, lane)
        return position.sequence if position else 0

    def _cut(self, name: str, lane: int, moment: datetime | None) -> int:
        mine = (timeline.c.service == name, timeline.c.lane == lane)
        last = select(func.max(timeline.c.position).label("last")).where(*mine)
        if moment is not None:
            last = last.where(timeline.c.recorded_at <= moment)
        return self.query(last)[0]["last"] or 0

    def _recorded_at(self, name: str, lane: int, position: int) -> datetime | None:
        mine = (timeline.c.service == name, timeline.c.lane == lane, timeline.c.position <= position)
        rows = self.query(select(timeline.c.recorded_at).where(*mine).order_by(timeline.c.position.desc()).limit(1))
        return rows[0]["recorded_at"] if rows else None


def _head_of(feed: FeedClient) -> HeadsView | None:
    try:
        return feed.heads()
    except FeedUnavailable:
        return None


def _written(vector: Vector) -> str:
    return ",".join(f"{name}:{position}" for name, position in sorted(vector.items()))


def _read(text: str) -> dict[str, int]:
    if not VECTOR.fullmatch(text):
        raise BadVector("The vector must look like intake:12,referral:4.", code="bad-vector")
    pairs = (pair.split(":") for pair in text.split(","))
    return {name: int(position) for name, position in pairs}
