"""Reads what other systems say about a patient: FHIR R4 in, plain facts and one verdict per resource out."""

from services.intake.exchange.bundle import read_bundle
from services.intake.exchange.document import NotABundle
from services.intake.exchange.facts import Outcome, PatientReading, Reading, Verdict

__all__ = ["NotABundle", "Outcome", "PatientReading", "Reading", "Verdict", "read_bundle"]
