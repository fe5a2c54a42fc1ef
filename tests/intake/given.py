"""Given: contexts, patients, screenings and records in the state that a test begins from."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from events.base import Actor
from events.intake import DatePrecision, Treatment
from events.terms import ClearanceOutcome, Intensity
from services.intake.domain import Decision, Identity, ImportedRecord, Occasion, Patient, Screening
from shared.eventlog import Context

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
PATIENT = UUID("5f1d8a3e-6c0b-4f5e-9a77-0d2b3c4e5f60")
CONVERSATION = UUID("0b9f6d5c-4a3e-4d2c-8b1a-9f8e7d6c5b4a")
REFERRAL = UUID("7c6b5a49-3827-4615-8f4e-3d2c1b0a9f8e")

CORA, PHIL, PSYCHE = "cora", "phil", "psyche"
"""A care coordinator, a physician and a psychiatrist."""

WELL = (0, 0, 0, 0, 0, 0, 0, 0, 0)
CALM = (0, 0, 0, 0, 0, 0, 0)
HEALTHY = {"known_disease": False, "symptoms": False, "regularly_active": False, "wants_vigorous": False}


def a_context(by: str = CORA, role: str = "care-coordinator", now: datetime = NOW, cause: str = "request-1") -> Context:
    return Context(actor=Actor(id=by, role=role), now=now, correlation_id=CONVERSATION, causation_id=cause)


def a_physician(**words: Any) -> Context:
    return a_context(PHIL, "physician", **words)


def a_psychiatrist(**words: Any) -> Context:
    return a_context(PSYCHE, "psychiatrist", **words)


def an_identity(**words: Any) -> Identity:
    known = {"family_name": "Keller", "given_name": "Mira", "birth_date": date(1984, 5, 17), "sex": "female"}
    return Identity(**{**known, "time_zone": "Europe/Zurich", "language": "de-CH", **words})


def a_patient(context: Context | None = None, **words: Any) -> Patient:
    return Patient.register(PATIENT, context or a_context(), an_identity(**words))


def someone_brought_in(deceased: bool = False, **words: Any) -> Patient:
    return Patient.bring_in(PATIENT, a_context(), an_identity(**words), deceased=deceased)


def born(year: int, month: int = 1, day: int = 1, precision: DatePrecision = DatePrecision.DAY) -> dict[str, Any]:
    return {"birth_date": date(year, month, day), "precision": precision}


def a_screening(context: Context | None = None) -> Screening:
    """A screening that was just opened."""
    screening = Screening.open(a_patient(), 1, Occasion.INTAKE)
    screening.context = context or a_context()
    return screening


def a_filled_screening(
    phq9: tuple[int | None, ...] = WELL,
    gad7: tuple[int | None, ...] = CALM,
    vitals: tuple[int, int, int] = (128, 78, 72),
    **history: Any,
) -> Screening:
    """A screening of which every part was recorded; a healthy person's unless said otherwise."""
    screening = a_screening()
    screening.record_medical_history(**{**HEALTHY, **history})
    screening.record_questionnaire("PHQ9", phq9)
    screening.record_questionnaire("GAD7", gad7)
    screening.record_vitals(*vitals, with_symptoms=False)
    screening.record_activity(2, 20, 0)
    screening.record_preferences(liked=("walking",), barriers=("tired in the evening",), goals="Climb stairs")
    return screening


def a_concluded_screening(**words: Any) -> Screening:
    screening = a_filled_screening(**words)
    screening.conclude(TODAY)
    return screening


def a_decision(**words: Any) -> Decision:
    said = {"outcome": ClearanceOutcome.CLEARED, "limit": Intensity.MODERATE, "valid_until": None}
    return Decision(**{"referral_id": REFERRAL, "decided_by": PHIL, **said, **words})


def a_record(context: Context | None = None) -> ImportedRecord:
    return ImportedRecord.open(PATIENT, context or a_context())


def in_treatment() -> dict[str, Any]:
    return {"treatment": Treatment(active=True)}


def placed(patient: Patient, version: int) -> dict[str, Any]:
    """What an event of a referral about a patient has besides its own fields."""
    return {
        "originator_id": REFERRAL,
        "originator_version": version,
        "occurred_at": NOW,
        "recorded_at": NOW,
        "patient_id": patient.id,
        "actor": Actor(id=PHIL, role="physician"),
        "correlation_id": CONVERSATION,
        "causation_id": "request-7",
        "hops": 1,
    }


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def recorded(aggregate: Any) -> list[str]:
    """The names of what an aggregate has recorded, in order."""
    return [type(event).__name__ for event in aggregate.pending]


def replayed(aggregate: Any) -> Any:
    """The aggregate as its own events load it."""
    return type(aggregate).load(list(aggregate.pending), None)
