"""Routes of alerts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select

from events.terms import AlertLevel
from services.monitoring.application import Monitoring
from services.monitoring.domain import Alert, Standing
from services.monitoring.worklists import alerts
from shared.http import Blueprint, Query, Strict, View, application, fields, lists, now, reads, records, request_context

blueprint = Blueprint("alerts", __name__, description="Alerts: somebody must look, by a time")


def monitoring() -> Monitoring:
    """The application that this app serves."""
    return application(Monitoring)


def patient_of(alert_id: UUID) -> UUID | None:
    """Whose alert it is."""
    return monitoring().get(Alert, alert_id).patient_id


class ResolveAlert(Strict):
    """Close an alert."""

    reason = fields.String(required=True, max_length=2000, lines=True)


class AlertRow(View):
    """A line of the list of alerts; late once nobody has acknowledged it in time, review late likewise."""

    id = fields.UUID(required=True, attribute="aggregate_id")
    patient_id = fields.UUID(required=True)
    plan_id = fields.UUID(required=True)
    level = fields.Enum(AlertLevel, required=True)
    trigger = fields.String(allow_none=True)
    signs = fields.List(fields.String(), metadata={"description": "Red-flag codes, safety flags or an instrument"})
    standing = fields.Enum(Standing, required=True)
    raised_at = fields.DateTime(required=True)
    acknowledge_by = fields.DateTime(required=True)
    review_by = fields.DateTime(required=True, allow_none=True)
    acknowledged_by = fields.String(required=True, allow_none=True)
    evidence = fields.Integer(required=True, metadata={"description": "How many entries are behind it"})
    late = fields.Boolean(required=True)
    review_late = fields.Boolean(required=True)


class AlertView(View):
    """One alert with its evidence: ids of the events that are behind it, the cause first."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    patient_id = fields.UUID(required=True)
    plan_id = fields.UUID(required=True)
    level = fields.Enum(AlertLevel, required=True)
    trigger = fields.String()
    signs = fields.List(fields.String())
    standing = fields.Enum(Standing, required=True)
    raised_at = fields.DateTime(required=True)
    acknowledge_by = fields.DateTime(required=True)
    review_by = fields.DateTime(required=True, allow_none=True)
    acknowledged_by = fields.String(required=True, allow_none=True)
    acknowledged_at = fields.DateTime(required=True, allow_none=True)
    resolved_by = fields.String(required=True, allow_none=True)
    resolved_at = fields.DateTime(required=True, allow_none=True)
    resolution = fields.String()
    evidence = fields.List(fields.String(), required=True)
    review_overdue = fields.Boolean(required=True)
    allowed = fields.List(fields.String(), required=True)


class WhichAlerts(Query):
    """Which alerts; only open ones unless asked otherwise."""

    level = fields.Enum(AlertLevel)
    patient_id = fields.UUID()
    is_open = fields.Boolean(data_key="open", load_default=True, metadata={"description": "Not resolved yet"})


@lists(
    blueprint,
    "/alerts",
    AlertRow,
    by=(alerts.c.level, alerts.c.acknowledge_by, alerts.c.aggregate_id),
    query=WhichAlerts,
    patient=alerts.c.patient_id,
)
def alert_list(is_open: bool, level: AlertLevel | None = None, patient_id: UUID | None = None) -> Select[Any]:
    """Alerts about the caller's patients, the most urgent first."""
    resolved = alerts.c.standing == Standing.RESOLVED
    late = [_unheard().label("late"), and_(~resolved, _past_review()).label("review_late")]
    found = select(alerts, *late).where(~resolved if is_open else resolved)
    if patient_id is not None:
        found = found.where(alerts.c.patient_id == patient_id)
    return found if level is None else found.where(alerts.c.level == level)


def _unheard() -> ColumnElement[bool]:
    """Tell it of the moment, too, at which the timer has not recorded it yet."""
    standing = alerts.c.standing
    return or_(standing == Standing.OVERDUE, and_(standing == Standing.OPEN, alerts.c.acknowledge_by < now()))


def _past_review() -> ColumnElement[bool]:
    # Where one must act at once (review by the moment it was raised), taking the alert has the only clock.
    return and_(alerts.c.review_by.is_not(None), alerts.c.review_by > alerts.c.raised_at, alerts.c.review_by < now())


@reads(blueprint, "/alerts/<uuid:alert_id>", AlertView, patient_of=patient_of)
def alert(alert_id: UUID) -> Alert:
    """One alert."""
    return monitoring().get(Alert, alert_id)


@records(blueprint, "/alerts/<uuid:alert_id>/acknowledge", None, AlertView, patient_of=patient_of)
def acknowledge_alert(alert_id: UUID) -> Alert:
    """Take an alert: from now on the caller looks after it."""
    return monitoring().acknowledge(request_context(), alert_id)


@records(blueprint, "/alerts/<uuid:alert_id>/resolve", ResolveAlert, AlertView, patient_of=patient_of)
def resolve_alert(command: dict[str, Any], alert_id: UUID) -> Alert:
    """Close an alert, with a reason."""
    return monitoring().resolve(request_context(), alert_id, **command)
