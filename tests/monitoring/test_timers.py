"""What monitoring does when nobody has looked in time: an alert goes up a level, a review is noted as overdue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from events.base import UNSET, Event
from events.monitoring import AlertAcknowledged, AlertOverdue, AlertReviewOverdue
from events.terms import AlertLevel
from services.monitoring.application import Monitoring
from services.monitoring.domain import Standing
from services.monitoring.timers import timers
from services.monitoring.worklists import to_acknowledge, to_review
from shared.clock import ShiftedClock
from shared.eventlog import Refused
from shared.messaging import Ticker
from tests.monitoring.conftest import Clinic
from tests.monitoring.given import (
    COORDINATOR,
    MONDAY,
    PATIENT,
    PHYSIOLOGIST,
    PLAN,
    SATURDAY,
    a_plan,
    an_alert,
    context,
    recorded,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
IN_THREE_DAYS = MONDAY + 3 * DAY
TO_REVIEW: dict[str, Any] = {
    "level": AlertLevel.E2,
    "trigger": "REVIEW_SIGN",
    "signs": ("RF_MSK",),
    "acknowledge_by": MONDAY + DAY,
    "review_by": IN_THREE_DAYS,
}
"""An alert of Monday morning that must be taken within a day, and closed within three."""


class TestAnAlertThatNobodyTook:
    @pytest.mark.parametrize(
        ("level", "up", "within"),
        [("E3", "E2", 24 * HOUR), ("E2", "E1", 4 * HOUR), ("E1", "E0", 15 * MINUTE)],
    )
    def test_goes_up_a_level_whose_clock_runs_from_the_time_that_passed(self, level: str, up: str, within: timedelta):
        alert = an_alert(**{**TO_REVIEW, "level": AlertLevel(level)}, seen_at=context(now=SATURDAY))

        alert.escalate()

        (fact,) = alert.pending
        assert isinstance(fact, AlertOverdue)
        assert (fact.missed, fact.level, fact.acknowledge_by) == (MONDAY + DAY, up, MONDAY + DAY + within)
        assert fact.rules_version == "2026-11-23"
        assert (alert.standing, alert.level, alert.acknowledge_by) == ("overdue", up, fact.acknowledge_by)

    def test_stays_at_the_highest_level_and_is_overdue_once(self):
        alert = an_alert(seen_at=context(now=SATURDAY))

        alert.escalate()
        alert.escalate()

        (fact,) = alert.pending
        assert (fact.missed, fact.level, fact.acknowledge_by) == (MONDAY + 15 * MINUTE, "E0", None)
        assert (alert.standing, alert.acknowledge_by) == ("overdue", MONDAY + 15 * MINUTE)

    @pytest.mark.parametrize("standing", [Standing.ACKNOWLEDGED, Standing.RESOLVED])
    def test_is_none_that_somebody_has_taken(self, standing: Standing):
        alert = an_alert(standing)

        alert.escalate()

        assert recorded(alert) == []

    def test_is_raised_although_the_patients_words_are_gone(self):
        alert = an_alert(**{**TO_REVIEW, "trigger": UNSET, "signs": UNSET})

        alert.escalate()

        assert (alert.standing, alert.level) == ("overdue", "E1")

    def test_can_still_be_taken_and_closed(self):
        alert = an_alert()
        alert.escalate()

        assert alert.allowed == ("acknowledge",)
        alert.acknowledge()
        alert.resolve("Called her; a pulled muscle.")

        assert recorded(alert) == ["AlertOverdue", "AlertAcknowledged", "AlertResolved"]
        assert (alert.to_acknowledge, alert.standing) == (None, "resolved")

    def test_cannot_be_closed_before_somebody_has_taken_it(self):
        alert = an_alert()
        alert.escalate()

        with pytest.raises(Refused, match="overdue"):
            alert.resolve("Done.")

    def test_takes_new_evidence_and_its_clock_runs_on(self):
        alert = an_alert(**TO_REVIEW)
        alert.escalate()
        running = alert.to_acknowledge

        alert.join(a_plan().check_in(symptoms=["RF_MSK"]).concerns[0], f"{PLAN}-4")

        assert (alert.standing, alert.to_acknowledge) == ("overdue", running)

    def test_has_a_new_clock_when_evidence_joins_after_somebody_took_it(self):
        alert = an_alert(Standing.ACKNOWLEDGED, **TO_REVIEW, seen_at=context(now=SATURDAY))
        alert.join(a_plan().check_in(symptoms=["RF_MSK"]).concerns[0], f"{PLAN}-4")

        alert.escalate()

        (joined, overdue) = alert.pending
        assert (overdue.missed, overdue.level) == (SATURDAY + DAY, "E1")
        assert joined.acknowledge_by == SATURDAY + DAY


class TestAReview:
    @pytest.mark.parametrize("standing", [Standing.OPEN, Standing.ACKNOWLEDGED])
    def test_that_is_overdue_is_noted_once_and_leaves_the_alert_where_it_stands(self, standing: Standing):
        alert = an_alert(standing, **TO_REVIEW, seen_at=context(now=SATURDAY))

        alert.miss_review()
        alert.miss_review()

        (fact,) = alert.pending
        assert isinstance(fact, AlertReviewOverdue)
        assert (fact.missed, alert.review_overdue, alert.standing) == (IN_THREE_DAYS, True, standing)

    def test_of_a_closed_alert_is_done(self):
        alert = an_alert(Standing.RESOLVED, **TO_REVIEW)

        alert.miss_review()

        assert (recorded(alert), alert.review_overdue) == ([], False)

    def test_has_no_clock_of_its_own_where_one_must_act_at_once(self):
        assert (an_alert().to_review, an_alert(review_by=None).to_review) == (None, None)

    def test_stays_overdue_when_somebody_takes_the_alert_at_last(self):
        alert = an_alert(**TO_REVIEW)
        alert.miss_review()

        alert.acknowledge()

        assert (alert.review_overdue, alert.to_review) == (True, None)


@pytest.fixture
def ticker(monitoring: Monitoring, clock: ShiftedClock) -> Ticker:
    """What fires monitoring's timers."""
    return Ticker(monitoring, timers, clock)


def all_fired(ticker: Ticker) -> None:
    while ticker.fire_next():
        pass


def facts(monitoring: Monitoring, *kinds: type[Event]) -> list[Any]:
    """List what was recorded of some kinds, in the order of the log."""
    logged = [monitoring.mapper.to_domain_event(each) for each in monitoring.recorder.read(0, 1000)]
    return [fact for fact in logged if isinstance(fact, kinds)]


def the_alert(clinic: Clinic) -> dict[str, Any]:
    (row,) = clinic.get("/alerts", COORDINATOR).get_json()["items"]
    return row


class TestTheTimers:
    """Given an alert in a running program; when time passes; then the log and the list say who did not look."""

    def test_raise_an_emergency_that_nobody_took_within_a_quarter_of_an_hour(
        self, clinic: Clinic, monitoring: Monitoring, clock: ShiftedClock, ticker: Ticker
    ):
        clinic.post(f"/plans/{PLAN}/check-ins", COORDINATOR, {"symptoms": ["RF_CHEST"]})
        clock.forward(15 * MINUTE - timedelta(microseconds=1))
        all_fired(ticker)
        before = facts(monitoring, AlertOverdue)
        clock.forward(5 * MINUTE)
        all_fired(ticker)

        (overdue,) = facts(monitoring, AlertOverdue)
        row = the_alert(clinic)
        assert before == []
        assert (row["standing"], row["level"], row["late"]) == ("overdue", "E0", True)
        assert (overdue.occurred_at, overdue.patient_id) == (SATURDAY + 15 * MINUTE, PATIENT)
        assert overdue.recorded_at == SATURDAY + 20 * MINUTE - timedelta(microseconds=1)
        assert overdue.actor.id == "timer:monitoring.escalate_the_alert_that_nobody_took"
        assert (overdue.causation_id, overdue.hops) == (f"{row['id']}-1", 0)

    def test_raise_it_level_by_level_while_nobody_looks_however_far_the_clock_jumps(
        self, clinic: Clinic, monitoring: Monitoring, clock: ShiftedClock, ticker: Ticker
    ):
        clinic.post(f"/plans/{PLAN}/check-ins", COORDINATOR, {"symptoms": ["RF_MSK"]})
        clock.forward(7 * DAY)
        all_fired(ticker)

        told = [(type(fact).__name__, fact.occurred_at - SATURDAY) for fact in self._overdue(monitoring)]
        levels = [fact.level for fact in facts(monitoring, AlertOverdue)]
        assert told == [
            ("AlertOverdue", 24 * HOUR),
            ("AlertOverdue", 28 * HOUR),
            ("AlertOverdue", 28 * HOUR + 15 * MINUTE),
            ("AlertReviewOverdue", 72 * HOUR),
        ]
        assert levels == ["E1", "E0", "E0"]
        first, second, third, _ = self._overdue(monitoring)
        assert (second.causation_id, third.causation_id) == (first.event_id, second.event_id)
        assert (the_alert(clinic)["late"], the_alert(clinic)["review_late"]) == (True, True)

    def test_put_what_is_overdue_above_what_is_not(self, clinic: Clinic, clock: ShiftedClock, ticker: Ticker):
        clinic.post(f"/plans/{PLAN}/check-ins", COORDINATOR, {"symptoms": ["RF_MSK"]})
        clock.forward(23 * HOUR)
        clinic.post(f"/plans/{PLAN}/check-ins", COORDINATOR, {"symptoms": ["RF_PALP"]})
        clock.forward(HOUR)
        clinic.post(f"/plans/{PLAN}/measures", COORDINATOR, {"instrument": "PHQ9", "answers": [2] * 7 + [0, 0]})

        all_fired(ticker)

        rows = clinic.get("/alerts", COORDINATOR).get_json()["items"]
        assert [(row["level"], row["standing"], row["late"]) for row in rows] == [
            ("E1", "open", False),
            ("E1", "overdue", True),
            ("E2", "open", False),
        ]

    def test_are_silent_about_what_was_taken_and_closed_in_time(
        self, clinic: Clinic, monitoring: Monitoring, clock: ShiftedClock, ticker: Ticker
    ):
        clinic.post(f"/plans/{PLAN}/check-ins", COORDINATOR, {"symptoms": ["RF_MSK"]})
        path = f"/alerts/{the_alert(clinic)['id']}"
        clinic.post(f"{path}/acknowledge", PHYSIOLOGIST)
        clinic.post(f"{path}/resolve", PHYSIOLOGIST, {"reason": "Seen."})
        clock.forward(30 * DAY)

        assert ticker.fire_next() is False

        assert self._overdue(monitoring) == []
        assert self._running(monitoring) == (0, 0)

    def test_note_the_review_of_what_was_taken_and_then_left(
        self, clinic: Clinic, monitoring: Monitoring, clock: ShiftedClock, ticker: Ticker
    ):
        clinic.post(f"/plans/{PLAN}/check-ins", COORDINATOR, {"symptoms": ["RF_MSK"]})
        path = f"/alerts/{the_alert(clinic)['id']}"
        clinic.post(f"{path}/acknowledge", PHYSIOLOGIST)
        clock.forward(72 * HOUR)
        all_fired(ticker)
        clock.forward(MINUTE)
        all_fired(ticker)

        (overdue,) = self._overdue(monitoring)
        assert isinstance(overdue, AlertReviewOverdue)
        assert (overdue.missed, overdue.occurred_at) == (SATURDAY + 72 * HOUR, SATURDAY + 72 * HOUR)
        row = the_alert(clinic)
        assert (row["standing"], row["late"], row["review_late"]) == ("acknowledged", False, True)
        assert clinic.get(path, COORDINATOR).get_json()["review_overdue"] is True

    def test_say_nothing_more_of_what_was_taken_late(
        self, clinic: Clinic, monitoring: Monitoring, clock: ShiftedClock, ticker: Ticker
    ):
        clinic.post(f"/plans/{PLAN}/check-ins", COORDINATOR, {"symptoms": ["RF_MSK"]})
        clock.forward(24 * HOUR)
        all_fired(ticker)
        clinic.post(f"/alerts/{the_alert(clinic)['id']}/acknowledge", PHYSIOLOGIST)
        clock.forward(24 * HOUR)
        all_fired(ticker)

        told = [type(fact) for fact in facts(monitoring, AlertOverdue, AlertAcknowledged, AlertReviewOverdue)]
        assert told == [AlertOverdue, AlertAcknowledged]
        assert the_alert(clinic)["late"] is False

    def _overdue(self, monitoring: Monitoring) -> list[Any]:
        return sorted(facts(monitoring, AlertOverdue, AlertReviewOverdue), key=lambda fact: fact.occurred_at)

    def _running(self, monitoring: Monitoring) -> tuple[int, int]:
        waiting = [len(monitoring.query(select(table))) for table in (to_acknowledge, to_review)]
        return (waiting[0], waiting[1])
