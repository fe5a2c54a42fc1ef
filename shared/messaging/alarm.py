"""The alarm: an event whose delay may cost a life is parked, or waits behind one that is."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy import func, select

from events.catalogue import Catalogue
from events.envelope import CloudEvent
from shared.eventlog import LogRecorder
from shared.eventlog.tables import parked

log = structlog.get_logger(__name__)


class SafetyWaiting(NamedTuple):
    """How many safety events one service has not taken, and since when the oldest waits (None: there is none)."""

    number: int
    since: datetime | None


def may_be_safety(catalogue: Catalogue, type_name: str) -> bool:
    """Tell whether events of a type may be safety events, in whichever version; of an unknown type nobody can tell."""
    stem = _stem(type_name)
    known = [cls for cls in catalogue if _stem(catalogue.name_of(cls)) == stem]
    return not known or any(cls.safety for cls in known)


def _stem(type_name: str) -> str:
    return type_name.rpartition(".v")[0]


def sound(service: str, event: CloudEvent, kind: str) -> None:
    """Write the alarm into this process's log: ids only."""
    log.critical(
        "safety-event-waits",
        service=service,
        upstream=event.service,
        position=event.position,
        event_id=event.id,
        type=event.type,
        kind=kind,
    )


def safety_waiting(recorder: LogRecorder) -> SafetyWaiting:
    """Count the safety events that are parked in a service's log, or wait behind parked ones."""
    with recorder.reading() as connection:
        waiting = select(func.count(), func.min(parked.c.parked_at)).where(parked.c.safety == 1)
        number, since = connection.execute(waiting).one()
    return SafetyWaiting(number, since)
