"""Change against baseline at every threshold of section 1.4."""

import pytest

from shared.clinical.change import Deterioration, Direction, Response, Verdict, compare, is_nonresponse
from shared.clinical.refusals import MeasureRefused, UnknownCode

YES, NO, NOT_APPLICABLE = Verdict.YES, Verdict.NO, Verdict.NOT_APPLICABLE


class TestThresholds:
    @pytest.mark.parametrize(
        ("code", "baseline", "current", "meaningful", "reliable"),
        [
            ("PHQ9", 20, 16, NO, NO),
            ("PHQ9", 20, 15, YES, NO),
            ("PHQ9", 20, 14, YES, YES),
            ("GAD7", 15, 12, NO, NO),
            ("GAD7", 15, 11, YES, YES),
            ("WHO5", 40, 48, NO, NO),
            ("WHO5", 40, 52, YES, YES),
            ("PCL5", 50, 41, NO, NO),
            ("PCL5", 50, 40, YES, NO),
            ("PCL5", 50, 35, YES, YES),
            ("ISI", 20, 15, NO, NO),
            ("ISI", 20, 14, YES, NO),
            ("ISI", 20, 12, YES, YES),
            ("PSS10", 30, 10, NOT_APPLICABLE, NOT_APPLICABLE),
        ],
    )
    def test_of_meaningful_and_reliable_change(self, code, baseline, current, meaningful, reliable):
        change = compare(code, baseline, current)

        assert (change.meaningful, change.reliable) == (meaningful, reliable)
        assert change.direction is Direction.BETTER

    @pytest.mark.parametrize(
        ("code", "baseline", "current", "deterioration"),
        [
            ("PHQ9", 8, 12, Deterioration.NONE),
            ("PHQ9", 8, 13, Deterioration.REVIEW),
            ("PHQ9", 8, 14, Deterioration.RELIABLE),
            ("GAD7", 8, 11, Deterioration.NONE),
            ("GAD7", 8, 12, Deterioration.RELIABLE),
            ("WHO5", 60, 52, Deterioration.NONE),
            ("WHO5", 60, 48, Deterioration.RELIABLE),
            ("PCL5", 30, 39, Deterioration.NONE),
            ("PCL5", 30, 40, Deterioration.REVIEW),
            ("PCL5", 30, 45, Deterioration.RELIABLE),
            ("ISI", 10, 15, Deterioration.NONE),
            ("ISI", 10, 16, Deterioration.REVIEW),
            ("ISI", 10, 18, Deterioration.RELIABLE),
            ("PSS4", 4, 8, Deterioration.NONE),
            ("PSS4", 4, 9, Deterioration.PROMPT),
        ],
    )
    def test_of_deterioration(self, code, baseline, current, deterioration):
        assert compare(code, baseline, current).deterioration is deterioration

    @pytest.mark.parametrize(
        ("baseline", "current", "response"),
        [
            (20, 10, Response.RESPONSE),
            (20, 11, Response.PARTIAL),
            (20, 15, Response.PARTIAL),
            (20, 16, Response.NONE),
            (5, 2, Response.RESPONSE),
            (4, 0, Response.NOT_APPLICABLE),
        ],
    )
    def test_of_response(self, baseline, current, response):
        assert compare("PHQ9", baseline, current).response is response

    @pytest.mark.parametrize(
        ("code", "baseline", "current", "remission"),
        [
            ("PHQ9", 14, 5, NO),
            ("PHQ9", 14, 4, YES),
            ("PHQ9", 4, 0, NOT_APPLICABLE),
            ("WHO5", 40, 48, NO),
            ("WHO5", 40, 52, YES),
            ("PCL5", 45, 29, NO),
            ("PCL5", 45, 28, YES),
            ("ISI", 16, 8, NO),
            ("ISI", 16, 7, YES),
            ("PSS10", 16, 0, NOT_APPLICABLE),
        ],
    )
    def test_of_remission(self, code, baseline, current, remission):
        assert compare(code, baseline, current).remission is remission

    @pytest.mark.parametrize(
        ("code", "baseline", "current", "recovery"),
        [
            ("PHQ9", 10, 9, YES),
            ("PHQ9", 10, 10, NO),
            ("PHQ9", 9, 3, NOT_APPLICABLE),
            ("GAD7", 8, 7, YES),
            ("GAD7", 8, 8, NO),
            ("GAD7", 7, 3, NOT_APPLICABLE),
        ],
    )
    def test_of_uk_recovery(self, code, baseline, current, recovery):
        assert compare(code, baseline, current).uk_recovery is recovery

    def test_pcl5_response_ends_when_the_trend_turns(self):
        assert compare("PCL5", 50, 40, previous=44).response is Response.RESPONSE
        assert compare("PCL5", 50, 40, previous=36).response is Response.NONE

    def test_a_baseline_of_zero_has_no_percentage(self):
        assert compare("PHQ9", 0, 6).improvement is None


class TestNonresponse:
    @pytest.mark.parametrize(
        ("code", "baseline", "current", "nonresponse"),
        [
            ("PHQ9", 20, 11, True),
            ("PHQ9", 20, 10, False),
            ("PHQ9", 10, 9, False),
            ("PHQ9", 9, 12, False),
            ("GAD7", 15, 8, True),
            ("GAD7", 16, 8, False),
        ],
    )
    def test_is_neither_halved_nor_below_caseness_at_week_eight(self, code, baseline, current, nonresponse):
        assert is_nonresponse(compare(code, baseline, current), week=8) is nonresponse


class TestRefusals:
    @pytest.mark.parametrize("code", ["ASRS6", "CSSRS", "PHQ2"])
    def test_name_questionnaires_that_are_not_for_outcome(self, code):
        with pytest.raises(UnknownCode, match="not for measuring change"):
            compare(code, 3, 2)

    @pytest.mark.parametrize("total", [-1, 28, 1.5, True])
    def test_name_totals_outside_the_scale(self, total):
        with pytest.raises(MeasureRefused):
            compare("PHQ9", 10, total)
