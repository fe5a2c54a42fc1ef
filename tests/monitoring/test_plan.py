"""The monitoring plan: following a program, taking entries, knowing what is due."""

from datetime import UTC, date, datetime, timedelta

import pytest

from events.monitoring import CheckInRecorded, MeasureRepeated, PlanFollowedRevision, RedFlagRaised
from services.monitoring.domain import Status
from shared.eventlog.aggregate import Refused
from tests.monitoring.given import (
    MONDAY,
    NO_ITEM_9,
    PROGRAM,
    SATURDAY,
    a_plan,
    a_session,
    at,
    context,
    recorded,
)

CLOSED = (Status.COMPLETED, Status.REVOKED)


class TestFollowingAProgram:
    def test_expects_what_a_revision_prescribes(self):
        plan = a_plan()

        plan.follow(2, 4, 160)

        (event,) = plan.pending
        assert isinstance(event, PlanFollowedRevision)
        assert (event.revision, event.sessions_per_week, event.minutes_per_week) == (2, 4, 160)
        assert plan.revision == 2

    def test_ignores_a_revision_that_it_has_seen(self):
        plan = a_plan(revision=2)

        plan.follow(2, 4, 160)

        assert plan.pending == ()

    def test_pauses_once(self):
        plan = a_plan()

        plan.pause()
        plan.pause()

        assert recorded(plan) == ["PlanPaused"]
        assert plan.status is Status.ON_HOLD

    def test_resumes_only_from_a_hold(self):
        plan = a_plan(Status.ON_HOLD)

        plan.resume()
        plan.resume()

        assert recorded(plan) == ["PlanResumed"]
        assert plan.status is Status.ACTIVE

    @pytest.mark.parametrize(("discontinued", "status"), [(False, Status.COMPLETED), (True, Status.REVOKED)])
    def test_closes_once(self, discontinued, status):
        plan = a_plan()

        plan.close(discontinued=discontinued)
        plan.close(discontinued=not discontinued)

        assert recorded(plan) == ["PlanClosed"]
        assert plan.status is status

    @pytest.mark.parametrize("status", CLOSED)
    @pytest.mark.parametrize("step", ["follow", "pause", "resume"])
    def test_is_refused_once_closed(self, status, step):
        plan = a_plan(status)

        with pytest.raises(Refused, match="closed") as refusal:
            {"follow": lambda: plan.follow(2, 1, 1), "pause": plan.pause, "resume": plan.resume}[step]()

        assert refusal.value.code == "plan-closed"
        assert plan.pending == ()


class TestCheckingIn:
    def test_records_what_was_told(self):
        plan = a_plan()

        evidence = plan.check_in(mood=4, energy=3, sleep=6, well_being=5, sessions=[a_session()], words="Better.")

        (event,) = plan.pending
        assert isinstance(event, CheckInRecorded)
        assert (event.mood, event.energy, event.sleep, event.well_being) == (4, 3, 6, 5)
        assert event.sessions == (a_session(),)
        assert (event.symptoms, event.feels_unsafe, event.words, event.crisis_card) == ((), False, "Better.", False)
        assert evidence.concerns == ()
        assert plan.crisis is None

    def test_keeps_both_times_of_a_back_dated_entry(self):
        plan = a_plan(seen_at=context(occurred_at=MONDAY + timedelta(days=1)))

        plan.check_in(mood=4)

        assert plan.pending[0].occurred_at == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def test_refuses_the_future(self):
        plan = a_plan(seen_at=context(occurred_at=SATURDAY + timedelta(seconds=1)))

        with pytest.raises(Refused, match="future"):
            plan.check_in(mood=4)

    def test_refuses_what_lies_before_the_plan(self):
        plan = a_plan(seen_at=context(occurred_at=datetime(2026, 11, 22, 23, 59, tzinfo=UTC)))

        with pytest.raises(Refused, match="2026-11-23") as refusal:
            plan.check_in(mood=4)

        assert refusal.value.code == "before-the-plan"

    def test_begins_with_the_activation_though_the_program_starts_later(self):
        plan = a_plan(starts_on=date(2026, 12, 7))

        plan.check_in(feels_unsafe=True)

        assert recorded(plan) == ["CheckInRecorded"]

    def test_counts_days_where_the_patient_lives(self):
        # 04:30 UTC on Monday is still Sunday evening in Denver, where the plan begins on Sunday.
        plan = a_plan(
            time_zone="America/Denver",
            starts_on=date(2026, 11, 22),
            seen_at=context(now=datetime(2026, 11, 23, 4, 30, tzinfo=UTC)),
        )

        with pytest.raises(Refused, match="2026-11-22"):
            plan.check_in(sessions=[a_session(date(2026, 11, 23))])

    @pytest.mark.parametrize("day", [date(2026, 11, 22), date(2026, 11, 29)])
    def test_refuses_a_session_before_the_plan_or_after_its_entry(self, day):
        with pytest.raises(Refused) as refusal:
            a_plan().check_in(sessions=[a_session(day)])

        assert refusal.value.code == "session-out-of-time"

    def test_refuses_to_say_nothing(self):
        with pytest.raises(Refused, match="says nothing"):
            a_plan().check_in()

    def test_takes_a_nought_for_an_answer(self):
        plan = a_plan()

        plan.check_in(mood=0)

        assert plan.pending[0].mood == 0

    def test_refuses_a_symptom_that_no_red_flag_knows(self):
        with pytest.raises(Refused, match="red-flag code"):
            a_plan().check_in(symptoms=["RF_HICCUPS"])

    @pytest.mark.parametrize("status", [*CLOSED, Status.ON_HOLD])
    def test_takes_a_call_for_help_whatever_the_plan_is(self, status):
        plan = a_plan(status)

        evidence = plan.check_in(feels_unsafe=True)

        assert [concern.level for concern in evidence.concerns] == ["E0"]


class TestARedFlag:
    def test_is_raised_with_the_check_in(self):
        plan = a_plan()

        plan.check_in(symptoms=["RF_CHEST", "RF_MSK", "RF_CHEST"])

        check_in, red_flag = plan.pending
        assert check_in.symptoms == ("RF_CHEST", "RF_MSK")
        assert isinstance(red_flag, RedFlagRaised)
        assert (red_flag.program_id, red_flag.codes) == (PROGRAM, ("RF_CHEST", "RF_MSK"))
        assert red_flag.rules_version == "2026-11-23"

    def test_is_raised_when_it_is_told_however_old_the_entry(self):
        plan = a_plan(seen_at=context(occurred_at=MONDAY + timedelta(days=1)))

        plan.check_in(symptoms=["RF_CHEST"])
        plan.repeat("PHQ9", (0,) * 9, 5)

        assert [event.occurred_at for event in plan.pending] == [
            datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
            datetime(2026, 11, 28, 9, 0, tzinfo=UTC),
            datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
        ]

    def test_names_the_check_in_as_evidence(self):
        plan = a_plan()

        evidence = plan.check_in(symptoms=["RF_CHEST"])

        assert evidence.event_id == plan.pending[0].event_id

    def test_says_what_the_patient_does_first(self):
        plan = a_plan()

        plan.check_in(symptoms=["RF_DARKURINE"])

        assert [str(flag.action) for flag in plan.red_flags] == ["stop; emergency call now"]

    def test_is_not_raised_over_feeling_unsafe(self):
        plan = a_plan()

        plan.check_in(feels_unsafe=True)

        assert recorded(plan) == ["CheckInRecorded"]


class TestTheCrisisText:
    def test_names_the_numbers_of_the_locale(self):
        plan = a_plan(language="en-us")

        plan.check_in(feels_unsafe=True)

        assert plan.last_check_in.crisis_card is True
        assert (plan.crisis.call_or_text, plan.crisis.emergency) == ("988", "911")
        assert "988" in plan.crisis.text

    @pytest.mark.parametrize("language", ["en", "en-GB", "de-DE", ""])
    def test_names_no_number_where_none_is_known(self, language):
        plan = a_plan(language=language)

        plan.check_in(symptoms=["RF_CHEST"])

        assert (plan.crisis.call_or_text, plan.crisis.emergency) == (None, None)
        assert "local emergency number" in plan.crisis.text

    def test_is_gone_with_the_next_quiet_check_in(self):
        plan = a_plan()
        plan.check_in(words="I want to die")
        assert plan.crisis is not None

        plan.check_in(mood=6)

        assert plan.crisis is None

    def test_is_not_shown_for_what_can_wait_a_day(self):
        plan = a_plan()

        plan.check_in(symptoms=["RF_MSK"])

        assert plan.crisis is None


class TestRepeatingAMeasure:
    def test_records_the_total_against_the_baseline(self):
        plan = a_plan()

        plan.repeat("PHQ9", NO_ITEM_9, 14, difficulty=1)

        (event,) = plan.pending
        assert isinstance(event, MeasureRepeated)
        assert (event.result.total, event.result.band, event.result.difficulty) == (12, "moderate", 1)
        assert (event.baseline, event.change, event.flags) == (14, -2, ())
        assert event.result.rules_version == "2026-11-23"

    def test_has_no_change_without_a_baseline(self):
        plan = a_plan()

        plan.repeat("PHQ9", NO_ITEM_9, None)

        assert (plan.pending[0].baseline, plan.pending[0].change) == (None, None)

    def test_keeps_answers_that_make_no_total(self):
        plan = a_plan()

        evidence = plan.repeat("PHQ9", (None, None, None, 1, 1, 1, 1, 1, 2), 5)

        result = plan.pending[0].result
        assert (result.total, result.band, result.missing) == (None, None, 3)
        assert result.invalid == "3 unanswered; at most 2 can be prorated"
        assert [concern.trigger for concern in evidence.concerns] == ["SI_POSITIVE_HIGH"]

    def test_compares_item_9_with_the_last_time(self):
        plan = a_plan()
        plan.repeat("PHQ9", (0, 0, 0, 0, 0, 0, 0, 0, 1), 3)

        plan.repeat("PHQ9", (0, 0, 0, 0, 0, 0, 0, 0, 2), 3)

        assert plan.pending[-1].flags == ("SI_POSITIVE", "SI_WORSENING")

    def test_does_not_compare_with_what_came_later(self):
        plan = a_plan()
        plan.repeat("PHQ9", (0, 0, 0, 0, 0, 0, 0, 0, 1), 3)

        at(plan, SATURDAY, MONDAY + timedelta(days=1)).repeat("PHQ9", (0, 0, 0, 0, 0, 0, 0, 0, 2), 3)

        assert plan.pending[-1].flags == ("SI_POSITIVE",)

    def test_refuses_the_future(self):
        plan = a_plan(seen_at=context(occurred_at=SATURDAY + timedelta(days=1)))

        with pytest.raises(Refused, match="future"):
            plan.repeat("GAD7", (0,) * 7, None)


class TestWhatIsDue:
    def test_is_counted_from_the_start(self):
        due = a_plan().due

        assert (due.check_in_on, due.phq9_on) == (date(2026, 11, 30), date(2026, 12, 7))

    def test_follows_the_last_check_in(self):
        plan = a_plan()

        plan.check_in(mood=5)

        assert plan.due.check_in_on == date(2026, 12, 5)

    def test_is_not_put_back_by_a_back_dated_check_in(self):
        plan = a_plan()
        plan.check_in(mood=5)

        at(plan, SATURDAY, MONDAY).check_in(mood=4)

        assert plan.due.check_in_on == date(2026, 12, 5)

    def test_is_a_day_of_the_patient(self):
        plan = a_plan(time_zone="Pacific/Auckland", seen_at=context(now=datetime(2026, 11, 28, 11, 30, tzinfo=UTC)))

        plan.check_in(mood=5)

        assert plan.due.check_in_on == date(2026, 12, 6)

    def test_counts_in_utc_where_the_time_zone_is_unknown(self):
        plan = a_plan(time_zone="Middle-earth/Shire", seen_at=context(now=datetime(2026, 11, 28, 23, 30, tzinfo=UTC)))

        plan.check_in(mood=5)

        assert plan.due.check_in_on == date(2026, 12, 5)

    @pytest.mark.parametrize(
        ("measured_on", "due"),
        [
            (date(2026, 12, 7), date(2026, 12, 21)),
            (date(2027, 1, 17), date(2027, 1, 31)),
            (date(2027, 1, 18), date(2027, 2, 15)),
            (date(2027, 2, 15), date(2027, 3, 15)),
        ],
    )
    def test_comes_every_14_days_to_week_8_and_every_28_after(self, measured_on, due):
        plan = at(a_plan(), datetime(measured_on.year, measured_on.month, measured_on.day, 12, 0, tzinfo=UTC))

        plan.repeat("PHQ9", NO_ITEM_9, None)

        assert plan.due.phq9_on == due

    def test_is_not_met_by_another_instrument_or_by_answers_without_a_total(self):
        plan = a_plan()

        plan.repeat("GAD7", (1,) * 7, None)
        plan.repeat("PHQ9", (None, None, None, 1, 1, 1, 1, 1, 0), None)

        assert plan.due.phq9_on == date(2026, 12, 7)

    def test_stays_while_the_program_is_paused(self):
        assert a_plan(Status.ON_HOLD).due.check_in_on == date(2026, 11, 30)

    @pytest.mark.parametrize("status", CLOSED)
    def test_is_nothing_once_closed(self, status):
        due = a_plan(status).due

        assert (due.check_in_on, due.phq9_on) == (None, None)
