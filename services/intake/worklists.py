"""What intake is asked for often: patients by name or number, care teams, screenings, risks that wait for a person."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    Uuid,
    and_,
    or_,
    select,
)

from events.intake import Identifier
from events.terms import Intensity, Permission
from services.intake.domain import ImportedRecord, Patient, Screening, Status
from shared.access import care_team_table
from shared.columns import word_of
from shared.eventlog import UtcDateTime, Worklist

metadata = MetaData()

patients = Table(
    "patients",
    metadata,
    Column("aggregate_id", Uuid, primary_key=True),
    Column("family_name", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_first", Text, nullable=False),
    Column("given_first", Text, nullable=False),
    Column("birth_date", Date),
    Column("deceased", Boolean, nullable=False),
    Column("imported", Boolean, nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Index("patients_family_first", "family_first", "aggregate_id"),
    comment="one row per patient; family_first and given_first are the names as they are searched for",
)

identifiers = Table(
    "patient_identifiers",
    metadata,
    Column("system", String(300), primary_key=True),
    Column("value", String(300), primary_key=True),
    Column("aggregate_id", Uuid, nullable=False, index=True),
    comment="whose number it is; no number is two patients'",
)

screenings = Table(
    "screenings",
    metadata,
    Column("aggregate_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("status", word_of(Status), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("open_flags", Integer, nullable=False),
    Column("concluded_at", UtcDateTime),
    Column("permission", word_of(Permission)),
    Column("intensity_cap", word_of(Intensity)),
    Index("screenings_patient", "patient_id", "opened_at"),
)

current_risks = Table(
    "current_risks",
    metadata,
    Column("aggregate_id", Uuid, nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    Column("flag", String(40), nullable=False),
    Column("stated_at", UtcDateTime),
    Column("found_at", UtcDateTime, nullable=False),
    comment="risks that imported history speaks of, until a person has reviewed them",
)

care_team = care_team_table(metadata)


def searched(text: str) -> str:
    """Bring a name, or what somebody types to find one, to the form in which they are compared."""
    words = unicodedata.normalize("NFC", text.casefold()).replace(",", " ").split()
    return " ".join(words)


def _patient_row(patient: Patient) -> Iterator[dict[str, Any]]:
    yield {
        "family_name": patient.family_name,
        "given_name": patient.given_name,
        "family_first": searched(f"{patient.family_name} {patient.given_name}"),
        "given_first": searched(f"{patient.given_name} {patient.family_name}"),
        "birth_date": patient.birth_date,
        "deceased": patient.deceased,
        "imported": patient.imported,
        "registered_at": patient.registered_on,
    }


def _identifier_rows(patient: Patient) -> Iterator[dict[str, Any]]:
    for identifier in patient.identifiers:
        yield {"system": identifier.system, "value": identifier.value}


def _team_rows(patient: Patient) -> Iterator[dict[str, Any]]:
    for member in patient.members:
        yield {
            "patient_id": patient.id,
            "member_id": member.member_id,
            "role": str(member.role),
            "since": member.since,
            "until": None,
        }


def _screening_row(screening: Screening) -> Iterator[dict[str, Any]]:
    concluded = screening.conclusion
    yield {
        "patient_id": screening.patient_id,
        "status": screening.status,
        "reason": screening.opened.reason,
        "opened_at": screening.opened.occurred_at,
        "open_flags": len(screening.open_flags),
        "concluded_at": concluded.occurred_at if concluded else None,
        "permission": concluded.permission if concluded else None,
        "intensity_cap": concluded.intensity_cap if concluded else None,
    }


def _risk_rows(record: ImportedRecord) -> Iterator[dict[str, Any]]:
    for number, risk in enumerate(record.open_risks, start=1):
        yield {
            "number": number,
            "patient_id": record.patient_id,
            "flag": risk.flag,
            "stated_at": risk.stated_at,
            "found_at": risk.found_at,
        }


WORKLISTS = (
    Worklist(patients, of=Patient, rows=_patient_row),
    Worklist(identifiers, of=Patient, rows=_identifier_rows),
    Worklist(care_team, of=Patient, rows=_team_rows),
    Worklist(screenings, of=Screening, rows=_screening_row),
    Worklist(current_risks, of=ImportedRecord, rows=_risk_rows),
)


def found_by(search: str | None) -> Select[Any]:
    """Select patients whose name begins so (family or given name first), or who have exactly this number."""
    everybody = select(patients)
    if search is None:
        return everybody
    begins = searched(search)
    numbered = select(identifiers.c.aggregate_id).where(identifiers.c.value == search.strip())
    conditions = [patients.c.aggregate_id.in_(numbered)]
    # An empty beginning would match everybody.
    if begins:
        columns = (patients.c.family_first, patients.c.given_first)
        conditions += [column.startswith(begins, autoescape=True) for column in columns]
    return everybody.where(or_(*conditions))


def known_by(numbers: Iterable[Identifier]) -> Select[Any]:
    """Select the ids of the patients who have any of these numbers; at least one must be given."""
    each = [and_(identifiers.c.system == number.system, identifiers.c.value == number.value) for number in numbers]
    return select(identifiers.c.aggregate_id).where(or_(*each)).distinct()


def screenings_of(patient_id: UUID) -> Select[Any]:
    """Select a patient's screenings."""
    return select(screenings).where(screenings.c.patient_id == patient_id)


def latest_concluded(patient_id: UUID) -> Select[Any]:
    """Select the id of the screening that a patient's clearance joins."""
    concluded = screenings_of(patient_id).where(screenings.c.status == Status.CONCLUDED)
    return concluded.order_by(screenings.c.concluded_at.desc()).limit(1)
