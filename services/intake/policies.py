"""What intake does when a colleague accepts a referral, and when a physician reports."""

from __future__ import annotations

from events.intake import ClearanceRecorded, IntakeReactionRefused, PatientTeamMemberJoined
from events.referral import ReferralAccepted, ReferralReported
from events.terms import ReferralKind
from services.intake.domain import Decision, Patient, Screening
from services.intake.worklists import latest_concluded
from shared.eventlog import Refused
from shared.messaging import Policies, Reaction

policies = Policies("intake", refused=IntakeReactionRefused)

CLEARING = (ReferralKind.PHYSICIAN_CLEARANCE, ReferralKind.URGENT_PHYSICIAN)
"""The referrals whose report decides about exercise."""


@policies.whenever(ReferralAccepted, records=(PatientTeamMemberJoined,))
def let_the_accepting_clinician_join_the_care_team(event: ReferralAccepted, reaction: Reaction) -> None:
    """Whoever takes a patient on takes part in their care; who is in the team already stays as they are.

    Membership opens a patient's record, so it begins when it is granted and is never back-dated to the acceptance.
    """
    patient = reaction.get(Patient, event.patient_id)
    patient.join_care_team(event.accepted_by, event.role, event.originator_id)


@policies.whenever(ReferralReported, records=(ClearanceRecorded,))
def record_the_clearance(event: ReferralReported, reaction: Reaction) -> None:
    """A physician's decision joins the patient's latest concluded screening, as of when it was made.

    However late it arrives: a decision made before a red flag must never count as one made after it.
    """
    if event.kind not in CLEARING or event.outcome is None:
        return
    patient = reaction.get(Patient, event.patient_id)
    concluded = reaction.query(latest_concluded(patient.id))
    if not concluded:
        raise Refused("A physician decided about exercise, but no screening of this patient has been concluded.")
    decision = Decision(
        referral_id=event.originator_id,
        outcome=event.outcome,
        limit=event.intensity_cap,
        valid_until=event.valid_until,
        decided_by=event.reported_by,
        note=event.note,
    )
    screening = reaction.get(Screening, concluded[0]["aggregate_id"])
    screening.context = reaction.context.at(event.occurred_at)
    screening.record_clearance(decision, patient.day_of(event.occurred_at))
