"""What a service took of an upstream whose restored log no longer holds it, and what that led to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, func, select

from events.base import Event
from events.vocabulary import CATALOGUE
from services.history.application import History
from services.history.worklists import lost_facts, timeline
from shared.eventlog import Application, LoggedEvent, LogRecorder
from shared.eventlog.mapper import CatalogueMapper
from shared.eventlog.tables import events
from shared.messaging.epochs import Step
from shared.messaging.reconciling import parked_beyond
from shared.service import Service

PAGE = 1000


@dataclass
class Lost:
    """An event that was taken, as far as anybody still knows it, and what the consumer recorded because of it."""

    id: str
    type: str = ""
    recorded_at: datetime | None = None
    patient_id: UUID | None = None
    is_parked: bool = False
    led_to: list[str] = field(default_factory=list)


def lost_events(
    service: Service, application: Application, upstream: str, log: LogRecorder, steps: Sequence[Step], history: History
) -> list[Lost]:
    """List what the consumer took beyond the last common events: from history's copies, its parking and its own log."""
    beyond = {step.lane: step.behind for step in steps if step.before.sequence > step.behind}
    if not beyond:
        return []
    found: dict[str, Lost] = {}
    for row in _copies(history, upstream, steps):
        found[row["event_id"]] = Lost(row["event_id"], row["type"], row["recorded_at"], row["patient_id"])
    for row in parked_beyond(application.recorder, upstream, steps):
        lost = found.setdefault(row["event_id"], Lost(row["event_id"], row["event_type"]))
        lost.is_parked = True
    for effect in _effects(service, application, upstream, log, min(beyond.values())):
        lost = found.setdefault(effect.causation_id, Lost(effect.causation_id))
        lost.led_to.append(f"{CATALOGUE.name_of(type(effect))} {effect.event_id}")
    return list(found.values())


def _copies(history: History, upstream: str, steps: Sequence[Step]) -> Iterator[RowMapping]:
    """Find history's copies of what the consumer took in the earlier epochs."""
    taken = {(step.lane, step.before.epoch): step.before.sequence for step in steps}
    behind = {step.lane: step.behind for step in steps}
    for table in (timeline, lost_facts):
        for row in history.beyond(table, upstream, behind):
            if row["position"] <= taken.get((row["lane"], row["epoch"]), 0):
                yield row


def _effects(
    service: Service, application: Application, upstream: str, log: LogRecorder, behind: int
) -> Iterator[Event]:
    """Read what the consumer's policies recorded because of events that the upstream's log does not hold."""
    mine = {f"policy:{service.name}.{policy.name}" for policy in service.policies if _is_of(upstream, policy.on)}
    mapper = CatalogueMapper(CATALOGUE)
    for logged in _since(application.recorder, _recorded_at(log, behind)):
        fact = mapper.to_domain_event(logged)
        if fact.actor.id in mine and not _holds(log, fact.causation_id, logged.recorded_at):
            yield fact


def _is_of(upstream: str, event_class: type[Event]) -> bool:
    return str(event_class.__struct_config__.tag).startswith(f"caretrail.{upstream}.")


def _recorded_at(log: LogRecorder, position: int) -> datetime | None:
    rows = log.query(select(events.c.recorded_at).where(events.c.position == position))
    return rows[0]["recorded_at"] if rows else None


def _since(recorder: LogRecorder, moment: datetime | None) -> Iterator[LoggedEvent]:
    """Read a log from a moment on: no effect was recorded before its cause."""
    after = 0
    if moment is not None:
        last = select(func.max(events.c.position).label("last")).where(events.c.recorded_at <= moment)
        after = recorder.query(last)[0]["last"] or 0
    while found := recorder.read(after, PAGE):
        yield from found
        after = found[-1].position


def _holds(log: LogRecorder, event_id: str, before: datetime) -> bool:
    """Tell whether a log holds an event, and did so before a moment: its id may be given anew after a restore."""
    originator_id, _, version = event_id.rpartition("-")
    found = log.select_events(UUID(originator_id), gt=int(version) - 1, lte=int(version))
    return any(event.recorded_at < before for event in found)
