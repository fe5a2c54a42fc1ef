"""What prescription's questions are answered from: programs, what may be prescribed, and who is in the care team."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Boolean, Column, Date, Integer, MetaData, String, Table, Uuid

from events.terms import ClearanceOutcome, Intensity, Permission
from services.prescription.domain import Program, Status
from services.prescription.domain.program import STEPS
from shared.access import care_team_table
from shared.columns import word_of
from shared.eventlog import Json, UtcDateTime, Worklist

metadata = MetaData()

care_team = care_team_table(metadata)

programs = Table(
    "programs",
    metadata,
    Column("aggregate_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False, index=True),
    Column("status", word_of(Status), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("next", Json, nullable=False),
    Column("needs_clearance", Boolean, nullable=False),
    Column("starts_on", Date),
    Column("drafted_at", UtcDateTime, nullable=False),
    comment="every program with its present revision and the steps that its status allows",
)


def _placed() -> tuple[Column[Any], ...]:
    """Columns that place another service's fact: which one, whose, and when it was true and recorded."""
    return (
        Column("event_id", String(60), primary_key=True),
        Column("patient_id", Uuid, nullable=False, index=True),
        Column("occurred_at", UtcDateTime, nullable=False),
        Column("recorded_at", UtcDateTime, nullable=False),
    )


conclusions = Table(
    "conclusions",
    metadata,
    *_placed(),
    Column("screening_id", Uuid, nullable=False),
    Column("permission", word_of(Permission), nullable=False),
    Column("intensity_cap", word_of(Intensity), nullable=False),
    Column("conditions", Json, nullable=False),
    comment="what concluded screenings allow, as intake recorded it",
)

clearances = Table(
    "clearances",
    metadata,
    *_placed(),
    Column("screening_id", Uuid, nullable=False),
    Column("outcome", word_of(ClearanceOutcome), nullable=False),
    Column("intensity_cap", word_of(Intensity), nullable=False),
    Column("valid_until", Date),
    comment="what physicians decided about exercise, as intake recorded it",
)

red_flags = Table(
    "red_flags",
    metadata,
    *_placed(),
    comment="when monitoring raised a red flag",
)


def _program_row(program: Program) -> Iterator[dict[str, Any]]:
    yield {
        "patient_id": program.patient_id,
        "status": program.status,
        "revision": program.revision,
        "next": [str(step) for step in STEPS[program.status]],
        "needs_clearance": program.needs_clearance,
        "starts_on": program.starts_on,
        "drafted_at": program.drafted_at,
    }


PROGRAMS = Worklist(programs, of=Program, rows=_program_row)
