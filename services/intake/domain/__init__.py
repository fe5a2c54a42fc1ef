"""What intake decides about: patients with their care team, screenings, and history from other systems."""

from services.intake.domain.imported import ImportedRecord, Stated, imported_record_id
from services.intake.domain.parts import Occasion, Part, Status
from services.intake.domain.patient import Identity, Member, Patient, is_language, is_time_zone
from services.intake.domain.screening import CLINICIANS, Decision, Screening, screening_id

__all__ = [
    "CLINICIANS",
    "Decision",
    "Identity",
    "ImportedRecord",
    "Member",
    "Occasion",
    "Part",
    "Patient",
    "Screening",
    "Stated",
    "Status",
    "imported_record_id",
    "is_language",
    "is_time_zone",
    "screening_id",
]
