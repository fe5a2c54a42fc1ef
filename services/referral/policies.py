"""What referral does when intake or monitoring record that a colleague is needed, and whose care team it knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from events.base import Event
from events.intake import ClearanceNeeded, MentalHealthReferralNeeded
from events.monitoring import RedFlagRaised
from events.referral import ReferralReactionRefused, ReferralRequested
from events.terms import CareRole, Priority, ReferralKind
from services.referral.domain import Referral
from services.referral.worklists import awaited, care_team, professionals_of
from shared.access import keep_care_team
from shared.messaging import Policies, Reaction

policies = Policies("referral", refused=ReferralReactionRefused)

keep_care_team(policies, care_team)

URGENT_WITHIN_DAYS = 3
"""A mental-health clinician within 72 hours is an urgent referral. Source: clinical rules 4.1."""


@policies.whenever(ClearanceNeeded, records=(ReferralRequested,))
def request_the_physicians_clearance(event: ClearanceNeeded, reaction: Reaction) -> None:
    """Ask a physician, unless one has been asked about this screening and has not reported yet."""
    kind = ReferralKind.PHYSICIAN_CLEARANCE
    if not reaction.query(awaited(kind, event.screening_id)):
        _request_once(event, reaction, kind, about=event.screening_id, priority=Priority.ROUTINE)


@policies.whenever(MentalHealthReferralNeeded, records=(ReferralRequested,))
def request_a_mental_health_referral(event: MentalHealthReferralNeeded, reaction: Reaction) -> None:
    """Ask a mental-health clinician, unless one has been asked about this screening and has not reported yet."""
    kind = ReferralKind.MENTAL_HEALTH
    if not reaction.query(awaited(kind, event.screening_id)):
        _request_once(
            event,
            reaction,
            kind,
            about=event.screening_id,
            priority=Priority.URGENT if event.within_days <= URGENT_WITHIN_DAYS else Priority.ROUTINE,
            first_visit_due=(event.occurred_at + timedelta(days=event.within_days)).date(),
        )


@policies.whenever(RedFlagRaised, records=(ReferralRequested,))
def request_an_urgent_physician(event: RedFlagRaised, reaction: Reaction) -> None:
    """Ask a physician for every red flag: an earlier one does not answer a later one."""
    _request_once(event, reaction, ReferralKind.URGENT_PHYSICIAN, about=event.program_id, priority=Priority.URGENT)


def _request_once(event: Event, reaction: Reaction, kind: ReferralKind, *, about: UUID, **words: Any) -> None:
    """Request under an id derived from the event: the same need, told again, finds its referral.

    The request is made now, whenever the need arose; a day that the rules set is counted from the need.
    """
    id = reaction.new_id(about, event.event_id)
    if reaction.find(Referral, id) is None:
        requester = _who_hears_back(event, reaction)
        reaction.add(
            Referral.request(id, reaction.context, event.patient_id, kind, about=about, requested_by=requester, **words)
        )


def _who_hears_back(event: Event, reaction: Reaction) -> str | None:
    """The person behind the event, if a professional of the care team; else the team's first coordinator, if any."""
    team = {member["member_id"]: member["role"] for member in reaction.query(professionals_of(event.patient_id))}
    person = reaction.context.actor.on_behalf_of
    if person in team:
        return person
    return next((member for member, role in team.items() if role == CareRole.COORDINATOR), None)
