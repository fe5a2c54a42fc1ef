"""The rules of prescription: programs, what they are made of, and what must be there before one may be followed."""

from services.prescription.domain.differences import differences
from services.prescription.domain.permit import (
    WORDS,
    Clearance,
    Conclusion,
    Missing,
    Moment,
    Permit,
    allowed_to_exercise,
    cap_of,
)
from services.prescription.domain.plan import HeartRateFrom, PlanRefused, Wanted, cap_needed_by, planned
from services.prescription.domain.program import (
    MAY_CHANGE,
    MAY_STOP,
    NotAllowed,
    Program,
    Revision,
    Status,
    Step,
    steps_of,
)

__all__ = [
    "MAY_CHANGE",
    "MAY_STOP",
    "WORDS",
    "Clearance",
    "Conclusion",
    "HeartRateFrom",
    "Missing",
    "Moment",
    "NotAllowed",
    "Permit",
    "PlanRefused",
    "Program",
    "Revision",
    "Status",
    "Step",
    "Wanted",
    "allowed_to_exercise",
    "cap_needed_by",
    "cap_of",
    "differences",
    "planned",
    "steps_of",
]
