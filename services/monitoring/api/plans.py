"""Routes of plans, check-ins and measures."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from services.monitoring.api.commands import CheckIn, RepeatMeasure
from services.monitoring.api.views import (
    CheckInAnswer,
    CheckInRow,
    MeasureAnswer,
    PatientMeasuresView,
    PlanRow,
    PlanView,
)
from services.monitoring.application import Monitoring, PlanNow
from services.monitoring.domain import REPEATED, MonitoringPlan, Status
from services.monitoring.worklists import check_ins, plans
from shared.http import Blueprint, Query, application, fields, lists, reads, records, request_context

blueprint = Blueprint("plans", __name__, description="Monitoring of a running program: what is due, what came in")


def monitoring() -> Monitoring:
    """The application that this app serves."""
    return application(Monitoring)


def patient_of(plan_id: UUID) -> UUID | None:
    """Whose plan it is."""
    return monitoring().get(MonitoringPlan, plan_id).patient_id


class WhichPlans(Query):
    """Which plans."""

    patient_id = fields.UUID()
    status = fields.Enum(Status)


class WhichCheckIns(Query):
    """Which check-ins."""

    since = fields.DateTime(metadata={"description": "Only what was so from this moment on"})


class WhichMeasures(Query):
    """Which instrument; without one, all."""

    instrument = fields.String(max_length=20, metadata={"description": f"Such as {', '.join(REPEATED)}"})


@lists(
    blueprint,
    "/plans",
    PlanRow,
    by=(plans.c.opened_at, plans.c.aggregate_id),
    descending=True,
    query=WhichPlans,
    patient=plans.c.patient_id,
)
def plan_list(patient_id: UUID | None = None, status: Status | None = None) -> Select[Any]:
    """Plans of the caller's patients, the newest first."""
    found = select(plans)
    if patient_id is not None:
        found = found.where(plans.c.patient_id == patient_id)
    return found if status is None else found.where(plans.c.status == status)


@reads(blueprint, "/plans/<uuid:plan_id>", PlanView, patient_of=patient_of)
def plan(plan_id: UUID) -> PlanNow:
    """One plan: what is due next, and how much of the program was done in the last weeks."""
    return monitoring().plan_now(plan_id, request_context().now)


@records(
    blueprint,
    "/plans/<uuid:plan_id>/check-ins",
    CheckIn,
    CheckInAnswer,
    status=201,
    location="/plans/{id}/check-ins",
    patient_of=patient_of,
)
def check_in(command: dict[str, Any], plan_id: UUID) -> MonitoringPlan:
    """Say how the patient is; the answer says what to do at once, and whom to call if it cannot wait."""
    return monitoring().check_in(request_context(), plan_id, **command)


@lists(
    blueprint,
    "/plans/<uuid:plan_id>/check-ins",
    CheckInRow,
    by=(check_ins.c.occurred_at, check_ins.c.event_id),
    descending=True,
    query=WhichCheckIns,
    patient_of=patient_of,
)
def check_in_list(plan_id: UUID, since: datetime | None = None) -> Select[Any]:
    """Check-ins to a plan, the latest first."""
    found = select(check_ins).where(check_ins.c.aggregate_id == plan_id)
    return found if since is None else found.where(check_ins.c.occurred_at >= since)


@records(
    blueprint,
    "/plans/<uuid:plan_id>/measures",
    RepeatMeasure,
    MeasureAnswer,
    status=201,
    location="/plans/{id}",
    patient_of=patient_of,
)
def repeat_measure(command: dict[str, Any], plan_id: UUID) -> MonitoringPlan:
    """Record a questionnaire as answered now; the answer holds its total against the baseline."""
    return monitoring().repeat_measure(request_context(), plan_id, **command)


@reads(
    blueprint,
    "/patients/<uuid:patient_id>/measures",
    PatientMeasuresView,
    query=WhichMeasures,
    patient_of="patient_id",
)
def patient_measures(patient_id: UUID, instrument: str | None = None) -> dict[str, Any]:
    """Every total over time, by screening and by program, against the baseline: the figures of a chart."""
    found = monitoring().series(patient_id)
    return {
        "patient_id": patient_id,
        "series": [series for series in found if instrument in (None, series.instrument)],
    }
