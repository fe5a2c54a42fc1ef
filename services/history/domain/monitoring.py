"""What monitoring's facts change in the record: plans with their entries, measures, alerts."""

from __future__ import annotations

from events import monitoring
from events.base import Event
from services.history.domain.record import Fold, PatientRecord, after, id_of, noted, own_fields, time_of


@after(monitoring.PlanOpened)
def _plan_opened(record: PatientRecord, event: Event) -> None:
    begun = {"id": id_of(event), "status": "active", "opened_at": time_of(event), **own_fields(event)}
    record.plans[id_of(event)] = {**begun, "check_ins": [], "red_flags": []}


@after(monitoring.PlanFollowedRevision)
def _plan_followed(record: PatientRecord, event: Event) -> None:
    record.plans[id_of(event)].update(own_fields(event))


def _plan_is(status: str) -> Fold:
    def fold(record: PatientRecord, event: Event) -> None:
        record.plans[id_of(event)].update({"status": status, status: noted(event)})

    return fold


for _event_class, _name in {
    monitoring.PlanPaused: "paused",
    monitoring.PlanResumed: "active",
    monitoring.PlanClosed: "closed",
}.items():
    after(_event_class)(_plan_is(_name))


@after(monitoring.CheckInRecorded)
def _checked_in(record: PatientRecord, event: Event) -> None:
    record.plans[id_of(event)]["check_ins"].append(noted(event))


@after(monitoring.RedFlagRaised)
def _red_flag(record: PatientRecord, event: Event) -> None:
    record.plans[id_of(event)]["red_flags"].append(noted(event))


@after(monitoring.MeasureRepeated)
def _measured(record: PatientRecord, event: Event) -> None:
    record.measures.append({**noted(event), "source": "monitoring"})


@after(monitoring.AlertRaised)
def _alerted(record: PatientRecord, event: Event) -> None:
    record.alerts[id_of(event)] = {"id": id_of(event), "status": "open", **noted(event), "evidence": []}


@after(monitoring.AlertEvidenceJoined)
def _more_evidence(record: PatientRecord, event: monitoring.AlertEvidenceJoined) -> None:
    """Evidence that nobody has seen yet opens an alert anew."""
    alert, joined = record.alerts[id_of(event)], noted(event)
    alert["evidence"].append(joined)
    if "signs" in joined:
        alert["signs"] = [*dict.fromkeys([*alert.get("signs", ()), *joined["signs"]])]
    if event.acknowledge_by is not None:
        alert.update(status="open", acknowledge_by=joined["acknowledge_by"])
        alert.pop("acknowledged", None)


@after(monitoring.AlertAcknowledged)
def _acknowledged(record: PatientRecord, event: Event) -> None:
    record.alerts[id_of(event)].update(status="acknowledged", acknowledged=noted(event))


@after(monitoring.AlertOverdue)
def _overdue(record: PatientRecord, event: monitoring.AlertOverdue) -> None:
    """A level up, and the clock of that level where it has another."""
    alert, noticed = record.alerts[id_of(event)], noted(event)
    alert.update(status="overdue", level=noticed["level"])
    alert.setdefault("overdue", []).append(noticed)
    if event.acknowledge_by is not None:
        alert["acknowledge_by"] = noticed["acknowledge_by"]


@after(monitoring.AlertReviewOverdue)
def _review_overdue(record: PatientRecord, event: Event) -> None:
    record.alerts[id_of(event)]["review_overdue"] = noted(event)


@after(monitoring.AlertResolved)
def _resolved(record: PatientRecord, event: Event) -> None:
    record.alerts[id_of(event)].update(status="resolved", resolved=noted(event))
