"""What was prescribed and done, week by week (clinical rules 5.6)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from services.monitoring.domain import MonitoringPlan, Status
from tests.monitoring.given import MONDAY, a_plan, a_session, at

DAY = timedelta(days=1)


def exercised(plan: MonitoringPlan, *days: int, minutes: int = 30) -> MonitoringPlan:
    """The plan after a check-in on the last of these days (0 is the first of the program), one session on each."""
    at(plan, MONDAY + DAY * days[-1]).check_in(
        sessions=[a_session(date(2026, 11, 23) + DAY * d, minutes) for d in days]
    )
    return plan


class TestTheLastWeeks:
    def test_are_none_before_the_program_starts(self):
        plan = a_plan(starts_on=date(2026, 11, 30))

        assert plan.last_weeks(MONDAY + 6 * DAY) == []

    def test_hold_the_present_one_as_incomplete(self):
        (week,) = a_plan().last_weeks(MONDAY + 6 * DAY)

        assert (week.number, week.starts_on, week.ends_on) == (1, date(2026, 11, 23), date(2026, 11, 29))
        assert week.complete is False

    def test_are_four_at_most(self):
        found = a_plan().last_weeks(MONDAY + 36 * DAY)

        assert [(week.number, week.complete) for week in found] == [(3, True), (4, True), (5, True), (6, False)]

    def test_end_with_the_program(self):
        plan = a_plan(Status.COMPLETED)

        assert [week.number for week in plan.last_weeks(MONDAY + 36 * DAY)] == [1]

    def test_begin_and_end_with_the_patients_day(self):
        plan = a_plan(time_zone="America/Denver")

        (week,) = plan.last_weeks(datetime(2026, 11, 30, 6, 59, tzinfo=UTC))

        assert week.complete is False


class TestAdherence:
    def test_is_frequency_times_time(self):
        plan = exercised(a_plan(sessions_per_week=5, minutes_per_week=150), 0, 1, 3, 4, minutes=25)

        (week,) = plan.last_weeks(MONDAY + 6 * DAY)

        assert (week.sessions_done, week.minutes_done) == (4, 100)
        assert (week.adherence.frequency, week.adherence.time) == (Decimal("80.0"), Decimal("66.7"))
        assert (week.adherence.overall, week.adherence.band) == (Decimal("53.3"), "partial")

    def test_counts_a_session_in_the_week_in_which_it_was_done(self):
        plan = exercised(a_plan(), 5, 6, 7)

        first, second = plan.last_weeks(MONDAY + 8 * DAY)

        assert (first.sessions_done, second.sessions_done) == (2, 1)

    def test_excuses_a_hold(self):
        plan = a_plan(sessions_per_week=7, minutes_per_week=210)
        at(plan, MONDAY + 2 * DAY).pause()
        at(plan, MONDAY + 4 * DAY).resume()

        (week,) = plan.last_weeks(MONDAY + 6 * DAY)

        assert (week.sessions_prescribed, week.sessions_excused) == (7, 2)
        assert (week.minutes_prescribed, week.minutes_excused) == (210, 60)

    def test_does_not_arise_in_a_week_on_hold(self):
        plan = a_plan(Status.ON_HOLD)

        (week,) = plan.last_weeks(MONDAY + 6 * DAY)

        assert (week.sessions_prescribed, week.sessions_excused) == (3, 3)
        assert (week.adherence.overall, week.adherence.band) == (None, None)

    def test_asks_for_something_of_both_revisions(self):
        plan = a_plan(sessions_per_week=7, minutes_per_week=70)
        at(plan, MONDAY + 3 * DAY).follow(2, 14, 280)

        (week,) = plan.last_weeks(MONDAY + 6 * DAY)

        assert (week.sessions_prescribed, week.minutes_prescribed) == (11, 190)
