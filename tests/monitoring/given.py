"""Plans and alerts by state: a history of events as it would have been recorded, loaded for somebody to act on."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from events.base import Actor, Event
from events.monitoring import (
    AlertAcknowledged,
    AlertRaised,
    AlertResolved,
    PlanClosed,
    PlanOpened,
    PlanPaused,
    Session,
)
from events.terms import AlertLevel
from services.monitoring.domain import Alert, MonitoringPlan, Standing, Status, plan_id
from shared.eventlog.aggregate import Context

START = date(2026, 11, 23)
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SATURDAY = MONDAY + timedelta(days=5)
"""Five days into the program: what most tests call now."""

PATIENT = UUID("0a7ae1d6-3a1e-4c0f-9a53-6f1f4c1b2a01")
PROGRAM = UUID("3a2c8b55-7a1f-4b62-8d2e-9a3c4d5e6f02")
PLAN = plan_id(PROGRAM)
ALERT = UUID("6d1e9b63-8c8c-4e49-9b1f-3a5b4c6d7e03")
CONVERSATION = UUID("c1f4b7de-6f5c-4f0a-b5a1-7d2e8c9a4e04")

COORDINATOR = Actor(id="kim", role="care-coordinator")
PHYSIOLOGIST = Actor(id="erin", role="exercise-physiologist")
PATIENT_THEMSELVES = Actor(id="pat", role="patient")
POLICY = Actor(id="policy:monitoring.some_policy", role="service", on_behalf_of="kim")

OPENED = {
    "program_id": PROGRAM,
    "revision": 1,
    "starts_on": START,
    "sessions_per_week": 3,
    "minutes_per_week": 90,
    "check_in_every_days": 7,
    "phq9_every_days": 14,
    "phq9_later_every_days": 28,
    "phq9_later_after_week": 8,
    "time_zone": "UTC",
    "language": "en-US",
    "rules_version": "2026-11-23",
}
RAISED = {
    "level": AlertLevel.E0,
    "trigger": "EMERGENCY_SIGN",
    "signs": ("RF_CHEST",),
    "plan_id": PLAN,
    "cause": f"{PLAN}-2",
    "acknowledge_by": MONDAY + timedelta(minutes=15),
    "review_by": MONDAY,
    "rules_version": "2026-11-23",
}
PLAN_HISTORIES: dict[Status, tuple[tuple[type[Event], dict[str, Any]], ...]] = {
    Status.ACTIVE: (),
    Status.ON_HOLD: ((PlanPaused, {}),),
    Status.COMPLETED: ((PlanClosed, {}),),
    Status.REVOKED: ((PlanClosed, {"discontinued": True}),),
}
_ACKNOWLEDGED = (AlertAcknowledged, {"acknowledged_by": "erin"})
ALERT_HISTORIES: dict[Standing, tuple[tuple[type[Event], dict[str, Any]], ...]] = {
    Standing.OPEN: (),
    Standing.ACKNOWLEDGED: (_ACKNOWLEDGED,),
    Standing.RESOLVED: (_ACKNOWLEDGED, (AlertResolved, {"resolved_by": "erin", "reason": "Seen; a pulled muscle."})),
}

NO_ITEM_9 = (2, 2, 1, 2, 1, 2, 1, 1, 0)
"""A PHQ-9 of 12 without thoughts of death."""


def context(actor: Actor = PHYSIOLOGIST, now: datetime = SATURDAY, occurred_at: datetime | None = None) -> Context:
    """What the application would hand over for a request of this person."""
    return Context(actor=actor, now=now, occurred_at=occurred_at, correlation_id=CONVERSATION, causation_id="a-request")


def happened(
    event_class: type[Event],
    version: int = 1,
    *,
    originator_id: UUID = PLAN,
    occurred_at: datetime = MONDAY,
    actor: Actor = COORDINATOR,
    **fields: Any,
) -> Any:
    """An event as another person's request would have recorded it."""
    return event_class(
        originator_id=originator_id,
        originator_version=version,
        occurred_at=occurred_at,
        patient_id=PATIENT,
        actor=actor,
        correlation_id=CONVERSATION,
        causation_id="an-earlier-request",
        **fields,
    )


def in_order(facts: Iterable[tuple[type[Event], dict[str, Any]]], originator_id: UUID) -> list[Event]:
    """The history that these facts make, all of Monday morning."""
    return [
        happened(event_class, version, originator_id=originator_id, **fields)
        for version, (event_class, fields) in enumerate(facts, start=1)
    ]


def a_plan(status: Status = Status.ACTIVE, *, seen_at: Context | None = None, **opened: Any) -> MonitoringPlan:
    """A plan at a status, loaded to be acted on five days into the program unless told otherwise."""
    facts = [(PlanOpened, {**OPENED, **opened}), *PLAN_HISTORIES[status]]
    plan = MonitoringPlan.load(in_order(facts, PLAN), seen_at or context())
    assert plan is not None
    return plan


def an_alert(standing: Standing = Standing.OPEN, *, seen_at: Context | None = None, **raised: Any) -> Alert:
    """An alert at a standing, loaded for a member of the team to act on."""
    facts = [(AlertRaised, {**RAISED, **raised}), *ALERT_HISTORIES[standing]]
    alert = Alert.load(in_order(facts, ALERT), seen_at or context(now=MONDAY + timedelta(minutes=10)))
    assert alert is not None
    return alert


def at(plan: MonitoringPlan, now: datetime, occurred_at: datetime | None = None) -> MonitoringPlan:
    """The same plan, later."""
    plan.context = context(now=now, occurred_at=occurred_at)
    return plan


def a_session(day: date = START, minutes: int = 30) -> Session:
    """A session of exercise."""
    return Session(done_on=day, minutes=minutes, rpe=12, activity="17200")


def recorded(aggregate: MonitoringPlan | Alert) -> list[str]:
    """The names of what was recorded since it was loaded."""
    return [type(event).__name__ for event in aggregate.pending]
