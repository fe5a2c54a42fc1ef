"""The parts of a screening, where it stands, and why one is opened."""

from enum import StrEnum


class Status(StrEnum):
    """Where a screening stands."""

    OPEN = "open"
    CONCLUDED = "concluded"


class Occasion(StrEnum):
    """Why a screening is opened."""

    INTAKE = "intake"
    RE_SCREENING = "re-screening"
    NEW_SYMPTOMS = "new-symptoms"
    CLEARANCE_EXPIRED = "clearance-expired"
    AFTER_HOLD = "after-hold"
    OTHER = "other"


class Part(StrEnum):
    """What a screening asks for, in any order."""

    MEDICAL_HISTORY = "medical-history"
    PHQ9 = "phq-9"
    GAD7 = "gad-7"
    VITALS = "vitals"
    ACTIVITY = "activity"
    PREFERENCES = "preferences"

    @property
    def step(self) -> str:
        """The step that records it."""
        return "questionnaires" if self in (Part.PHQ9, Part.GAD7) else str(self)


NEEDED = (Part.MEDICAL_HISTORY, Part.PHQ9, Part.GAD7, Part.VITALS)
"""Without these no gate can judge."""

SAFETY_ASSESSMENT = "safety-assessment"
"""What blocks a conclusion while a safety flag has not been assessed."""
