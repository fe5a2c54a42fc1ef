"""What referral does by itself: each policy done, refused, repeated and replayed."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from events.base import Actor, Event
from events.intake import ClearanceNeeded, MentalHealthReferralNeeded, PatientTeamMemberLeft
from events.monitoring import RedFlagRaised
from events.referral import ReferralRequested
from services.referral.application import Referrals
from services.referral.domain import Referral
from services.referral.policies import policies
from services.referral.worklists import care_team
from services.referral.worklists import referrals as table
from shared.eventlog.tables import refused_reactions
from shared.messaging import Inbox
from tests.referral.conftest import joined
from tests.referral.given import (
    COORDINATOR,
    MONDAY,
    PATIENT,
    PHYSICIAN,
    REQUESTER,
    SCREENING,
    context,
    happened,
)

PLAN = UUID("2f1b7a44-6f0e-4a51-9c1d-8f2b3c4d5e05")
PROGRAM = UUID("3a2c8b55-7a1f-4b62-8d2e-9a3c4d5e6f06")

CLEARANCE = (
    happened(ClearanceNeeded, 9, originator_id=SCREENING, actor=REQUESTER, screening_id=SCREENING, before_any=True),
    {"kind": "physician-clearance", "priority": "routine", "about": SCREENING, "next_due": None},
)
MENTAL_HEALTH = (
    happened(
        MentalHealthReferralNeeded, 10, originator_id=SCREENING, actor=REQUESTER, screening_id=SCREENING, within_days=7
    ),
    {"kind": "mental-health", "priority": "routine", "about": SCREENING, "next_due": date(2026, 11, 30)},
)
RED_FLAG = (
    happened(RedFlagRaised, 4, originator_id=PLAN, actor=REQUESTER, program_id=PROGRAM, rules_version="1"),
    {"kind": "urgent-physician", "priority": "urgent", "about": PROGRAM, "next_due": None},
)
POLICIES = {
    "request_the_physicians_clearance": CLEARANCE,
    "request_a_mental_health_referral": MENTAL_HEALTH,
    "request_an_urgent_physician": RED_FLAG,
}
EACH_POLICY = pytest.mark.parametrize(("policy", "event"), [(name, event) for name, (event, _) in POLICIES.items()])


class TestEachPolicy:
    @pytest.mark.parametrize(("policy", "event", "expected"), [(name, *case) for name, case in POLICIES.items()])
    def test_requests_a_referral_for_the_person_behind_the_event(
        self, policy: str, event: Event, expected: dict[str, Any], referrals: Referrals, inbox: Inbox
    ):
        inbox.carry_out(event)

        (row,) = referrals.query(select(table))
        assert {name: row[name] for name in expected} == expected
        assert (row["patient_id"], row["status"], row["since"]) == (PATIENT, "requested", MONDAY)
        assert (row["requester"], row["addressed_to"], row["provider"]) == ("erin", None, None)

    @EACH_POLICY
    def test_is_refused_a_fact_that_is_too_old(self, policy: str, event: Event, referrals: Referrals, inbox: Inbox):
        old = replace(event, occurred_at=MONDAY - timedelta(days=7, seconds=1))

        inbox.carry_out(old)

        (refusal,) = referrals.query(select(refused_reactions))
        assert (refusal["policy"], refusal["cause"], refusal["patient_id"]) == (policy, event.event_id, PATIENT)
        assert "too old" in refusal["reason"]
        assert referrals.query(select(table)) == []

    @EACH_POLICY
    def test_does_nothing_for_an_event_that_it_took_before(
        self, policy: str, event: Event, referrals: Referrals, inbox: Inbox
    ):
        inbox.carry_out(event)
        inbox.carry_out(event)

        (row,) = referrals.query(select(table))
        assert referrals.get(Referral, row["aggregate_id"]).version == 1

    @EACH_POLICY
    def test_does_nothing_for_a_need_that_was_answered_when_it_is_told_again(
        self, policy: str, event: Event, referrals: Referrals, inbox: Inbox
    ):
        inbox.carry_out(event)
        (row,) = referrals.query(select(table))
        referrals.cancel(context(COORDINATOR), row["aggregate_id"], "Seen by the family doctor already.")

        inbox.carry_out(event)

        (row,) = referrals.query(select(table))
        assert row["status"] == "cancelled"

    @EACH_POLICY
    def test_leaves_a_log_that_loads_and_tells_what_caused_it(
        self, policy: str, event: Event, referrals: Referrals, inbox: Inbox
    ):
        inbox.carry_out(event)

        (row,) = referrals.query(select(table))
        assert referrals.get(Referral, row["aggregate_id"]).status == "requested"
        (recorded,) = referrals.events.get(row["aggregate_id"])
        assert isinstance(recorded, ReferralRequested)
        assert recorded.actor == Actor(id=f"policy:referral.{policy}", role="service", on_behalf_of="erin")
        assert recorded.causation_id == event.event_id
        assert recorded.correlation_id == event.correlation_id
        assert recorded.hops == 1

    @EACH_POLICY
    def test_leaves_imported_facts_alone(self, policy: str, event: Event, referrals: Referrals, inbox: Inbox):
        inbox.carry_out(replace(event, imported=True))

        assert referrals.query(select(table)) == []
        assert referrals.query(select(refused_reactions)) == []

    def test_is_declared_with_what_it_records(self):
        assert {policy.name: policy.records for policy in policies} == dict.fromkeys(POLICIES, (ReferralRequested,))


class TestTheNextNeed:
    @pytest.mark.parametrize("event", [CLEARANCE[0], MENTAL_HEALTH[0]])
    def test_waits_for_the_answer_to_the_one_before(self, event: Event, referrals: Referrals, inbox: Inbox):
        inbox.carry_out(event)

        inbox.carry_out(replace(event, originator_version=20))

        assert len(referrals.query(select(table))) == 1

    @pytest.mark.parametrize("event", [CLEARANCE[0], MENTAL_HEALTH[0]])
    def test_is_asked_anew_once_the_one_before_ended(self, event: Event, referrals: Referrals, inbox: Inbox):
        inbox.carry_out(event)
        (first,) = referrals.query(select(table))
        referrals.cancel(context(COORDINATOR), first["aggregate_id"], "Nobody is free.")

        inbox.carry_out(replace(event, originator_version=20))

        assert sorted(row["status"] for row in referrals.query(select(table))) == ["cancelled", "requested"]

    def test_of_a_red_flag_is_always_asked(self, referrals: Referrals, inbox: Inbox):
        inbox.carry_out(RED_FLAG[0])

        inbox.carry_out(replace(RED_FLAG[0], originator_version=5))

        assert len(referrals.query(select(table))) == 2


class TestAMentalHealthReferral:
    def test_within_three_days_is_urgent(self, referrals: Referrals, inbox: Inbox):
        inbox.carry_out(replace(MENTAL_HEALTH[0], within_days=3))

        (row,) = referrals.query(select(table))
        assert (row["priority"], row["next_due"]) == ("urgent", date(2026, 11, 26))


class TestWhoHearsBack:
    def test_is_the_coordinator_where_nobody_of_the_team_is_behind_the_event(self, referrals: Referrals, inbox: Inbox):
        patient = Actor(id="a-patient", role="patient")

        inbox.carry_out(replace(RED_FLAG[0], actor=patient))

        (row,) = referrals.query(select(table))
        assert row["requester"] == "kim"

    def test_is_the_coordinator_where_a_caregiver_is_behind_the_event(self, referrals: Referrals, inbox: Inbox):
        caregiver = Actor(id="cleo", role="caregiver")
        inbox.carry_out(joined(caregiver))

        inbox.carry_out(replace(RED_FLAG[0], actor=caregiver))

        (row,) = referrals.query(select(table))
        assert row["requester"] == "kim"

    def test_is_the_person_on_whose_behalf_another_policy_acted(self, referrals: Referrals, inbox: Inbox):
        policy = Actor(id="policy:intake.some-policy", role="service", on_behalf_of="erin")

        inbox.carry_out(replace(CLEARANCE[0], actor=policy))

        (row,) = referrals.query(select(table))
        assert row["requester"] == "erin"

    def test_is_nobody_by_name_where_the_team_has_no_coordinator(self, referrals: Referrals, inbox: Inbox):
        inbox.carry_out(happened(PatientTeamMemberLeft, 5, originator_id=PATIENT, member_id="kim"))

        inbox.carry_out(replace(RED_FLAG[0], actor=PHYSICIAN))

        (row,) = referrals.query(select(table))
        assert row["requester"] is None


class TestTheCareTeam:
    def test_is_known_from_those_who_join(self, referrals: Referrals, inbox: Inbox):
        assert _team(referrals) == [("erin", "exercise-physiologist"), ("kim", "care-coordinator")]

    def test_forgets_who_leaves(self, referrals: Referrals, inbox: Inbox):
        inbox.carry_out(happened(PatientTeamMemberLeft, 5, originator_id=PATIENT, member_id="erin"))

        assert _team(referrals) == [("kim", "care-coordinator")]

    def test_knows_everybody_once_in_the_role_told_last(self, referrals: Referrals, inbox: Inbox):
        inbox.carry_out(joined(REQUESTER, role="personal-trainer"))

        assert _team(referrals) == [("erin", "personal-trainer"), ("kim", "care-coordinator")]

    def test_is_known_from_imported_and_old_facts_too(self, referrals: Referrals, inbox: Inbox):
        long_ago = MONDAY - timedelta(days=4000)

        inbox.carry_out(joined(PHYSICIAN, occurred_at=long_ago))

        assert ("paula", "physician") in _team(referrals)


def _team(referrals: Referrals) -> list[tuple[str, str]]:
    rows = referrals.query(select(care_team).order_by(care_team.c.member_id))
    return [(row["member_id"], row["role"]) for row in rows]
