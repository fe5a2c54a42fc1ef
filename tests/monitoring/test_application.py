"""What people ask of monitoring: entries and their alerts in one transaction, measures over time."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from events.monitoring import AlertRaised, MonitoringRefusalSettled
from services.monitoring.application import Monitoring
from services.monitoring.domain import Alert, MonitoringPlan, Standing
from services.monitoring.worklists import alerts, check_ins, measures, plans
from shared.clock import ShiftedClock
from shared.eventlog import Context, NotFound, Refused, VersionConflict
from shared.messaging import Inbox, settle
from tests.monitoring.conftest import screened
from tests.monitoring.given import (
    MONDAY,
    PATIENT,
    PATIENT_THEMSELVES,
    PLAN,
    SATURDAY,
    a_session,
    context,
)

PHQ9_OF_13 = (2, 2, 2, 2, 2, 2, 1, 0, 0)
PHQ9_OF_14 = (2, 2, 2, 2, 2, 2, 2, 0, 0)

pytestmark = pytest.mark.usefixtures("running")


def open_alerts(monitoring: Monitoring) -> list[Any]:
    """The rows of alerts that nobody has closed."""
    open_ones = select(alerts).where(alerts.c.standing != Standing.RESOLVED)
    return monitoring.query(open_ones.order_by(alerts.c.level, alerts.c.trigger))


def by_hand(monitoring: Monitoring, row: Any, minutes: int) -> None:
    """Somebody takes and closes an alert, so many minutes after Saturday morning."""
    later = context(now=SATURDAY + timedelta(minutes=minutes))
    monitoring.acknowledge(later, row["aggregate_id"])
    monitoring.resolve(later, row["aggregate_id"], "Seen.")


class TestACheckIn:
    def test_stands_on_the_list_with_who_told_it(self, monitoring: Monitoring):
        told = {"mood": 4, "sessions": [a_session()], "symptoms": ["RF_MSK"], "words": "Knee hurts."}

        monitoring.check_in(context(PATIENT_THEMSELVES), PLAN, **told)

        (row,) = monitoring.query(select(check_ins))
        assert (row["recorded_by"], row["recorded_as"], row["patient_id"]) == ("pat", "patient", PATIENT)
        assert (row["mood"], row["energy"], row["feels_unsafe"], row["words"]) == (4, None, False, "Knee hurts.")
        assert row["symptoms"] == ["RF_MSK"]
        assert row["sessions"] == [{"done_on": "2026-11-23", "minutes": 30, "rpe": 12, "activity": "17200"}]

    def test_moves_what_is_due(self, monitoring: Monitoring):
        monitoring.check_in(context(), PLAN, mood=4)

        (row,) = monitoring.query(select(plans))
        assert row["check_in_due_on"] == date(2026, 12, 5)

    def test_may_be_back_dated_while_its_alert_runs_from_now(self, monitoring: Monitoring):
        monitoring.check_in(context(), PLAN, occurred_at=MONDAY + timedelta(days=1), symptoms=["RF_CHEST"])

        plan = monitoring.get(MonitoringPlan, PLAN)
        assert plan.last_check_in.occurred_at == MONDAY + timedelta(days=1)
        (row,) = open_alerts(monitoring)
        assert (row["raised_at"], row["acknowledge_by"]) == (SATURDAY, SATURDAY + timedelta(minutes=15))

    @pytest.mark.parametrize(("ahead", "accepted"), [(0, True), (300, True), (301, False)])
    def test_bears_a_device_whose_clock_is_five_minutes_ahead(self, monitoring: Monitoring, ahead: int, accepted: bool):
        moment = SATURDAY + timedelta(seconds=ahead)

        if not accepted:
            with pytest.raises(Refused, match="future"):
                monitoring.check_in(context(), PLAN, occurred_at=moment, feels_unsafe=True)
            return
        plan = monitoring.check_in(context(), PLAN, occurred_at=moment, feels_unsafe=True)
        assert plan.last_check_in.occurred_at == SATURDAY

    def test_asks_for_a_plan_that_there_is(self, monitoring: Monitoring):
        with pytest.raises(NotFound):
            monitoring.check_in(context(), PATIENT, mood=4)


class TestAnAlert:
    def test_is_saved_with_the_entry_that_led_to_it(self, monitoring: Monitoring):
        monitoring.check_in(context(), PLAN, symptoms=["RF_CHEST"])

        (row,) = open_alerts(monitoring)
        (event,) = monitoring.events.get(row["aggregate_id"])
        assert isinstance(event, AlertRaised)
        assert (event.level, event.trigger, event.signs) == ("E0", "EMERGENCY_SIGN", ("RF_CHEST",))
        assert (event.plan_id, event.cause) == (PLAN, f"{PLAN}-2")
        assert (row["standing"], row["evidence"], row["review_by"]) == ("open", 1, SATURDAY)

    def test_is_nowhere_when_the_entry_is_not(self, monitoring: Monitoring, monkeypatch: pytest.MonkeyPatch):
        stale = monitoring.get(MonitoringPlan, PLAN, context())
        monitoring.check_in(context(), PLAN, mood=5)
        monkeypatch.setattr(monitoring, "get", lambda *_: stale)

        with pytest.raises(VersionConflict):
            monitoring.check_in(context(), PLAN, symptoms=["RF_CHEST"])

        assert open_alerts(monitoring) == []

    def test_is_one_for_one_cause(self, monitoring: Monitoring):
        for symptom in ("RF_CHEST", "RF_SYNCOPE", "RF_CHEST"):
            monitoring.check_in(context(), PLAN, symptoms=[symptom])

        (row,) = open_alerts(monitoring)
        assert (row["evidence"], row["signs"]) == (3, ["RF_CHEST", "RF_SYNCOPE"])
        alert = monitoring.get(Alert, row["aggregate_id"])
        assert alert.evidence == [f"{PLAN}-2", f"{PLAN}-4", f"{PLAN}-6"]

    def test_is_another_for_another_cause(self, monitoring: Monitoring):
        monitoring.check_in(context(), PLAN, symptoms=["RF_MSK"])
        monitoring.check_in(context(), PLAN, symptoms=["RF_CHEST"], feels_unsafe=True)

        assert [(row["level"], row["trigger"]) for row in open_alerts(monitoring)] == [
            ("E0", "CRISIS_SELF_REPORT"),
            ("E0", "EMERGENCY_SIGN"),
            ("E2", "REVIEW_SIGN"),
        ]

    def test_is_a_new_one_once_the_first_was_closed(self, monitoring: Monitoring):
        monitoring.check_in(context(), PLAN, feels_unsafe=True)
        (first,) = open_alerts(monitoring)
        by_hand(monitoring, first, minutes=5)

        monitoring.check_in(context(now=SATURDAY + timedelta(minutes=10)), PLAN, feels_unsafe=True)

        (second,) = open_alerts(monitoring)
        assert second["aggregate_id"] != first["aggregate_id"]
        assert second["acknowledge_by"] == SATURDAY + timedelta(minutes=25)

    def test_asks_again_when_the_patient_calls_again(self, monitoring: Monitoring):
        monitoring.check_in(context(), PLAN, feels_unsafe=True)
        (row,) = open_alerts(monitoring)
        monitoring.acknowledge(context(now=SATURDAY + timedelta(minutes=5)), row["aggregate_id"])

        monitoring.check_in(context(now=SATURDAY + timedelta(hours=1)), PLAN, feels_unsafe=True)

        (row,) = open_alerts(monitoring)
        assert (row["standing"], row["acknowledged_by"]) == ("open", None)
        assert row["acknowledge_by"] == SATURDAY + timedelta(hours=1, minutes=15)


class TestAMeasure:
    def test_is_compared_with_the_last_screening_before_the_plan(self, monitoring: Monitoring, running: Inbox):
        running.carry_out(screened(3, 1, occurred_at=MONDAY - timedelta(days=90)))
        running.carry_out(screened(20, 5, occurred_at=MONDAY + timedelta(days=2)))

        plan = monitoring.repeat_measure(context(), PLAN, "PHQ9", PHQ9_OF_13)

        assert (plan.last_measure.baseline, plan.last_measure.change) == (9, 4)

    @pytest.mark.parametrize(("answers", "raised"), [(PHQ9_OF_13, []), (PHQ9_OF_14, ["PHQ9_DETERIORATION"])])
    def test_raises_an_alert_from_five_points_on(
        self, monitoring: Monitoring, answers: tuple[int, ...], raised: list[str]
    ):
        plan = monitoring.repeat_measure(context(), PLAN, "PHQ9", answers)

        assert [row["trigger"] for row in open_alerts(monitoring)] == raised
        assert [type(event).__name__ for event in monitoring.events.get(plan.id)] == ["PlanOpened", "MeasureRepeated"]

    def test_gives_72_hours_to_review(self, monitoring: Monitoring):
        monitoring.repeat_measure(context(), PLAN, "PHQ9", PHQ9_OF_14)

        (row,) = open_alerts(monitoring)
        assert (row["level"], row["acknowledge_by"]) == ("E2", SATURDAY + timedelta(hours=24))
        assert row["review_by"] == SATURDAY + timedelta(hours=72)

    def test_stands_on_the_list_without_a_total_too(self, monitoring: Monitoring):
        monitoring.repeat_measure(context(), PLAN, "PHQ9", (None,) * 8 + (0,))

        (row,) = monitoring.query(select(measures))
        assert (row["instrument"], row["total"], row["band"], row["baseline"]) == ("PHQ9", None, None, 9)


class TestTheSeries:
    def test_holds_every_total_against_the_baseline(self, monitoring: Monitoring):
        monitoring.repeat_measure(context(), PLAN, "PHQ9", PHQ9_OF_14)
        monitoring.repeat_measure(
            context(), PLAN, "PHQ9", (1, 1, 1, 0, 0, 0, 0, 0, 0), occurred_at=MONDAY + timedelta(days=1)
        )

        gad7, phq9 = monitoring.series(PATIENT)

        assert (gad7.instrument, [point.total for point in gad7.points]) == ("GAD7", [6])
        assert (phq9.instrument, phq9.baseline.total, phq9.baseline.source) == ("PHQ9", 9, "screening")
        assert [(point.total, point.change) for point in phq9.points] == [(9, None), (3, -6), (14, 5)]
        assert phq9.points[1].reading.improvement == Decimal("66.7")
        assert (phq9.points[1].reading.response, phq9.points[1].reading.remission) == ("response", "yes")
        assert phq9.points[2].reading.deterioration == "review"

    def test_begins_anew_with_the_next_screening_where_there_is_no_plan(self, monitoring: Monitoring, running: Inbox):
        another = UUID("7e6d5c4b-3a29-4817-9605-f4e3d2c1b007")
        for version, total in ((1, 12), (2, 15)):
            moment = MONDAY + timedelta(days=version)
            event = screened(total, version, originator_id=another, occurred_at=moment)
            running.carry_out(replace(event, patient_id=another))

        (series,) = monitoring.series(another)

        assert [point.total for point in series.points] == [12, 15]
        assert series.baseline.total == 15

    def test_is_nothing_for_a_patient_whom_nobody_measured(self, monitoring: Monitoring):
        assert monitoring.series(PLAN) == []


class TestThePlanNow:
    def test_holds_the_last_weeks(self, monitoring: Monitoring, clock: ShiftedClock):
        monitoring.check_in(context(), PLAN, sessions=[a_session(), a_session(minutes=15)])

        now = monitoring.plan_now(PLAN, clock())

        (week,) = now.weeks
        assert (week.sessions_prescribed, week.sessions_done, week.minutes_done) == (3, 2, 45)
        assert week.adherence.frequency == Decimal("66.7")


ASK: dict[str, Callable[[Monitoring, Context], Any]] = {
    "acknowledge": lambda monitoring, context: monitoring.acknowledge(context, PLAN),
    "resolve": lambda monitoring, context: monitoring.resolve(context, PLAN, "Seen."),
    "settle": lambda monitoring, context: settle(monitoring, context, PLAN, MonitoringRefusalSettled, "Seen."),
}


class TestAPlan:
    @pytest.mark.parametrize("step", ASK)
    def test_is_no_alert_and_no_refusal(self, monitoring: Monitoring, step: str):
        with pytest.raises(NotFound):
            ASK[step](monitoring, context())

    def test_was_opened_when_the_program_was_activated(self, monitoring: Monitoring):
        assert monitoring.get(MonitoringPlan, PLAN).opened_at == datetime.fromisoformat("2026-11-23T09:00:00+00:00")
