"""Monitoring's frozen examples: read as they were written, and bearable once a patient's words are gone."""

import json
from datetime import date
from pathlib import Path

import pytest

from events.base import Event
from events.vocabulary import CATALOGUE
from services.monitoring.api.alerts import AlertView
from services.monitoring.api.views import CheckInAnswer, MeasureAnswer
from services.monitoring.domain import Alert, MonitoringPlan
from services.monitoring.worklists import ALERTS, CHECK_INS, MEASURES, PLANS
from shared.messaging import REFUSED_REACTIONS, Refusal
from shared.messaging.refusals_api import RefusedReactionView
from tests.monitoring.given import context

EXAMPLES = Path(__file__).parents[2] / "events" / "examples"
OF_A_PLAN = (
    "plan-opened",
    "measure-repeated",
    "plan-followed-revision",
    "check-in-recorded",
    "red-flag-raised",
    "plan-paused",
    "plan-resumed",
    "plan-closed",
)
OF_AN_ALERT = ("alert-raised", "alert-evidence-joined", "alert-acknowledged", "alert-resolved")
OF_ANOTHER_ALERT = ("alert-overdue", "alert-review-overdue")
OF_A_REFUSAL = ("reaction-refused", "refusal-settled")
BY_OPERATORS = ("parked-event-skipped", "upstream-reconciled")
TYPES = (*OF_A_PLAN, *OF_AN_ALERT, *OF_ANOTHER_ALERT, *OF_A_REFUSAL, *BY_OPERATORS)


def example(name: str, *, erased: bool = False) -> Event:
    body = json.loads((EXAMPLES / f"caretrail.monitoring.{name}.v1.json").read_bytes())
    if erased:
        body.pop("sealed", None)
    return CATALOGUE.decode(body["type"], json.dumps(body).encode())


def a_plan_of(names: tuple[str, ...], *, erased: bool = False) -> MonitoringPlan:
    plan = MonitoringPlan.load([example(name, erased=erased) for name in names], None)
    assert plan is not None
    return plan


class TestTheExamples:
    def test_are_there_for_every_type(self):
        known = {name for name in CATALOGUE.types() if name.startswith("caretrail.monitoring.")}

        assert known == {f"caretrail.monitoring.{name}.v1" for name in TYPES}

    def test_tell_the_life_of_a_plan(self):
        plan = a_plan_of(OF_A_PLAN)

        assert (plan.status, plan.version, plan.revision) == ("completed", 8, 2)
        assert (plan.due.check_in_on, plan.due.phq9_on) == (None, None)

    def test_tell_what_was_due_before_its_end(self):
        due = a_plan_of(OF_A_PLAN[:7]).due

        assert (due.check_in_on, due.phq9_on) == (date(2026, 4, 16), date(2026, 4, 12))

    def test_tell_the_life_of_an_alert(self):
        alert = Alert.load([example(name) for name in OF_AN_ALERT], None)

        assert alert is not None
        assert (alert.standing, alert.resolved_by, alert.signs) == ("resolved", "m.okafor", ("RF_PALP", "RF_DIZZY"))

    def test_tell_of_an_alert_that_nobody_looked_at(self):
        alert = Alert.load([example(name) for name in (OF_AN_ALERT[0], *OF_ANOTHER_ALERT)], None)

        assert alert is not None
        assert (alert.standing, alert.level, alert.review_overdue) == ("overdue", "E0", True)
        assert (alert.allowed, alert.to_review) == (("acknowledge",), None)


class TestAPlanWhoseSensitiveFieldsAreGone:
    @pytest.mark.parametrize("length", range(1, 9))
    def test_still_loads_and_stands_on_every_list(self, length: int):
        plan = a_plan_of(OF_A_PLAN[:length], erased=True)

        (row,) = PLANS.change(plan).rows
        assert row["status"] == a_plan_of(OF_A_PLAN[:length]).status
        assert len(CHECK_INS.change(plan).rows) == (1 if length >= 4 else 0)
        assert len(MEASURES.change(plan).rows) == (1 if length >= 2 else 0)

    def test_shows_that_there_was_an_entry_and_nothing_of_it(self):
        plan = a_plan_of(OF_A_PLAN, erased=True)

        (check_in,) = CHECK_INS.change(plan).rows
        (measure,) = MEASURES.change(plan).rows
        assert (check_in["mood"], check_in["words"], check_in["sessions"], check_in["symptoms"]) == (None, None, [], [])
        assert (measure["total"], measure["band"], measure["provisional"], measure["baseline"]) == (
            None,
            None,
            False,
            None,
        )
        assert CheckInAnswer().dump(plan)["check_in"].keys() == {"event_id", "occurred_at"}
        assert MeasureAnswer().dump(plan)["measure"].keys() == {"event_id", "occurred_at", "instrument"}

    def test_still_takes_entries(self):
        plan = a_plan_of(OF_A_PLAN[:7], erased=True)
        plan.context = context()

        plan.check_in(mood=5)
        plan.repeat("PHQ9", (0,) * 9, 5)

        assert plan.version == 9
        assert plan.last_weeks(plan.context.now)[-1].sessions_done == 0


class TestAnAlertWhoseSensitiveFieldsAreGone:
    @pytest.mark.parametrize("length", range(1, 5))
    def test_still_loads_and_shows_where_it_stands(self, length: int):
        alert = Alert.load([example(name, erased=True) for name in OF_AN_ALERT[:length]], None)

        (row,) = ALERTS.change(alert).rows
        assert (row["trigger"], row["signs"], row["level"]) == (None, [], "E1")
        view = AlertView().dump(alert)
        assert {"trigger", "resolution"}.isdisjoint(view)
        assert view["standing"] == row["standing"]


class TestARefusalWhoseWordsAreGone:
    def test_stays_readable(self):
        refusal = Refusal.load([example(name, erased=True) for name in OF_A_REFUSAL], None)

        assert RefusedReactionView().dump(refusal)["policy"] == "pause_the_plan_with_its_program"
        assert REFUSED_REACTIONS.change(refusal).rows == []
