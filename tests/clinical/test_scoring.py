"""Scoring: bands, missing items, refused answers, reversed items and findings."""

import dataclasses

import msgspec
import pytest

from shared.clinical.findings import Result
from shared.clinical.instruments import INSTRUMENTS, instrument
from shared.clinical.refusals import AnswerRefused, UnknownCode
from shared.clinical.rules import DEFAULT, Cuts, Rules
from shared.clinical.safety import Flag, Prompt
from shared.clinical.scoring import Score, score
from shared.clinical.totals import Status

_ = None


def answers_worth(total: int, items: int, maximum: int) -> list[int]:
    """Answers that add up to `total`, filled from the first item on."""
    return [max(0, min(maximum, total - maximum * position)) for position in range(items)]


class TestBands:
    @pytest.mark.parametrize(
        ("code", "total", "band"),
        [
            ("PHQ9", 0, "minimal"),
            ("PHQ9", 4, "minimal"),
            ("PHQ9", 5, "mild"),
            ("PHQ9", 9, "mild"),
            ("PHQ9", 10, "moderate"),
            ("PHQ9", 14, "moderate"),
            ("PHQ9", 15, "moderately-severe"),
            ("PHQ9", 19, "moderately-severe"),
            ("PHQ9", 20, "severe"),
            ("PHQ9", 27, "severe"),
            ("GAD7", 4, "minimal"),
            ("GAD7", 5, "mild"),
            ("GAD7", 9, "mild"),
            ("GAD7", 10, "moderate"),
            ("GAD7", 14, "moderate"),
            ("GAD7", 15, "severe"),
            ("GAD7", 21, "severe"),
            ("ISI", 7, "none"),
            ("ISI", 8, "subthreshold"),
            ("ISI", 14, "subthreshold"),
            ("ISI", 15, "moderate"),
            ("ISI", 21, "moderate"),
            ("ISI", 22, "severe"),
            ("ISI", 28, "severe"),
            ("WHO5", 7, "likely-depression"),
            ("WHO5", 8, "low"),
            ("WHO5", 12, "low"),
            ("WHO5", 13, "adequate"),
            ("WHO5", 25, "adequate"),
        ],
    )
    def test_change_exactly_at_their_bounds(self, code, total, band):
        asked = instrument(code)

        result = score(code, answers_worth(total, len(asked.items), asked.maximum))

        assert (result.total, result.band) == (total, band)

    @pytest.mark.parametrize(("total", "band"), [(13, "low"), (14, "moderate"), (26, "moderate"), (27, "high")])
    def test_of_the_pss_are_marked_as_not_validated(self, total, band):
        result = score("PSS10", answers_worth(total, 10, 4), reversed_answers=True)

        assert (result.total, result.band, result.band_validated) == (total, band, False)

    @pytest.mark.parametrize("code", ["PHQ2", "PCL5", "ASRS6", "PSS4"])
    def test_do_not_exist_where_none_are_published(self, code):
        asked = instrument(code)

        assert score(code, [1] * len(asked.items)).band is None

    def test_leave_no_total_without_a_band(self):
        for asked in INSTRUMENTS.values():
            top = 100 if asked.id == "WHO5" else asked.highest_total
            gaps = [total for total in range(top + 1) if asked.bands and asked.band(total) is None]

            assert gaps == [], asked.id


class TestScreenPositive:
    @pytest.mark.parametrize(
        ("code", "below", "at"),
        [("PHQ9", 9, 10), ("PHQ2", 2, 3), ("GAD7", 9, 10), ("PCL5", 30, 31), ("ISI", 14, 15)],
    )
    def test_begins_at_the_cut(self, code, below, at):
        asked = instrument(code)
        first, second = (score(code, answers_worth(total, len(asked.items), asked.maximum)) for total in (below, at))

        assert (first.positive, second.positive) == (Result.NEGATIVE, Result.POSITIVE)

    def test_follows_a_rule_set_of_the_deployment(self):
        sensitive = Rules(version="clinic-1", cuts=Cuts(phq2=2, pcl5=33))

        assert score("PHQ2", [1, 1], rules=sensitive).positive is Result.POSITIVE
        assert score("PHQ2", [1, 1]).positive is Result.NEGATIVE
        assert score("PHQ2", [1, 1], rules=sensitive).rule_set == "clinic-1"

    def test_of_the_phq2_asks_for_the_whole_questionnaire(self):
        assert score("PHQ2", [2, 1]).prompts == (Prompt.ASK_PHQ9,)
        assert score("PHQ2", [1, 1]).prompts == ()

    def test_splits_further_for_nice_uk_and_the_community(self):
        assert score("PHQ9", answers_worth(15, 9, 3)).finding("nice") == "less-severe"
        assert score("PHQ9", answers_worth(16, 9, 3)).finding("nice") == "more-severe"
        assert score("GAD7", answers_worth(7, 7, 3)).finding("uk-caseness") == Result.NEGATIVE
        assert score("GAD7", answers_worth(8, 7, 3)).finding("uk-caseness") == Result.POSITIVE
        assert score("ISI", answers_worth(9, 7, 4)).finding("community-case") == Result.NEGATIVE
        assert score("ISI", answers_worth(10, 7, 4)).finding("community-case") == Result.POSITIVE


class TestMissingItems:
    @pytest.mark.parametrize(
        ("code", "answers", "status", "total"),
        [
            ("PHQ9", [1, 1, 1, 1, 1, 1, 1, _, _], Status.PROVISIONAL, 9),
            ("PHQ9", [1, 1, 1, 1, 1, 1, _, _, _], Status.INVALID, None),
            ("PHQ9", [3, 1, 0, 0, 0, 0, 0, 0, _], Status.PROVISIONAL, 5),  # 4.5 rounds half up
            ("GAD7", [2, 2, 2, 1, 1, _, _], Status.PROVISIONAL, 11),  # 8 * 7 / 5 = 11.2
            ("GAD7", [2, 2, 2, 1, _, _, _], Status.INVALID, None),
            ("PHQ2", [3, _], Status.INCOMPLETE, None),
            ("WHO5", [5, 5, 5, 5, _], Status.INCOMPLETE, None),
            ("ISI", [4, 4, 4, 4, 4, 4, _], Status.INCOMPLETE, None),
            ("PSS4", [1, 1, 1, _], Status.INCOMPLETE, None),
            ("PSS10", [0, 0, 0, 4, 4, 0, 4, 4, 3, _], Status.PROVISIONAL, 3),  # 3 * 10 / 9 = 3.33
            ("PSS10", [0, 0, 0, 4, 4, 0, 4, 4, _, _], Status.INVALID, None),
        ],
    )
    def test_are_prorated_or_asked_again(self, code, answers, status, total):
        result = score(code, answers)

        assert (result.status, result.total) == (status, total)
        assert (result.band is None) == (total is None)
        assert (Prompt.REPEAT_MISSING in result.prompts) == (total is None)

    def test_of_the_pcl5_are_prorated_within_their_cluster(self):
        one_of_c = [0] * 5 + [3, _] + [0] * 7 + [0] * 6

        result = score("PCL5", one_of_c)

        assert (result.status, result.total) == (Status.PROVISIONAL, 6)

    def test_of_the_pcl5_may_not_share_a_cluster(self):
        two_of_d = [0] * 5 + [0, 0] + [_, _, 0, 0, 0, 0, 0] + [0] * 6
        three = [_, 0, 0, 0, 0, 0, 0, _, 0, 0, 0, 0, 0, 0, _, 0, 0, 0, 0, 0]

        assert score("PCL5", two_of_d).status is Status.INVALID
        assert score("PCL5", three).status is Status.INVALID

    def test_can_leave_the_dsm_rule_open(self):
        c_missing = [2, 0, 0, 0, 0, _, 0, 2, 2, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0]

        assert score("PCL5", c_missing).finding("dsm") == Result.INDETERMINATE

    def test_can_leave_the_phq9_algorithm_open(self):
        four_and_one_missing = [2, 2, 2, 2, 0, 0, 0, 0, _]

        assert score("PHQ9", four_and_one_missing).finding("algorithm") == Result.INDETERMINATE

    def test_of_the_asrs_do_not_matter_once_decided(self):
        decided = score("ASRS6", [0, 0, 0, _, 0, 0])

        assert (decided.positive, decided.status, decided.total) == (Result.NEGATIVE, Status.PROVISIONAL, None)


class TestAlgorithm:
    @pytest.mark.parametrize(
        ("answers", "finding"),
        [
            ([2, 0, 2, 2, 2, 2, 0, 0, 0], "major-depressive"),
            ([2, 0, 2, 2, 2, 1, 0, 0, 0], "other-depressive"),
            ([2, 0, 0, 0, 0, 0, 0, 0, 1], "other-depressive"),
            ([2, 0, 0, 0, 0, 0, 0, 0, 0], "none"),
            ([1, 1, 2, 2, 2, 2, 2, 2, 1], "none"),  # neither core item
        ],
    )
    def test_counts_items_and_wants_a_core_one(self, answers, finding):
        assert score("PHQ9", answers).finding("algorithm") == finding


class TestRefusedAnswers:
    @pytest.mark.parametrize("answer", [-1, 4, 1.0, "1", True, float("nan")])
    def test_are_never_clamped(self, answer):
        with pytest.raises(AnswerRefused, match="PHQ9 item 3 takes a whole number from 0 to 3"):
            score("PHQ9", [0, 0, answer, 0, 0, 0, 0, 0, 0])

    def test_are_those_of_items_that_do_not_exist(self):
        with pytest.raises(AnswerRefused, match="GAD7 has 8 items"):
            score("GAD7", [0] * 9)
        with pytest.raises(AnswerRefused, match="GAD7 has no item 9"):
            score("GAD7", {9: 1})

    def test_do_not_repeat_the_answer(self):
        with pytest.raises(AnswerRefused) as refused:
            score("PHQ9", [77, 0, 0, 0, 0, 0, 0, 0, 0])

        assert "77" not in str(refused.value)

    def test_include_unknown_questionnaires(self):
        with pytest.raises(UnknownCode, match="no questionnaire is called 'PHQ8'"):
            score("PHQ8", [0] * 8)


class TestAnswers:
    def test_may_come_by_item_number(self):
        by_number = score("PHQ9", {1: 2, 2: 2, 3: 1, 4: 2, 5: 1, 6: 2, 7: 1, 8: 0, 9: 0, 10: 3})

        assert (by_number.total, by_number.unscored) == (11, (3,))
        assert by_number.answers == (2, 2, 1, 2, 1, 2, 1, 0, 0)

    def test_leave_the_difficulty_item_out_of_the_total(self):
        assert score("PHQ9", [1] * 9 + [3]).total == 9

    def test_of_loinc_lists_are_not_reversed_twice(self):
        assert score("PSS10", [1] * 10, reversed_answers=True).total == 10
        assert score("PSS10", [1] * 10).total == 18  # six items of 1, four of 3

    def test_survive_as_json(self):
        result = score("PHQ9", [1, _, 1, 1, 1, 1, 1, 1, 2])

        assert msgspec.json.decode(msgspec.json.encode(result), type=Score) == result

    def test_of_the_screener_score_through_the_same_door(self):
        high = score("CSSRS", [1, 1, 0, 1, 0, 0, _])
        unfinished = score("CSSRS", [0, _])

        assert (high.band, high.flags, high.status) == ("high", (Flag.CSSRS_HIGH,), Status.COMPLETE)
        assert (unfinished.band, unfinished.positive) == (None, Result.INDETERMINATE)
        assert unfinished.flags == (Flag.CSSRS_INCOMPLETE,)


class TestInstruments:
    def test_hold_labels_and_never_sentences(self):
        labels = [item.label for asked in INSTRUMENTS.values() for item in asked.items + asked.unscored]

        assert max(len(label.split()) for label in labels) <= 5
        assert not any(label.endswith(("?", ".")) for label in labels)

    def test_name_every_loinc_code_of_the_phq9(self):
        asked = instrument("PHQ9")

        assert [item.loinc for item in asked.items + asked.unscored] == [
            "44250-9",
            "44255-8",
            "44259-0",
            "44254-1",
            "44251-7",
            "44258-2",
            "44252-5",
            "44253-3",
            "44260-8",
            "69722-7",
        ]
        assert (asked.panel_loinc, asked.total_loinc) == ("44249-1", "44261-6")
        assert asked.unscored_answer_codes == ("LA6572-7", "LA6573-5", "LA6575-0", "LA6574-3")

    def test_have_twenty_pcl5_items_in_four_clusters(self):
        clusters = "".join(item.cluster for item in instrument("PCL5").items)

        assert clusters == "BBBBBCCDDDDDDDEEEEEE"


class TestRuleSet:
    def test_changed_needs_a_version_of_its_own(self):
        with pytest.raises(ValueError, match="cuts"):
            Rules(cuts=Cuts(phq2=2))

    def test_is_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            DEFAULT.version = "other"
