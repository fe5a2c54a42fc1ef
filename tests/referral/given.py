"""Referrals by state: a history of events as it would have been recorded, loaded for somebody to act on."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from events.base import Actor, Event
from events.referral import (
    DeclineReason,
    ReferralAccepted,
    ReferralAcknowledged,
    ReferralCancelled,
    ReferralCompleted,
    ReferralDeclined,
    ReferralReceived,
    ReferralReported,
    ReferralRequested,
)
from events.terms import CareRole, ClearanceOutcome, Priority, ReferralKind
from services.referral.domain import Referral, Report, Status, Step
from shared.eventlog.aggregate import Context

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FRIDAY = date(2026, 11, 27)
PATIENT = UUID("0a7ae1d6-3a1e-4c0f-9a53-6f1f4c1b2a01")
REFERRAL = UUID("5b0c9a52-7f7b-4d38-8a0e-2f4f0d3f5c02")
SCREENING = UUID("9d5d2c11-53a5-4b6e-8e8e-1c7f6a9b3d03")
CONVERSATION = UUID("c1f4b7de-6f5c-4f0a-b5a1-7d2e8c9a4e04")

COORDINATOR = Actor(id="kim", role="care-coordinator")
REQUESTER = Actor(id="erin", role="exercise-physiologist")
PHYSICIAN = Actor(id="paula", role="physician")
OTHER_PHYSICIAN = Actor(id="peter", role="physician")
THERAPIST = Actor(id="tess", role="psychotherapist")

CLEARED = Report(outcome=ClearanceOutcome.CLEARED, valid_until=date(2027, 11, 22))
REQUESTED = {
    "kind": ReferralKind.PHYSICIAN_CLEARANCE,
    "priority": Priority.ROUTINE,
    "requested_by": REQUESTER.id,
    "about": SCREENING,
    "reason": "Chest pain on stairs last year, never looked at.",
}
_RECEIVED = (ReferralReceived, {"received_by": PHYSICIAN.id})
_ACCEPTED = (
    ReferralAccepted,
    {"accepted_by": PHYSICIAN.id, "role": CareRole.PHYSICIAN, "first_visit_due": FRIDAY},
)
_REPORTED = (ReferralReported, {"about": SCREENING, "reported_by": PHYSICIAN.id, "outcome": ClearanceOutcome.CLEARED})
_COMPLETED = (ReferralCompleted, {"completed_by": PHYSICIAN.id})
HISTORIES: dict[Status, tuple[tuple[type[Event], dict[str, Any]], ...]] = {
    Status.REQUESTED: (),
    Status.RECEIVED: (_RECEIVED,),
    Status.ACCEPTED: (_RECEIVED, _ACCEPTED),
    Status.DECLINED: (
        _RECEIVED,
        (ReferralDeclined, {"declined_by": PHYSICIAN.id, "reason": DeclineReason.CAPACITY}),
    ),
    Status.REPORTED: (_RECEIVED, _ACCEPTED, _REPORTED),
    Status.COMPLETED: (_RECEIVED, _ACCEPTED, _REPORTED, _COMPLETED),
    Status.ACKNOWLEDGED: (
        _RECEIVED,
        _ACCEPTED,
        _REPORTED,
        _COMPLETED,
        (ReferralAcknowledged, {"acknowledged_by": REQUESTER.id}),
    ),
    Status.CANCELLED: ((ReferralCancelled, {"cancelled_by": REQUESTER.id, "reason": "Asked by mistake."}),),
}
HOLD_A_KIND = (ReferralAccepted, ReferralReported)


def context(actor: Actor = COORDINATOR, now: datetime = MONDAY) -> Context:
    """What the application would hand over for a request of this person."""
    return Context(actor=actor, now=now, correlation_id=CONVERSATION, causation_id="a-request")


def happened(
    event_class: type[Event],
    version: int = 1,
    *,
    originator_id: UUID = REFERRAL,
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


def history(status: Status = Status.REQUESTED, **requested: Any) -> list[Event]:
    """The events that brought a referral to a status, a minute apart and the last of them now."""
    request = {**REQUESTED, **requested}
    facts = [(ReferralRequested, request), *HISTORIES[status]]
    started = MONDAY - timedelta(minutes=len(facts) - 1)
    return [
        happened(
            event_class,
            version,
            occurred_at=started + timedelta(minutes=version - 1),
            **({"kind": request["kind"]} if event_class in HOLD_A_KIND else {}),
            **fields,
        )
        for version, (event_class, fields) in enumerate(facts, start=1)
    ]


def a_referral(status: Status = Status.REQUESTED, *, seen_by: Actor = REQUESTER, **requested: Any) -> Referral:
    """A referral at a status, loaded for this person to act on."""
    return loaded(history(status, **requested), seen_by)


def loaded(events: Iterable[Event], seen_by: Actor = REQUESTER) -> Referral:
    """A referral with this history."""
    referral = Referral.load(events, context(seen_by))
    assert referral is not None
    return referral


def take(referral: Referral, step: Step) -> None:
    """Take a step with words that fit it."""
    match step:
        case Step.RECEIVE:
            referral.receive()
        case Step.ACCEPT:
            referral.accept(FRIDAY)
        case Step.DECLINE:
            referral.decline(DeclineReason.CAPACITY)
        case Step.REPORT:
            referral.file(CLEARED)
        case Step.COMPLETE:
            referral.complete()
        case Step.ACKNOWLEDGE:
            referral.acknowledge()
        case Step.CANCEL:
            referral.cancel("Asked by mistake.")
