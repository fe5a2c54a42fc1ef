"""The roles that people and programs act in."""

from enum import StrEnum


class Role(StrEnum):
    """What a subject is here; a token may carry several."""

    CARE_COORDINATOR = "care-coordinator"
    PHYSICIAN = "physician"
    PSYCHIATRIST = "psychiatrist"
    PSYCHOTHERAPIST = "psychotherapist"
    EXERCISE_PHYSIOLOGIST = "exercise-physiologist"
    PERSONAL_TRAINER = "personal-trainer"
    BEHAVIORAL_COACH = "behavioral-coach"
    PATIENT = "patient"
    CAREGIVER = "caregiver"
    AUDITOR = "auditor"
    PARTNER = "partner"
    OPERATOR = "operator"
    SERVICE = "service"


CLINICIANS = frozenset({Role.PHYSICIAN, Role.PSYCHIATRIST, Role.PSYCHOTHERAPIST})
EXERCISE_PROFESSIONALS = frozenset({Role.EXERCISE_PHYSIOLOGIST, Role.PERSONAL_TRAINER, Role.BEHAVIORAL_COACH})
CARE_TEAM = CLINICIANS | EXERCISE_PROFESSIONALS | {Role.CARE_COORDINATOR}
"""The professionals who may share a case."""
