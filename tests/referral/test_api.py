"""Referral over HTTP: the loop, who sees what, and what an answer says."""

from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from events.base import Actor
from events.intake import PatientTeamMemberLeft
from events.monitoring import RedFlagRaised
from services.referral.api import ACCESS
from shared.http import routes_without_row
from shared.messaging import Inbox
from shared.service import ACCESS_IN_EVERY_SERVICE
from tests.http.office import Office
from tests.referral.conftest import joined
from tests.referral.given import (
    COORDINATOR,
    OTHER_PHYSICIAN,
    PATIENT,
    PHYSICIAN,
    REQUESTER,
    SCREENING,
    THERAPIST,
    happened,
)

ANOTHER_PATIENT = UUID("7e6d5c4b-3a29-4817-9605-f4e3d2c1b007")
ANOTHER_COORDINATOR = Actor(id="kurt", role="care-coordinator")
COACH = Actor(id="cora", role="behavioral-coach")

REQUEST = {
    "patient_id": str(PATIENT),
    "kind": "physician-clearance",
    "about": str(SCREENING),
    "reason": "Chest pain on stairs last year, never looked at.",
}


@pytest.fixture
def path(office: Office) -> str:
    """The address of a clearance that Kim asks for."""
    return _path(office.post("/referrals", COORDINATOR, body=REQUEST))


class TestTheLoop:
    def test_goes_from_the_request_to_the_acknowledged_report(self, office: Office, path: str):
        answers = [
            office.post(f"{path}/receive", PHYSICIAN),
            office.post(f"{path}/accept", PHYSICIAN, body={"first_visit_due": "2026-11-27"}),
            office.post(f"{path}/report", PHYSICIAN, body={"outcome": "cleared", "valid_until": "2027-05-31"}),
            office.post(f"{path}/complete", PHYSICIAN),
            office.post(f"{path}/acknowledge", COORDINATOR),
        ]

        assert [(answer.status_code, answer.json["status"], answer.json["allowed"]) for answer in answers] == [
            (200, "received", ["accept", "decline"]),
            (200, "accepted", ["report"]),
            (200, "reported", ["complete"]),
            (200, "completed", []),
            (200, "acknowledged", []),
        ]

    def test_ends_where_the_provider_declines(self, office: Office, path: str):
        office.post(f"{path}/receive", PHYSICIAN)

        answer = office.post(f"{path}/decline", PHYSICIAN, body={"reason": "other", "note": "On leave."})

        assert (answer.json["status"], answer.json["status_reason"], answer.json["status_note"]) == (
            "declined",
            "other",
            "On leave.",
        )

    def test_ends_where_the_requester_takes_it_back(self, office: Office, path: str):
        answer = office.post(f"{path}/cancel", COORDINATOR, body={"reason": "Moved away."})

        assert (answer.json["status"], answer.json["status_reason"]) == ("cancelled", "Moved away.")


class TestRequesting:
    def test_answers_with_the_referral_and_its_address(self, office: Office):
        answer = office.post("/referrals", COORDINATOR, body={**REQUEST, "priority": "urgent"})

        assert answer.status_code == 201
        assert answer.headers["Location"] == f"/v1/referrals/{answer.json['id']}"
        assert answer.headers["ETag"] == '"1"'
        assert answer.json == {
            "id": answer.json["id"],
            "version": 1,
            "patient_id": str(PATIENT),
            "kind": "physician-clearance",
            "priority": "urgent",
            "status": "requested",
            "since": "2026-11-23T09:00:00Z",
            "requested_at": "2026-11-23T09:00:00Z",
            "next_due": None,
            "about": str(SCREENING),
            "requester": "kim",
            "addressed_to": None,
            "provider": None,
            "reason": "Chest pain on stairs last year, never looked at.",
            "report": None,
            "allowed": ["cancel"],
        }

    @pytest.mark.parametrize("kind", ["exercise-physiologist", "behavioral-coach", "mental-health"])
    def test_asks_for_every_kind_that_is_asked_for_by_hand(self, office: Office, kind: str):
        answer = office.post("/referrals", COORDINATOR, body={**REQUEST, "kind": kind})

        assert (answer.status_code, answer.json["kind"]) == (201, kind)

    def test_is_open_to_a_clinician_of_the_team(self, office: Office, inbox: Inbox):
        inbox.carry_out(joined(THERAPIST))

        answer = office.post("/referrals", THERAPIST, body={**REQUEST, "kind": "behavioral-coach"})

        assert (answer.status_code, answer.json["requester"]) == (201, "tess")

    def test_is_closed_to_other_roles_of_the_team(self, office: Office):
        assert office.post("/referrals", REQUESTER, body=REQUEST).status_code == 403

    @pytest.mark.parametrize(("caller", "patient_id"), [(ANOTHER_COORDINATOR, PATIENT), (COORDINATOR, ANOTHER_PATIENT)])
    def test_finds_no_patient_outside_the_own_teams(self, office: Office, caller: Actor, patient_id: UUID):
        answer = office.post("/referrals", caller, body={**REQUEST, "patient_id": str(patient_id)})

        assert answer.status_code == 404

    def test_of_an_urgent_physician_is_refused(self, office: Office):
        answer = office.post("/referrals", COORDINATOR, body={**REQUEST, "kind": "urgent-physician"})

        assert (answer.status_code, answer.json["type"]) == (409, "urn:caretrail:problem:kind-not-by-hand")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"kind": "surgeon"}, "#/kind"),
            ({"priority": "stat"}, "#/priority"),
            ({"reason": ""}, "#/reason"),
            ({"requested_by": "erin"}, "#/requested_by"),
        ],
    )
    def test_is_refused_with_words_that_it_does_not_know(self, office: Office, body: dict[str, Any], pointer: str):
        answer = office.post("/referrals", COORDINATOR, body={**REQUEST, **body})

        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]

    def test_twice_with_one_key_is_one_referral(self, office: Office):
        first = office.post("/referrals", COORDINATOR, body=REQUEST, key="once")
        second = office.post("/referrals", COORDINATOR, body=REQUEST, key="once")

        assert (first.json, second.status_code) == (second.json, 201)
        assert len(_items(office, "/referrals", COORDINATOR)) == 1


class TestAStep:
    def test_that_is_not_allowed_answers_with_those_that_are(self, office: Office, path: str):
        office.post(f"{path}/receive", PHYSICIAN)

        answer = office.post(f"{path}/complete", PHYSICIAN)

        assert answer.status_code == 409
        assert answer.json["allowed"] == ["accept", "decline"]
        assert answer.json["detail"] == "This referral is received: you cannot complete it. You may: accept, decline."

    def test_of_the_other_side_answers_with_the_own_ones(self, office: Office, path: str):
        answer = office.post(f"{path}/receive", COORDINATOR)

        assert (answer.status_code, answer.json["allowed"]) == (409, ["cancel"])

    def test_without_what_it_needs_says_so(self, office: Office, path: str):
        office.post(f"{path}/receive", PHYSICIAN)
        office.post(f"{path}/accept", PHYSICIAN, body={"first_visit_due": "2026-11-27"})

        answer = office.post(f"{path}/report", PHYSICIAN, body={"note": "Looks well."})

        assert (answer.status_code, answer.json["allowed"]) == (409, ["report"])
        assert answer.json["detail"] == "A physician's report needs an outcome."

    def test_that_is_sent_again_with_its_key_is_answered_as_before(self, office: Office, path: str):
        first = office.post(f"{path}/receive", PHYSICIAN, key="mine")
        office.post(f"{path}/accept", PHYSICIAN, body={"first_visit_due": "2026-11-27"})

        second = office.post(f"{path}/receive", PHYSICIAN, key="mine")

        assert (second.status_code, second.json) == (200, first.json)

    def test_is_taken_in_the_role_that_the_referral_addresses(self, office: Office):
        path = _path(office.post("/referrals", COORDINATOR, body={**REQUEST, "kind": "mental-health"}))
        psychiatrist = Actor(id="sara", role="psychiatrist")

        received = office.post(f"{path}/receive", psychiatrist, also=("physician", "care-coordinator"))
        office.post(
            f"{path}/accept",
            psychiatrist,
            also=("physician", "care-coordinator"),
            body={"first_visit_due": "2026-11-27"},
        )

        assert received.json["provider"] == "sara"
        assert office.get(path, psychiatrist, also=("physician",)).json["allowed"] == ["report"]


class TestSeeingAReferral:
    @pytest.mark.parametrize("caller", [COORDINATOR, REQUESTER])
    def test_is_for_the_team(self, office: Office, path: str, caller: Actor):
        assert office.get(path, caller).status_code == 200

    @pytest.mark.parametrize("caller", [PHYSICIAN, OTHER_PHYSICIAN])
    def test_is_for_everybody_whom_it_asks_while_it_is_open(self, office: Office, path: str, caller: Actor):
        answer = office.get(path, caller)

        assert (answer.status_code, answer.json["allowed"]) == (200, ["receive"])

    def test_is_for_nobody_else(self, office: Office, path: str):
        for caller in (THERAPIST, COACH, ANOTHER_COORDINATOR):
            assert office.get(path, caller).status_code == 404
            assert office.post(f"{path}/receive", caller).status_code == 404

    def test_is_over_for_the_others_once_somebody_has_received_it(self, office: Office, path: str):
        office.post(f"{path}/receive", PHYSICIAN)

        assert office.get(path, PHYSICIAN).status_code == 200
        assert office.get(path, OTHER_PHYSICIAN).status_code == 404

    def test_is_over_for_the_role_once_it_is_cancelled(self, office: Office, path: str):
        office.post(f"{path}/cancel", COORDINATOR, body={"reason": "Moved away."})

        assert office.get(path, PHYSICIAN).status_code == 404

    def test_is_over_for_whoever_left_the_team(self, office: Office, path: str, inbox: Inbox):
        inbox.carry_out(happened(PatientTeamMemberLeft, 5, originator_id=PATIENT, member_id="kim"))

        assert office.get(path, COORDINATOR).status_code == 404
        assert _items(office, "/referrals?scope=requested", COORDINATOR) == []

    def test_is_not_for_a_coordinator_outside_the_team_who_is_asked_as_a_physician(self, office: Office, path: str):
        answer = office.post(f"{path}/cancel", ANOTHER_COORDINATOR, also=("physician",), body={"reason": "Not mine."})

        assert answer.status_code == 409
        assert office.get(path, COORDINATOR).json["status"] == "requested"

    def test_is_not_for_patients_and_auditors(self, office: Office, path: str):
        for role in ("patient", "auditor", "service"):
            assert office.get(path, Actor(id="somebody", role=role)).status_code == 403


class TestTheList:
    def test_shows_the_pool_to_whom_it_is_open(self, office: Office, path: str):
        named = {**REQUEST, "addressed_to": "peter"}
        office.post("/referrals", COORDINATOR, body=named)
        office.post("/referrals", COORDINATOR, body={**REQUEST, "kind": "behavioral-coach"})

        pool = "/referrals?scope=pool"
        assert [_path(item) for item in _items(office, pool, PHYSICIAN)] == [path]
        assert len(_items(office, pool, OTHER_PHYSICIAN)) == 2
        assert [item["kind"] for item in _items(office, pool, COACH)] == ["behavioral-coach"]
        assert _items(office, pool, COORDINATOR) == []

    def test_shows_mine_to_whoever_received_it(self, office: Office, path: str):
        office.post(f"{path}/receive", PHYSICIAN)

        assert [_path(item) for item in _items(office, "/referrals?scope=mine", PHYSICIAN)] == [path]
        assert _items(office, "/referrals?scope=mine", OTHER_PHYSICIAN) == []
        assert _items(office, "/referrals?scope=pool", OTHER_PHYSICIAN) == []

    def test_shows_the_requested_to_whoever_hears_back(self, office: Office, path: str):
        assert [_path(item) for item in _items(office, "/referrals?scope=requested", COORDINATOR)] == [path]
        assert _items(office, "/referrals?scope=requested", REQUESTER) == []

    def test_shows_all_that_a_caller_may_see_and_nothing_else(self, office: Office, path: str):
        assert [_path(item) for item in _items(office, "/referrals", REQUESTER)] == [path]
        assert [_path(item) for item in _items(office, "/referrals", PHYSICIAN)] == [path]
        assert _items(office, "/referrals", ANOTHER_COORDINATOR) == []
        assert _items(office, "/referrals", THERAPIST) == []

    def test_is_narrowed_by_patient_and_status(self, office: Office, path: str):
        assert len(_items(office, f"/referrals?patient_id={PATIENT}&status=requested", COORDINATOR)) == 1
        assert _items(office, f"/referrals?patient_id={ANOTHER_PATIENT}", COORDINATOR) == []
        assert _items(office, "/referrals?status=accepted", COORDINATOR) == []

    def test_says_where_each_stands(self, office: Office, path: str):
        (item,) = _items(office, "/referrals", COORDINATOR)

        assert item == {
            "id": path.rpartition("/")[2],
            "patient_id": str(PATIENT),
            "kind": "physician-clearance",
            "priority": "routine",
            "status": "requested",
            "since": "2026-11-23T09:00:00Z",
            "requested_at": "2026-11-23T09:00:00Z",
            "next_due": None,
            "about": str(SCREENING),
            "requester": "kim",
            "addressed_to": None,
            "provider": None,
        }

    def test_comes_in_pages_without_gap_or_repeat(self, office: Office):
        paths = {_path(office.post("/referrals", COORDINATOR, body=REQUEST)) for _ in range(5)}

        found, page = [], "/referrals?limit=2"
        while page:
            answer = office.get(page, COORDINATOR).json
            found.append([_path(item) for item in answer["items"]])
            page = (answer["next"] or "").removeprefix("/v1")

        assert [len(items) for items in found] == [2, 2, 1]
        assert {path for items in found for path in items} == paths

    def test_is_closed_to_those_who_are_no_professionals(self, office: Office):
        assert office.get("/referrals?scope=pool", Actor(id="pat", role="patient")).status_code == 403


class TestRefusedReactions:
    def test_are_listed_for_a_coordinator_until_one_has_dealt_with_them(self, office: Office, inbox: Inbox):
        inbox.carry_out(happened(RedFlagRaised, 4, program_id=SCREENING, rules_version="1", hops=16))
        (refused,) = _items(office, "/refused-reactions", COORDINATOR)
        assert (refused["policy"], refused["patient_id"]) == ("request_an_urgent_physician", str(PATIENT))

        answer = office.post(
            f"/refused-reactions/{refused['id']}/settle", COORDINATOR, body={"resolution": "Called the physician."}
        )

        assert (answer.status_code, answer.json["settled"]) == (200, True)
        assert _items(office, "/refused-reactions", COORDINATOR) == []


class TestTheTableOfAccess:
    def test_has_a_row_for_every_route_and_no_other(self, office: Office):
        assert routes_without_row(office.app) == []
        routes = {view.route.action for view in office.app.view_functions.values() if hasattr(view, "route")}
        assert routes == {*ACCESS, *ACCESS_IN_EVERY_SERVICE}


class TestTheDescription:
    def test_names_every_route(self, office: Office):
        described = office.app.test_client().get("/openapi.json").json["paths"]

        assert {
            "/v1/referrals",
            "/v1/referrals/{referral_id}",
            "/v1/referrals/{referral_id}/receive",
            "/v1/referrals/{referral_id}/accept",
            "/v1/referrals/{referral_id}/decline",
            "/v1/referrals/{referral_id}/report",
            "/v1/referrals/{referral_id}/complete",
            "/v1/referrals/{referral_id}/acknowledge",
            "/v1/referrals/{referral_id}/cancel",
            "/v1/refused-reactions",
            "/v1/refused-reactions/{refusal_id}/settle",
        } <= set(described)


def _path(referral: TestResponse | dict[str, Any]) -> str:
    found = referral if isinstance(referral, dict) else referral.json
    return f"/referrals/{found['id']}"


def _items(office: Office, page: str, caller: Actor) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = office.get(page, caller).json["items"]
    return items
