"""What monitoring records: plans, check-ins, measures over time, red flags and alerts."""

from __future__ import annotations

from datetime import date
from typing import ClassVar
from uuid import UUID

import msgspec

from events.base import (
    UNSET,
    Category,
    Event,
    Instant,
    ParkedEventSkipped,
    ReactionRefused,
    RefusalSettled,
    Sensitive,
    UpstreamReconciled,
)
from events.terms import AlertLevel, QuestionnaireResult


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One exercise session as the patient tells it: day, minutes, effort (RPE 6-20) and Compendium code."""

    done_on: date
    minutes: int
    rpe: int | None = None
    activity: str | None = None


class PlanOpened(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.plan-opened.v1"):
    """An activated program is watched from now on.

    A check-in is due every `check_in_every_days`, a PHQ-9 every `phq9_every_days`, after the given week of the program
    every `phq9_later_every_days`; days are those of the patient's time zone. `language` is the patient's (BCP 47).
    """

    program_id: UUID
    revision: int
    starts_on: date
    sessions_per_week: int
    minutes_per_week: int
    check_in_every_days: int
    phq9_every_days: int
    phq9_later_every_days: int
    phq9_later_after_week: int
    time_zone: str
    language: str
    rules_version: str


class PlanFollowedRevision(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.plan-followed-revision.v1"):
    """The program was revised; the plan now expects what the revision prescribes."""

    revision: int
    sessions_per_week: int
    minutes_per_week: int


class PlanPaused(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.plan-paused.v1"):
    """The program is paused: no session is expected meanwhile."""


class PlanResumed(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.plan-resumed.v1"):
    """The program goes on: sessions are expected again."""


class PlanClosed(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.plan-closed.v1"):
    """The program ended, as planned or `discontinued`: nothing is due any more."""

    discontinued: bool = False


class CheckInRecorded(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.check-in-recorded.v1"):
    """How the patient is: mood, energy, sleep and well-being 0-10, sessions done, symptoms by red-flag code.

    `crisis_card` says that the answer to this entry told whom to call now.
    """

    mood: Sensitive[int | None, Category.MENTAL_HEALTH] = UNSET
    energy: Sensitive[int | None, Category.MENTAL_HEALTH] = UNSET
    sleep: Sensitive[int | None, Category.MENTAL_HEALTH] = UNSET
    well_being: Sensitive[int | None, Category.MENTAL_HEALTH] = UNSET
    sessions: Sensitive[tuple[Session, ...], Category.FITNESS] = UNSET
    symptoms: Sensitive[tuple[str, ...], Category.SAFETY] = UNSET
    feels_unsafe: Sensitive[bool, Category.SAFETY] = UNSET
    words: Sensitive[str | None, Category.NOTES] = UNSET
    crisis_card: Sensitive[bool, Category.SAFETY] = UNSET


class MeasureRepeated(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.measure-repeated.v1"):
    """A questionnaire was repeated; `change` is its total against the baseline (None: nothing to compare with).

    `flags` are the safety flags of its answers, found before any total was made.
    """

    instrument: str
    result: Sensitive[QuestionnaireResult, Category.MENTAL_HEALTH] = UNSET
    baseline: Sensitive[int | None, Category.MENTAL_HEALTH] = UNSET
    change: Sensitive[int | None, Category.MENTAL_HEALTH] = UNSET
    flags: Sensitive[tuple[str, ...], Category.SAFETY] = UNSET


class RedFlagRaised(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.red-flag-raised.v1"):
    """A symptom that stops exercise until a physician has cleared the patient."""

    safety: ClassVar[bool] = True

    program_id: UUID
    codes: Sensitive[tuple[str, ...], Category.SAFETY] = UNSET
    rules_version: str = ""


class AlertRaised(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.alert-raised.v1"):
    """Somebody must look, by a time.

    `cause` names the event that led to it, `trigger` the rule that it met, `signs` what met it: red-flag codes, safety
    flags or an instrument.
    """

    safety: ClassVar[bool] = True

    level: AlertLevel
    trigger: Sensitive[str, Category.SAFETY] = UNSET
    signs: Sensitive[tuple[str, ...], Category.SAFETY] = UNSET
    plan_id: UUID
    cause: str
    acknowledge_by: Instant
    review_by: Instant | None = None
    rules_version: str


class AlertEvidenceJoined(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.alert-evidence-joined.v1"):
    """New evidence of the same cause: it joins the open alert instead of opening another.

    If a person had taken the alert already, it must be acknowledged anew, by `acknowledge_by`.
    """

    safety: ClassVar[bool] = True

    evidence: str
    signs: Sensitive[tuple[str, ...], Category.SAFETY] = UNSET
    acknowledge_by: Instant | None = None


class AlertAcknowledged(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.alert-acknowledged.v1"):
    """A person has taken the alert."""

    acknowledged_by: str


class AlertOverdue(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.alert-overdue.v1"):
    """Nobody took the alert within the time of its level: it stands a `level` higher now.

    `missed` is the time that has passed; the next level's clock runs from it to `acknowledge_by`. The highest level
    stays, and has no other clock (None).
    """

    safety: ClassVar[bool] = True

    missed: Instant
    level: AlertLevel
    acknowledge_by: Instant | None = None
    rules_version: str


class AlertReviewOverdue(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.alert-review-overdue.v1"):
    """Nobody has closed the alert by the time of its review (`missed`), whether somebody has taken it or not."""

    safety: ClassVar[bool] = True

    missed: Instant


class AlertResolved(Event, frozen=True, kw_only=True, tag="caretrail.monitoring.alert-resolved.v1"):
    """A person has closed the alert, with a reason."""

    resolved_by: str
    reason: Sensitive[str, Category.NOTES] = UNSET


class MonitoringReactionRefused(
    ReactionRefused, frozen=True, kw_only=True, tag="caretrail.monitoring.reaction-refused.v1"
):
    """Monitoring could not do what another service's event asked for."""


class MonitoringRefusalSettled(
    RefusalSettled, frozen=True, kw_only=True, tag="caretrail.monitoring.refusal-settled.v1"
):
    """A coordinator has dealt with a refused reaction of monitoring."""


class MonitoringParkedEventSkipped(
    ParkedEventSkipped, frozen=True, kw_only=True, tag="caretrail.monitoring.parked-event-skipped.v1"
):
    """An operator let monitoring pass over another service's event that it could not take."""


class MonitoringUpstreamReconciled(
    UpstreamReconciled, frozen=True, kw_only=True, tag="caretrail.monitoring.upstream-reconciled.v1"
):
    """An operator let monitoring go on behind an upstream whose log was restored from a backup."""
