"""Intake's use cases: each loads an aggregate, asks it, and saves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from events.terms import CareRole
from services.intake.application.imports import Import, Imported
from services.intake.domain import Identity, ImportedRecord, Occasion, Patient, Screening, Status
from services.intake.worklists import WORKLISTS, known_by, screenings_of
from shared.columns import VALUE_TAKEN
from shared.eventlog import Application, Context, Refused
from shared.messaging import REFUSED_REACTIONS, Refusal


class Intake(Application):
    """The patients of one organisation, their screenings and imported history, and reactions that a rule refused."""

    aggregates = (Patient, Screening, ImportedRecord, Refusal)
    worklists = (*WORKLISTS, REFUSED_REACTIONS)

    # Patients

    def register(self, context: Context, identity: Identity) -> Patient:
        """Take a person on; refused if somebody has one of their numbers."""
        self._must_be_new(identity)
        try:
            return self.save(Patient.register(uuid4(), context, identity))
        except VALUE_TAKEN:
            # Somebody else registered one of the numbers since we looked.
            self._must_be_new(identity)
            raise

    def _must_be_new(self, identity: Identity) -> None:
        if identity.identifiers and self.query(known_by(identity.identifiers)):
            raise Refused("Somebody with this number is a patient already.", code="known-already")

    def add_team_member(self, context: Context, patient_id: UUID, member_id: str, role: CareRole) -> Patient:
        """Let somebody join a care team."""
        patient = self.get(Patient, patient_id, context)
        patient.add_team_member(member_id, role)
        return self.save(patient)

    def remove_team_member(self, context: Context, patient_id: UUID, member_id: str, reason: str) -> Patient:
        """Let somebody leave a care team."""
        patient = self.get(Patient, patient_id, context)
        patient.remove_team_member(member_id, reason)
        return self.save(patient)

    # Screenings

    def open_screening(self, context: Context, patient_id: UUID, reason: Occasion) -> Screening:
        """Open a screening; only one is open at a time."""
        patient = self.get(Patient, patient_id, context)
        # Two who open at once both count n, derive the same id, and the second meets a version conflict.
        earlier = self.query(screenings_of(patient_id))
        if any(row["status"] == Status.OPEN for row in earlier):
            raise Refused("A screening is open already. Conclude it first.", code="screening-open")
        return self.save(Screening.open(patient, len(earlier) + 1, reason))

    def record_medical_history(self, context: Context, screening_id: UUID, **answers: Any) -> Screening:
        """Record conditions, medication and the answers that the gates ask for."""
        screening = self.get(Screening, screening_id, context)
        screening.record_medical_history(**answers)
        return self.save(screening)

    def record_questionnaire(
        self, context: Context, screening_id: UUID, instrument: str, answers: Sequence[int | None]
    ) -> Screening:
        """Record the answers to a questionnaire, by item."""
        screening = self.get(Screening, screening_id, context)
        screening.record_questionnaire(instrument, answers)
        return self.save(screening)

    def record_vitals(self, context: Context, screening_id: UUID, **reading: Any) -> Screening:
        """Record blood pressure and pulse at rest."""
        screening = self.get(Screening, screening_id, context)
        screening.record_vitals(**reading)
        return self.save(screening)

    def record_activity(self, context: Context, screening_id: UUID, **activity: Any) -> Screening:
        """Record the exercise vital sign."""
        screening = self.get(Screening, screening_id, context)
        screening.record_activity(**activity)
        return self.save(screening)

    def record_preferences(self, context: Context, screening_id: UUID, **wishes: Any) -> Screening:
        """Record what the patient likes and what stands in the way."""
        screening = self.get(Screening, screening_id, context)
        screening.record_preferences(**wishes)
        return self.save(screening)

    def assess_safety(self, context: Context, screening_id: UUID, flag: str, hold: bool, assessment: str) -> Screening:
        """Record a clinician's look at a safety flag."""
        screening = self.get(Screening, screening_id, context)
        screening.assess_safety(flag, hold, assessment)
        return self.save(screening)

    def conclude(self, context: Context, screening_id: UUID, version: int) -> Screening:
        """Conclude a screening as it was at this version, by the day where the patient lives."""
        screening = self.get(Screening, screening_id, context, version=version)
        screening.conclude(self.get(Patient, screening.patient_id, context).today())
        return self.save(screening)

    # Imported history

    def import_bundle(
        self, context: Context, reading: Any, *, patient_id: UUID | None = None, time_zone: str = "UTC"
    ) -> Imported:
        """Take in what a document says, patient by patient; nothing of it acts, and nothing is taken twice.

        `reading` is the exchange's Reading. `patient_id` names the patient of a document that holds none, `time_zone`
        is where patients live who are not yet known here: FHIR does not say.
        """
        return Import(self, context, patient_id, time_zone).take(reading)

    def review_risk(self, context: Context, record_id: UUID, outcome: str) -> ImportedRecord:
        """Record what a person says about the risks in imported history."""
        record = self.get(ImportedRecord, record_id, context)
        record.review_risk(outcome)
        return self.save(record)
