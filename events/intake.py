"""What intake records: patients, their care team, screenings, conclusions and clearances, imported history."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
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
from events.terms import (
    CareRole,
    ClearanceOutcome,
    Coded,
    ConclusionCondition,
    Intensity,
    Permission,
    QuestionnaireResult,
    Reason,
)


class Identifier(msgspec.Struct, frozen=True, kw_only=True):
    """A patient's number in another system; `system` is a URI."""

    system: str
    value: str


class DatePrecision(StrEnum):
    """How exactly a date is known; a month or year is kept as its first day."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside exercise: a treatment discussed, medication or psychotherapy under way, a referral sent."""

    discussed: bool = False
    active: bool = False
    referral_sent: bool = False


class PatientRegistered(Event, frozen=True, kw_only=True, tag="caretrail.intake.patient-registered.v1"):
    """A person becomes a patient of this organisation."""

    family_name: Sensitive[str, Category.IDENTITY] = UNSET
    given_name: Sensitive[str, Category.IDENTITY] = UNSET
    birth_date: Sensitive[date | None, Category.IDENTITY] = UNSET
    birth_date_precision: Sensitive[DatePrecision, Category.IDENTITY] = UNSET
    sex: Sensitive[str | None, Category.IDENTITY] = UNSET
    deceased: Sensitive[bool, Category.IDENTITY] = UNSET
    identifiers: Sensitive[tuple[Identifier, ...], Category.IDENTIFIERS] = UNSET
    time_zone: str = "UTC"
    language: str = "en"


class PatientDeceased(Event, frozen=True, kw_only=True, tag="caretrail.intake.patient-deceased.v1"):
    """The patient has died; what is recorded stays, nothing new is begun."""


class PatientTeamMemberJoined(Event, frozen=True, kw_only=True, tag="caretrail.intake.patient-team-member-joined.v1"):
    """Somebody takes part in this patient's care from now on, in a role."""

    member_id: str
    role: CareRole
    referral_id: UUID | None = None


class PatientTeamMemberLeft(Event, frozen=True, kw_only=True, tag="caretrail.intake.patient-team-member-left.v1"):
    """Somebody no longer takes part in this patient's care."""

    member_id: str
    reason: Sensitive[str, Category.NOTES] = UNSET


class ScreeningOpened(Event, frozen=True, kw_only=True, tag="caretrail.intake.screening-opened.v1"):
    """A screening before exercise begins; its parts may be filled in any order."""

    reason: str


class MedicalHistoryRecorded(Event, frozen=True, kw_only=True, tag="caretrail.intake.medical-history-recorded.v1"):
    """Conditions and medication, and the answers that the pre-participation table asks for; None = not known.

    `contraindications` and `modifiers` are codes of the clinical rules (sections 2.5 and 2.6).
    """

    conditions: Sensitive[tuple[Coded, ...], Category.FITNESS] = UNSET
    medications: Sensitive[tuple[Coded, ...], Category.FITNESS] = UNSET
    allergies: Sensitive[tuple[Coded, ...], Category.FITNESS] = UNSET
    contraindications: Sensitive[tuple[str, ...], Category.FITNESS] = UNSET
    modifiers: Sensitive[tuple[str, ...], Category.FITNESS] = UNSET
    treatment: Sensitive[Treatment, Category.MENTAL_HEALTH] = UNSET
    known_disease: Sensitive[bool | None, Category.FITNESS] = UNSET
    symptoms: Sensitive[bool | None, Category.FITNESS] = UNSET
    regularly_active: Sensitive[bool | None, Category.FITNESS] = UNSET
    wants_vigorous: Sensitive[bool, Category.FITNESS] = UNSET
    notes: Sensitive[str, Category.NOTES] = UNSET


class QuestionnaireAnswered(Event, frozen=True, kw_only=True, tag="caretrail.intake.questionnaire-answered.v1"):
    """A questionnaire was filled in during a screening; raw answers are always kept."""

    instrument: str
    result: Sensitive[QuestionnaireResult, Category.MENTAL_HEALTH] = UNSET


class VitalsMeasured(Event, frozen=True, kw_only=True, tag="caretrail.intake.vitals-measured.v1"):
    """Blood pressure (mmHg) and heart rate (per minute) at rest, and whether there were symptoms (None: not asked)."""

    systolic: Sensitive[int, Category.FITNESS] = UNSET
    diastolic: Sensitive[int, Category.FITNESS] = UNSET
    resting_heart_rate: Sensitive[int, Category.FITNESS] = UNSET
    with_symptoms: Sensitive[bool | None, Category.FITNESS] = UNSET


class ActivityRecorded(Event, frozen=True, kw_only=True, tag="caretrail.intake.activity-recorded.v1"):
    """The exercise vital sign: days a week and minutes a day of moderate activity, and strength days a week."""

    days_per_week: Sensitive[int, Category.FITNESS] = UNSET
    minutes_per_day: Sensitive[int, Category.FITNESS] = UNSET
    strength_days_per_week: Sensitive[int | None, Category.FITNESS] = UNSET


class PreferencesRecorded(Event, frozen=True, kw_only=True, tag="caretrail.intake.preferences-recorded.v1"):
    """What the patient likes, dislikes, hopes for, and what stands in the way."""

    liked: Sensitive[tuple[str, ...], Category.FITNESS] = UNSET
    disliked: Sensitive[tuple[str, ...], Category.FITNESS] = UNSET
    barriers: Sensitive[tuple[str, ...], Category.FITNESS] = UNSET
    goals: Sensitive[str, Category.FITNESS] = UNSET
    confidence: Sensitive[int | None, Category.FITNESS] = UNSET


class SafetyFlagRaised(Event, frozen=True, kw_only=True, tag="caretrail.intake.safety-flag-raised.v1"):
    """An answer asks for a person's look before anything else; found before any total is made."""

    safety: ClassVar[bool] = True

    flag: Sensitive[str, Category.SAFETY] = UNSET
    instrument: Sensitive[str, Category.SAFETY] = UNSET


class SafetyFlagAssessed(Event, frozen=True, kw_only=True, tag="caretrail.intake.safety-flag-assessed.v1"):
    """A clinician looked at a safety flag and says what follows; `hold` keeps the screening on hold."""

    flag: Sensitive[str, Category.SAFETY] = UNSET
    hold: Sensitive[bool, Category.SAFETY] = UNSET
    assessment: Sensitive[str, Category.SAFETY] = UNSET


class ScreeningConcluded(Event, frozen=True, kw_only=True, tag="caretrail.intake.screening-concluded.v1"):
    """What may be prescribed: the most restrictive of all gates, each with its reason."""

    safety: ClassVar[bool] = True

    permission: Permission
    intensity_cap: Intensity
    rules_version: str
    reasons: Sensitive[tuple[Reason, ...], Category.FITNESS] = UNSET
    conditions: Sensitive[tuple[ConclusionCondition, ...], Category.FITNESS] = UNSET


class ClearanceNeeded(Event, frozen=True, kw_only=True, tag="caretrail.intake.clearance-needed.v1"):
    """A physician must clear this patient for exercise before any program, or before a vigorous one."""

    safety: ClassVar[bool] = True

    screening_id: UUID
    before_any: bool
    reasons: Sensitive[tuple[Reason, ...], Category.FITNESS] = UNSET


class MentalHealthReferralNeeded(
    Event, frozen=True, kw_only=True, tag="caretrail.intake.mental-health-referral-needed.v1"
):
    """The severity gate asks for a mental-health clinician within the given days."""

    safety: ClassVar[bool] = True

    screening_id: UUID
    within_days: int
    reasons: Sensitive[tuple[Reason, ...], Category.MENTAL_HEALTH] = UNSET


class ClearanceRecorded(Event, frozen=True, kw_only=True, tag="caretrail.intake.clearance-recorded.v1"):
    """A physician's decision about exercise came back and is now part of the screening.

    `intensity_cap` is what may be prescribed from now on: the physician's limit and every other gate together.
    """

    safety: ClassVar[bool] = True

    referral_id: UUID
    outcome: ClearanceOutcome
    intensity_cap: Intensity
    valid_until: date | None
    decided_by: str
    note: Sensitive[str, Category.NOTES] = UNSET


class ImportedRecordOpened(Event, frozen=True, kw_only=True, tag="caretrail.intake.imported-record-opened.v1"):
    """History from another system begins to be kept for this patient."""


class ConditionImported(Event, frozen=True, kw_only=True, tag="caretrail.intake.condition-imported.v1"):
    """A condition as another system states it."""

    identity: Sensitive[str, Category.IDENTIFIERS] = UNSET
    condition: Sensitive[Coded, Category.FITNESS] = UNSET
    clinical_status: Sensitive[str | None, Category.FITNESS] = UNSET
    onset: Sensitive[str | None, Category.FITNESS] = UNSET


class MedicationImported(Event, frozen=True, kw_only=True, tag="caretrail.intake.medication-imported.v1"):
    """A medication request as another system states it."""

    identity: Sensitive[str, Category.IDENTIFIERS] = UNSET
    medication: Sensitive[Coded, Category.FITNESS] = UNSET
    status: Sensitive[str | None, Category.FITNESS] = UNSET


class AllergyImported(Event, frozen=True, kw_only=True, tag="caretrail.intake.allergy-imported.v1"):
    """An allergy or intolerance as another system states it."""

    identity: Sensitive[str, Category.IDENTIFIERS] = UNSET
    allergy: Sensitive[Coded, Category.FITNESS] = UNSET
    clinical_status: Sensitive[str | None, Category.FITNESS] = UNSET


class MeasureImported(Event, frozen=True, kw_only=True, tag="caretrail.intake.measure-imported.v1"):
    """A measurement as another system states it, in our unit; blood pressure has its lower value as `second`."""

    kind: str
    identity: Sensitive[str, Category.IDENTIFIERS] = UNSET
    value: Sensitive[Decimal, Category.FITNESS] = UNSET
    second: Sensitive[Decimal | None, Category.FITNESS] = UNSET
    unit: str = ""


class QuestionnaireImported(Event, frozen=True, kw_only=True, tag="caretrail.intake.questionnaire-imported.v1"):
    """A questionnaire as another system states it: stated total kept, recomputed beside it, contradiction flagged."""

    instrument: str
    identity: Sensitive[str, Category.IDENTIFIERS] = UNSET
    result: Sensitive[QuestionnaireResult, Category.MENTAL_HEALTH] = UNSET
    contradicts: Sensitive[bool, Category.MENTAL_HEALTH] = UNSET


class CurrentRiskFound(Event, frozen=True, kw_only=True, tag="caretrail.intake.current-risk-found.v1"):
    """An imported fact speaks of a risk that may still stand: a person must look, nothing acts by itself."""

    safety: ClassVar[bool] = True

    flag: Sensitive[str, Category.SAFETY] = UNSET
    stated_at: Sensitive[Instant | None, Category.SAFETY] = UNSET


class CurrentRiskReviewed(Event, frozen=True, kw_only=True, tag="caretrail.intake.current-risk-reviewed.v1"):
    """A person looked at an imported risk and says what follows."""

    outcome: Sensitive[str, Category.SAFETY] = UNSET


class IntakeReactionRefused(ReactionRefused, frozen=True, kw_only=True, tag="caretrail.intake.reaction-refused.v1"):
    """Intake could not do what another service's event asked for."""


class IntakeRefusalSettled(RefusalSettled, frozen=True, kw_only=True, tag="caretrail.intake.refusal-settled.v1"):
    """A coordinator has dealt with a refused reaction of intake."""


class IntakeParkedEventSkipped(
    ParkedEventSkipped, frozen=True, kw_only=True, tag="caretrail.intake.parked-event-skipped.v1"
):
    """An operator let intake pass over another service's event that it could not take."""


class IntakeUpstreamReconciled(
    UpstreamReconciled, frozen=True, kw_only=True, tag="caretrail.intake.upstream-reconciled.v1"
):
    """An operator let intake go on behind an upstream whose log was restored from a backup."""
