"""Every step at every status by everybody, against a table that was typed in from the closed loop's description."""

import pytest

from events.base import Actor
from events.terms import ReferralKind
from services.referral.domain import NotAllowed, Status, Step, transition_diagram
from tests.referral.given import (
    COORDINATOR,
    OTHER_PHYSICIAN,
    PHYSICIAN,
    REQUESTER,
    THERAPIST,
    a_referral,
    take,
)

CALLERS = {
    "requester": REQUESTER,
    "coordinator": COORDINATOR,
    "provider": PHYSICIAN,  # who received it, where somebody has
    "colleague": OTHER_PHYSICIAN,  # of the addressed role
    "outsider": THERAPIST,  # of another role
}

# status: what each of the callers may do, and where it leads; whoever is not named may do nothing.
EXPECTED = {
    "requested": {
        "requester": {"cancel": "cancelled"},
        "coordinator": {"cancel": "cancelled"},
        "provider": {"receive": "received"},
        "colleague": {"receive": "received"},
    },
    "received": {
        "requester": {"cancel": "cancelled"},
        "coordinator": {"cancel": "cancelled"},
        "provider": {"accept": "accepted", "decline": "declined"},
    },
    "accepted": {
        "requester": {"cancel": "cancelled"},
        "coordinator": {"cancel": "cancelled"},
        "provider": {"report": "reported"},
    },
    "reported": {
        "requester": {"cancel": "cancelled"},
        "coordinator": {"cancel": "cancelled"},
        "provider": {"complete": "completed"},
    },
    "completed": {
        "requester": {"acknowledge": "acknowledged"},
        "coordinator": {"acknowledge": "acknowledged"},
    },
    "declined": {},
    "acknowledged": {},
    "cancelled": {},
}


class TestEveryStep:
    @pytest.mark.parametrize("caller", CALLERS)
    @pytest.mark.parametrize("step", Step)
    @pytest.mark.parametrize("status", Status)
    def test_leads_on_or_is_refused_with_what_is_allowed(self, status: Status, step: Step, caller: str):
        allowed = EXPECTED[status].get(caller, {})
        referral = a_referral(status, seen_by=CALLERS[caller])

        if step in allowed:
            take(referral, step)

            assert referral.status == allowed[step]
            assert len(referral.pending) == 1
        else:
            with pytest.raises(NotAllowed, match=f"This referral is {status}: you cannot {step} it.") as refusal:
                take(referral, step)

            assert refusal.value.allowed == tuple(allowed)
            assert referral.pending == ()


class TestAnOpenReferral:
    @pytest.mark.parametrize(
        ("kind", "roles"),
        [
            ("physician-clearance", {"physician"}),
            ("urgent-physician", {"physician"}),
            ("mental-health", {"psychiatrist", "psychotherapist"}),
            ("exercise-physiologist", {"exercise-physiologist"}),
            ("behavioral-coach", {"behavioral-coach"}),
        ],
    )
    def test_may_be_received_by_the_role_that_it_addresses(self, kind: str, roles: set[str]):
        everybody = {
            "physician", "psychiatrist", "psychotherapist", "exercise-physiologist", "behavioral-coach",
            "personal-trainer", "care-coordinator", "patient", "caregiver", "auditor", "service",
        }  # fmt: skip
        referral = a_referral(kind=ReferralKind(kind))

        assert {role for role in everybody if Step.RECEIVE in referral.steps_for("somebody", {role})} == roles

    def test_may_be_received_by_nobody_but_the_person_whom_it_names(self):
        named = a_referral(addressed_to=PHYSICIAN.id, seen_by=PHYSICIAN)
        other = a_referral(addressed_to=PHYSICIAN.id, seen_by=OTHER_PHYSICIAN)

        named.receive()

        assert named.provider == "paula"
        with pytest.raises(NotAllowed):
            other.receive()

    def test_is_not_received_by_the_named_person_in_another_role(self):
        referral = a_referral(addressed_to=PHYSICIAN.id, seen_by=Actor(id=PHYSICIAN.id, role="personal-trainer"))

        with pytest.raises(NotAllowed):
            referral.receive()


class TestARequesterWhoIsAsked:
    def test_may_take_the_steps_of_both_sides(self):
        referral = a_referral(requested_by=PHYSICIAN.id)

        assert referral.steps_for(PHYSICIAN.id, {"physician"}) == ("receive", "cancel")


class TestAReferralWithoutRequester:
    def test_is_acknowledged_by_a_care_coordinator(self):
        referral = a_referral(Status.COMPLETED, requested_by=None, seen_by=COORDINATOR)

        referral.acknowledge()

        assert referral.status == "acknowledged"

    def test_is_acknowledged_by_nobody_else(self):
        referral = a_referral(Status.COMPLETED, requested_by=None, seen_by=REQUESTER)

        with pytest.raises(NotAllowed, match="There is no step for you to take"):
            referral.acknowledge()


class TestTheRefusal:
    def test_names_the_status_and_the_steps_of_this_caller(self):
        referral = a_referral(Status.RECEIVED, seen_by=PHYSICIAN)

        with pytest.raises(NotAllowed) as refusal:
            referral.complete()

        assert str(refusal.value) == "This referral is received: you cannot complete it. You may: accept, decline."
        assert refusal.value.allowed == ("accept", "decline")
        assert refusal.value.code == "step-not-allowed"


class TestTheDiagram:
    def test_shows_every_transition_with_who_may(self):
        assert transition_diagram().splitlines() == [
            "stateDiagram-v2",
            "    [*] --> requested",
            "    requested --> received: receive (provider)",
            "    requested --> cancelled: cancel (requester)",
            "    received --> accepted: accept (provider)",
            "    received --> declined: decline (provider)",
            "    received --> cancelled: cancel (requester)",
            "    accepted --> reported: report (provider)",
            "    accepted --> cancelled: cancel (requester)",
            "    reported --> completed: complete (provider)",
            "    reported --> cancelled: cancel (requester)",
            "    completed --> acknowledged: acknowledge (requester)",
            "    declined --> [*]",
            "    acknowledged --> [*]",
            "    cancelled --> [*]",
        ]
