"""The referral: who may take which step when, and what each step records."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from events.base import UNSET, Actor, Event
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
from events.terms import CareRole, ClearanceOutcome, Intensity, Priority, ReferralKind
from shared.eventlog.aggregate import Aggregate, Context, Refused, when


class Status(StrEnum):
    """Where a referral stands."""

    REQUESTED = "requested"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REPORTED = "reported"
    COMPLETED = "completed"
    ACKNOWLEDGED = "acknowledged"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What somebody may do with a referral."""

    RECEIVE = "receive"
    ACCEPT = "accept"
    DECLINE = "decline"
    REPORT = "report"
    COMPLETE = "complete"
    ACKNOWLEDGE = "acknowledge"
    CANCEL = "cancel"


class Side(StrEnum):
    """On which side of a referral somebody stands: who asked, or who is asked."""

    REQUESTER = "requester"
    PROVIDER = "provider"


@dataclass(frozen=True)
class Transition:
    """At this status this side may take this step, which leads to the next status."""

    status: Status
    step: Step
    side: Side
    leads_to: Status


TRANSITIONS = (
    Transition(Status.REQUESTED, Step.RECEIVE, Side.PROVIDER, Status.RECEIVED),
    Transition(Status.REQUESTED, Step.CANCEL, Side.REQUESTER, Status.CANCELLED),
    Transition(Status.RECEIVED, Step.ACCEPT, Side.PROVIDER, Status.ACCEPTED),
    Transition(Status.RECEIVED, Step.DECLINE, Side.PROVIDER, Status.DECLINED),
    Transition(Status.RECEIVED, Step.CANCEL, Side.REQUESTER, Status.CANCELLED),
    Transition(Status.ACCEPTED, Step.REPORT, Side.PROVIDER, Status.REPORTED),
    Transition(Status.ACCEPTED, Step.CANCEL, Side.REQUESTER, Status.CANCELLED),
    Transition(Status.REPORTED, Step.COMPLETE, Side.PROVIDER, Status.COMPLETED),
    Transition(Status.REPORTED, Step.CANCEL, Side.REQUESTER, Status.CANCELLED),
    Transition(Status.COMPLETED, Step.ACKNOWLEDGE, Side.REQUESTER, Status.ACKNOWLEDGED),
)
"""Every step that anybody may ever take. Source: HL7 Physical Activity IG 1.0.1 (referral task), with `received`
before an answer and the report before completion."""

AWAITING_REPORT = (Status.REQUESTED, Status.RECEIVED, Status.ACCEPTED)

ADDRESSED_ROLES: Mapping[ReferralKind, frozenset[CareRole]] = MappingProxyType(
    {
        ReferralKind.PHYSICIAN_CLEARANCE: frozenset({CareRole.PHYSICIAN}),
        ReferralKind.URGENT_PHYSICIAN: frozenset({CareRole.PHYSICIAN}),
        ReferralKind.MENTAL_HEALTH: frozenset({CareRole.PSYCHIATRIST, CareRole.PSYCHOTHERAPIST}),
        ReferralKind.EXERCISE_PHYSIOLOGIST: frozenset({CareRole.EXERCISE_PHYSIOLOGIST}),
        ReferralKind.BEHAVIORAL_COACH: frozenset({CareRole.BEHAVIORAL_COACH}),
    }
)
"""Whom a referral asks: any one of these roles."""

CLEARS_FOR_EXERCISE = frozenset({ReferralKind.PHYSICIAN_CLEARANCE, ReferralKind.URGENT_PHYSICIAN})
ONLY_BY_POLICY = frozenset({ReferralKind.URGENT_PHYSICIAN})


def transition_diagram() -> str:
    """Draw the transitions as a Mermaid state diagram, for the documentation."""
    sources = {transition.status for transition in TRANSITIONS}
    ends = [status for status in Status if status not in sources]
    return "\n".join(
        [
            "stateDiagram-v2",
            f"    [*] --> {Status.REQUESTED}",
            *(f"    {t.status} --> {t.leads_to}: {t.step} ({t.side})" for t in TRANSITIONS),
            *(f"    {end} --> [*]" for end in ends),
        ]
    )


class NotAllowed(Refused):
    """A step that this caller cannot take at this status; names the steps that they can."""

    def __init__(self, step: Step, status: Status, allowed: Sequence[Step]):
        instead = f"You may: {', '.join(allowed)}." if allowed else "There is no step for you to take."
        super().__init__(
            f"This referral is {status}: you cannot {step} it. {instead}", allowed=allowed, code="step-not-allowed"
        )


class Unfit(Refused):
    """A step that is allowed, but not with these words; says what must be mended."""

    def __init__(self, message: str, step: Step):
        super().__init__(message, allowed=(step,), code="unfit-step")


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a provider reports. A physician decides about exercise; limits are a cap and words, others report in words.

    `valid_until` ends a clearance sooner than the clinical rules do.
    """

    outcome: ClearanceOutcome | None = None
    intensity_cap: Intensity | None = None
    valid_until: date | None = None
    note: str = UNSET

    def faults(self, kind: ReferralKind, today: date) -> Iterator[str]:
        """Say what is missing, or out of place, in answer to a referral of this kind."""
        if kind in CLEARS_FOR_EXERCISE:
            yield from self._faults_of_a_decision(today)
            return
        if self.note is UNSET:
            yield "The report needs a note."
        if self.outcome or self.intensity_cap or self.valid_until:
            yield "Only a physician's report holds a decision about exercise."

    def _faults_of_a_decision(self, today: date) -> Iterator[str]:
        limited = self.outcome is ClearanceOutcome.CLEARED_WITH_LIMITS
        if self.outcome is None:
            yield "A physician's report needs an outcome."
        if limited and (self.intensity_cap in (None, Intensity.NONE) or self.note is UNSET):
            yield "Limits need an intensity cap (light, moderate or vigorous) and a note that explains them."
        if not limited and self.intensity_cap is not None:
            yield "Only a clearance with limits holds an intensity cap."
        if self.valid_until is not None and self.outcome is ClearanceOutcome.NOT_CLEARED:
            yield "Only a clearance has a last day."
        if self.valid_until is not None and self.valid_until < today:
            yield "A clearance cannot have ended before it is given."


class Referral(Aggregate):
    """One request that a colleague take up part of a patient's care.

    `since` is when the present status began. `requester` hears back (None: any care coordinator); `provider` is
    whoever received it. `status_reason` stands exactly for declined and cancelled.
    """

    status: Status
    since: datetime
    requested_at: datetime
    kind: ReferralKind
    priority: Priority
    requester: str | None
    about: UUID | None
    addressed_to: str | None
    first_visit_due: date | None
    reason: str
    provider: str | None = None
    message: str = UNSET
    status_reason: str = UNSET
    status_note: str = UNSET
    report: Report | None = None

    # Who may do what

    def is_provider(self, person: str, roles: Collection[str]) -> bool:
        """Tell whether somebody of the role is asked: whoever received it, and before that all whom it addresses."""
        if ADDRESSED_ROLES[self.kind].isdisjoint(roles):
            return False
        if self.status is Status.REQUESTED:
            return self.addressed_to in (None, person)
        return person == self.provider

    def is_requester(self, person: str, roles: Collection[str]) -> bool:
        """Tell whether somebody stands for those who asked: the requester, or a care coordinator."""
        return person == self.requester or CareRole.COORDINATOR in roles

    def steps_for(self, person: str, roles: Collection[str]) -> tuple[Step, ...]:
        """List the steps that somebody may take now."""
        stands = {
            Side.REQUESTER: self.is_requester(person, roles),
            Side.PROVIDER: self.is_provider(person, roles),
        }
        return tuple(t.step for t in TRANSITIONS if t.status is self.status and stands[t.side])

    def _must_allow(self, step: Step) -> Actor:
        actor = self.context.actor
        allowed = self.steps_for(actor.id, {actor.role})
        if step not in allowed:
            raise NotAllowed(step, self.status, allowed)
        return actor

    # Steps

    @classmethod
    def request(cls, id: UUID, context: Context, patient_id: UUID, kind: ReferralKind, **words: Any) -> Referral:
        """Ask for a colleague; `words` are the other fields of ReferralRequested."""
        by_policy = context.actor.on_behalf_of is not None
        if kind in ONLY_BY_POLICY and not by_policy:
            raise Refused(f"A referral to an {kind} follows a red flag by itself.", code="kind-not-by-hand")
        referral = cls(id, context, patient_id)
        referral.record(ReferralRequested, kind=kind, **words)
        return referral

    def receive(self) -> None:
        """Take the request from the pool; from now on only this person may answer it."""
        by = self._must_allow(Step.RECEIVE)
        self.record(ReferralReceived, received_by=by.id)

    def accept(self, first_visit_due: date, message: str = UNSET) -> None:
        """Take the patient on, with the latest day of a first visit."""
        by = self._must_allow(Step.ACCEPT)
        if first_visit_due < self._today():
            raise Unfit("The first visit cannot be due before today.", Step.ACCEPT)
        self.record(
            ReferralAccepted,
            kind=self.kind,
            accepted_by=by.id,
            role=CareRole(by.role),
            first_visit_due=first_visit_due,
            message=message,
        )

    def decline(self, reason: DeclineReason, note: str = UNSET) -> None:
        """Do not take the patient on, and say why."""
        by = self._must_allow(Step.DECLINE)
        if reason is DeclineReason.OTHER and note is UNSET:
            raise Unfit("Another reason needs a note that says it.", Step.DECLINE)
        self.record(ReferralDeclined, declined_by=by.id, reason=reason, note=note)

    def file(self, report: Report) -> None:
        """File the report that the requester waits for."""
        by = self._must_allow(Step.REPORT)
        if faults := list(report.faults(self.kind, self._today())):
            raise Unfit(" ".join(faults), Step.REPORT)
        self.record(
            ReferralReported,
            kind=self.kind,
            about=self.about,
            reported_by=by.id,
            outcome=report.outcome,
            intensity_cap=report.intensity_cap,
            valid_until=report.valid_until,
            note=report.note,
        )

    def complete(self) -> None:
        """Say that what was asked has been done."""
        by = self._must_allow(Step.COMPLETE)
        self.record(ReferralCompleted, completed_by=by.id)

    def acknowledge(self) -> None:
        """Close the loop: the report has been read."""
        by = self._must_allow(Step.ACKNOWLEDGE)
        self.record(ReferralAcknowledged, acknowledged_by=by.id)

    def cancel(self, reason: str) -> None:
        """Take the request back, and say why."""
        by = self._must_allow(Step.CANCEL)
        self.record(ReferralCancelled, cancelled_by=by.id, reason=reason)

    def _today(self) -> date:
        # Local dates: somewhere it is still yesterday, and the referral does not know where the patient lives.
        return (self.context.now - timedelta(hours=12)).date()

    # What happened

    @when(ReferralRequested)
    def _requested(self, event: ReferralRequested) -> None:
        self.requested_at = event.occurred_at
        self.kind, self.priority = event.kind, event.priority
        self.requester, self.addressed_to = event.requested_by, event.addressed_to
        self.about, self.reason = event.about, event.reason
        self.first_visit_due = event.first_visit_due
        self._now_stands_at(Status.REQUESTED, event)

    @when(ReferralReceived)
    def _received(self, event: ReferralReceived) -> None:
        self.provider = event.received_by
        self._now_stands_at(Status.RECEIVED, event)

    @when(ReferralAccepted)
    def _accepted(self, event: ReferralAccepted) -> None:
        self.first_visit_due, self.message = event.first_visit_due, event.message
        self._now_stands_at(Status.ACCEPTED, event)

    @when(ReferralDeclined)
    def _declined(self, event: ReferralDeclined) -> None:
        self.status_reason, self.status_note = event.reason, event.note
        self._now_stands_at(Status.DECLINED, event)

    @when(ReferralReported)
    def _reported(self, event: ReferralReported) -> None:
        self.report = Report(
            outcome=event.outcome,
            intensity_cap=event.intensity_cap,
            valid_until=event.valid_until,
            note=event.note,
        )
        self._now_stands_at(Status.REPORTED, event)

    @when(ReferralCompleted)
    def _completed(self, event: ReferralCompleted) -> None:
        self._now_stands_at(Status.COMPLETED, event)

    @when(ReferralAcknowledged)
    def _acknowledged(self, event: ReferralAcknowledged) -> None:
        self._now_stands_at(Status.ACKNOWLEDGED, event)

    @when(ReferralCancelled)
    def _cancelled(self, event: ReferralCancelled) -> None:
        self.status_reason = event.reason
        self._now_stands_at(Status.CANCELLED, event)

    def _now_stands_at(self, status: Status, event: Event) -> None:
        self.status, self.since = status, event.occurred_at

    @property
    def next_due(self) -> date | None:
        """The day by which the provider must act next: the first visit, until there is a report."""
        return self.first_visit_due if self.status in AWAITING_REPORT else None
