"""What the services' codes are called on a page: nobody should have to read an enum."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.clinical.contraindications import CONTRAINDICATIONS
from shared.clinical.modifiers import MODIFIERS
from shared.clinical.redflags import RED_FLAGS

SERVICES: Mapping[str, str] = {
    "intake": "Intake",
    "prescription": "Prescription",
    "referral": "Referral",
    "monitoring": "Monitoring",
    "history": "History",
}

ROLES: Mapping[str, str] = {
    "care-coordinator": "Care coordinator",
    "physician": "Physician",
    "psychiatrist": "Psychiatrist",
    "psychotherapist": "Psychotherapist",
    "exercise-physiologist": "Exercise physiologist",
    "personal-trainer": "Personal trainer",
    "behavioral-coach": "Behavioral coach",
    "caregiver": "Caregiver",
    "patient": "Patient",
    "auditor": "Auditor",
    "partner": "Partner",
    "operator": "Operator",
    "service": "CareTrail",
}

PERMISSIONS: Mapping[str, str] = {
    "ready": "Ready for exercise",
    "clearance-needed": "Physician's clearance needed",
    "hold": "On hold until a clinician decides",
}

INTENSITIES: Mapping[str, str] = {
    "none": "no exercise",
    "light": "light",
    "moderate": "moderate",
    "vigorous": "vigorous",
}

CAPS: Mapping[str, str] = {
    "none": "no exercise for now",
    "light": "up to light intensity",
    "moderate": "up to moderate intensity",
    "vigorous": "up to vigorous intensity",
}

OUTCOMES: Mapping[str, str] = {
    "cleared": "Cleared",
    "cleared-with-limits": "Cleared with limits",
    "not-cleared": "Not cleared",
}

REFERRALS: Mapping[str, str] = {
    "physician-clearance": "Physician's clearance",
    "urgent-physician": "Urgent look by a physician",
    "mental-health": "Mental-health clinician",
    "exercise-physiologist": "Exercise physiologist",
    "behavioral-coach": "Behavioral coach",
}

REFERRAL_STATES: Mapping[str, str] = {
    "requested": "Requested",
    "received": "Received",
    "accepted": "Accepted",
    "declined": "Declined",
    "reported": "Report is in",
    "completed": "Completed, to be acknowledged",
    "acknowledged": "Closed",
    "cancelled": "Cancelled",
}

DECLINES: Mapping[str, str] = {
    "capacity": "no capacity",
    "wrong-specialty": "another specialty is needed",
    "insufficient-info": "too little information",
    "out-of-network": "out of network",
    "patient-declined": "the patient declined",
    "other": "another reason",
}

PRIORITIES: Mapping[str, str] = {"routine": "routine", "urgent": "urgent"}

PROGRAM_STATES: Mapping[str, str] = {
    "draft": "Draft",
    "active": "Active",
    "paused": "Paused",
    "on-hold": "Paused",
    "completed": "Completed",
    "discontinued": "Discontinued",
    "revoked": "Discontinued",
}

ALERT_STATES: Mapping[str, str] = {"open": "Open", "acknowledged": "Taken", "resolved": "Closed"}

LEVELS: Mapping[str, str] = {
    "E0": "Emergency: look now",
    "E1": "Look today",
    "E2": "Look within 72 hours",
    "E3": "Look within a week",
}

SIGNS: Mapping[str, str] = {
    "SI_POSITIVE": "thoughts of death or self-harm",
    "SI_UNKNOWN": "the question on thoughts of death was not answered",
    "SI_WORSENING": "thoughts of death or self-harm are growing",
    "CRISIS_SELF_REPORT": "feels unsafe",
    "CSSRS_HIGH": "suicide risk high (C-SSRS)",
    "CSSRS_MODERATE": "suicide risk moderate (C-SSRS)",
    "CSSRS_LOW": "suicide risk low (C-SSRS)",
    "CSSRS_INCOMPLETE": "C-SSRS not completed",
    "SI_POSITIVE_HIGH": "frequent thoughts of death or self-harm",
    "SI_POSITIVE_LOW": "some thoughts of death or self-harm",
    "SI_UNASSESSED": "thoughts of death or self-harm not assessed yet",
    "SI_ASSESSED": "safety assessed by a clinician",
    "SI_HELD": "safety assessed by a clinician: held",
    "EMERGENCY_SIGN": "emergency sign",
    "SAME_DAY_SIGN": "sign to be seen the same day",
    "REVIEW_SIGN": "sign to be reviewed",
    "PHQ9_SEVERE_NEW": "PHQ-9 newly severe",
    "PHQ9_DETERIORATION": "PHQ-9 has worsened",
    "GAD7_DETERIORATION": "GAD-7 has worsened",
    "RELIABLE_DETERIORATION": "symptoms have worsened",
    "VITALS_HOLD": "blood pressure or pulse too high for exercise",
    "VITALS_HOLD_LOW": "blood pressure or pulse too low for exercise",
    "VITALS_CAUTION": "blood pressure or pulse raised",
    "VITALS_OK": "blood pressure and pulse in order",
    "VITALS_OK_LOW": "blood pressure or pulse low, without symptoms",
    "VITALS_MISSING": "blood pressure or pulse not measured",
    "SEVERITY_UNKNOWN": "PHQ-9 or GAD-7 missing",
    "SEVERITY_ALONE": "symptoms mild",
    "SEVERITY_ADJUNCT": "symptoms moderate: exercise beside other treatment",
    "SEVERITY_ADJUNCT_TREATED": "symptoms marked: exercise only beside active treatment",
    "SEVERITY_COSIGN": "symptoms severe: a mental-health clinician co-signs",
    "SEVERITY_HOLD": "symptoms too severe for exercise now",
    "ASRS_REFERRAL": "attention screening positive",
    "ACSM_STOP": "symptoms on exercise: stop",
    "NONRESPONSE": "no response to the program",
    "OVERDUE": "overdue",
    "LOW_ADHERENCE": "few sessions done",
    **{code: flag.label for code, flag in RED_FLAGS.items()},
    **{code: finding.label for code, finding in CONTRAINDICATIONS.items()},
    **{code: modifier.label for code, modifier in MODIFIERS.items()},
}

GATES: Mapping[str, str] = {
    "acsm": "Pre-participation table",
    "vitals": "Vital signs",
    "severity": "Symptom severity",
    "safety": "Safety",
    "contraindication": "Contraindication",
    "modifier": "Special care",
}

CONDITIONS: Mapping[str, str] = {
    "physician-clearance": "physician's clearance",
    "clearance-for-vigorous": "physician's clearance before vigorous exercise",
    "obstetric-clearance": "obstetric clearance",
    "review-by": "review of blood pressure and pulse",
    "note-low-vitals": "low blood pressure or pulse to be noted",
    "same-day-clinician": "seen by a clinician the same day",
    "emergency": "emergency care if there are symptoms",
    "co-sign": "co-signed by a mental-health clinician",
    "treatment-recorded": "treatment recorded",
    "active-treatment": "active treatment",
    "clinician-decision": "a clinician's decision",
}

INSTRUMENT_NAMES: Mapping[str, str] = {
    "PHQ9": "PHQ-9",
    "PHQ2": "PHQ-2",
    "GAD7": "GAD-7",
    "WHO5": "WHO-5",
    "PCL5": "PCL-5",
    "ASRS6": "ASRS",
    "ISI": "ISI",
    "PSS10": "PSS-10",
    "PSS4": "PSS-4",
    "CSSRS": "C-SSRS",
}

SOURCES: Mapping[str, str] = {"screening": "Screening", "monitoring": "Follow-up", "imported": "Imported"}

FIELDS: Mapping[str, str] = {
    "times_per_week": "times a week",
    "heart_rate": "heart rate",
    "rpe": "effort (RPE)",
    "met": "MET",
    "activity": "activity code",
    "name": "activity",
    "triggered_by": "triggered by",
    "phq9_every_days": "PHQ-9 every (days)",
    "phq9_later_every_days": "PHQ-9 later every (days)",
    "phq9_later_after_week": "PHQ-9 later, after week",
}

ACSM_ROW = re.compile(r"ACSM_ROW_(\d+)(_CLEARED)?")


def words(table: Mapping[str, str], code: str | None) -> str:
    """Name a code; one that is not in the table is at least written as words."""
    return table.get(code, spelled(code)) if code else ""


def spelled(code: str) -> str:
    """Write a code as words: `progress-gradually` is "progress gradually"."""
    return code.replace("_", " ").replace("-", " ").lower()


def sign(code: str) -> str:
    """Name a reason, a red flag, a safety flag or the rule behind an alert."""
    row = ACSM_ROW.fullmatch(code)
    if row:
        return f"row {row[1]} of the pre-participation table" + (", cleared" if row[2] else "")
    return words(SIGNS, code)


def capital(text: str) -> str:
    """Begin a text with a capital letter."""
    return text[:1].upper() + text[1:]


def listed(parts: list[str]) -> str:
    """Join words: a, b and c."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def signed(number: int) -> str:
    """Write a change with its sign: +5, −3."""
    return f"{number:+d}".replace("-", "−")


def count(number: int, thing: str) -> str:
    """Write a number of things: 1 alert, 2 alerts."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
