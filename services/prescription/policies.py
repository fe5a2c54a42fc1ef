"""Whenever intake or monitoring records something that decides about exercise, prescription follows."""

from __future__ import annotations

from typing import Any

from events.base import Event
from events.intake import ClearanceRecorded, ScreeningConcluded
from events.monitoring import RedFlagRaised
from events.prescription import PrescriptionReactionRefused, ProgramPaused
from services.prescription.domain import Program, Status
from services.prescription.worklists import care_team, clearances, conclusions, red_flags
from shared.access import keep_care_team
from shared.eventlog import Refused
from shared.messaging import Policies, Reaction, Rows

policies = Policies("prescription", refused=PrescriptionReactionRefused)

keep_care_team(policies, care_team)


@policies.whenever(RedFlagRaised, records=(ProgramPaused,))
def pause_the_program(event: RedFlagRaised, reaction: Reaction) -> None:
    """Stop the program that the red flag names until a physician has cleared the patient again.

    The pause begins now, for until now the program was followed; the clearance must be later than the flag itself.
    """
    program = reaction.get(Program, event.program_id)
    if program.patient_id != event.patient_id:
        raise Refused("The red flag names a program of another patient.", code="another-patient")
    if program.status is Status.ACTIVE:
        program.pause("A red flag was raised.", clearance_after=event.occurred_at, triggered_by=event.event_id)


@policies.projects(ScreeningConcluded)
def keep_what_was_concluded(event: ScreeningConcluded, rows: Rows) -> None:
    """Keep what a screening allows; conditions are gone where the patient's data were erased."""
    allows = {
        "screening_id": event.originator_id,
        "permission": event.permission,
        "intensity_cap": event.intensity_cap,
        "conditions": [condition.code for condition in event.conditions or ()],
    }
    rows.replace(conclusions, where={"event_id": event.event_id}, rows=[_placed(event) | allows])


@policies.projects(ClearanceRecorded)
def keep_what_the_physician_decided(event: ClearanceRecorded, rows: Rows) -> None:
    """Keep what a clearance allows, and until when."""
    allows = {
        "screening_id": event.originator_id,
        "outcome": event.outcome,
        "intensity_cap": event.intensity_cap,
        "valid_until": event.valid_until,
    }
    rows.replace(clearances, where={"event_id": event.event_id}, rows=[_placed(event) | allows])


@policies.projects(RedFlagRaised)
def keep_the_red_flag(event: RedFlagRaised, rows: Rows) -> None:
    """Keep when a red flag was raised: no program of this patient starts without a clearance decided after it."""
    rows.replace(red_flags, where={"event_id": event.event_id}, rows=[_placed(event)])


def _placed(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "patient_id": event.patient_id,
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at or event.occurred_at,
    }
