"""Any walk through a screening or a care team, in any order, keeps the promises that no order may break."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from events.base import Event
from events.terms import CareRole
from services.intake.domain import Patient, Screening
from shared.eventlog import Context, Refused
from tests.intake.given import HEALTHY, TODAY, a_context, a_patient, a_physician, a_screening

ANSWER = st.none() | st.integers(0, 3)
PEOPLE = ("cora", "carl", "phil", "tess")


class ScreeningWalk(RuleBasedStateMachine):
    """A screening that is loaded anew for every step, as the application does."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Event] = list(a_screening().pending)

    def step(self, context: Context) -> Screening:
        return Screening.load(self.log, context)

    def keep(self, screening: Screening) -> None:
        self.log += screening.pending

    @property
    def now(self) -> Screening:
        return Screening.load(self.log, None)

    @rule(answers=st.lists(ANSWER, min_size=1, max_size=9) | st.tuples(*[st.integers(0, 1)] * 9))
    def answer_phq9(self, answers: list[int | None]) -> None:
        screening = self.step(a_context())
        if self.now.conclusion is not None:
            with pytest.raises(Refused, match="concluded"):
                screening.record_questionnaire("PHQ9", answers)
            return
        screening.record_questionnaire("PHQ9", answers)
        names = [type(event).__name__ for event in screening.pending]
        assert names[-1] == "QuestionnaireAnswered"
        assert names.count("QuestionnaireAnswered") == 1
        self.keep(screening)
        if len(answers) == 9 and answers[8]:
            assert "SI_POSITIVE" in self.now.open_flags

    @rule(answers=st.lists(ANSWER, min_size=7, max_size=7), disease=st.none() | st.booleans())
    def fill_the_rest(self, answers: list[int | None], disease: bool | None) -> None:
        screening = self.step(a_context())
        if screening.conclusion is None:
            screening.record_medical_history(**{**HEALTHY, "known_disease": disease})
            screening.record_questionnaire("GAD7", answers)
            screening.record_vitals(128, 78, 72)
            self.keep(screening)

    @rule(hold=st.booleans())
    def assess(self, hold: bool) -> None:
        screening = self.step(a_physician())
        for flag in screening.open_flags:
            screening.assess_safety(flag, hold, "looked at")
        self.keep(screening)

    @rule()
    def conclude(self) -> None:
        screening = self.step(a_context())
        blocked = bool(screening.blocks) or screening.conclusion is not None
        if blocked:
            with pytest.raises(Refused):
                screening.conclude(TODAY)
            assert screening.pending == ()
            return
        screening.conclude(TODAY)
        self.keep(screening)

    @invariant()
    def a_conclusion_is_never_silent_about_safety(self) -> None:
        screening = self.now
        if screening.conclusion is not None:
            assert screening.open_flags == []
            held = [flag for flag in screening.flags.values() if flag.hold]
            assert not held or screening.conclusion.permission == "hold"

    @invariant()
    def only_a_hold_or_a_pending_clearance_closes_exercise(self) -> None:
        concluded = self.now.conclusion
        if concluded is not None:
            assert (concluded.intensity_cap == "none") == (concluded.permission != "ready")


class TeamWalk(RuleBasedStateMachine):
    """A care team that people join and leave."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Event] = list(a_patient().pending)

    @rule(who=st.sampled_from(PEOPLE), role=st.sampled_from([CareRole.COORDINATOR, CareRole.PHYSICIAN]))
    def join(self, who: str, role: CareRole) -> None:
        patient = Patient.load(self.log, a_context())
        known = patient.team.get(who)
        if known is not None and known.role != role:
            with pytest.raises(Refused):
                patient.add_team_member(who, role)
        else:
            patient.add_team_member(who, role)
        self.log += patient.pending

    @rule(who=st.sampled_from(PEOPLE))
    def leave(self, who: str) -> None:
        patient = Patient.load(self.log, a_context())
        coordinators = [name for name, member in patient.team.items() if member.role == "care-coordinator"]
        if who not in patient.team or coordinators == [who]:
            with pytest.raises(Refused):
                patient.remove_team_member(who, "left")
        else:
            patient.remove_team_member(who, "left")
        self.log += patient.pending

    @invariant()
    def somebody_coordinates(self) -> None:
        team = Patient.load(self.log, None).members

        assert [member for member in team if member.role is CareRole.COORDINATOR]


TestAnyScreening = ScreeningWalk.TestCase
TestAnyTeam = TeamWalk.TestCase
TestAnyScreening.settings = TestAnyTeam.settings = settings(max_examples=60, stateful_step_count=12)
