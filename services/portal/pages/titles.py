"""What each type of fact is called, and the icon that goes with it."""

from __future__ import annotations

from collections.abc import Mapping

from services.portal.pages import words

TITLES: Mapping[str, tuple[str, str]] = {
    "intake.patient-registered": ("Patient registered", "person"),
    "intake.patient-deceased": ("Patient has died", "person"),
    "intake.patient-team-member-joined": ("Joined the care team", "diagram-3"),
    "intake.patient-team-member-left": ("Left the care team", "diagram-3"),
    "intake.screening-opened": ("Screening opened", "clipboard2-pulse"),
    "intake.medical-history-recorded": ("Medical history recorded", "clipboard2-pulse"),
    "intake.questionnaire-answered": ("Questionnaire answered", "clipboard2-pulse"),
    "intake.vitals-measured": ("Vital signs measured", "heart-pulse"),
    "intake.activity-recorded": ("Exercise vital sign recorded", "activity"),
    "intake.preferences-recorded": ("Preferences recorded", "clipboard2-pulse"),
    "intake.safety-flag-raised": ("Safety flag raised", "exclamation-triangle"),
    "intake.safety-flag-assessed": ("Safety flag assessed", "shield-check"),
    "intake.screening-concluded": ("Screening concluded", "signpost-split"),
    "intake.clearance-needed": ("Clearance needed", "shield-check"),
    "intake.mental-health-referral-needed": ("Mental-health referral needed", "arrow-left-right"),
    "intake.clearance-recorded": ("Clearance recorded", "shield-check"),
    "intake.imported-record-opened": ("Imported record opened", "file-earmark-arrow-down"),
    "intake.condition-imported": ("Condition imported", "file-earmark-arrow-down"),
    "intake.medication-imported": ("Medication imported", "file-earmark-arrow-down"),
    "intake.allergy-imported": ("Allergy imported", "file-earmark-arrow-down"),
    "intake.measure-imported": ("Measurement imported", "file-earmark-arrow-down"),
    "intake.questionnaire-imported": ("Questionnaire imported", "file-earmark-arrow-down"),
    "intake.current-risk-found": ("Possible risk found in imported history", "exclamation-triangle"),
    "intake.current-risk-reviewed": ("Imported risk reviewed", "shield-check"),
    "referral.requested": ("Referral requested", "arrow-left-right"),
    "referral.received": ("Referral received", "arrow-left-right"),
    "referral.accepted": ("Referral accepted", "arrow-left-right"),
    "referral.declined": ("Referral declined", "arrow-left-right"),
    "referral.reported": ("Report filed", "arrow-left-right"),
    "referral.completed": ("Referral completed", "arrow-left-right"),
    "referral.acknowledged": ("Referral closed", "check-circle"),
    "referral.cancelled": ("Referral cancelled", "arrow-left-right"),
    "prescription.program-drafted": ("Program drafted", "person-walking"),
    "prescription.program-revised": ("Program revised", "person-walking"),
    "prescription.program-activated": ("Program activated", "person-walking"),
    "prescription.program-paused": ("Program paused", "person-walking"),
    "prescription.program-resumed": ("Program resumed", "person-walking"),
    "prescription.program-completed": ("Program completed", "check-circle"),
    "prescription.program-discontinued": ("Program discontinued", "person-walking"),
    "monitoring.plan-opened": ("Monitoring begins", "calendar-event"),
    "monitoring.plan-followed-revision": ("Monitoring follows the revision", "calendar-event"),
    "monitoring.plan-paused": ("Monitoring paused", "calendar-event"),
    "monitoring.plan-resumed": ("Monitoring resumed", "calendar-event"),
    "monitoring.plan-closed": ("Monitoring ended", "calendar-event"),
    "monitoring.check-in-recorded": ("Check-in", "heart-pulse"),
    "monitoring.measure-repeated": ("Questionnaire repeated", "clipboard2-pulse"),
    "monitoring.red-flag-raised": ("Red flag raised", "flag"),
    "monitoring.alert-raised": ("Alert raised", "bell"),
    "monitoring.alert-evidence-joined": ("More evidence for an alert", "bell"),
    "monitoring.alert-overdue": ("Alert overdue: nobody has taken it", "bell"),
    "monitoring.alert-review-overdue": ("Review of an alert overdue", "bell"),
    "monitoring.alert-acknowledged": ("Alert taken", "bell"),
    "monitoring.alert-resolved": ("Alert closed", "check-circle"),
    **{
        f"{service}.reaction-refused": ("Reaction refused by a rule", "exclamation-triangle")
        for service in words.SERVICES
    },
    **{f"{service}.refusal-settled": ("Refused reaction dealt with", "check-circle") for service in words.SERVICES},
    **{
        f"{service}.parked-event-skipped": ("Event skipped by an operator", "exclamation-triangle")
        for service in words.SERVICES
    },
    **{
        f"{service}.upstream-reconciled": ("Went on behind a restored log", "exclamation-triangle")
        for service in words.SERVICES
    },
}
"""Title and icon of each type of fact, by `<service>.<words>`; a test asks for every type of the vocabulary."""

URGENT = frozenset(
    {
        "intake.safety-flag-raised",
        "intake.current-risk-found",
        "monitoring.red-flag-raised",
        "monitoring.alert-raised",
        "monitoring.alert-overdue",
        "monitoring.alert-review-overdue",
    }
)
"""What must not be overlooked among the others."""


def name_of(type_name: str) -> str:
    """Shorten a type: `caretrail.referral.accepted.v1` is `referral.accepted`."""
    return type_name.removeprefix("caretrail.").rpartition(".v")[0]


def title_of(name: str) -> str:
    """Give the title of a type of fact; of one that is not known here, its words."""
    if name in TITLES:
        return TITLES[name][0]
    return words.capital(words.spelled(name.partition(".")[2]))


def icon_of(name: str) -> str:
    """Give the icon of a type of fact."""
    return TITLES[name][1] if name in TITLES else "diagram-3"
