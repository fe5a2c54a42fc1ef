"""Programs: who may do what at which status, what each step records, and what is refused."""

from datetime import UTC, date, datetime, timedelta

import pytest

from events.base import UNSET
from events.prescription import (
    FieldChange,
    ProgramActivated,
    ProgramCompleted,
    ProgramDiscontinued,
    ProgramDrafted,
    ProgramPaused,
    ProgramResumed,
    ProgramRevised,
)
from events.terms import ClearanceOutcome, Intensity
from services.prescription.domain import NotAllowed, Permit, Program, Status, Step, steps_of
from shared.eventlog.aggregate import NotFound
from tests.prescription.given import (
    CLEARED,
    CONCLUDED,
    COORDINATOR,
    GOALS,
    JOGGING,
    MONDAY,
    PATIENT,
    PHYSIOLOGIST,
    PROGRAM,
    READY,
    TO_BE_CLEARED,
    TODAY,
    TRAINER,
    WALK,
    YOGA,
    a_program,
    cleared,
    concluded,
    context,
    day,
    history,
    loaded,
    take,
)

STATEMENT = (
    "This exercise plan is part of a wider treatment plan and does not replace prescribed medication or psychotherapy; "
    "do not stop or change them without your prescriber."
)

# status: each step that is allowed there, and the status it leads to.
EXPECTED = {
    "draft": {"revise": "draft", "activate": "active", "discontinue": "revoked"},
    "active": {"revise": "active", "pause": "on-hold", "complete": "completed", "discontinue": "revoked"},
    "on-hold": {"revise": "on-hold", "resume": "active", "discontinue": "revoked"},
    "completed": {},
    "revoked": {},
}


class TestEveryStep:
    @pytest.mark.parametrize("step", Step)
    @pytest.mark.parametrize("status", Status)
    def test_leads_on_or_is_refused_with_what_is_allowed(self, status: Status, step: Step):
        program = a_program(status)

        if step in EXPECTED[status]:
            take(program, step)

            assert program.status == EXPECTED[status][step]
            assert len(program.pending) == 1
        else:
            with pytest.raises(NotAllowed, match=f"does not allow the step {step}") as refusal:
                take(program, step)

            assert refusal.value.allowed == tuple(EXPECTED[status])
            assert program.pending == ()

    @pytest.mark.parametrize(
        ("role", "allowed"),
        [
            ("physician", ("revise", "pause", "complete", "discontinue")),
            ("exercise-physiologist", ("revise", "pause", "complete", "discontinue")),
            ("care-coordinator", ("pause", "discontinue")),
            ("personal-trainer", ()),
            ("behavioral-coach", ()),
        ],
    )
    def test_is_offered_to_the_roles_that_may_take_it(self, role: str, allowed: tuple[str, ...]):
        assert steps_of(Status.ACTIVE, role) == allowed


class TestDrafting:
    def test_records_components_goals_and_the_statement_verbatim(self):
        program = Program.draft(PROGRAM, context(), PATIENT, [WALK, YOGA], GOALS)

        (drafted,) = program.pending
        assert isinstance(drafted, ProgramDrafted)
        assert (drafted.statement, drafted.components, drafted.goals) == (STATEMENT, (WALK, YOGA), GOALS)
        assert (drafted.patient_id, drafted.actor, drafted.occurred_at) == (PATIENT, PHYSIOLOGIST, MONDAY)
        assert (program.status, program.revision) == ("draft", 1)


class TestRevising:
    def test_records_number_reason_trigger_and_differences(self):
        program = a_program()

        program.revise((WALK,), ("Sleep.",), "Yoga was too much.", READY, triggered_by="an-alert-3")

        (revised,) = program.pending
        assert isinstance(revised, ProgramRevised)
        assert (revised.revision, revised.reason, revised.triggered_by) == (2, "Yoga was too much.", "an-alert-3")
        assert (revised.components, revised.goals) == ((WALK,), ("Sleep.",))
        assert revised.changes[0] == FieldChange(path="components.1.activity", before="02150", after=None)
        assert revised.changes[-1] == FieldChange(path="goals.0", before=GOALS[0], after="Sleep.")
        assert [revision.number for revision in program.revisions] == [1, 2]
        assert program.components == (WALK,)

    def test_is_refused_where_nothing_changes(self):
        with pytest.raises(NotAllowed, match="changes nothing"):
            a_program().revise((WALK, YOGA), GOALS, "Just so.", READY)

    def test_needs_no_permission_for_a_draft_or_a_paused_program(self):
        for status in (Status.DRAFT, Status.PAUSED):
            program = a_program(status)

            program.revise((JOGGING,), GOALS, "For later.", Permit())

            assert program.pending[0].basis == ()

    def test_of_an_active_program_names_the_facts_that_allow_it(self):
        program = a_program(Status.ACTIVE)

        program.revise((WALK,), GOALS, "Yoga was too much.", READY)

        assert program.pending[0].basis == (CONCLUDED,)

    def test_of_an_active_program_is_refused_above_the_cap(self):
        with pytest.raises(NotAllowed, match="within the intensity cap") as refusal:
            a_program(Status.ACTIVE).revise((JOGGING,), GOALS, "Keen.", READY)

        assert refusal.value.allowed == ("pause", "complete", "discontinue")


class TestActivating:
    def test_records_the_basis_and_the_weekly_dose(self):
        program = a_program()

        program.activate(TODAY, Permit(concluded(), cleared()))

        (activated,) = program.pending
        assert isinstance(activated, ProgramActivated)
        assert (activated.revision, activated.starts_on, activated.basis) == (1, TODAY, (CONCLUDED, CLEARED))
        # 3 x 20 minutes of walking and 2 x 30 of yoga
        assert (activated.sessions_per_week, activated.minutes_per_week) == (5, 120)

    @pytest.mark.parametrize(
        ("permit", "words"),
        [
            (Permit(), "a concluded screening."),
            (TO_BE_CLEARED, "a physician's clearance."),
            (Permit(concluded(cap=Intensity.LIGHT)), "components within the intensity cap."),
            (
                Permit(None, None, day(15)),
                "a concluded screening; a physician's clearance decided after the red flag.",
            ),
        ],
    )
    def test_is_refused_with_exactly_what_is_missing(self, permit: Permit, words: str):
        program = a_program()

        with pytest.raises(NotAllowed) as refusal:
            program.activate(TODAY, permit)

        assert str(refusal.value) == f"The patient may not exercise by this program yet. Missing: {words}"
        assert refusal.value.code == "not-permitted"
        assert refusal.value.allowed == ("revise", "discontinue")
        assert program.pending == ()

    def test_is_refused_where_the_clearance_ends_before_the_start(self):
        permit = Permit(TO_BE_CLEARED.conclusion, cleared(until=date(2026, 11, 27)))

        a_program().activate(date(2026, 11, 27), permit)
        with pytest.raises(NotAllowed, match="valid on the day"):
            a_program().activate(date(2026, 11, 28), permit)

    @pytest.mark.parametrize("starts_on", ["2026-11-22", "2026-11-23", "2027-02-21"])
    def test_may_start_up_to_ninety_days_ahead(self, starts_on: str):
        program = a_program()

        program.activate(date.fromisoformat(starts_on), READY)

        assert program.status == "active"

    @pytest.mark.parametrize("starts_on", ["2026-11-21", "2027-02-22"])
    def test_is_refused_for_the_past_and_the_far_future(self, starts_on: str):
        with pytest.raises(NotAllowed, match="starts today or within 90 days"):
            a_program().activate(date.fromisoformat(starts_on), READY)


class TestPausing:
    def test_by_hand_asks_for_no_clearance(self):
        program = a_program(Status.ACTIVE, seen_by=COORDINATOR)

        program.pause("Influenza.")

        (paused,) = program.pending
        assert isinstance(paused, ProgramPaused)
        assert (paused.reason, paused.needs_clearance, paused.clearance_after) == ("Influenza.", False, None)

    def test_with_a_clearance_to_come_keeps_the_moment_it_must_follow(self):
        program = a_program(Status.ACTIVE)

        program.pause("Dizzy.", clearance_after=day(15).occurred_at, triggered_by="a-flag-1")

        (paused,) = program.pending
        assert (paused.needs_clearance, paused.clearance_after) == (True, datetime(2026, 11, 15, 12, 0, tzinfo=UTC))
        assert (program.needs_clearance, paused.triggered_by) == (True, "a-flag-1")


class TestResuming:
    def test_records_the_basis_and_the_reason(self):
        program = a_program(Status.PAUSED)

        program.resume("Well again.", READY)

        (resumed,) = program.pending
        assert isinstance(resumed, ProgramResumed)
        assert (resumed.basis, resumed.reason, program.status) == ((CONCLUDED,), "Well again.", "active")

    @pytest.mark.parametrize(("decided_on", "goes_on"), [(14, False), (16, True)])
    def test_after_a_red_flag_needs_a_clearance_decided_after_it(self, decided_on: int, goes_on: bool):
        program = a_program(Status.ACTIVE)
        program.pause("A red flag was raised.", clearance_after=day(15).occurred_at)
        permit = Permit(concluded(), cleared(on=decided_on))

        if goes_on:
            program.resume("Cleared.", permit)

            assert (program.pending[-1].basis, program.needs_clearance) == ((CONCLUDED, CLEARED), False)
        else:
            with pytest.raises(NotAllowed, match="decided after the red flag"):
                program.resume("Cleared.", permit)

    def test_of_what_was_paused_by_hand_heeds_a_later_red_flag(self):
        with pytest.raises(NotAllowed, match="decided after the red flag"):
            a_program(Status.PAUSED).resume("Well again.", Permit(concluded(), None, day(22)))

    def test_is_refused_where_the_clearance_limits_more_than_is_prescribed_until_it_is_revised(self):
        program = a_program(Status.PAUSED)
        limited = Permit(concluded(), cleared(ClearanceOutcome.CLEARED_WITH_LIMITS, Intensity.LIGHT, on=16), day(15))

        with pytest.raises(NotAllowed, match="within the intensity cap") as refusal:
            program.resume("Cleared with limits.", limited)
        program.revise((YOGA,), GOALS, "The physician's limit.", limited)
        program.resume("Cleared with limits.", limited)

        assert refusal.value.allowed == ("revise", "discontinue")
        assert program.status == "active"


class TestEnding:
    def test_records_the_note_or_the_reason(self):
        completed, discontinued = a_program(Status.ACTIVE), a_program(Status.ACTIVE, seen_by=COORDINATOR)

        completed.complete("Twelve weeks done.")
        discontinued.discontinue("Moved away.")

        assert isinstance(completed.pending[0], ProgramCompleted)
        assert completed.pending[0].note == "Twelve weeks done."
        assert isinstance(discontinued.pending[0], ProgramDiscontinued)
        assert discontinued.pending[0].reason == "Moved away."


class TestARevision:
    def test_tells_author_role_reason_trigger_and_differences(self):
        program = a_program(seen_by=TRAINER)
        program.revise((WALK,), GOALS, "Yoga was too much.", READY, triggered_by="an-alert-3")

        first, second = program.revision_number(1), program.revision_number(2)

        assert (first.author, first.reason, first.triggered_by, first.changes) == (PHYSIOLOGIST, None, None, ())
        assert (second.author, second.reason, second.triggered_by) == (TRAINER, "Yoga was too much.", "an-alert-3")
        assert (first.components, second.components) == ((WALK, YOGA), (WALK,))
        assert (first.written_at, second.written_at) == (MONDAY - timedelta(days=1), MONDAY)

    def test_that_was_never_written_is_not_found(self):
        with pytest.raises(NotFound):
            a_program().revision_number(2)


class TestAHistoryWhoseWordsWereErased:
    def test_still_loads_and_shows_nothing_of_them(self):
        erased = {"components": UNSET, "goals": UNSET, "reason": UNSET, "changes": UNSET}
        program = loaded(
            history(
                [
                    (ProgramDrafted, {"statement": STATEMENT}),
                    (ProgramRevised, {"revision": 2, **erased}),
                    (ProgramActivated, {"revision": 2, "starts_on": TODAY, "basis": (), "sessions_per_week": 5,
                                        "minutes_per_week": 120}),
                    (ProgramPaused, {"needs_clearance": True}),
                ]
            )
        )  # fmt: skip

        assert (program.components, program.goals, program.revision) == ((), (), 2)
        assert program.revision_number(2).reason is UNSET
        assert program.clearance_after == MONDAY - timedelta(days=1) + timedelta(minutes=3)

    def test_may_be_written_anew(self):
        program = loaded(history([(ProgramDrafted, {"statement": STATEMENT})]))

        program.revise((WALK,), (), "Written anew.", READY)

        assert program.components == (WALK,)
