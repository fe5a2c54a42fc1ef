"""Progression, return after a pause, adherence and wearables."""

from decimal import Decimal

import pytest

from shared.clinical.adherence import AdherenceBand, Outcome, adherence, is_interrupted
from shared.clinical.conclusion import Cap
from shared.clinical.progression import (
    PauseReason,
    Step,
    Week,
    days_low,
    deload_due,
    deloaded,
    propose,
    return_after_pause,
    vigorous_allowed,
    weekly_cap,
)
from shared.clinical.refusals import MeasureRefused
from shared.clinical.wearables import (
    Counter,
    StepBand,
    is_valid_day,
    is_valid_week,
    minutes_from_vendor,
    next_step_goal,
    step_band,
)


def a_week(**changes):
    """A week in which every gate to progress is open, with changes."""
    gates_open = {"adherence": 80, "mean_rpe": 13, "rpe_top": 13, "pain": 3, "mood_worse": False}
    return Week(**{"minutes": 100, "sessions": 4, **gates_open, **changes})


class TestProgression:
    def test_grows_by_ten_percent_when_every_gate_is_open(self):
        proposal = propose(a_week())

        assert (proposal.step, proposal.minutes) == (Step.PROGRESS, Decimal("110.0"))

    @pytest.mark.parametrize(
        ("changes", "step", "reason"),
        [
            ({"adherence": 79}, Step.HOLD, "ADHERENCE_BELOW_80"),
            ({"mean_rpe": 14}, Step.HOLD, "RPE_ABOVE_BAND"),
            ({"sessions_above_band": 1}, Step.HOLD, "RPE_ABOVE_BAND"),
            ({"mood_worse": True}, Step.HOLD, "MOOD_WORSE"),
            ({"adherence": 49}, Step.HOLD, "ADHERENCE_BELOW_80"),
            ({"adherence": 50, "adherence_before": 49}, Step.HOLD, "ADHERENCE_BELOW_80"),
            ({"pain": None}, Step.HOLD, "PAIN_UNKNOWN"),
            ({"adherence": None, "adherence_before": 20}, Step.HOLD, "ADHERENCE_UNKNOWN"),
            ({"adherence": 49, "adherence_before": 49}, Step.REGRESS, "LOW_ADHERENCE_TWO_WEEKS"),
            ({"sessions_above_band": 2}, Step.REGRESS, "RPE_ABOVE_BAND_TWICE"),
            ({"pain": 4}, Step.REGRESS, "PAIN"),
            ({"low_days": 3}, Step.REGRESS, "SLEEP_OR_ENERGY_DOWN"),
            ({"red_flag": True}, Step.STOP, "RED_FLAG"),
        ],
    )
    def test_holds_regresses_or_stops_for_a_reason(self, changes, step, reason):
        proposal = propose(a_week(**changes))

        assert (proposal.step, proposal.reasons) == (step, (reason,))

    def test_shrinks_by_a_quarter(self):
        assert propose(a_week(pain=4)).minutes == 75

    def test_grows_five_minutes_a_session_while_small(self):
        assert weekly_cap(59, 3) == 74
        assert weekly_cap(60, 3) == 66

    def test_counts_days_of_low_sleep_or_energy_from_the_latest_back(self):
        assert days_low(7, [5, 6, 5, 4, 5]) == 3
        assert days_low(7, [5, 5, 6]) == 0

    def test_deloads_every_fourth_week_from_the_eighth(self):
        assert [week for week in range(1, 17) if deload_due(week)] == [8, 12, 16]
        assert deloaded(150) == 105

    @pytest.mark.parametrize(
        ("days", "minutes", "cap"),
        [(0, 120, None), (7, 120, None), (8, 90, None), (14, 90, None), (15, 60, Cap.MODERATE), (28, 60, Cap.MODERATE)],
    )
    def test_returns_by_the_length_of_the_pause(self, days, minutes, cap):
        way_back = return_after_pause(days, 120)

        assert (way_back.minutes, way_back.cap) == (minutes, cap)

    def test_starts_anew_after_four_weeks_and_waits_for_clearance_after_a_red_flag(self):
        long, flagged = return_after_pause(29, 120), return_after_pause(2, 120, PauseReason.RED_FLAG)

        assert (long.minutes, long.rescreen) == (None, True)
        assert (flagged.minutes, flagged.clearance) == (None, True)

    def test_waits_a_day_after_fever(self):
        fever = return_after_pause(3, 120, PauseReason.FEVER)

        assert (fever.minutes, fever.symptom_free_hours) == (60, 24)

    def test_allows_vigorous_after_four_weeks_of_ninety_minutes(self):
        assert vigorous_allowed([0, 90, 90, 90, 90])
        assert not vigorous_allowed([90, 90, 90])
        assert not vigorous_allowed([90, 90, 90, 89])


class TestAdherence:
    @pytest.mark.parametrize(
        ("done", "band"),
        [(80, AdherenceBand.GOOD), (79, AdherenceBand.PARTIAL), (50, AdherenceBand.PARTIAL), (49, AdherenceBand.LOW)],
    )
    def test_changes_band_exactly_at_its_bounds(self, done, band):
        week = adherence(sessions_prescribed=100, sessions_done=done, minutes_prescribed=1, minutes_done=1)

        assert week.band is band

    def test_is_exact_at_a_bound_that_decimals_miss(self):
        week = adherence(sessions_prescribed=6, sessions_done=5, minutes_prescribed=5, minutes_done=3)

        assert (week.overall, week.band) == (Decimal("50.0"), AdherenceBand.PARTIAL)

    def test_forgives_excused_sessions(self):
        week = adherence(
            sessions_prescribed=5,
            sessions_done=3,
            minutes_prescribed=150,
            minutes_done=90,
            sessions_excused=2,
            minutes_excused=60,
        )

        assert (week.frequency, week.overall, week.band) == (100, 100, AdherenceBand.GOOD)

    def test_counts_time_up_to_what_was_prescribed_and_shows_intensity_apart(self):
        week = adherence(
            sessions_prescribed=2, sessions_done=1, minutes_prescribed=60, minutes_done=90, minutes_in_band=30
        )

        assert (week.time, week.intensity, week.overall) == (100, Decimal("33.3"), 50)

    def test_says_nothing_where_nothing_was_prescribed(self):
        week = adherence(sessions_prescribed=1, sessions_done=0, minutes_prescribed=30, minutes_done=0,
                         sessions_excused=1, minutes_excused=30)  # fmt: skip

        assert (week.frequency, week.overall, week.band) == (None, None, None)

    def test_refuses_counts_that_contradict_each_other(self):
        with pytest.raises(MeasureRefused, match="excused"):
            adherence(sessions_prescribed=1, sessions_done=0, minutes_prescribed=1, minutes_done=0, sessions_excused=2)
        with pytest.raises(MeasureRefused, match="in band"):
            adherence(sessions_prescribed=1, sessions_done=1, minutes_prescribed=9, minutes_done=9, minutes_in_band=10)

    def test_is_interrupted_by_three_missed_in_a_row(self):
        done, missed, excused = Outcome.DONE, Outcome.MISSED, Outcome.EXCUSED

        assert is_interrupted([done, missed, missed, missed])
        assert is_interrupted([missed, excused, missed, missed, done])
        assert not is_interrupted([missed, missed, done, missed])


class TestWearables:
    @pytest.mark.parametrize("counter", list(Counter))
    def test_are_never_doubled_again(self, counter):
        assert minutes_from_vendor(counter, 75) == 75

    @pytest.mark.parametrize(
        ("steps", "band"),
        [
            (4999, StepBand.SEDENTARY),
            (5000, StepBand.LOW),
            (7499, StepBand.LOW),
            (7500, StepBand.SOMEWHAT_ACTIVE),
            (9999, StepBand.SOMEWHAT_ACTIVE),
            (10000, StepBand.ACTIVE),
            (12499, StepBand.ACTIVE),
            (12500, StepBand.HIGHLY_ACTIVE),
        ],
    )
    def test_band_steps_exactly_at_their_bounds(self, steps, band):
        assert step_band(steps) is band

    def test_raise_the_step_goal_gently(self):
        assert [next_step_goal(steps) for steps in (3000, 6500, 7000, 9000)] == [4000, 7000, 7000, 9000]

    def test_want_enough_wear(self):
        assert (is_valid_day(10), is_valid_day(Decimal("9.9"))) == (True, False)
        assert (is_valid_week(4), is_valid_week(3)) == (True, False)
