"""What holds for any input: no gate is ever softened, no answer moves a score the wrong way."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clinical.conclusion import Cap, Condition, ConditionCode, Gate, GateName, Permission, conclude
from shared.clinical.contraindications import CONTRAINDICATIONS, contraindication_gates
from shared.clinical.cssrs import screen
from shared.clinical.instruments import INSTRUMENTS
from shared.clinical.modifiers import MODIFIERS, modifier_gates
from shared.clinical.preparticipation import Wish, acsm_gate
from shared.clinical.safety import Flag
from shared.clinical.scoring import score
from shared.clinical.severity import Severity, severity_gates
from shared.clinical.vitals import Vitals, vitals_gate

TODAY = date(2026, 11, 23)
PERMISSIONS = ["ready", "clearance-needed", "hold"]
CAPS = ["none", "light", "moderate", "vigorous"]
REQUIRED = [
    Gate(gate=name, reason="OPEN", source="test", rule_set="2026-11-23")
    for name in (GateName.ACSM, GateName.VITALS, GateName.SEVERITY)
]

conditions = st.builds(
    Condition, code=st.sampled_from(ConditionCode), within_hours=st.none() | st.integers(min_value=0, max_value=400)
)
gates = st.builds(
    Gate,
    gate=st.sampled_from(GateName),
    reason=st.text(min_size=1, max_size=5),
    permission=st.sampled_from(Permission),
    cap=st.sampled_from(Cap),
    conditions=st.lists(conditions, max_size=3).map(tuple),
    source=st.just("test"),
    rule_set=st.just("2026-11-23"),
)
maybe = st.none() | st.booleans()


@st.composite
def screenings(draw):
    """Every gate of one arbitrary adult, with the tier that the screener gave."""
    item_9 = draw(st.none() | st.integers(0, 3))
    asked = screen(draw(st.lists(maybe, max_size=7))) if draw(st.booleans()) else None
    state = Severity(
        phq9=draw(st.none() | st.integers(0, 27)),
        gad7=draw(st.none() | st.integers(0, 21)),
        item_9=item_9,
        difficulty=draw(st.none() | st.integers(0, 3)),
        cssrs=asked,
    )
    systolic = draw(st.integers(80, 220))
    reading = Vitals(systolic=systolic, diastolic=draw(st.integers(40, systolic - 1)), rate=draw(st.integers(30, 180)))
    symptoms = draw(maybe)
    found = [
        acsm_gate(
            active=draw(maybe), disease=draw(maybe), symptoms=symptoms, wish=draw(st.sampled_from(Wish)), on=TODAY
        ),
        vitals_gate([reading], symptoms=symptoms),
        *severity_gates(state),
        *contraindication_gates(draw(st.lists(st.sampled_from(sorted(CONTRAINDICATIONS)), max_size=2)), on=TODAY),
        *modifier_gates(draw(st.lists(st.sampled_from(sorted(MODIFIERS)), max_size=3)), on=TODAY),
    ]
    return found, state, reading, symptoms


class TestConclusion:
    @given(st.lists(gates), gates)
    def test_never_softens_when_a_gate_is_added(self, some, another):
        before, after = conclude([*REQUIRED, *some]), conclude([*REQUIRED, *some, another])

        assert PERMISSIONS.index(after.permission) >= PERMISSIONS.index(before.permission)
        assert CAPS.index(after.cap) <= CAPS.index(before.cap)
        assert {each.code for each in before.conditions} <= {each.code for each in after.conditions}
        for demand in before.conditions:
            kept = after.demands(demand.code).within_hours
            assert kept is None or (demand.within_hours is not None and kept <= demand.within_hours)

    @given(st.lists(gates))
    def test_does_not_depend_on_the_order_of_gates(self, some):
        forth, back = conclude([*REQUIRED, *some]), conclude([*some[::-1], *REQUIRED])

        assert (forth.permission, forth.cap) == (back.permission, back.cap)
        assert {(each.code, each.within_hours) for each in forth.conditions} == {
            (each.code, each.within_hours) for each in back.conditions
        }

    @given(st.lists(gates))
    def test_leaves_no_intensity_open_unless_ready(self, some):
        conclusion = conclude([*REQUIRED, *some])

        assert conclusion.permission == "ready" or conclusion.cap == "none"
        assert conclusion.reasons

    @settings(max_examples=500)
    @given(screenings())
    def test_is_never_ready_where_the_rule_book_holds(self, drawn):
        found, state, reading, symptoms = drawn

        conclusion = conclude(found)

        blocked = (
            state.phq9 is None
            or state.phq9 >= 20
            or state.gad7 is None
            or state.difficulty == 3
            or (state.item_9 != 0 and (state.cssrs is None or bool(state.cssrs.unanswered)))
            or (state.cssrs is not None and state.cssrs.tier.value in ("moderate", "high"))
            or reading.systolic >= 180
            or reading.diastolic >= 110
            or reading.rate > 120
            or symptoms is not False
        )
        assert not (blocked and conclusion.permission == "ready")

    @settings(max_examples=200)
    @given(screenings(), st.sampled_from(sorted(CONTRAINDICATIONS)))
    def test_is_never_ready_with_a_contraindication(self, drawn, code):
        conclusion = conclude([*drawn[0], *contraindication_gates([code], on=TODAY)])

        assert conclusion.permission != "ready"
        assert conclusion.cap == "none"


answer_sets = st.sampled_from(sorted(set(INSTRUMENTS) - {"CSSRS"})).flatmap(
    lambda code: st.tuples(
        st.just(code),
        st.lists(
            st.none() | st.integers(0, INSTRUMENTS[code].maximum),
            min_size=len(INSTRUMENTS[code].items),
            max_size=len(INSTRUMENTS[code].items),
        ),
    )
)


class TestScores:
    @settings(max_examples=500)
    @given(answer_sets)
    def test_stay_on_the_scale_keep_the_answers_and_say_what_is_missing(self, drawn):
        code, answers = drawn

        result = score(code, answers)

        assert result.answers == tuple(answers)
        assert result.missing == answers.count(None)
        assert result.total is None or 0 <= result.total <= INSTRUMENTS[code].highest_total
        assert (result.status == "complete") == (None not in answers)
        if None not in answers and code in ("PHQ9", "PHQ2", "GAD7", "WHO5", "PCL5", "ISI"):
            assert result.total == sum(answers)

    @given(st.lists(st.none() | st.integers(0, 3), max_size=9))
    def test_of_the_phq9_always_say_what_item_nine_says(self, answers):
        item_9 = answers[8] if len(answers) == 9 else None

        flags = score("PHQ9", answers).flags

        assert (Flag.SI_UNKNOWN in flags) == (item_9 is None)
        assert (Flag.SI_POSITIVE in flags) == (item_9 is not None and item_9 >= 1)
