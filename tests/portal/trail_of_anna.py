"""One invented patient's trail as history would answer it: registered, cleared, prescribed, watched, paused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from events import intake, monitoring, prescription, referral
from events.base import Actor, Event
from events.terms import (
    AlertLevel,
    CareRole,
    ClearanceOutcome,
    Coded,
    ConclusionCondition,
    Intensity,
    Permission,
    Priority,
    QuestionnaireResult,
    Reason,
    ReferralKind,
)
from services.history.domain import PatientRecord, own_fields

ANNA = UUID("3f0c8a52-9d1e-4b7a-8c65-2f1e0d9b7a34")
SCREENING = UUID("51c0a7de-0000-4000-8000-000000000001")
CLEARANCE = UUID("51c0a7de-0000-4000-8000-000000000002")
PROGRAM = UUID("51c0a7de-0000-4000-8000-000000000003")
PLAN = UUID("51c0a7de-0000-4000-8000-000000000004")
ALERT = UUID("51c0a7de-0000-4000-8000-000000000005")
URGENT = UUID("51c0a7de-0000-4000-8000-000000000006")
CONVERSATION = UUID("51c0a7de-0000-4000-8000-00000000000c")

MARA = Actor(id="mara.lindt", role="care-coordinator")
DR_OKAFOR = Actor(id="dr.okafor", role="physician")
TOMAS = Actor(id="tomas.ruiz", role="exercise-physiologist")
THE_PATIENT = Actor(id="anna.keller", role="patient")

WALK = prescription.Component(
    activity="17190", name="walk 2.8-3.2 mph", met=Decimal("3.5"), intensity=Intensity.MODERATE, minutes=20,
    times_per_week=3, heart_rate=(105, 125), instructions="Along the lake, with a friend if possible",
)  # fmt: skip
YOGA = prescription.Component(
    activity="02150", name="yoga, Hatha", met=Decimal("2.5"), intensity=Intensity.LIGHT, minutes=30, times_per_week=1,
    rpe=(9, 11),
)  # fmt: skip
LONGER_WALK = msgspec.structs.replace(WALK, minutes=30, times_per_week=4)
STATEMENT = "This exercise plan is part of a wider treatment plan and does not replace medication or psychotherapy."


def moment(text: str) -> datetime:
    """Read a moment written in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def policy(name: str, behalf: Actor) -> Actor:
    """A rule of CareTrail that acts for somebody."""
    return Actor(id=f"policy:{name}", role="service", on_behalf_of=behalf.id)


def phq9(total: int, band: str, *answers: int) -> QuestionnaireResult:
    """PHQ-9 as answered."""
    return QuestionnaireResult(instrument="PHQ9", answers=answers, rules_version="1", total=total, band=band)


class Trail:
    """Facts in the order recorded."""

    def __init__(self) -> None:
        self.facts: list[Event] = []
        self._versions: dict[UUID, int] = {}

    def add(
        self, cls: type[Event], subject: UUID, at: str, by: Actor, because: Event | None = None, **said: Any
    ) -> Event:
        """Record a fact; `because` is the fact that led to it."""
        version = self._versions[subject] = self._versions.get(subject, 0) + 1
        fact = cls(
            originator_id=subject, originator_version=version, occurred_at=moment(at), recorded_at=moment(at),
            patient_id=ANNA, actor=by, correlation_id=CONVERSATION,
            causation_id=because.event_id if because else "0b51e0b4-0000-4000-8000-0000000000aa", **said,
        )  # fmt: skip
        self.facts.append(fact)
        return fact


def anna(name: str = "Keller") -> Trail:
    """The whole trail, from 1 September to 20 November 2026."""
    trail = Trail()
    _screened(trail, name)
    _cleared(trail)
    _prescribed(trail)
    _watched(trail)
    return trail


def _screened(trail: Trail, name: str) -> None:
    trail.add(
        intake.PatientRegistered, ANNA, "2026-09-01T07:05:00", MARA, family_name=name, given_name="Anna",
        birth_date=date(1988, 5, 3), birth_date_precision=intake.DatePrecision.DAY, sex="female", deceased=False,
        identifiers=(), time_zone="Europe/Zurich", language="de-CH",
    )  # fmt: skip
    trail.add(intake.PatientTeamMemberJoined, ANNA, "2026-09-01T07:05:00", MARA, member_id=MARA.id,
              role=CareRole.COORDINATOR)  # fmt: skip
    trail.add(intake.ScreeningOpened, SCREENING, "2026-09-01T07:10:00", MARA, reason="intake")
    trail.add(
        intake.MedicalHistoryRecorded, SCREENING, "2026-09-01T07:20:00", MARA,
        conditions=(Coded(display="Type 2 diabetes"), Coded(display="Depressive episode")),
        medications=(Coded(display="metformin"), Coded(display="sertraline")), known_disease=True, symptoms=False,
        regularly_active=False,
    )  # fmt: skip
    trail.add(intake.QuestionnaireAnswered, SCREENING, "2026-09-01T07:30:00", MARA, instrument="PHQ9",
              result=phq9(16, "moderately-severe", 2, 2, 2, 3, 2, 2, 2, 1, 0))  # fmt: skip
    trail.add(intake.VitalsMeasured, SCREENING, "2026-09-01T07:35:00", MARA, systolic=128, diastolic=82,
              resting_heart_rate=76, with_symptoms=False)  # fmt: skip
    trail.add(intake.ActivityRecorded, SCREENING, "2026-09-01T07:36:00", MARA, days_per_week=1, minutes_per_day=20)
    trail.add(intake.PreferencesRecorded, SCREENING, "2026-09-01T07:38:00", MARA, liked=("walking", "yoga"),
              barriers=("mornings are hard",))  # fmt: skip


def _cleared(trail: Trail) -> None:
    reason = Reason(gate="acsm", code="ACSM_ROW_3", source="ACSM 2018")
    concluded = trail.add(
        intake.ScreeningConcluded, SCREENING, "2026-09-01T07:45:00", MARA, permission=Permission.CLEARANCE_NEEDED,
        intensity_cap=Intensity.NONE, rules_version="1", reasons=(reason,),
        conditions=(ConclusionCondition(code="physician-clearance", source="ACSM 2018"),),
    )  # fmt: skip
    needed = trail.add(intake.ClearanceNeeded, SCREENING, "2026-09-01T07:45:00", MARA, because=concluded,
                       screening_id=SCREENING, before_any=True, reasons=(reason,))  # fmt: skip
    asked = trail.add(
        referral.ReferralRequested, CLEARANCE, "2026-09-01T07:45:01",
        policy("referral.request_the_clearance_that_a_screening_needs", MARA), because=needed,
        kind=ReferralKind.PHYSICIAN_CLEARANCE, priority=Priority.ROUTINE, requested_by=MARA.id, about=SCREENING,
        reason="Known disease, not regularly active",
    )  # fmt: skip
    trail.add(referral.ReferralReceived, CLEARANCE, "2026-09-02T09:00:00", DR_OKAFOR, because=None,
              received_by=DR_OKAFOR.id)  # fmt: skip
    accepted = trail.add(
        referral.ReferralAccepted, CLEARANCE, "2026-09-02T09:02:00", DR_OKAFOR, kind=ReferralKind.PHYSICIAN_CLEARANCE,
        accepted_by=DR_OKAFOR.id, role=CareRole.PHYSICIAN, first_visit_due=date(2026, 9, 9),
        message="Can see her on Friday.",
    )  # fmt: skip
    trail.add(
        intake.PatientTeamMemberJoined, ANNA, "2026-09-02T09:02:01",
        policy("intake.let_the_accepting_clinician_join_the_care_team", DR_OKAFOR), because=accepted,
        member_id=DR_OKAFOR.id, role=CareRole.PHYSICIAN, referral_id=CLEARANCE,
    )  # fmt: skip
    reported = trail.add(
        referral.ReferralReported, CLEARANCE, "2026-09-04T13:30:00", DR_OKAFOR, kind=ReferralKind.PHYSICIAN_CLEARANCE,
        about=SCREENING, reported_by=DR_OKAFOR.id, outcome=ClearanceOutcome.CLEARED_WITH_LIMITS,
        intensity_cap=Intensity.MODERATE, valid_until=date(2027, 3, 4), note="Check glucose before longer walks.",
    )  # fmt: skip
    trail.add(
        intake.ClearanceRecorded, SCREENING, "2026-09-04T13:30:01",
        policy("intake.record_the_clearance_that_came_back", DR_OKAFOR), because=reported, referral_id=CLEARANCE,
        outcome=ClearanceOutcome.CLEARED_WITH_LIMITS, intensity_cap=Intensity.MODERATE,
        valid_until=date(2027, 3, 4), decided_by=DR_OKAFOR.id, note="Check glucose before longer walks.",
    )  # fmt: skip
    trail.add(referral.ReferralCompleted, CLEARANCE, "2026-09-04T13:31:00", DR_OKAFOR, completed_by=DR_OKAFOR.id)
    trail.add(referral.ReferralAcknowledged, CLEARANCE, "2026-09-04T15:00:00", MARA, acknowledged_by=MARA.id)
    assert asked.originator_version == 1


def _prescribed(trail: Trail) -> None:
    trail.add(intake.PatientTeamMemberJoined, ANNA, "2026-09-04T15:10:00", MARA, member_id=TOMAS.id,
              role=CareRole.EXERCISE_PHYSIOLOGIST)  # fmt: skip
    trail.add(prescription.ProgramDrafted, PROGRAM, "2026-09-07T08:00:00", TOMAS, statement=STATEMENT,
              components=(WALK, YOGA), goals=("Walk to work twice a week", "Sleep through the night"))  # fmt: skip
    active = trail.add(prescription.ProgramActivated, PROGRAM, "2026-09-07T08:10:00", TOMAS, revision=1,
                       starts_on=date(2026, 9, 8), basis=(), sessions_per_week=4, minutes_per_week=90)  # fmt: skip
    trail.add(
        monitoring.PlanOpened, PLAN, "2026-09-07T08:10:01", policy("monitoring.watch_an_activated_program", TOMAS),
        because=active, program_id=PROGRAM, revision=1, starts_on=date(2026, 9, 8), sessions_per_week=4,
        minutes_per_week=90, check_in_every_days=7, phq9_every_days=28, phq9_later_every_days=56,
        phq9_later_after_week=12, time_zone="Europe/Zurich", language="de-CH", rules_version="1",
    )  # fmt: skip


def _watched(trail: Trail) -> None:
    _checked_in(trail, "2026-09-15T17:00:00", mood=4, energy=3, sleep=4, well_being=4)
    _repeated(trail, "2026-09-29T16:00:00", phq9(13, "moderate", 2, 2, 1, 2, 2, 1, 2, 1, 0), -3)
    changes = (
        prescription.FieldChange(path="components.0.minutes", before="20", after="30"),
        prescription.FieldChange(path="components.0.times_per_week", before="3", after="4"),
    )
    trail.add(
        prescription.ProgramRevised, PROGRAM, "2026-10-12T08:00:00", TOMAS, revision=2, reason="Walks have become easy",
        components=(LONGER_WALK, YOGA), goals=("Walk to work twice a week", "Sleep through the night"),
        changes=changes,
    )  # fmt: skip
    _repeated(trail, "2026-10-27T16:30:00", phq9(9, "mild", 1, 1, 1, 2, 1, 1, 1, 1, 0), -7)
    entry = _checked_in(
        trail, "2026-11-20T17:20:00", mood=6, energy=5, sleep=6, well_being=6, symptoms=("RF_CHEST",),
        sessions=(monitoring.Session(done_on=date(2026, 11, 20), minutes=30, rpe=14, activity="17190"),),
        words="Tight chest on the hill, gone after resting.",
    )  # fmt: skip
    flag = trail.add(monitoring.RedFlagRaised, PLAN, "2026-11-20T17:20:00", THE_PATIENT, because=entry,
                     program_id=PROGRAM, codes=("RF_CHEST",), rules_version="1")  # fmt: skip
    trail.add(
        monitoring.AlertRaised, ALERT, "2026-11-20T17:20:00", THE_PATIENT, because=flag, level=AlertLevel.E0,
        trigger="EMERGENCY_SIGN", signs=("RF_CHEST",), plan_id=PLAN, cause=flag.event_id,
        acknowledge_by=moment("2026-11-20T17:35:00"), rules_version="1",
    )  # fmt: skip
    trail.add(
        prescription.ProgramPaused, PROGRAM, "2026-11-20T17:20:01",
        policy("prescription.pause_at_a_red_flag", THE_PATIENT), because=flag, reason="A red flag was raised.",
        needs_clearance=True, clearance_after=moment("2026-11-20T17:20:00"), triggered_by=flag.event_id,
    )  # fmt: skip
    trail.add(
        referral.ReferralRequested, URGENT, "2026-11-20T17:20:01",
        policy("referral.request_an_urgent_look_at_a_red_flag", THE_PATIENT), because=flag,
        kind=ReferralKind.URGENT_PHYSICIAN, priority=Priority.URGENT, about=PROGRAM,
        reason="Red flag after exercise",
    )  # fmt: skip


def _checked_in(trail: Trail, at: str, **said: Any) -> Event:
    return trail.add(monitoring.CheckInRecorded, PLAN, at, THE_PATIENT, **said)


def _repeated(trail: Trail, at: str, result: QuestionnaireResult, change: int) -> None:
    trail.add(monitoring.MeasureRepeated, PLAN, at, THE_PATIENT, instrument="PHQ9", result=result, baseline=16,
              change=change)  # fmt: skip


def record_of(facts: list[Event]) -> Mapping[str, Any]:
    """Fold the facts as history does."""
    return msgspec.to_builtins(PatientRecord.of(facts).view())


def rows_of(facts: list[Event]) -> Iterator[Mapping[str, Any]]:
    """Write the facts as history's timeline does."""
    for position, fact in enumerate(facts, start=1):
        says = own_fields(fact)
        name = str(type(fact).__struct_config__.tag)
        yield {
            "event_id": fact.event_id,
            "service": name.split(".")[1],
            "position": position,
            "type": name,
            "meaning": (type(fact).__doc__ or "").split("\n")[0],
            "occurred_at": _written(fact.occurred_at),
            "recorded_at": _written(fact.recorded_at),
            "actor": msgspec.to_builtins(fact.actor),
            "reason": next((says[key] for key in ("reason", "note") if isinstance(says.get(key), str)), None),
            "caused_by": fact.causation_id,
            "correlation_id": str(fact.correlation_id),
            "says": says,
        }


def _written(at: Any) -> str:
    return (at + timedelta(0)).isoformat().replace("+00:00", "Z")
