"""What refused reactions and skipped events of any service change in the record."""

from __future__ import annotations

from events import history, intake, monitoring, prescription, referral
from events.base import Event
from services.history.domain.record import PatientRecord, after, id_of, noted


@after(
    intake.IntakeReactionRefused,
    referral.ReferralReactionRefused,
    prescription.PrescriptionReactionRefused,
    monitoring.MonitoringReactionRefused,
    history.HistoryReactionRefused,
)
def _refused(record: PatientRecord, event: Event) -> None:
    record.refused[id_of(event)] = {"id": id_of(event), "service": _service(event), "status": "open", **noted(event)}


@after(
    intake.IntakeRefusalSettled,
    referral.ReferralRefusalSettled,
    prescription.PrescriptionRefusalSettled,
    monitoring.MonitoringRefusalSettled,
    history.HistoryRefusalSettled,
)
def _settled(record: PatientRecord, event: Event) -> None:
    record.refused[id_of(event)].update(status="settled", settled=noted(event))


@after(
    intake.IntakeParkedEventSkipped,
    referral.ReferralParkedEventSkipped,
    prescription.PrescriptionParkedEventSkipped,
    monitoring.MonitoringParkedEventSkipped,
    history.HistoryParkedEventSkipped,
)
def _skipped(record: PatientRecord, event: Event) -> None:
    record.skipped.append({"id": id_of(event), "service": _service(event), **noted(event)})


def _service(event: Event) -> str:
    return str(event.__struct_config__.tag).split(".")[1]
