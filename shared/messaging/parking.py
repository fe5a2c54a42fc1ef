"""Parked events: what could not be taken, and what waits behind it; nothing is skipped."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select

from events.envelope import CloudEvent
from shared.eventlog import Application, Replace
from shared.eventlog.tables import parked


def parked_row(lane: tuple[str, int], event: CloudEvent, reason: str, waits: bool, now: datetime) -> Replace:
    """Give the row that parks an event, message and all."""
    upstream, number = lane
    place = {"upstream": upstream, "lane": number, "sequence": event.position}
    row = {
        "event_id": event.id,
        "partition": event.partitionkey,
        "event_type": event.type,
        "reason": reason,
        "waits": int(waits),
        "message": msgspec.json.encode(event),
        "parked_at": now,
    }
    return Replace(parked, place, [{**place, **row}])


def gone(upstream: str, lane: int, sequence: int) -> Replace:
    """Give the change that takes an event out of the parking."""
    return Replace(parked, {"upstream": upstream, "lane": lane, "sequence": sequence}, [])


def waits_behind(application: Application, event: CloudEvent) -> bool:
    """Tell whether an earlier event of the same patient is parked."""
    same = (parked.c.partition == event.partitionkey, parked.c.upstream == event.service)
    return bool(application.query(select(parked.c.sequence).where(*same).limit(1)))
