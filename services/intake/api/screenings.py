"""Screenings over HTTP: open one, record its parts in any order, assess safety, conclude."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select

from services.intake.api.here import intake
from services.intake.api.parts import (
    AssessSafety,
    OpenScreening,
    RecordActivity,
    RecordMedicalHistory,
    RecordPreferences,
    RecordQuestionnaire,
    RecordVitals,
)
from services.intake.api.views import InstrumentsView, ScreeningRow, ScreeningView
from services.intake.domain import Screening, Status
from services.intake.worklists import screenings as table
from services.intake.worklists import screenings_of
from shared.clinical.instruments import INSTRUMENTS
from shared.http import Blueprint, Query, fields, lists, reads, records, request_context

blueprint = Blueprint("screenings", __name__, description="Screenings: what is asked and measured before exercise")


class Which(Query):
    """Which screenings."""

    status = fields.Enum(Status)


def patient_of(screening_id: UUID) -> UUID | None:
    """Whose screening it is."""
    return intake().get(Screening, screening_id).patient_id


@records(
    blueprint,
    "/patients/<uuid:patient_id>/screenings",
    OpenScreening,
    ScreeningView,
    status=201,
    location="/screenings/{id}",
    patient_of="patient_id",
)
def open_screening(command: dict[str, Any], patient_id: UUID) -> Screening:
    """Open a screening: for adults, one at a time."""
    return intake().open_screening(request_context(), patient_id, **command)


@lists(
    blueprint,
    "/patients/<uuid:patient_id>/screenings",
    ScreeningRow,
    by=(table.c.opened_at, table.c.aggregate_id),
    descending=True,
    query=Which,
    patient_of="patient_id",
)
def screening_list(patient_id: UUID, status: Status | None = None) -> Select[Any]:
    """A patient's screenings, the latest first."""
    listed = screenings_of(patient_id)
    return listed if status is None else listed.where(table.c.status == status)


@reads(blueprint, "/screenings/<uuid:screening_id>", ScreeningView, patient_of=patient_of)
def screening(screening_id: UUID) -> Screening:
    """One screening: its parts, what is missing, what blocks a conclusion, and what was concluded."""
    return intake().get(Screening, screening_id)


def _records(step: str, command: type, **options: Any) -> Any:
    rule = f"/screenings/<uuid:screening_id>/{step}"
    return records(blueprint, rule, command, ScreeningView, patient_of=patient_of, **options)


@_records("medical-history", RecordMedicalHistory)
def record_medical_history(command: dict[str, Any], screening_id: UUID) -> Screening:
    """Record the medical history; a later one replaces it."""
    return intake().record_medical_history(request_context(), screening_id, **command)


@_records("questionnaires", RecordQuestionnaire)
def record_questionnaire(command: dict[str, Any], screening_id: UUID) -> Screening:
    """Record the answers to a questionnaire, by item; safety flags come before any total."""
    return intake().record_questionnaire(request_context(), screening_id, **command)


@_records("vitals", RecordVitals)
def record_vitals(command: dict[str, Any], screening_id: UUID) -> Screening:
    """Record blood pressure and pulse at rest; readings within an hour are repeats of one occasion."""
    return intake().record_vitals(request_context(), screening_id, **command)


@_records("activity", RecordActivity)
def record_activity(command: dict[str, Any], screening_id: UUID) -> Screening:
    """Record the exercise vital sign."""
    return intake().record_activity(request_context(), screening_id, **command)


@_records("preferences", RecordPreferences)
def record_preferences(command: dict[str, Any], screening_id: UUID) -> Screening:
    """Record what the patient likes, hopes for, and what stands in the way."""
    return intake().record_preferences(request_context(), screening_id, **command)


@_records("safety-assessments", AssessSafety)
def assess_safety(command: dict[str, Any], screening_id: UUID) -> Screening:
    """Say, as a clinician, what follows from a safety flag."""
    return intake().assess_safety(request_context(), screening_id, **command)


@records(
    blueprint,
    "/screenings/<uuid:screening_id>/conclusion",
    None,
    ScreeningView,
    patient_of=patient_of,
    if_match=Screening,
)
def conclude_screening(screening_id: UUID, version: int) -> Screening:
    """Conclude: say what may be prescribed, by every gate."""
    return intake().conclude(request_context(), screening_id, version)


@reads(blueprint, "/instruments", InstrumentsView)
def instrument_list() -> dict[str, Any]:
    """The questionnaires that screenings know: items by concept, never their wording."""
    return {"instruments": list(INSTRUMENTS.values())}
