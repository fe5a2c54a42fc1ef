"""What referral's facts change in the record: each referral with its steps."""

from __future__ import annotations

from events import referral
from events.base import Event
from services.history.domain.record import (
    Entry,
    Fold,
    PatientRecord,
    after,
    id_of,
    noted,
    own_fields,
    time_of,
)


@after(referral.ReferralRequested)
def _requested(record: PatientRecord, event: Event) -> None:
    asked = {"id": id_of(event), "requested_at": time_of(event), **own_fields(event)}
    record.referrals[id_of(event)] = {**asked, "status": "requested", "steps": []}


def _step(status: str) -> Fold:
    def fold(record: PatientRecord, event: Event) -> None:
        _takes_step(record, event, status)

    return fold


def _takes_step(record: PatientRecord, event: Event, status: str) -> Entry:
    entry = record.referrals[id_of(event)]
    entry["status"] = status
    entry["steps"].append({"status": status, **noted(event)})
    return entry


for _event_class, _name in {
    referral.ReferralDeclined: "declined",
    referral.ReferralCompleted: "completed",
    referral.ReferralAcknowledged: "acknowledged",
    referral.ReferralCancelled: "cancelled",
}.items():
    after(_event_class)(_step(_name))


@after(referral.ReferralReceived)
def _received(record: PatientRecord, event: referral.ReferralReceived) -> None:
    _takes_step(record, event, "received")["provider"] = event.received_by


@after(referral.ReferralAccepted)
def _accepted(record: PatientRecord, event: referral.ReferralAccepted) -> None:
    entry = _takes_step(record, event, "accepted")
    entry.update(provider=event.accepted_by, first_visit_due=event.first_visit_due.isoformat())


@after(referral.ReferralReported)
def _reported(record: PatientRecord, event: Event) -> None:
    _takes_step(record, event, "reported")["report"] = noted(event)
