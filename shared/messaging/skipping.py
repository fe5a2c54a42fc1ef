"""Skipping a parked event: an operator decides, it is recorded, and a coordinator learns what does not happen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import RowMapping

from events.base import Actor, Event, ParkedEventSkipped
from events.catalogue import Catalogue, Unreadable
from events.envelope import CloudEvent, unwrap
from shared.eventlog import Aggregate, Application, Context, when
from shared.messaging.parking import gone
from shared.messaging.policies import Policies
from shared.messaging.refusals import Refusal, refusal_id

SKIPPED = "An operator skipped the event: what it would have led to is for a person to decide."


class SkippedEvent(Aggregate):
    """One event of another service that this service passed over."""

    @classmethod
    def of(cls, context: Context, row: RowMapping, patient_id: UUID | None, service: str) -> SkippedEvent:
        """Begin its history; the same event may be skipped by several services."""
        return cls(uuid5(row["partition"], f"{row['event_id']}/skipped/{service}"), context, patient_id)

    def skip(self, skipped: type[ParkedEventSkipped], row: RowMapping, reason: str) -> None:
        """Record that it is passed over, and why."""
        self.record(
            skipped,
            upstream=row["upstream"],
            position=row["sequence"],
            cause=row["event_id"],
            cause_type=row["event_type"],
            parked_at=row["parked_at"],
            parked_for=row["reason"].split("\n")[0],
            reason=reason,
        )

    @when(ParkedEventSkipped)
    def _skipped(self, event: ParkedEventSkipped) -> None:
        self.cause = event.cause


class _Whose(msgspec.Struct):
    patient_id: UUID | None


def skip(
    application: Application,
    catalogue: Catalogue,
    policies: Policies,
    row: RowMapping,
    skipped: type[ParkedEventSkipped],
    *,
    operator: str,
    reason: str,
    now: datetime,
) -> None:
    """Take an event out of the parking without taking it, and record that in the same transaction.

    Each of its policies is recorded as refused, so that it stands on the coordinator's worklist. PositionMoved or
    VersionConflict if somebody else has taken or skipped it.
    """
    event = unwrap(bytes(row["message"]))
    context = Context(
        actor=Actor(id=f"operator:{operator}", role="operator"),
        now=now,
        correlation_id=UUID(event.correlationid),
        causation_id=event.id,
        floor=event.recordedtime,
    )
    passed = SkippedEvent.of(context, row, _patient_of(event), policies.service)
    passed = application.find(SkippedEvent, passed.id, context) or passed
    passed.skip(skipped, row, reason)
    left = _left_to_a_person(application, catalogue, policies, event, context)
    application.save(passed, *left, rows=[gone(row)])


def _patient_of(event: CloudEvent) -> UUID | None:
    """Tell whose it is, even of a type that this version does not know."""
    return msgspec.json.decode(bytes(event.data), type=_Whose).patient_id


def _left_to_a_person(
    application: Application, catalogue: Catalogue, policies: Policies, event: CloudEvent, context: Context
) -> Iterator[Refusal]:
    try:
        fact: Event = catalogue.decode(event.type, bytes(event.data))
    except Unreadable:
        return
    for policy in () if fact.imported else policies.for_event(fact):
        if application.find(Refusal, refusal_id(fact, policy.name)) is None:
            yield Refusal.of(context, fact, policy.name, policies.refused, SKIPPED)
