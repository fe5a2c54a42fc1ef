"""Any walk through a plan and its alerts, against a model of a few lines."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from events.base import Event
from events.monitoring import PlanOpened
from services.monitoring.domain import Alert, Evidence, MonitoringPlan, Standing
from services.monitoring.worklists import ALERTS, CHECK_INS, MEASURES, PLANS
from shared.eventlog.aggregate import Refused
from tests.monitoring.given import MONDAY, OPENED, PATIENT, PLAN, context, in_order

LEVEL_OF = {"RF_CHEST": "E0", "RF_PALP": "E1", "RF_MSK": "E2"}


class Walk(RuleBasedStateMachine):
    """A plan and its alerts, loaded anew for every step, as the application does."""

    def __init__(self) -> None:
        super().__init__()
        self.now = MONDAY
        self.log: list[Event] = in_order([(PlanOpened, OPENED)], PLAN)
        self.alert_logs: dict[UUID, list[Event]] = {}
        self.status = "active"
        self.days: list[int] = []
        self.seen: dict[str, int] = {}

    def plan(self, days_ago: int = 0) -> MonitoringPlan:
        moment = self.now - timedelta(days=days_ago) if days_ago else None
        plan = MonitoringPlan.load(self.log, context(now=self.now, occurred_at=moment))
        assert plan is not None
        return plan

    def alerts(self) -> list[Alert]:
        loaded = [Alert.load(log, context(now=self.now)) for log in self.alert_logs.values()]
        return [alert for alert in loaded if alert is not None]

    def take(self, plan: MonitoringPlan, evidence: Evidence | None = None) -> None:
        self.log.extend(plan.pending)
        for concern in evidence.concerns if evidence else ():
            same = [alert for alert in self.alerts() if alert.is_open and alert.trigger == concern.trigger]
            if same:
                (alert,) = same
                alert.join(concern, evidence.event_id)
            else:
                alert = Alert.over(concern, evidence.event_id, PLAN, context(now=self.now), PATIENT)
            self.alert_logs.setdefault(alert.id, []).extend(alert.pending)

    @rule(days=st.integers(0, 10))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days, minutes=1)

    @rule(
        step=st.sampled_from(
            [("pause", "on-hold"), ("resume", "active"), ("complete", "completed"), ("discontinue", "revoked")]
        )
    )
    def the_program_changes(self, step: tuple[str, str]) -> None:
        name, leads_to = step
        plan = self.plan()
        closed, closes = self.status in ("completed", "revoked"), name in ("complete", "discontinue")
        change: Any = {"pause": plan.pause, "resume": plan.resume}.get(name)
        if closed and not closes:
            with pytest.raises(Refused):
                change()
            return
        plan.close(discontinued=name == "discontinue") if closes else change()
        self.status = self.status if closed else leads_to
        self.take(plan)

    @rule(
        days_ago=st.integers(0, 20),
        codes=st.sets(st.sampled_from(sorted(LEVEL_OF))),
        unsafe=st.booleans(),
        mood=st.none() | st.integers(0, 10),
    )
    def check_in(self, days_ago: int, codes: set[str], unsafe: bool, mood: int | None) -> None:
        plan = self.plan(days_ago)
        day = (self.now - MONDAY).days - days_ago
        said_nothing = not codes and not unsafe and mood is None
        if day < 0 or said_nothing:
            with pytest.raises(Refused) as refusal:
                plan.check_in(mood=mood, symptoms=sorted(codes), feels_unsafe=unsafe)
            assert refusal.value.code == ("before-the-plan" if day < 0 else "empty-check-in")
            return
        evidence = plan.check_in(mood=mood, symptoms=sorted(codes), feels_unsafe=unsafe)
        self.days.append(day)
        for cause in [*codes, *(["unsafe"] if unsafe else [])]:
            self.seen[cause] = self.seen.get(cause, 0) + 1
        assert plan.last_check_in is not None
        assert plan.last_check_in.crisis_card is (unsafe or "RF_CHEST" in codes)
        self.take(plan, evidence)

    @rule(item_9=st.none() | st.integers(0, 3))
    def repeat_phq9(self, item_9: int | None) -> None:
        plan = self.plan()
        self.take(plan, evidence := plan.repeat("PHQ9", (*(0,) * 8, item_9), 3))
        assert bool(evidence.concerns) == (item_9 != 0)

    @rule(step=st.sampled_from(["acknowledge", "resolve"]))
    def somebody_looks(self, step: str) -> None:
        for alert in self.alerts():
            ready = Standing.OPEN if step == "acknowledge" else Standing.ACKNOWLEDGED
            if alert.standing is ready:
                alert.acknowledge() if step == "acknowledge" else alert.resolve("Seen.")
                self.alert_logs[alert.id].extend(alert.pending)

    @invariant()
    def one_open_alert_for_one_cause(self) -> None:
        triggers = [alert.trigger for alert in self.alerts() if alert.is_open]
        assert len(triggers) == len(set(triggers))

    @invariant()
    def every_sign_is_evidence_of_an_alert(self) -> None:
        for code, level in LEVEL_OF.items():
            of_level = [alert for alert in self.alerts() if alert.level == level and code in alert.signs]
            assert sum(len(alert.evidence) for alert in of_level) == self.seen.get(code, 0)

    @invariant()
    def the_plan_knows_what_is_due(self) -> None:
        plan = self.plan()
        assert plan.status == self.status
        if self.status in ("completed", "revoked"):
            assert plan.due.check_in_on is None
        else:
            last = max([0, *self.days])
            assert plan.due.check_in_on == (MONDAY + timedelta(days=last + 7)).date()

    @invariant()
    def the_worklists_follow(self) -> None:
        plan = self.plan()
        assert [len(worklist.change(plan).rows) for worklist in (PLANS, CHECK_INS)] == [1, len(self.days)]
        assert len(MEASURES.change(plan).rows) == len(plan.measures)
        assert all(len(ALERTS.change(alert).rows) == 1 for alert in self.alerts())


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=40, stateful_step_count=15)
