"""The terms that several services' events share: roles, codes and outcomes, in the standards' own words."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class CareRole(StrEnum):
    """The role in which a person takes part in a patient's care."""

    COORDINATOR = "care-coordinator"
    PHYSICIAN = "physician"
    PSYCHIATRIST = "psychiatrist"
    PSYCHOTHERAPIST = "psychotherapist"
    EXERCISE_PHYSIOLOGIST = "exercise-physiologist"
    PERSONAL_TRAINER = "personal-trainer"
    BEHAVIORAL_COACH = "behavioral-coach"
    CAREGIVER = "caregiver"


class Permission(StrEnum):
    """What a screening's conclusion allows: a program now, after clearance, or none until a clinician decides."""

    READY = "ready"
    CLEARANCE_NEEDED = "clearance-needed"
    HOLD = "hold"


class Intensity(StrEnum):
    """An upper bound of exercise intensity."""

    NONE = "none"
    LIGHT = "light"
    MODERATE = "moderate"
    VIGOROUS = "vigorous"


class ClearanceOutcome(StrEnum):
    """What a physician decided about exercise."""

    CLEARED = "cleared"
    CLEARED_WITH_LIMITS = "cleared-with-limits"
    NOT_CLEARED = "not-cleared"


class Priority(StrEnum):
    """FHIR request priority, as far as referrals use it."""

    ROUTINE = "routine"
    URGENT = "urgent"


class ReferralKind(StrEnum):
    """What a referral asks for."""

    PHYSICIAN_CLEARANCE = "physician-clearance"
    URGENT_PHYSICIAN = "urgent-physician"
    MENTAL_HEALTH = "mental-health"
    EXERCISE_PHYSIOLOGIST = "exercise-physiologist"
    BEHAVIORAL_COACH = "behavioral-coach"


class AlertLevel(StrEnum):
    """How fast a person must look (clinical rules 5.4)."""

    E0 = "E0"
    E1 = "E1"
    E2 = "E2"
    E3 = "E3"


class Coded(msgspec.Struct, frozen=True, kw_only=True):
    """A name with its code, where one is known: `system` is a code system's URI."""

    display: str
    code: str | None = None
    system: str | None = None


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a rule decided so: a stable code, the gate that gave it, and the rule's source."""

    gate: str
    code: str
    source: str


class ConclusionCondition(msgspec.Struct, frozen=True, kw_only=True):
    """Something that must be done for a conclusion to hold, and by when (days from the conclusion)."""

    code: str
    source: str
    within_days: int | None = None


class QuestionnaireResult(msgspec.Struct, frozen=True, kw_only=True):
    """A questionnaire as answered (by item, None = not answered) and what the rule set made of it."""

    instrument: str
    answers: tuple[int | None, ...]
    rules_version: str
    total: int | None = None
    band: str | None = None
    provisional: bool = False
    missing: int = 0
    invalid: str | None = None
    difficulty: int | None = None
    stated_total: int | None = None
