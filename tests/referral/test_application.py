"""The use cases on a real log: each step is kept, and the worklist shows where the referral stands."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from events.referral import DeclineReason
from services.referral.application import Referrals
from services.referral.domain import NotAllowed, Referral
from services.referral.worklists import referrals as table
from shared.eventlog import NotFound, VersionConflict
from tests.referral.given import (
    CLEARED,
    FRIDAY,
    MONDAY,
    OTHER_PHYSICIAN,
    PATIENT,
    PHYSICIAN,
    REQUESTED,
    REQUESTER,
    SCREENING,
    context,
)


@pytest.fixture
def referral_id(referrals: Referrals) -> UUID:
    """A referral that Erin asks for by hand."""
    words = {name: word for name, word in REQUESTED.items() if name != "requested_by"}
    return referrals.request(context(REQUESTER), PATIENT, **words).id


class TestTheLoop:
    def test_is_kept_step_by_step(self, referrals: Referrals, referral_id: UUID):
        referrals.receive(context(PHYSICIAN), referral_id)
        referrals.accept(context(PHYSICIAN), referral_id, FRIDAY)
        referrals.report(context(PHYSICIAN), referral_id, CLEARED)
        referrals.complete(context(PHYSICIAN), referral_id)
        referrals.acknowledge(context(REQUESTER), referral_id)

        told = [(type(event).__name__, event.actor.id) for event in referrals.events.get(referral_id)]
        assert told == [
            ("ReferralRequested", "erin"),
            ("ReferralReceived", "paula"),
            ("ReferralAccepted", "paula"),
            ("ReferralReported", "paula"),
            ("ReferralCompleted", "paula"),
            ("ReferralAcknowledged", "erin"),
        ]
        assert _row(referrals)["status"] == "acknowledged"

    def test_makes_whoever_requests_by_hand_the_requester(self, referrals: Referrals, referral_id: UUID):
        assert referrals.get(Referral, referral_id).requester == "erin"

    def test_keeps_nothing_of_a_step_that_is_refused(self, referrals: Referrals, referral_id: UUID):
        with pytest.raises(NotAllowed):
            referrals.accept(context(PHYSICIAN), referral_id, FRIDAY)

        assert referrals.get(Referral, referral_id).version == 1
        assert _row(referrals)["status"] == "requested"

    def test_lets_one_of_two_colleagues_receive_it(self, referrals: Referrals, referral_id: UUID):
        slow = referrals.get(Referral, referral_id, context(OTHER_PHYSICIAN))
        slow.receive()
        referrals.receive(context(PHYSICIAN), referral_id)

        with pytest.raises(VersionConflict):
            referrals.save(slow)

        assert _row(referrals)["provider"] == "paula"

    def test_knows_no_referral_under_another_id(self, referrals: Referrals, referral_id: UUID):
        with pytest.raises(NotFound):
            referrals.receive(context(PHYSICIAN), PATIENT)


class TestTheWorklist:
    def test_shows_a_new_request(self, referrals: Referrals, referral_id: UUID):
        assert _row(referrals) == {
            "aggregate_id": referral_id,
            "patient_id": PATIENT,
            "kind": "physician-clearance",
            "priority": "routine",
            "status": "requested",
            "since": MONDAY,
            "requested_at": MONDAY,
            "next_due": None,
            "about": SCREENING,
            "requester": "erin",
            "addressed_to": None,
            "provider": None,
        }

    def test_shows_who_holds_it_since_when_and_what_is_due(self, referrals: Referrals, referral_id: UUID):
        later = MONDAY + timedelta(hours=2)
        referrals.receive(context(PHYSICIAN, now=MONDAY + timedelta(hours=1)), referral_id)
        referrals.accept(context(PHYSICIAN, now=later), referral_id, FRIDAY)

        row = _row(referrals)
        assert (row["status"], row["provider"], row["next_due"]) == ("accepted", "paula", FRIDAY)
        assert (row["requested_at"], row["since"]) == (MONDAY, later)

    def test_shows_the_end_of_a_declined_referral(self, referrals: Referrals, referral_id: UUID):
        referrals.receive(context(PHYSICIAN), referral_id)
        referrals.decline(context(PHYSICIAN), referral_id, DeclineReason.CAPACITY)

        assert (_row(referrals)["status"], _row(referrals)["next_due"]) == ("declined", None)


def _row(referrals: Referrals) -> dict[str, Any]:
    (row,) = referrals.query(select(table))
    return dict(row)
