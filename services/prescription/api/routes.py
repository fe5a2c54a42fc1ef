"""The routes of prescription, and who may take which."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from events.terms import Intensity
from services.prescription.api.commands import (
    ActivateProgram,
    CompleteProgram,
    DraftProgram,
    PauseProgram,
    ReviseProgram,
    StateReason,
    WhichPrograms,
)
from services.prescription.api.views import (
    CatalogueView,
    PermitView,
    ProgramRow,
    ProgramView,
    RevisionView,
)
from services.prescription.application import Programs
from services.prescription.domain import (
    MAY_CHANGE,
    MAY_STOP,
    WORDS,
    Program,
    Revision,
    Status,
    allowed_to_exercise,
    cap_of,
)
from services.prescription.worklists import programs as table
from shared.access import CARE_TEAM, AccessTable, Relation, Role, Rule
from shared.clinical.activities import ACTIVITIES, SOURCE
from shared.http import Blueprint, application, lists, must_see, reads, records, request_context

blueprint = Blueprint("programs", __name__, description="Exercise programs: drafted, revised, followed, ended")

TEAM = Rule(CARE_TEAM, Relation.MEMBER)
TO_CHANGE = Rule({Role(role) for role in MAY_CHANGE}, Relation.MEMBER)
TO_STOP = Rule({Role(role) for role in MAY_STOP}, Relation.MEMBER)

ACCESS: AccessTable = {
    "draft_program": TO_CHANGE,
    "program_list": TEAM,
    "program": TEAM,
    "program_revision": TEAM,
    "revise_program": TO_CHANGE,
    "activate_program": TO_CHANGE,
    "pause_program": TO_STOP,
    "resume_program": TO_CHANGE,
    "complete_program": TO_CHANGE,
    "discontinue_program": TO_STOP,
    "activity_catalogue": Rule(CARE_TEAM),
    "permit": TEAM,
}


def programs() -> Programs:
    """The application that this app serves."""
    return application(Programs)


def patient_of(program_id: UUID, **_: Any) -> UUID | None:
    """Whose program it is."""
    return programs().get(Program, program_id).patient_id


@records(blueprint, "/programs", DraftProgram, ProgramView, status=201)
def draft_program(command: dict[str, Any]) -> Program:
    """Write the first revision of a program; it is followed once it is activated."""
    must_see(command["patient_id"])
    return programs().draft(request_context(), **command)


@lists(
    blueprint,
    "/programs",
    ProgramRow,
    by=(table.c.drafted_at, table.c.aggregate_id),
    query=WhichPrograms,
    patient=table.c.patient_id,
)
def program_list(patient_id: UUID | None = None, status: Status | None = None) -> Select[Any]:
    """Programs of the caller's patients, the oldest first."""
    found = select(table)
    if patient_id is not None:
        found = found.where(table.c.patient_id == patient_id)
    return found if status is None else found.where(table.c.status == status)


@reads(blueprint, "/programs/<uuid:program_id>", ProgramView, patient_of=patient_of)
def program(program_id: UUID) -> Program:
    """One program with all its revisions, and the steps that the caller may take now."""
    return programs().get(Program, program_id)


@reads(blueprint, "/programs/<uuid:program_id>/revisions/<int:number>", RevisionView, patient_of=patient_of)
def program_revision(program_id: UUID, number: int) -> Revision:
    """One revision of a program."""
    return programs().get(Program, program_id).revision_number(number)


@records(
    blueprint,
    "/programs/<uuid:program_id>/revise",
    ReviseProgram,
    ProgramView,
    patient_of=patient_of,
    if_match=Program,
)
def revise_program(command: dict[str, Any], program_id: UUID, version: int) -> Program:
    """Write the next revision of a program as it was read."""
    return programs().revise(request_context(), program_id, version, **command)


@records(blueprint, "/programs/<uuid:program_id>/activate", ActivateProgram, ProgramView, patient_of=patient_of)
def activate_program(command: dict[str, Any], program_id: UUID) -> Program:
    """Let the patient exercise by it; a refusal says exactly what is missing."""
    return programs().activate(request_context(), program_id, **command)


@records(blueprint, "/programs/<uuid:program_id>/pause", PauseProgram, ProgramView, patient_of=patient_of)
def pause_program(command: dict[str, Any], program_id: UUID) -> Program:
    """Stop for now."""
    return programs().pause(request_context(), program_id, **command)


@records(blueprint, "/programs/<uuid:program_id>/resume", StateReason, ProgramView, patient_of=patient_of)
def resume_program(command: dict[str, Any], program_id: UUID) -> Program:
    """Go on; a refusal says exactly what is missing."""
    return programs().resume(request_context(), program_id, **command)


@records(blueprint, "/programs/<uuid:program_id>/complete", CompleteProgram, ProgramView, patient_of=patient_of)
def complete_program(command: dict[str, Any], program_id: UUID) -> Program:
    """Bring it to its planned end."""
    return programs().complete(request_context(), program_id, **command)


@records(blueprint, "/programs/<uuid:program_id>/discontinue", StateReason, ProgramView, patient_of=patient_of)
def discontinue_program(command: dict[str, Any], program_id: UUID) -> Program:
    """End it early."""
    return programs().discontinue(request_context(), program_id, **command)


@reads(blueprint, "/activities", CatalogueView)
def activity_catalogue() -> dict[str, Any]:
    """All activities with their Compendium codes and MET values."""
    return {"items": ACTIVITIES.values(), "source": SOURCE}


@reads(blueprint, "/patients/<uuid:patient_id>/permit", PermitView, patient_of="patient_id")
def permit(patient_id: UUID) -> dict[str, Any]:
    """What may be prescribed for a patient today, on which facts, and what is missing."""
    found, today = programs().permit_of(patient_id), request_context().now.date()
    missing = allowed_to_exercise(found, today, Intensity.LIGHT, found.red_flag)
    return {
        "patient_id": patient_id,
        "on": today,
        "cap": Intensity.NONE if missing else cap_of(found, today),
        "missing": [{"code": code, "words": WORDS[code]} for code in missing],
        "conclusion": found.conclusion,
        "clearance": found.clearance,
        "red_flag_at": found.red_flag.occurred_at if found.red_flag else None,
    }
