"""The alert: somebody must look, by a time, and only a person closes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from events.base import UNSET
from events.monitoring import (
    AlertAcknowledged,
    AlertEvidenceJoined,
    AlertOverdue,
    AlertRaised,
    AlertResolved,
    AlertReviewOverdue,
)
from events.terms import AlertLevel
from services.monitoring.domain.concerns import Concern
from shared.clinical.escalation import CLOCKS, Level, one_level_up
from shared.clinical.rules import DEFAULT
from shared.eventlog.aggregate import Aggregate, Context, Refused, when

NO_PERSON = "service"
"""The role of policies and timers."""


class Standing(StrEnum):
    """Where an alert stands; overdue is open still, after nobody took it in time."""

    OPEN = "open"
    OVERDUE = "overdue"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


UNTAKEN = (Standing.OPEN, Standing.OVERDUE)
NEXT_STEPS = {
    Standing.OPEN: ("acknowledge",),
    Standing.OVERDUE: ("acknowledge",),
    Standing.ACKNOWLEDGED: ("resolve",),
    Standing.RESOLVED: (),
}


class NotAllowed(Refused):
    """A step that cannot be taken with the alert as it stands, or not by this caller."""


@dataclass(frozen=True)
class Deadline:
    """A time that must not pass, and the event that set it."""

    due_at: datetime
    set_by: str


class Alert(Aggregate):
    """One reason to look, with all its evidence (event ids, the first one is its cause).

    A level's clock runs from when the alert was raised; evidence that joins after a person has taken the alert
    starts it anew. `to_acknowledge` and `to_review` are the clocks that run.
    """

    standing: Standing
    plan_id: UUID
    level: AlertLevel
    trigger: str = UNSET
    raised_at: datetime
    acknowledge_by: datetime
    review_by: datetime | None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    resolution: str | None = UNSET
    review_overdue = False
    to_acknowledge: Deadline | None = None
    to_review: Deadline | None = None

    @classmethod
    def over(cls, concern: Concern, evidence: str, plan_id: UUID, context: Context, patient_id: UUID | None) -> Alert:
        """Raise an alert over something in an entry to a plan; the clock runs from now, however old the entry."""
        alert = cls(alert_id(plan_id, concern.trigger, evidence), context, patient_id)
        review = concern.review_within
        alert.record(
            AlertRaised,
            level=concern.level,
            trigger=concern.trigger,
            signs=concern.signs,
            plan_id=plan_id,
            cause=evidence,
            acknowledge_by=context.now + concern.acknowledge_within,
            review_by=None if review is None else context.now + review,
            rules_version=DEFAULT.version,
        )
        return alert

    def join(self, concern: Concern, evidence: str) -> None:
        """Add evidence of the same cause; whoever took the alert before has not seen it."""
        if self.standing is Standing.RESOLVED:
            raise NotAllowed("This alert is resolved; new evidence raises another.", code="alert-resolved")
        if evidence in self.evidence:
            return
        anew = self.context.now + concern.acknowledge_within if self.standing is Standing.ACKNOWLEDGED else None
        self.record(AlertEvidenceJoined, evidence=evidence, signs=concern.signs, acknowledge_by=anew)

    def acknowledge(self) -> None:
        """Take the alert."""
        self._must_stand_at(UNTAKEN, "acknowledge")
        self.record(AlertAcknowledged, acknowledged_by=self.context.actor.id)

    def resolve(self, reason: str) -> None:
        """Close the alert and say why."""
        self._must_stand_at((Standing.ACKNOWLEDGED,), "resolve")
        self.record(AlertResolved, resolved_by=self.context.actor.id, reason=reason)

    def escalate(self) -> None:
        """Go a level up, because nobody took it in time (clinical rules 5.4); nothing if somebody has."""
        if self.to_acknowledge is None:
            return
        missed, up = self.to_acknowledge.due_at, one_level_up(Level(self.level))
        within = timedelta(minutes=CLOCKS[up].acknowledge_minutes)
        self.record(
            AlertOverdue,
            missed=missed,
            level=AlertLevel(up),
            acknowledge_by=None if up == self.level else missed + within,
            rules_version=DEFAULT.version,
        )

    def miss_review(self) -> None:
        """Note that nobody has closed it in time; nothing if somebody has."""
        if self.to_review is not None:
            self.record(AlertReviewOverdue, missed=self.to_review.due_at)

    def _must_stand_at(self, standings: tuple[Standing, ...], step: str) -> None:
        if self.context.actor.role == NO_PERSON:
            raise NotAllowed("Only a person may take or close an alert.", code="not-a-person")
        if self.standing not in standings:
            message = f"This alert is {self.standing}: you cannot {step} it now."
            raise NotAllowed(message, allowed=self.allowed, code="step-not-allowed")

    @property
    def allowed(self) -> tuple[str, ...]:
        """What a person may do next."""
        return NEXT_STEPS[self.standing]

    @property
    def is_open(self) -> bool:
        """Whether nobody has closed it yet."""
        return self.standing is not Standing.RESOLVED

    @when(AlertRaised)
    def _raised(self, event: AlertRaised) -> None:
        self.standing = Standing.OPEN
        self.plan_id, self.level = event.plan_id, event.level
        self.trigger, self.signs = event.trigger, event.signs or ()
        self.raised_at = event.occurred_at
        self.acknowledge_by, self.review_by = event.acknowledge_by, event.review_by
        self.evidence = [event.cause]
        self.to_acknowledge = Deadline(event.acknowledge_by, event.event_id)
        # Where one must act at once, taking the alert has the only clock.
        if event.review_by is not None and event.review_by > event.acknowledge_by:
            self.to_review = Deadline(event.review_by, event.event_id)

    @when(AlertEvidenceJoined)
    def _joined(self, event: AlertEvidenceJoined) -> None:
        self.evidence.append(event.evidence)
        self.signs = tuple(dict.fromkeys([*self.signs, *(event.signs or ())]))
        if event.acknowledge_by is not None:
            self.standing = Standing.OPEN
            self.acknowledge_by = event.acknowledge_by
            self.acknowledged_by = self.acknowledged_at = None
            self.to_acknowledge = Deadline(event.acknowledge_by, event.event_id)

    @when(AlertAcknowledged)
    def _acknowledged(self, event: AlertAcknowledged) -> None:
        self.standing = Standing.ACKNOWLEDGED
        self.acknowledged_by, self.acknowledged_at = event.acknowledged_by, event.occurred_at
        self.to_acknowledge = None

    @when(AlertOverdue)
    def _overdue(self, event: AlertOverdue) -> None:
        self.standing, self.level = Standing.OVERDUE, event.level
        self.to_acknowledge = None
        if event.acknowledge_by is not None:
            self.acknowledge_by = event.acknowledge_by
            self.to_acknowledge = Deadline(event.acknowledge_by, event.event_id)

    @when(AlertReviewOverdue)
    def _review_overdue(self, event: AlertReviewOverdue) -> None:
        self.review_overdue = True
        self.to_review = None

    @when(AlertResolved)
    def _resolved(self, event: AlertResolved) -> None:
        self.standing = Standing.RESOLVED
        self.resolved_by, self.resolved_at = event.resolved_by, event.occurred_at
        self.resolution = event.reason
        self.to_acknowledge = self.to_review = None


def alert_id(plan_id: UUID, trigger: str, evidence: str) -> UUID:
    """Derive an alert's id from the plan and the cause: one alert for one rule met by one entry."""
    return uuid5(plan_id, f"alert/{trigger}/{evidence}")
