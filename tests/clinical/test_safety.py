"""Safety triggers, the screener's tiers, red flags and escalation."""

from itertools import product

import pytest

from shared.clinical.cssrs import QUESTIONS, Tier, screen
from shared.clinical.escalation import CLOCKS, LEVELS, Level, Trigger, clock, item_9_trigger, one_level_up
from shared.clinical.redflags import RED_FLAGS, Action, red_flag, trigger_of
from shared.clinical.refusals import AnswerRefused, UnknownCode
from shared.clinical.safety import Flag, Prompt, crisis_flags, phq9_flags
from shared.clinical.scoring import score

_ = None


class TestItemNine:
    @pytest.mark.parametrize("answer", [1, 2, 3])
    def test_fires_from_one_on(self, answer):
        assert phq9_flags([0, 0, 0, 0, 0, 0, 0, 0, answer]) == (Flag.SI_POSITIVE,)

    def test_is_read_from_partial_answers(self):
        result = score("PHQ9", {9: 1})

        assert result.flags == (Flag.SI_POSITIVE,)
        assert result.total is None

    def test_is_unknown_when_the_answers_stop_before_it(self):
        assert phq9_flags([3, 3]) == (Flag.SI_UNKNOWN,)

    def test_worsens_only_when_it_rises(self):
        last = [0, 0, 0, 0, 0, 0, 0, 0, 1]

        assert score("PHQ9", [0, 0, 0, 0, 0, 0, 0, 0, 2], previous=last).flags == (
            Flag.SI_POSITIVE,
            Flag.SI_WORSENING,
        )
        assert score("PHQ9", [0, 0, 0, 0, 0, 0, 0, 0, 1], previous=last).flags == (Flag.SI_POSITIVE,)

    def test_asks_for_the_screener_in_the_same_contact(self):
        assert score("PHQ9", [0, 0, 0, 0, 0, 0, 0, 0, 1]).prompts == (Prompt.ASK_CSSRS,)
        assert score("PHQ9", [0] * 9).prompts == ()

    def test_escalates_with_the_screener(self):
        low = screen([1, 0, _, _, _, 0, _])
        none = screen([0, 0, _, _, _, 0, _])
        moderate = screen([0, 1, 1, 0, 0, 0, _])
        high = screen([0, 1, 0, 1, 0, 0, _])

        assert item_9_trigger(1, low) is Trigger.SI_POSITIVE_LOW
        assert item_9_trigger(2, low) is Trigger.SI_POSITIVE_HIGH
        assert item_9_trigger(0, moderate) is Trigger.CSSRS_MODERATE
        assert item_9_trigger(0, high) is Trigger.CSSRS_HIGH
        assert item_9_trigger(1) is Trigger.SI_UNASSESSED
        assert item_9_trigger(None) is Trigger.SI_UNASSESSED
        assert item_9_trigger(0, screen([0])) is Trigger.SI_UNASSESSED
        assert item_9_trigger(0) is None
        assert item_9_trigger(0, none) is None


class TestCrisisWords:
    @pytest.mark.parametrize(
        "words", ["I want to die", "thinking of  SUICIDE.", "I might\nhurt myself", "self-harm", "Self harm again"]
    )
    def test_are_found_whatever_case_and_breaks(self, words):
        assert crisis_flags(words=words) == (Flag.CRISIS_SELF_REPORT,)

    def test_are_whole_words(self):
        assert crisis_flags(words="a fruit diet, genocides in the news") == ()

    def test_are_not_needed_beside_the_button(self):
        assert crisis_flags(unsafe=True) == (Flag.CRISIS_SELF_REPORT,)


def tier_by_the_book(q1, q2, q3, q4, q5, life, recent):
    """Section 1.6 as printed there."""
    if q4 or q5 or (life and recent):
        return "high"
    if q3 or (life and not recent):
        return "moderate"
    return "low" if q1 or q2 else "none"


class TestScreener:
    def test_reads_every_complete_combination_by_the_book(self):
        for answers in product([False, True], repeat=7):
            if answers[6] and not answers[5]:
                continue  # behaviour in three months without behaviour in a lifetime contradicts itself

            assert screen(answers).tier == tier_by_the_book(*answers), answers

    def test_asks_three_more_after_the_second_question(self):
        assert screen([0, 1]).unanswered == ("q3", "q4", "q5", "q6_life")
        assert screen([0, 0]).unanswered == ("q6_life",)
        assert screen([0, 0, _, _, _, 1]).unanswered == ("q6_3mo",)

    def test_is_incomplete_and_already_high(self):
        result = screen({"q5": 1})

        assert result.tier is Tier.HIGH
        assert result.flags == (Flag.CSSRS_HIGH, Flag.CSSRS_INCOMPLETE)

    def test_never_discards_a_yes_out_of_reach(self):
        assert screen([0, 0, 0, 1, 0, 0, _]).tier is Tier.HIGH

    @pytest.mark.parametrize("answers", [[2], ["yes"], [0] * 8, {"q7": 1}])
    def test_refuses_other_answers(self, answers):
        with pytest.raises(AnswerRefused):
            screen(answers)

    def test_has_seven_parts(self):
        assert QUESTIONS == ("q1", "q2", "q3", "q4", "q5", "q6_life", "q6_3mo")


class TestRedFlags:
    def test_are_those_of_the_rule_book(self):
        assert sorted(RED_FLAGS) == [
            "RF_CHEST", "RF_CLAUD", "RF_COLD", "RF_DARKURINE", "RF_DIZZY", "RF_DYSPNOEA", "RF_HEAT", "RF_LITHIUM",
            "RF_MSK", "RF_NEURO", "RF_NMS", "RF_PALP", "RF_PREG", "RF_SYNCOPE", "RF_WHEEZE",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("code", "level"),
        [
            ("RF_CHEST", Level.E0),
            ("RF_SYNCOPE", Level.E0),
            ("RF_NEURO", Level.E0),
            ("RF_DARKURINE", Level.E0),
            ("RF_PALP", Level.E1),
            ("RF_PREG", Level.E1),
            ("RF_MSK", Level.E2),
        ],
    )
    def test_escalate_by_urgency(self, code, level):
        assert LEVELS[trigger_of(code)] is level

    def test_become_emergencies_with_confusion(self):
        assert LEVELS[trigger_of("RF_HEAT")] is Level.E1
        assert LEVELS[trigger_of("RF_HEAT", confused=True)] is Level.E0

    def test_say_what_to_do_first(self):
        assert red_flag("RF_MSK").action is Action.REVIEW
        assert red_flag("RF_MSK").review_hours == 72
        assert all(flag.action.startswith("stop") for flag in RED_FLAGS.values())

    def test_refuse_codes_that_do_not_exist(self):
        with pytest.raises(UnknownCode, match="RF_TIRED"):
            trigger_of("RF_TIRED")


class TestEscalation:
    def test_has_a_level_for_every_trigger_and_a_clock_for_every_level(self):
        assert set(LEVELS) == set(Trigger)
        assert set(CLOCKS) == set(Level)

    @pytest.mark.parametrize(
        ("trigger", "level", "acknowledge_minutes"),
        [
            (Trigger.CSSRS_HIGH, Level.E0, 15),
            (Trigger.CRISIS_SELF_REPORT, Level.E0, 15),
            (Trigger.CSSRS_MODERATE, Level.E1, 240),
            (Trigger.PHQ9_SEVERE_NEW, Level.E1, 240),
            (Trigger.VITALS_HOLD, Level.E1, 240),
            (Trigger.ACSM_STOP, Level.E2, 1440),
            (Trigger.NONRESPONSE, Level.E3, 10080),
        ],
    )
    def test_starts_the_printed_clock(self, trigger, level, acknowledge_minutes):
        started = clock(trigger)

        assert (started.level, started.acknowledge_minutes) == (level, acknowledge_minutes)

    def test_pages_every_five_minutes_only_at_the_top(self):
        assert [CLOCKS[level].page_every_minutes for level in Level] == [5, None, None, None]
        assert [CLOCKS[level].follow_up_weeks for level in Level] == [4, 4, 0, 0]

    def test_climbs_one_level_at_a_time(self):
        assert [one_level_up(level) for level in Level] == [Level.E0, Level.E0, Level.E1, Level.E2]
