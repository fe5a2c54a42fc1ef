"""Given a concluded screening, when a physician's decision comes back, then it and every other gate say what holds."""

from datetime import date

import pytest

from events.terms import ClearanceOutcome, Intensity
from shared.eventlog import Refused
from tests.intake.given import (
    PHIL,
    REFERRAL,
    TODAY,
    a_concluded_screening,
    a_context,
    a_decision,
    a_filled_screening,
    in_treatment,
    replayed,
)


def a_screening_that_needs_clearance(**words):
    return a_concluded_screening(known_disease=True, **words)


class TestAClearance:
    def test_opens_what_the_conclusion_left_closed(self):
        screening = a_screening_that_needs_clearance()

        screening.record_clearance(a_decision(limit=Intensity.MODERATE), TODAY)

        clearance = screening.clearance
        assert (clearance.outcome, clearance.intensity_cap) == ("cleared", "moderate")
        assert (clearance.referral_id, clearance.decided_by) == (REFERRAL, PHIL)

    def test_stands_for_a_year_unless_the_report_says_less(self):
        screening = a_screening_that_needs_clearance()

        screening.record_clearance(a_decision(), TODAY)
        assert screening.clearance.valid_until == date(2027, 11, 23)

        screening.context = a_context(cause="report-2")
        screening.record_clearance(a_decision(valid_until=date(2027, 2, 1)), TODAY)
        assert screening.clearance.valid_until == date(2027, 2, 1)

    def test_never_stands_for_more_than_a_year(self):
        screening = a_screening_that_needs_clearance()

        screening.record_clearance(a_decision(valid_until=date(2030, 1, 1)), TODAY)

        assert screening.clearance.valid_until == date(2027, 11, 23)

    def test_allows_what_the_table_allows_where_it_names_no_limit(self):
        screening = a_screening_that_needs_clearance(regularly_active=True, wants_vigorous=True)

        screening.record_clearance(a_decision(limit=None), TODAY)

        assert screening.clearance.intensity_cap is Intensity.VIGOROUS

    def test_with_limits_must_say_which(self):
        with pytest.raises(Refused, match="which intensity"):
            a_screening_that_needs_clearance().record_clearance(
                a_decision(outcome=ClearanceOutcome.CLEARED_WITH_LIMITS, limit=None), TODAY
            )

    def test_leaves_every_other_gate_in_force(self):
        screening = a_screening_that_needs_clearance(vitals=(165, 92, 88))

        screening.record_clearance(a_decision(limit=Intensity.VIGOROUS), TODAY)

        assert screening.clearance.intensity_cap is Intensity.LIGHT

    def test_lifts_no_hold(self):
        screening = a_screening_that_needs_clearance(phq9=(3, 3, 3, 3, 3, 3, 2, 2, 0), **in_treatment())

        screening.record_clearance(a_decision(limit=Intensity.VIGOROUS), TODAY)

        assert screening.clearance.intensity_cap is Intensity.NONE

    def test_refused_allows_nothing(self):
        screening = a_concluded_screening()

        screening.record_clearance(a_decision(outcome=ClearanceOutcome.NOT_CLEARED, limit=None), TODAY)

        assert (screening.clearance.intensity_cap, screening.clearance.valid_until) == ("none", None)

    def test_lowers_what_the_conclusion_left_open(self):
        screening = a_concluded_screening()

        screening.record_clearance(
            a_decision(outcome=ClearanceOutcome.CLEARED_WITH_LIMITS, limit=Intensity.LIGHT), TODAY
        )

        assert screening.clearance.intensity_cap is Intensity.LIGHT

    def test_is_recorded_once_for_a_report(self):
        screening = a_screening_that_needs_clearance()

        screening.record_clearance(a_decision(), TODAY)
        screening.record_clearance(a_decision(), TODAY)

        assert len(screening.clearances) == 1

    def test_waits_for_a_conclusion(self):
        with pytest.raises(Refused, match="not been concluded"):
            a_filled_screening().record_clearance(a_decision(), TODAY)

    def test_is_the_same_after_a_replay(self):
        screening = a_screening_that_needs_clearance()
        screening.record_clearance(a_decision(), TODAY)

        assert replayed(screening).clearances == screening.clearances
