"""What prescription does by itself: the policy done, refused, repeated and replayed, and the facts that it keeps."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from events.base import UNSET
from events.intake import PatientTeamMemberLeft
from events.prescription import ProgramPaused
from events.terms import ClearanceOutcome, ConclusionCondition, Intensity, Permission
from services.prescription.application import Programs
from services.prescription.domain import NotAllowed, Permit, Program, Wanted
from services.prescription.policies import policies
from services.prescription.worklists import care_team, conclusions
from services.prescription.worklists import programs as table
from shared.clock import ShiftedClock
from shared.eventlog.tables import refused_reactions
from shared.messaging import Inbox
from tests.prescription.conftest import clearance_recorded, joined, red_flag_raised, screening_concluded
from tests.prescription.given import (
    COORDINATOR,
    MONDAY,
    PATIENT,
    PHYSICIAN,
    PHYSIOLOGIST,
    PLAN,
    SCREENING,
    TODAY,
    context,
    happened,
)

WALKING = (Wanted(activity="17190", intensity=Intensity.MODERATE, minutes=20, times_per_week=3),)
NOBODYS = UUID("99999999-9999-4999-8999-999999999999")
FLAGGED_AT = MONDAY + timedelta(hours=1)


@pytest.fixture
def active(programs: Programs, inbox: Inbox) -> Program:
    """A program that the patient exercises by since this morning."""
    inbox.carry_out(screening_concluded(occurred_at=MONDAY - timedelta(days=2)))
    program = programs.draft(context(), PATIENT, WALKING)
    return programs.activate(context(), program.id, TODAY)


@pytest.fixture
def later(clock: ShiftedClock) -> None:
    """Noon: time has passed since the program was activated."""
    clock.forward(timedelta(hours=3))


def flag(program: Program, **fields: Any) -> Any:
    return red_flag_raised(**{"program_id": program.id, "occurred_at": FLAGGED_AT, **fields})


@pytest.mark.usefixtures("later")
class TestPausingTheProgram:
    def test_is_done_until_a_clearance_decided_after_the_flag(self, programs: Programs, inbox: Inbox, active: Program):
        inbox.carry_out(flag(active))

        paused = list(programs.events.get(active.id))[-1]
        assert isinstance(paused, ProgramPaused)
        assert (paused.needs_clearance, paused.clearance_after) == (True, FLAGGED_AT)
        assert (paused.triggered_by, paused.causation_id) == (f"{PLAN}-4", f"{PLAN}-4")
        assert (paused.actor.id, paused.actor.on_behalf_of) == ("policy:prescription.pause_the_program", "erin")
        (row,) = programs.query(select(table))
        assert (row["status"], row["needs_clearance"], row["next"]) == (
            "on-hold",
            True,
            ["revise", "resume", "discontinue"],
        )

    def test_is_refused_for_a_program_that_is_not_there(self, programs: Programs, inbox: Inbox):
        inbox.carry_out(red_flag_raised(program_id=NOBODYS, occurred_at=FLAGGED_AT))

        (refusal,) = programs.query(select(refused_reactions))
        assert (refusal["policy"], refusal["cause"], refusal["patient_id"]) == (
            "pause_the_program",
            f"{PLAN}-4",
            PATIENT,
        )

    def test_is_refused_for_a_program_of_another_patient(self, programs: Programs, inbox: Inbox, active: Program):
        inbox.carry_out(flag(active, patient_id=NOBODYS))

        (refusal,) = programs.query(select(refused_reactions))
        assert "another patient" in refusal["reason"]
        assert programs.get(Program, active.id).status == "active"

    def test_is_refused_a_flag_that_is_too_old_but_its_time_is_kept(
        self, programs: Programs, inbox: Inbox, active: Program
    ):
        old = MONDAY - timedelta(days=8)

        inbox.carry_out(flag(active, occurred_at=old))

        (refusal,) = programs.query(select(refused_reactions))
        assert "too old" in refusal["reason"]
        assert programs.permit_of(PATIENT).red_flag.occurred_at == old

    def test_is_done_once_for_a_flag_that_is_told_again(self, programs: Programs, inbox: Inbox, active: Program):
        inbox.carry_out(flag(active))
        inbox.carry_out(flag(active))

        assert programs.get(Program, active.id).version == 3
        assert programs.query(select(refused_reactions)) == []

    def test_is_left_where_the_program_is_not_followed(self, programs: Programs, inbox: Inbox):
        draft = programs.draft(context(), PATIENT, WALKING)

        inbox.carry_out(flag(draft))

        assert programs.get(Program, draft.id).version == 1
        assert programs.query(select(refused_reactions)) == []

    def test_stands_when_the_log_is_replayed(self, programs: Programs, inbox: Inbox, active: Program):
        inbox.carry_out(flag(active))

        again = programs.get(Program, active.id)
        assert (again.status, again.needs_clearance, again.clearance_after) == ("on-hold", True, FLAGGED_AT)

    def test_ends_with_a_clearance_decided_after_the_flag(
        self, programs: Programs, inbox: Inbox, active: Program, clock: ShiftedClock
    ):
        inbox.carry_out(flag(active))
        inbox.carry_out(clearance_recorded(version=8, occurred_at=FLAGGED_AT - timedelta(minutes=1)))
        with pytest.raises(NotAllowed, match="decided after the red flag"):
            programs.resume(context(now=clock()), active.id, "Cleared.")

        inbox.carry_out(clearance_recorded(occurred_at=FLAGGED_AT + timedelta(minutes=1)))
        resumed = programs.resume(context(now=clock()), active.id, "Cleared.")

        assert (resumed.status, resumed.basis) == ("active", (f"{SCREENING}-7", f"{SCREENING}-9"))

    def test_does_not_end_with_a_decision_made_before_the_flag_and_taken_after_it(
        self, programs: Programs, inbox: Inbox, active: Program, clock: ShiftedClock
    ):
        inbox.carry_out(flag(active, recorded_at=FLAGGED_AT))

        inbox.carry_out(
            clearance_recorded(
                occurred_at=FLAGGED_AT - timedelta(seconds=1), recorded_at=FLAGGED_AT + timedelta(minutes=30)
            )
        )

        with pytest.raises(NotAllowed, match="decided after the red flag"):
            programs.resume(context(now=clock()), active.id, "Cleared.")

    def test_is_declared_with_what_it_records(self):
        assert [(policy.name, policy.records) for policy in policies] == [("pause_the_program", (ProgramPaused,))]


class TestWhatMayBePrescribed:
    def test_is_nothing_before_any_fact(self, programs: Programs):
        assert programs.permit_of(PATIENT) == Permit()

    def test_follows_conclusion_clearance_and_red_flag(self, programs: Programs, inbox: Inbox):
        condition = ConclusionCondition(code="review-by", source="2.4", within_days=7)
        at_nine, at_ten, at_eleven = (datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (9, 10, 11))
        inbox.carry_out(
            screening_concluded(
                Permission.CLEARANCE_NEEDED, Intensity.NONE, conditions=(condition,), occurred_at=at_nine
            )
        )
        inbox.carry_out(
            clearance_recorded(
                ClearanceOutcome.CLEARED_WITH_LIMITS,
                Intensity.LIGHT,
                valid_until=date(2027, 5, 31),
                occurred_at=at_ten,
                recorded_at=at_eleven,
            )
        )
        inbox.carry_out(red_flag_raised(occurred_at=MONDAY))

        permit = programs.permit_of(PATIENT)

        assert (permit.conclusion.event_id, permit.conclusion.screening_id) == (f"{SCREENING}-7", SCREENING)
        assert (permit.conclusion.permission, permit.conclusion.cap) == ("clearance-needed", "none")
        assert permit.conclusion.conditions == ("review-by",)
        assert (permit.clearance.outcome, permit.clearance.cap) == ("cleared-with-limits", "light")
        assert permit.clearance.valid_until == date(2027, 5, 31)
        assert (permit.clearance.decided.occurred_at, permit.clearance.decided.recorded_at) == (at_ten, at_eleven)
        assert permit.red_flag.occurred_at == MONDAY

    def test_is_what_was_decided_last_however_late_the_rest_arrives(self, programs: Programs, inbox: Inbox):
        inbox.carry_out(screening_concluded(version=8, occurred_at=MONDAY))
        inbox.carry_out(
            screening_concluded(Permission.HOLD, Intensity.NONE, version=7, occurred_at=MONDAY - timedelta(days=1))
        )

        assert programs.permit_of(PATIENT).conclusion.permission == "ready"

    def test_is_kept_once_for_a_fact_that_is_told_again(self, programs: Programs, inbox: Inbox):
        inbox.carry_out(screening_concluded())
        inbox.carry_out(screening_concluded())

        assert len(programs.query(select(conclusions))) == 1

    def test_bears_conditions_that_were_erased(self, programs: Programs, inbox: Inbox):
        inbox.carry_out(replace(screening_concluded(), conditions=UNSET))

        assert programs.permit_of(PATIENT).conclusion.conditions == ()

    def test_is_each_patients_own(self, programs: Programs, inbox: Inbox):
        inbox.carry_out(screening_concluded(patient_id=NOBODYS))

        assert programs.permit_of(PATIENT) == Permit()


class TestTheCareTeam:
    def test_follows_who_joins_and_who_leaves(self, programs: Programs, inbox: Inbox):
        for member in (PHYSICIAN, PHYSIOLOGIST, COORDINATOR, PHYSICIAN):
            inbox.carry_out(joined(member))
        inbox.carry_out(happened(PatientTeamMemberLeft, 2, originator_id=PATIENT, member_id="kim", reason="Moved."))

        members = programs.query(select(care_team).order_by(care_team.c.member_id))

        assert [(row["member_id"], row["role"], row["patient_id"]) for row in members] == [
            ("erin", "exercise-physiologist", PATIENT),
            ("paula", "physician", PATIENT),
        ]
