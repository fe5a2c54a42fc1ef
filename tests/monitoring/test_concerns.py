"""What in an entry somebody must look at, row by row of the escalation table (clinical rules 5.4 and 5.5)."""

from datetime import timedelta

import pytest

from services.monitoring.domain import Concern
from tests.monitoring.given import a_plan

MINUTES_15, HOURS_4, HOURS_24, HOURS_72 = (
    timedelta(minutes=15),
    timedelta(hours=4),
    timedelta(hours=24),
    timedelta(hours=72),
)
AT_ONCE = timedelta(0)


def clocks(concerns: tuple[Concern, ...]) -> list[tuple[str, str, timedelta, timedelta | None]]:
    """Trigger, level and both clocks of each concern."""
    return [(each.trigger, each.level, each.acknowledge_within, each.review_within) for each in concerns]


def phq9(total: int, item_9: int = 0) -> tuple[int, ...]:
    """Answers of a PHQ-9 with this total and this ninth item."""
    left, answers = total - item_9, []
    for _ in range(8):
        answers.append(min(3, left))
        left -= answers[-1]
    assert left == 0
    return (*answers, item_9)


class TestACheckIn:
    @pytest.mark.parametrize("code", ["RF_CHEST", "RF_SYNCOPE", "RF_NEURO", "RF_DYSPNOEA", "RF_NMS", "RF_DARKURINE"])
    def test_is_an_emergency_with_an_emergency_sign(self, code):
        evidence = a_plan().check_in(symptoms=[code])

        assert clocks(evidence.concerns) == [("EMERGENCY_SIGN", "E0", MINUTES_15, AT_ONCE)]
        assert evidence.concerns[0].signs == (code,)

    @pytest.mark.parametrize(
        "code",
        ["RF_PALP", "RF_DIZZY", "RF_COLD", "RF_WHEEZE", "RF_CLAUD", "RF_HEAT", "RF_LITHIUM", "RF_PREG"],
    )
    def test_is_looked_at_the_same_day_with_an_urgent_sign(self, code):
        evidence = a_plan().check_in(symptoms=[code])

        assert clocks(evidence.concerns) == [("SAME_DAY_SIGN", "E1", HOURS_4, HOURS_24)]

    def test_is_reviewed_in_three_days_with_a_sore_joint(self):
        evidence = a_plan().check_in(symptoms=["RF_MSK"])

        assert clocks(evidence.concerns) == [("REVIEW_SIGN", "E2", HOURS_24, HOURS_72)]

    def test_loses_no_sign_to_a_more_urgent_one(self):
        evidence = a_plan().check_in(symptoms=["RF_MSK", "RF_PALP", "RF_CHEST", "RF_DIZZY"])

        assert [(each.level, each.signs) for each in evidence.concerns] == [
            ("E0", ("RF_CHEST",)),
            ("E1", ("RF_PALP", "RF_DIZZY")),
            ("E2", ("RF_MSK",)),
        ]

    @pytest.mark.parametrize("told", [{"feels_unsafe": True}, {"words": "I'd be better off dead."}])
    def test_is_a_crisis_when_the_patient_is_not_safe(self, told):
        evidence = a_plan().check_in(**told)

        assert clocks(evidence.concerns) == [("CRISIS_SELF_REPORT", "E0", MINUTES_15, AT_ONCE)]

    def test_gives_no_concern_for_a_bad_day(self):
        assert a_plan().check_in(mood=0, energy=0, sleep=0, well_being=0).concerns == ()


class TestItem9:
    @pytest.mark.parametrize(
        ("item_9", "trigger"), [(1, "SI_UNASSESSED"), (2, "SI_POSITIVE_HIGH"), (3, "SI_POSITIVE_HIGH")]
    )
    def test_is_looked_at_the_same_day_from_one_on(self, item_9, trigger):
        evidence = a_plan().repeat("PHQ9", phq9(4, item_9), 4)

        assert clocks(evidence.concerns) == [(trigger, "E1", HOURS_4, HOURS_24)]

    def test_is_asked_for_when_it_was_left_out(self):
        evidence = a_plan().repeat("PHQ9", (1, 1, 1, 1, 0, 0, 0, 0, None), 4)

        assert [(each.trigger, each.signs) for each in evidence.concerns] == [("SI_UNASSESSED", ("SI_UNKNOWN",))]

    def test_is_quiet_at_nought(self):
        assert a_plan().repeat("PHQ9", phq9(4), 4).concerns == ()

    def test_comes_before_any_total(self):
        evidence = a_plan().repeat("PHQ9", phq9(20, 3), 12)

        assert [each.trigger for each in evidence.concerns] == [
            "SI_POSITIVE_HIGH",
            "PHQ9_SEVERE_NEW",
            "PHQ9_DETERIORATION",
        ]

    def test_is_no_matter_of_the_gad_7(self):
        assert a_plan().repeat("GAD7", (0, 0, 0, 0, 0, 0, 3), 3).concerns == ()


class TestDeterioration:
    @pytest.mark.parametrize(("instrument", "answers"), [("PHQ9", phq9(14)), ("GAD7", (3, 3, 3, 3, 1, 0, 0))])
    def test_is_no_concern_just_below_the_threshold(self, instrument, answers):
        baseline = sum(answers) - {"PHQ9": 4, "GAD7": 3}[instrument]

        assert a_plan().repeat(instrument, answers, baseline).concerns == ()

    @pytest.mark.parametrize(("instrument", "answers"), [("PHQ9", phq9(14)), ("GAD7", (3, 3, 3, 3, 1, 0, 0))])
    def test_is_reviewed_in_72_hours_from_the_threshold_on(self, instrument, answers):
        baseline = sum(answers) - {"PHQ9": 5, "GAD7": 4}[instrument]

        concerns = a_plan().repeat(instrument, answers, baseline).concerns

        assert clocks(concerns) == [(f"{instrument}_DETERIORATION", "E2", HOURS_24, HOURS_72)]

    def test_needs_a_baseline(self):
        assert a_plan().repeat("PHQ9", phq9(19), None).concerns == ()

    def test_is_no_red_flag(self):
        plan = a_plan()

        plan.repeat("PHQ9", phq9(14), 9)

        assert [type(event).__name__ for event in plan.pending] == ["MeasureRepeated"]


class TestASevereTotal:
    def test_is_looked_at_the_same_day_when_it_is_new(self):
        concerns = a_plan().repeat("PHQ9", phq9(20), 19).concerns

        assert clocks(concerns) == [("PHQ9_SEVERE_NEW", "E1", HOURS_4, HOURS_24)]

    def test_is_not_new_when_the_baseline_was_severe(self):
        assert a_plan().repeat("PHQ9", phq9(21), 20).concerns == ()

    def test_is_new_again_after_it_was_gone(self):
        plan = a_plan()
        plan.repeat("PHQ9", phq9(12), 20)

        assert [each.trigger for each in plan.repeat("PHQ9", phq9(20), 20).concerns] == ["PHQ9_SEVERE_NEW"]

    def test_is_not_there_one_point_below(self):
        assert a_plan().repeat("PHQ9", phq9(19), 19).concerns == ()
