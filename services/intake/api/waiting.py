"""What waits for a person: risks in imported history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from services.intake.api.here import intake
from services.intake.api.imported import RiskView
from services.intake.domain import ImportedRecord
from services.intake.worklists import current_risks
from shared.http import Blueprint, Query, Strict, View, fields, lists, records, request_context

blueprint = Blueprint("waiting", __name__, description="What waits for a person's look")


class Whose(Query):
    """Whose; without a patient, all that the caller may see."""

    patient_id = fields.UUID()


class ReviewRisk(Strict):
    """What follows from the risks in a patient's imported history."""

    outcome = fields.String(required=True, max_length=4000, lines=True)


class RiskRow(View):
    """A risk that waits for a review; `id` is the imported record that it stands in."""

    id = fields.UUID(required=True, attribute="aggregate_id")
    patient_id = fields.UUID(required=True)
    flag = fields.String(required=True)
    stated_at = fields.DateTime(required=True, allow_none=True)
    found_at = fields.DateTime(required=True)


class ReviewedView(View):
    """The risks of an imported record that still wait."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    patient_id = fields.UUID(required=True)
    open_risks = fields.List(fields.Nested(RiskView), required=True)


def patient_of_record(record_id: UUID) -> UUID | None:
    """Whose imported record it is."""
    return intake().get(ImportedRecord, record_id).patient_id


@lists(
    blueprint,
    "/current-risks",
    RiskRow,
    by=(current_risks.c.found_at, current_risks.c.aggregate_id, current_risks.c.number),
    query=Whose,
    patient=current_risks.c.patient_id,
)
def current_risk_list(patient_id: UUID | None = None) -> Select[Any]:
    """Risks that imported history speaks of and nobody has reviewed, the oldest first."""
    everybody = select(current_risks)
    return everybody if patient_id is None else everybody.where(current_risks.c.patient_id == patient_id)


@records(blueprint, "/current-risks/<uuid:record_id>/review", ReviewRisk, ReviewedView, patient_of=patient_of_record)
def review_current_risk(command: dict[str, Any], record_id: UUID) -> ImportedRecord:
    """Say what follows from the risks of one imported record."""
    return intake().review_risk(request_context(), record_id, **command)
