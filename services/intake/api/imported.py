"""Imported history over HTTP: bring a FHIR document in, and read what it left."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.intake.api.here import intake
from services.intake.api.patients import a_time_zone
from services.intake.api.views import CodedView, ResultView
from services.intake.application import Imported
from services.intake.domain import ImportedRecord, imported_record_id
from services.intake.exchange import NotABundle, read_bundle
from shared.http import Blueprint, Problem, Strict, View, fields, performs, reads, request_context

MEGABYTE = 1024 * 1024

blueprint = Blueprint("imported", __name__, description="History from other systems: kept as stated, never acting")


class ImportDocument(Strict):
    """A FHIR R4 Bundle, or one resource of a patient who is known here."""

    document = fields.Dict(required=True, metadata={"description": "The FHIR document as it is"})
    patient_id = fields.UUID(metadata={"description": "Whose it is, where the document holds no Patient"})
    time_zone = fields.String(
        load_default="UTC",
        max_length=64,
        validate=a_time_zone,
        metadata={"description": "Where its patients live: FHIR does not say"},
    )


class ImportedPersonView(View):
    """What became of one patient; without an id nobody could be told to be meant."""

    patient_id = fields.UUID(required=True, allow_none=True)
    registered = fields.Boolean(required=True)
    taken = fields.Integer(required=True)
    repeated = fields.Integer(required=True)
    current_risks = fields.List(fields.String(), required=True)
    reason = fields.String(required=True)


class ImportedResourceView(View):
    """What became of one resource: taken, left or refused."""

    entry = fields.Integer(required=True, metadata={"description": "Place in the document, from 0"})
    outcome = fields.String(required=True)
    resource_type = fields.String(required=True, allow_none=True)
    resource_id = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True)


class ImportedView(View):
    """What became of a document."""

    patients = fields.List(fields.Nested(ImportedPersonView), required=True)
    resources = fields.List(fields.Nested(ImportedResourceView), required=True)


class FactView(View):
    """An imported fact; `at` is when it was true, or when it was imported where nobody says."""

    at = fields.DateTime(required=True, attribute="occurred_at")


class ImportedConditionView(FactView):
    """A condition as another system states it."""

    condition = fields.Nested(CodedView)
    clinical_status = fields.String(allow_none=True)
    onset = fields.String(allow_none=True)


class ImportedMedicationView(FactView):
    """A medication request as another system states it."""

    medication = fields.Nested(CodedView)
    status = fields.String(allow_none=True)


class ImportedAllergyView(FactView):
    """An allergy or intolerance as another system states it."""

    allergy = fields.Nested(CodedView)
    clinical_status = fields.String(allow_none=True)


class ImportedMeasureView(FactView):
    """A measurement in our unit; a blood pressure has its lower value as `second`."""

    kind = fields.String(required=True)
    value = fields.Decimal()
    second = fields.Decimal(allow_none=True)
    unit = fields.String(required=True)


class ImportedQuestionnaireView(FactView):
    """A questionnaire: the total as stated, ours recomputed, and whether they contradict each other."""

    instrument = fields.String(required=True)
    result = fields.Nested(ResultView)
    contradicts = fields.Boolean()


class RiskView(View):
    """A risk that imported history speaks of."""

    flag = fields.String(required=True)
    stated_at = fields.DateTime(required=True, allow_none=True)
    found_at = fields.DateTime(required=True)


class ImportedRecordView(View):
    """Everything that other systems state about a patient."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    patient_id = fields.UUID(required=True)
    conditions = fields.List(fields.Nested(ImportedConditionView), required=True)
    medications = fields.List(fields.Nested(ImportedMedicationView), required=True)
    allergies = fields.List(fields.Nested(ImportedAllergyView), required=True)
    measures = fields.List(fields.Nested(ImportedMeasureView), required=True)
    questionnaires = fields.List(fields.Nested(ImportedQuestionnaireView), required=True)
    open_risks = fields.List(fields.Nested(RiskView), required=True)


@performs(blueprint, "/imports", ImportDocument, ImportedView, body_limit=16 * MEGABYTE)
def import_document(command: dict[str, Any]) -> Imported:
    """Import a FHIR document; sending it again adds nothing. The caller joins the care team of new patients."""
    context, patient_id = request_context(), command.get("patient_id")
    try:
        reading = read_bundle(command["document"], now=context.now, named=str(patient_id) if patient_id else None)
    except NotABundle as refusal:
        raise Problem(422, str(refusal), code="not-a-bundle") from refusal
    return intake().import_bundle(context, reading, patient_id=patient_id, time_zone=command["time_zone"])


@reads(blueprint, "/patients/<uuid:patient_id>/imported-record", ImportedRecordView, patient_of="patient_id")
def imported_record(patient_id: UUID) -> ImportedRecord:
    """What other systems state about a patient."""
    return intake().get(ImportedRecord, imported_record_id(patient_id))
