"""What people may ask of monitoring: each use case loads, asks and saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.monitoring.domain import (
    Alert,
    Concern,
    Evidence,
    MonitoringPlan,
    Point,
    Series,
    Source,
    Week,
    reading_of,
    series_of,
)
from services.monitoring.worklists import (
    ALERTS,
    CHECK_INS,
    MEASURES,
    PLANS,
    TO_ACKNOWLEDGE,
    TO_REVIEW,
    baseline_of,
    measured,
    newest_plan_of,
    open_alert,
    screened,
)
from shared.eventlog import Application, Context
from shared.messaging import REFUSED_REACTIONS, Refusal

CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""How far a patient's device may run ahead: a call for help is not refused over that [R]."""


@dataclass(frozen=True)
class PlanNow:
    """A plan with its last weeks, as they stand at a moment."""

    plan: MonitoringPlan
    weeks: list[Week]


class Monitoring(Application):
    """The monitoring plans and alerts of one organisation, and the reactions that a rule refused."""

    aggregates = (MonitoringPlan, Alert, Refusal)
    worklists = (PLANS, CHECK_INS, MEASURES, ALERTS, TO_ACKNOWLEDGE, TO_REVIEW, REFUSED_REACTIONS)

    def check_in(
        self, context: Context, plan_id: UUID, occurred_at: datetime | None = None, **told: Any
    ) -> MonitoringPlan:
        """Record how the patient is, and an alert for each concern, all or nothing.

        `occurred_at` is when it was true, if earlier; `told` are the arguments of MonitoringPlan.check_in.
        """
        plan = self.get(MonitoringPlan, plan_id, _as_of(context, occurred_at))
        evidence = plan.check_in(**told)
        return self.save(plan, *self._alerts(context, plan, evidence))

    def repeat_measure(
        self,
        context: Context,
        plan_id: UUID,
        instrument: str,
        answers: Sequence[int | None],
        difficulty: int | None = None,
        occurred_at: datetime | None = None,
    ) -> MonitoringPlan:
        """Record a questionnaire against the baseline, and an alert for each concern, all or nothing."""
        plan = self.get(MonitoringPlan, plan_id, _as_of(context, occurred_at))
        found = self.query(baseline_of(plan, instrument))
        evidence = plan.repeat(instrument, answers, found[0]["total"] if found else None, difficulty)
        return self.save(plan, *self._alerts(context, plan, evidence))

    def _alerts(self, context: Context, plan: MonitoringPlan, evidence: Evidence) -> list[Alert]:
        return [self._raised_or_joined(context, plan, concern, evidence.event_id) for concern in evidence.concerns]

    def _raised_or_joined(self, context: Context, plan: MonitoringPlan, concern: Concern, evidence: str) -> Alert:
        # Two entries at once cannot both raise one: each is saved with the next version of the same plan.
        for row in self.query(open_alert(plan.id, concern.trigger)):
            alert = self.get(Alert, row["aggregate_id"], context)
            if alert.is_open:
                alert.join(concern, evidence)
                return alert
        return Alert.over(concern, evidence, plan.id, context, plan.patient_id)

    def acknowledge(self, context: Context, alert_id: UUID) -> Alert:
        """Take an alert."""
        alert = self.get(Alert, alert_id, context)
        alert.acknowledge()
        return self.save(alert)

    def resolve(self, context: Context, alert_id: UUID, reason: str) -> Alert:
        """Close an alert."""
        alert = self.get(Alert, alert_id, context)
        alert.resolve(reason)
        return self.save(alert)

    def plan_now(self, plan_id: UUID, now: datetime) -> PlanNow:
        """Give a plan with its last weeks."""
        plan = self.get(MonitoringPlan, plan_id)
        return PlanNow(plan, plan.last_weeks(now))

    def series(self, patient_id: UUID) -> list[Series]:
        """Give every instrument's totals over time, by screening and by program, in the order of their names."""
        points: dict[str, list[Point]] = {}
        for row in self.query(screened(patient_id)):
            points.setdefault(row["instrument"], []).append(_point(row, Source.SCREENING, None))
        for row in self.query(measured(patient_id)):
            points.setdefault(row["instrument"], []).append(_point(row, Source.MONITORING, row["baseline"]))
        (newest,) = self.query(newest_plan_of(patient_id))
        return [series_of(name, points[name], newest["opened_at"]) for name in sorted(points)]


def _as_of(context: Context, occurred_at: datetime | None) -> Context:
    if occurred_at is not None and context.now < occurred_at <= context.now + CLOCKS_DIFFER_BY:
        return context
    return context.at(occurred_at)


def _point(row: Any, source: Source, baseline: int | None) -> Point:
    return Point(
        measured_at=row["measured_at"],
        source=source,
        total=row["total"],
        band=row["band"],
        provisional=row["provisional"],
        baseline=baseline,
        reading=reading_of(row["instrument"], baseline, row["total"]),
    )
