"""Random lives of a program: no order of steps and facts lets a patient exercise without what must be there."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from events.terms import ClearanceOutcome, Intensity, Permission
from services.prescription.domain import Clearance, Conclusion, Moment, NotAllowed, Permit, Program, Status
from tests.prescription.given import GOALS, JOGGING, MONDAY, PATIENT, PROGRAM, SCREENING, TODAY, WALK, YOGA, context

PLANS = {Intensity.LIGHT: (YOGA,), Intensity.MODERATE: (WALK,), Intensity.VIGOROUS: (JOGGING, YOGA)}
RANK = [Intensity.NONE, Intensity.LIGHT, Intensity.MODERATE, Intensity.VIGOROUS]


class ProgramLife(RuleBasedStateMachine):
    """One program beside a plain model of what was concluded, cleared and flagged, one minute after the other."""

    @initialize(hardest=st.sampled_from(list(PLANS)))
    def draft(self, hardest: Intensity) -> None:
        self.minutes = 0
        self.permit = Permit()
        self.hardest = hardest
        self.concluded_as: Permission | None = None
        self.cleared_since_conclusion = self.cleared_since_flag = True
        self.program = Program.draft(PROGRAM, context(), PATIENT, PLANS[hardest], GOALS)

    def now(self) -> Moment:
        self.minutes += 1
        moment = MONDAY + timedelta(minutes=self.minutes)
        return Moment(moment, moment)

    @rule(permission=st.sampled_from(Permission), cap=st.sampled_from(RANK))
    def conclude(self, permission: Permission, cap: Intensity) -> None:
        self.concluded_as, self.cleared_since_conclusion = permission, False
        fact = Conclusion(event_id="c", screening_id=SCREENING, permission=permission, cap=cap, conditions=(),
                          decided=self.now())  # fmt: skip
        self.permit = replace(self.permit, conclusion=fact)

    @rule(outcome=st.sampled_from(ClearanceOutcome), cap=st.sampled_from(RANK))
    def decide(self, outcome: ClearanceOutcome, cap: Intensity) -> None:
        self.cleared_since_conclusion = self.cleared_since_flag = True
        fact = Clearance(event_id="d", screening_id=SCREENING, outcome=outcome, cap=cap, valid_until=None,
                         decided=self.now())  # fmt: skip
        self.permit = replace(self.permit, clearance=fact)

    @rule()
    def raise_a_red_flag(self) -> None:
        self.cleared_since_flag = False
        self.permit = replace(self.permit, red_flag=self.now())
        if self.program.status is Status.ACTIVE:
            self.program.pause("A red flag was raised.", clearance_after=self.permit.red_flag.occurred_at)

    @rule(hardest=st.sampled_from(list(PLANS)))
    def revise(self, hardest: Intensity) -> None:
        before = len(self.program.revisions)
        if self._tried(lambda: self.program.revise(PLANS[hardest], GOALS, "A try.", self.permit)):
            assert self.program.revision == before + 1
            if self.program.status is Status.ACTIVE:
                self._must_have_been_allowed(hardest)
            self.hardest = hardest

    @rule()
    def activate(self) -> None:
        if self._tried(lambda: self.program.activate(TODAY, self.permit)):
            self._must_have_been_allowed(self.hardest)

    @rule()
    def resume(self) -> None:
        if self._tried(lambda: self.program.resume("A try.", self.permit)):
            self._must_have_been_allowed(self.hardest)

    @rule()
    def pause(self) -> None:
        self._tried(lambda: self.program.pause("A try."))

    @precondition(lambda self: self.minutes > 8)
    @rule()
    def end(self) -> None:
        self._tried(lambda: self.program.discontinue("A try."))

    def _tried(self, step) -> bool:
        recorded = len(self.program.pending)
        try:
            step()
        except NotAllowed:
            assert len(self.program.pending) == recorded
            return False
        return True

    def _must_have_been_allowed(self, hardest: Intensity) -> None:
        clearance = self.permit.clearance
        assert self.concluded_as in (Permission.READY, Permission.CLEARANCE_NEEDED)
        assert self.cleared_since_flag
        assert self.concluded_as is Permission.READY or self.cleared_since_conclusion
        assert clearance is None or clearance.outcome is not ClearanceOutcome.NOT_CLEARED
        caps = [self.permit.conclusion.cap] if self.concluded_as is Permission.READY else []
        caps += [clearance.cap] if clearance else []
        assert any(RANK.index(hardest) <= RANK.index(cap) for cap in caps)
        assert self.program.pending[-1].basis[0] == "c"

    @invariant()
    def its_history_gives_the_same_program(self) -> None:
        again = Program.load(self.program.pending, context())
        assert (again.status, again.revision, again.components, again.basis, again.clearance_after) == (
            self.program.status,
            self.program.revision,
            self.program.components,
            self.program.basis,
            self.program.clearance_after,
        )
        assert [event.originator_version for event in self.program.pending] == [
            *range(1, len(self.program.pending) + 1)
        ]


TestTheLifeOfAProgram = ProgramLife.TestCase
TestTheLifeOfAProgram.settings = settings(max_examples=40, stateful_step_count=25)
