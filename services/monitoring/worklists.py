"""What monitoring is asked for often: plans and what is due, alerts, entries over time, baselines of intake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    Uuid,
    func,
    select,
)

from events.terms import AlertLevel
from services.monitoring.domain import Alert, Deadline, MonitoringPlan, Standing, Status
from shared.access import care_team_table
from shared.columns import word_of
from shared.eventlog import Json, UtcDateTime, Worklist
from shared.messaging import timer_table

metadata = MetaData()
care_team = care_team_table(metadata)

plans = Table(
    "plans",
    metadata,
    Column("aggregate_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False, index=True),
    Column("program_id", Uuid, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("status", word_of(Status), nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("check_in_due_on", Date),
    Column("phq9_due_on", Date),
    comment="one row per plan: what it watches and what is due next, in the patient's own days",
)

check_ins = Table(
    "check_ins",
    metadata,
    Column("aggregate_id", Uuid, nullable=False),
    Column("event_id", String(60), primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("recorded_by", String(200), nullable=False),
    Column("recorded_as", String(40), nullable=False),
    Column("mood", Integer),
    Column("energy", Integer),
    Column("sleep", Integer),
    Column("well_being", Integer),
    Column("sessions", Json, nullable=False),
    Column("symptoms", Json, nullable=False),
    Column("feels_unsafe", Boolean),
    Column("words", Text),
    Index("check_ins_plan", "aggregate_id", "occurred_at"),
    comment="one row per check-in; recorded_as is the role of who entered it: the patient, or a member of the team",
)

measures = Table(
    "measures",
    metadata,
    Column("aggregate_id", Uuid, nullable=False, index=True),
    Column("event_id", String(60), primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("instrument", String(20), nullable=False),
    Column("measured_at", UtcDateTime, nullable=False),
    Column("total", Integer),
    Column("band", String(40)),
    Column("provisional", Boolean, nullable=False),
    Column("baseline", Integer),
    Index("measures_patient", "patient_id", "instrument", "measured_at"),
    comment="one row per repeated questionnaire; total is null where too much was left unanswered",
)

alerts = Table(
    "alerts",
    metadata,
    Column("aggregate_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False, index=True),
    Column("plan_id", Uuid, nullable=False),
    Column("level", word_of(AlertLevel), nullable=False),
    Column("trigger", String(60)),
    Column("signs", Json, nullable=False),
    Column("standing", word_of(Standing), nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("acknowledge_by", UtcDateTime, nullable=False),
    Column("review_by", UtcDateTime),
    Column("acknowledged_by", String(200)),
    Column("evidence", Integer, nullable=False),
    Index("alerts_urgency", "level", "acknowledge_by"),
    Index("alerts_plan", "plan_id", "trigger"),
    comment="one row per alert; evidence counts the entries behind it",
)

to_acknowledge = timer_table("alerts_to_acknowledge", metadata, "alerts that nobody has taken, and until when one must")
to_review = timer_table("alerts_to_review", metadata, "alerts that nobody has closed, and until when one must")

baselines = Table(
    "baselines",
    metadata,
    Column("event_id", String(60), primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("instrument", String(20), nullable=False),
    Column("measured_at", UtcDateTime, nullable=False),
    Column("total", Integer, nullable=False),
    Column("band", String(40)),
    Column("provisional", Boolean, nullable=False),
    Index("baselines_patient", "patient_id", "instrument", "measured_at"),
    comment="projection of intake: the totals of every screening",
)

patients = Table(
    "patients",
    metadata,
    Column("patient_id", Uuid, primary_key=True),
    Column("time_zone", String(60), nullable=False),
    Column("language", String(40), nullable=False),
    comment="projection of intake: where a patient's day begins, and in which language to speak",
)


def _there(value: Any) -> Any:
    """Give what a row holds of a value that may have been erased."""
    return None if value is msgspec.UNSET else value


def _plan_rows(plan: MonitoringPlan) -> Iterator[dict[str, Any]]:
    yield {
        "patient_id": plan.patient_id,
        "program_id": plan.program_id,
        "revision": plan.revision,
        "status": plan.status,
        "starts_on": plan.starts_on,
        "opened_at": plan.opened_at,
        "closed_at": plan.closed_at,
        "check_in_due_on": plan.due.check_in_on,
        "phq9_due_on": plan.due.phq9_on,
    }


def _check_in_rows(plan: MonitoringPlan) -> Iterator[dict[str, Any]]:
    for event in plan.check_ins:
        yield {
            "event_id": event.event_id,
            "patient_id": plan.patient_id,
            "occurred_at": event.occurred_at,
            "recorded_by": event.actor.id,
            "recorded_as": event.actor.role,
            "mood": _there(event.mood),
            "energy": _there(event.energy),
            "sleep": _there(event.sleep),
            "well_being": _there(event.well_being),
            "sessions": list(msgspec.to_builtins(event.sessions or ())),
            "symptoms": list(event.symptoms or ()),
            "feels_unsafe": _there(event.feels_unsafe),
            "words": _there(event.words),
        }


def _measure_rows(plan: MonitoringPlan) -> Iterator[dict[str, Any]]:
    for event in plan.measures:
        result = _there(event.result)
        yield {
            "event_id": event.event_id,
            "patient_id": plan.patient_id,
            "instrument": event.instrument,
            "measured_at": event.occurred_at,
            "total": result and result.total,
            "band": result and result.band,
            "provisional": bool(result and result.provisional),
            "baseline": _there(event.baseline),
        }


def _alert_rows(alert: Alert) -> Iterator[dict[str, Any]]:
    yield {
        "patient_id": alert.patient_id,
        "plan_id": alert.plan_id,
        "level": alert.level,
        "trigger": _there(alert.trigger),
        "signs": list(alert.signs),
        "standing": alert.standing,
        "raised_at": alert.raised_at,
        "acknowledge_by": alert.acknowledge_by,
        "review_by": alert.review_by,
        "acknowledged_by": alert.acknowledged_by,
        "evidence": len(alert.evidence),
    }


def _deadline_rows(deadline: Deadline | None) -> Iterator[dict[str, Any]]:
    if deadline is not None:
        yield {"due_at": deadline.due_at, "set_by": deadline.set_by}


PLANS = Worklist(plans, of=MonitoringPlan, rows=_plan_rows)
CHECK_INS = Worklist(check_ins, of=MonitoringPlan, rows=_check_in_rows)
MEASURES = Worklist(measures, of=MonitoringPlan, rows=_measure_rows)
ALERTS = Worklist(alerts, of=Alert, rows=_alert_rows)
TO_ACKNOWLEDGE = Worklist(to_acknowledge, of=Alert, rows=lambda alert: _deadline_rows(alert.to_acknowledge))
TO_REVIEW = Worklist(to_review, of=Alert, rows=lambda alert: _deadline_rows(alert.to_review))


def open_alert(plan_id: UUID, trigger: str) -> Select[tuple[UUID]]:
    """The alert of a plan over the same rule that nobody has closed; at most one."""
    return select(alerts.c.aggregate_id).where(
        alerts.c.plan_id == plan_id, alerts.c.trigger == trigger, alerts.c.standing != Standing.RESOLVED
    )


def baseline_of(plan: MonitoringPlan, instrument: str) -> Select[tuple[int]]:
    """The last total of a screening before the plan was opened."""
    return (
        select(baselines.c.total)
        .where(
            baselines.c.patient_id == plan.patient_id,
            baselines.c.instrument == instrument,
            baselines.c.measured_at <= plan.opened_at,
        )
        .order_by(baselines.c.measured_at.desc())
        .limit(1)
    )


def newest_plan_of(patient_id: UUID) -> Select[Any]:
    """When the newest plan of a patient was opened; null if there is none."""
    return select(func.max(plans.c.opened_at).label("opened_at")).where(plans.c.patient_id == patient_id)


def screened(patient_id: UUID) -> Select[Any]:
    """The totals of a patient's screenings."""
    return select(baselines).where(baselines.c.patient_id == patient_id)


def measured(patient_id: UUID) -> Select[Any]:
    """The totals that came in about a patient's programs."""
    return select(measures).where(measures.c.patient_id == patient_id, measures.c.total.is_not(None))
