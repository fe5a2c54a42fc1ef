"""Prescription over HTTP: the life of a program, who may do what, and what an answer says."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from events.base import Actor
from events.intake import PatientTeamMemberLeft
from events.terms import Intensity, Permission
from services.prescription.api import ACCESS
from shared.clock import ShiftedClock
from shared.http import routes_without_row
from shared.messaging import Inbox
from tests.http.office import Office
from tests.prescription.conftest import TEAM, clearance_recorded, red_flag_raised, screening_concluded
from tests.prescription.given import (
    COACH,
    COORDINATOR,
    MONDAY,
    PATIENT,
    PHYSICIAN,
    PHYSIOLOGIST,
    PLAN,
    SCREENING,
    TRAINER,
    happened,
)

ANOTHER_PATIENT = UUID("7e6d5c4b-3a29-4817-9605-f4e3d2c1b007")
OUTSIDER = Actor(id="olga", role="physician")
NOBODYS = "99999999-9999-4999-8999-999999999999"

WALKING = {"activity": "17190", "intensity": "moderate", "minutes": 20, "times_per_week": 3}
YOGA = {"activity": "02150", "intensity": "light", "minutes": 30, "times_per_week": 2, "rpe": [9, 10]}
DRAFT = {
    "patient_id": str(PATIENT),
    "components": [WALKING, YOGA],
    "goals": ["Walk to the lake and back."],
    "heart_rate_from": {"age": 30, "resting": 60},
}
LONGER = {**DRAFT, "components": [{**WALKING, "minutes": 25}, YOGA], "reason": "Two weeks without complaint."}
LONGER.pop("patient_id")
STATEMENT = (
    "This exercise plan is part of a wider treatment plan and does not replace prescribed medication or psychotherapy; "
    "do not stop or change them without your prescriber."
)


@pytest.fixture
def path(office: Office) -> str:
    """The address of a draft that Erin has written."""
    return _path(office.post("/programs", PHYSIOLOGIST, DRAFT))


@pytest.fixture
def ready(inbox: Inbox) -> None:
    """Moderate exercise is allowed since yesterday."""
    inbox.carry_out(screening_concluded(occurred_at=MONDAY - timedelta(days=1)))


def _path(answer: TestResponse) -> str:
    assert answer.status_code == 201, answer.get_json()
    return answer.headers["Location"].removeprefix("/v1")


def activated(office: Office, path: str) -> TestResponse:
    return office.post(f"{path}/activate", PHYSIOLOGIST, {"starts_on": "2026-11-24"})


class TestADraft:
    def test_is_answered_with_names_bounds_and_the_statement(self, office: Office, path: str):
        program = office.get(path, PHYSIOLOGIST).get_json()

        assert program["components"] == [
            {
                "activity": "17190",
                "name": "walk 2.8-3.2 mph",
                "met": 3.5,
                "intensity": "moderate",
                "minutes": 20,
                "times_per_week": 3,
                "heart_rate": [111, 135],
                "rpe": [12, 13],
                "instructions": "",
            },
            {
                "activity": "02150",
                "name": "yoga, Hatha",
                "met": 2.5,
                "intensity": "light",
                "minutes": 30,
                "times_per_week": 2,
                "heart_rate": None,
                "rpe": [9, 10],
                "instructions": "",
            },
        ]
        assert (program["status"], program["revision"], program["version"]) == ("draft", 1, 1)
        assert (program["statement"], program["goals"]) == (STATEMENT, ["Walk to the lake and back."])
        assert program["allowed"] == ["revise", "activate", "discontinue"]
        assert program["revisions"][0]["author"] == {"id": "erin", "role": "exercise-physiologist"}
        assert program["revisions"][0]["changes"] == []

    @pytest.mark.parametrize(
        ("component", "status"),
        [
            ({**WALKING, "activity": "99999"}, 409),
            ({**WALKING, "times_per_week": 7}, 409),
            ({**WALKING, "rpe": [12, 17]}, 409),
            ({**WALKING, "rpe": [12]}, 422),
            ({**WALKING, "intensity": "none"}, 422),
            ({**WALKING, "times_per_week": 8}, 422),
            ({**WALKING, "met": 3.5}, 422),
        ],
    )
    def test_is_refused_where_it_cannot_be_meant(self, office: Office, component: dict[str, Any], status: int):
        answer = office.post("/programs", PHYSIOLOGIST, {**DRAFT, "components": [component]})

        assert answer.status_code == status

    def test_is_written_once_under_one_key(self, office: Office):
        first = office.post("/programs", PHYSIOLOGIST, DRAFT, key="once")
        again = office.post("/programs", PHYSIOLOGIST, DRAFT, key="once")

        assert (first.get_json(), first.headers["Location"]) == (again.get_json(), again.headers["Location"])
        assert len(office.get("/programs", PHYSIOLOGIST).get_json()["items"]) == 1


class TestActivating:
    def test_is_refused_with_what_is_missing_and_what_may_be_done(self, office: Office, path: str):
        refusal = activated(office, path)

        assert refusal.status_code == 409
        assert refusal.get_json()["detail"] == (
            "The patient may not exercise by this program yet. Missing: a concluded screening."
        )
        assert refusal.get_json()["allowed"] == ["revise", "discontinue"]

    @pytest.mark.usefixtures("ready")
    def test_names_its_basis(self, office: Office, path: str):
        program = activated(office, path).get_json()

        assert (program["status"], program["starts_on"], program["basis"]) == (
            "active",
            "2026-11-24",
            [f"{SCREENING}-7"],
        )
        assert program["allowed"] == ["revise", "pause", "complete", "discontinue"]


class TestRevising:
    def test_is_read_back_with_author_reason_trigger_and_differences(self, office: Office, path: str):
        alert = f"{PLAN}-12"

        answer = office.post(f"{path}/revise", PHYSICIAN, {**LONGER, "triggered_by": alert}, version=1)

        assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
        revision = office.get(f"{path}/revisions/2", TRAINER).get_json()
        assert revision == answer.get_json()["revisions"][1]
        assert (revision["number"], revision["author"]) == (2, {"id": "paula", "role": "physician"})
        assert (revision["reason"], revision["triggered_by"]) == ("Two weeks without complaint.", alert)
        assert revision["changes"] == [{"path": "components.0.minutes", "before": "20", "after": "25"}]
        assert revision["components"][0]["minutes"] == 25
        assert office.get(f"{path}/revisions/1", TRAINER).get_json()["components"][0]["minutes"] == 20

    def test_needs_the_version_that_was_read(self, office: Office, path: str):
        unstated = office.post(f"{path}/revise", PHYSIOLOGIST, LONGER)
        office.post(f"{path}/revise", PHYSICIAN, LONGER, version=1)
        stale = office.post(f"{path}/revise", PHYSIOLOGIST, {**LONGER, "goals": ["Sleep."]}, version=1)

        assert (unstated.status_code, stale.status_code) == (428, 412)
        assert stale.get_json()["current_version"] == 2

    def test_is_refused_a_trigger_that_is_no_event(self, office: Office, path: str):
        answer = office.post(f"{path}/revise", PHYSIOLOGIST, {**LONGER, "triggered_by": "the alert"}, version=1)

        assert answer.status_code == 422
        assert answer.get_json()["errors"][0]["pointer"] == "#/triggered_by"

    def test_that_was_never_made_is_not_found(self, office: Office, path: str):
        assert office.get(f"{path}/revisions/2", PHYSIOLOGIST).status_code == 404


@pytest.mark.usefixtures("ready")
class TestTheLifeOfAProgram:
    def test_goes_through_pause_and_resume_to_its_end(self, office: Office, path: str):
        activated(office, path)

        paused = office.post(f"{path}/pause", COORDINATOR, {"reason": "Influenza."})
        resumed = office.post(f"{path}/resume", PHYSIOLOGIST, {"reason": "Well again."})
        completed = office.post(f"{path}/complete", PHYSIOLOGIST, {"note": "Twelve weeks done."})
        too_late = office.post(f"{path}/discontinue", PHYSICIAN, {"reason": "Moved away."})

        assert [answer.get_json()["status"] for answer in (paused, resumed, completed)] == [
            "on-hold",
            "active",
            "completed",
        ]
        assert (too_late.status_code, too_late.get_json()["allowed"]) == (409, [])

    def test_is_interrupted_by_a_red_flag_until_a_later_clearance(
        self, office: Office, path: str, inbox: Inbox, clock: ShiftedClock
    ):
        activated(office, path)
        program_id = path.removeprefix("/programs/")
        clock.forward(timedelta(hours=1))
        inbox.carry_out(red_flag_raised(program_id=UUID(program_id), occurred_at=clock()))

        program = office.get(path, PHYSIOLOGIST).get_json()
        refusal = office.post(f"{path}/resume", PHYSIOLOGIST, {"reason": "Feels well."})
        clock.forward(timedelta(hours=1))
        inbox.carry_out(clearance_recorded(occurred_at=clock()))
        resumed = office.post(f"{path}/resume", PHYSIOLOGIST, {"reason": "Cleared."})

        assert (program["status"], program["needs_clearance"]) == ("on-hold", True)
        assert program["clearance_after"] == "2026-11-23T10:00:00Z"
        assert (refusal.status_code, refusal.get_json()["allowed"]) == (409, ["revise", "discontinue"])
        assert "a physician's clearance decided after the red flag" in refusal.get_json()["detail"]
        assert resumed.get_json()["basis"] == [f"{SCREENING}-7", f"{SCREENING}-9"]

    def test_may_be_paused_by_hand_until_a_clearance(self, office: Office, path: str):
        activated(office, path)

        paused = office.post(f"{path}/pause", PHYSICIAN, {"reason": "Dizzy.", "needs_clearance": True})
        refusal = office.post(f"{path}/resume", PHYSIOLOGIST, {"reason": "Feels well."})

        assert paused.get_json()["clearance_after"] == "2026-11-23T09:00:00Z"
        assert refusal.status_code == 409


class TestTheListOfPrograms:
    @pytest.mark.usefixtures("ready")
    def test_shows_where_each_stands(self, office: Office, path: str):
        activated(office, path)
        office.post("/programs", PHYSICIAN, DRAFT)

        drafts = office.get(f"/programs?patient_id={PATIENT}&status=draft", COACH).get_json()["items"]
        active = office.get("/programs?status=active", COACH).get_json()["items"]
        others = office.get(f"/programs?patient_id={ANOTHER_PATIENT}", COACH).get_json()["items"]

        assert [row["next"] for row in drafts] == [["revise", "activate", "discontinue"]]
        assert [(f"/programs/{row['id']}", row["revision"], row["starts_on"]) for row in active] == [
            (path, 1, "2026-11-24")
        ]
        assert others == []

    def test_comes_in_pages(self, office: Office):
        ids = [office.post("/programs", PHYSICIAN, DRAFT).get_json()["id"] for _ in range(3)]

        first = office.get("/programs?limit=2", TRAINER).get_json()
        second = office.get(first["next"].removeprefix("/v1"), TRAINER).get_json()

        assert sorted(row["id"] for row in first["items"] + second["items"]) == sorted(ids)
        assert (len(first["items"]), second["next"]) == (2, None)


class TestWhatMayBePrescribed:
    def test_names_what_is_missing(self, office: Office, inbox: Inbox):
        inbox.carry_out(screening_concluded(Permission.CLEARANCE_NEEDED, Intensity.NONE))

        permit = office.get(f"/patients/{PATIENT}/permit", TRAINER).get_json()

        assert permit["missing"] == [{"code": "clearance", "words": "a physician's clearance"}]
        assert (permit["cap"], permit["clearance"], permit["red_flag_at"]) == ("none", None, None)
        assert permit["conclusion"] == {
            "event_id": f"{SCREENING}-7",
            "screening_id": str(SCREENING),
            "permission": "clearance-needed",
            "cap": "none",
            "conditions": [],
            "concluded_at": "2026-11-23T09:00:00Z",
        }

    @pytest.mark.usefixtures("ready")
    def test_names_the_cap_and_its_facts(self, office: Office, inbox: Inbox):
        inbox.carry_out(clearance_recorded(cap=Intensity.VIGOROUS))

        permit = office.get(f"/patients/{PATIENT}/permit", PHYSICIAN).get_json()

        assert (permit["cap"], permit["missing"], permit["on"]) == ("vigorous", [], "2026-11-23")
        assert permit["clearance"]["decided_at"] == "2026-11-23T09:00:00Z"


class TestTheCatalogue:
    def test_lists_codes_as_five_digits_with_met_and_band(self, office: Office):
        catalogue = office.get("/activities", COACH).get_json()

        assert "2011 Compendium" in catalogue["source"]
        assert {
            "id": "yoga-hatha",
            "code": "02150",
            "name": "yoga, Hatha",
            "met": 2.5,
            "family": "mind-body",
            "intensity": "light",
            "proxy": False,
            "compendium_year": 2011,
        } in catalogue["items"]


COMMANDS = {
    "revise": LONGER,
    "activate": {"starts_on": "2026-11-24"},
    "pause": {"reason": "Influenza."},
    "resume": {"reason": "Well again."},
    "complete": {"note": "Done."},
    "discontinue": {"reason": "Moved away."},
}


class TestAccess:
    def test_has_a_row_for_every_route_of_its_own(self, office: Office):
        assert routes_without_row(office.app) == []

    @pytest.mark.parametrize("member", TEAM, ids=lambda member: member.role)
    def test_lets_the_whole_care_team_read(self, office: Office, path: str, member: Actor):
        for address in (path, f"{path}/revisions/1", f"/patients/{PATIENT}/permit", "/programs", "/activities"):
            assert office.get(address, member).status_code == 200

    @pytest.mark.parametrize("member", [COORDINATOR, TRAINER, COACH], ids=lambda member: member.role)
    def test_leaves_writing_to_physicians_and_physiologists(self, office: Office, path: str, member: Actor):
        refused = ["revise", "activate", "resume", "complete"]
        refused += [] if member is COORDINATOR else ["pause", "discontinue"]

        answers = [office.post("/programs", member, DRAFT)]
        answers += [office.post(f"{path}/{step}", member, COMMANDS[step], version=1) for step in refused]

        assert {answer.status_code for answer in answers} == {403}

    def test_offers_each_caller_their_own_steps(self, office: Office, path: str):
        allowed = {member.role: office.get(path, member).get_json()["allowed"] for member in TEAM}

        assert allowed == {
            "physician": ["revise", "activate", "discontinue"],
            "exercise-physiologist": ["revise", "activate", "discontinue"],
            "care-coordinator": ["discontinue"],
            "personal-trainer": [],
            "behavioral-coach": [],
        }

    def test_hides_everything_from_whoever_is_not_in_the_team(self, office: Office, path: str):
        answers = [
            office.get(path, OUTSIDER),
            office.get(f"{path}/revisions/1", OUTSIDER),
            office.get(f"/patients/{PATIENT}/permit", OUTSIDER),
            office.post("/programs", OUTSIDER, DRAFT),
            *(office.post(f"{path}/{step}", OUTSIDER, body, version=1) for step, body in COMMANDS.items()),
        ]

        assert {answer.status_code for answer in answers} == {404}
        assert office.get("/programs", OUTSIDER).get_json()["items"] == []
        assert office.get(f"/programs/{NOBODYS}", OUTSIDER).get_json()["detail"] == answers[0].get_json()["detail"]

    def test_ends_when_somebody_leaves_the_team(self, office: Office, path: str, inbox: Inbox):
        inbox.carry_out(happened(PatientTeamMemberLeft, 9, originator_id=PATIENT, member_id=TRAINER.id))

        assert office.get(path, TRAINER).status_code == 404

    def test_is_given_to_no_other_role(self, office: Office, path: str):
        for role in ("patient", "caregiver", "partner", "operator", "auditor", "service"):
            assert office.get(path, Actor(id="erin", role=role)).status_code in (401, 403)

    def test_is_decided_by_one_table(self):
        assert set(ACCESS) == {
            "draft_program", "program_list", "program", "program_revision", "revise_program", "activate_program",
            "pause_program", "resume_program", "complete_program", "discontinue_program", "activity_catalogue",
            "permit",
        }  # fmt: skip


class TestRefusedReactions:
    def test_stand_on_the_coordinators_list_until_settled(self, office: Office, inbox: Inbox):
        inbox.carry_out(red_flag_raised(program_id=UUID(NOBODYS)))

        (row,) = office.get(f"/refused-reactions?patient_id={PATIENT}", COORDINATOR).get_json()["items"]
        settled = office.post(f"/refused-reactions/{row['id']}/settle", COORDINATOR, {"resolution": "Called her."})

        assert (row["policy"], row["cause"]) == ("pause_the_program", f"{PLAN}-4")
        assert (settled.status_code, settled.get_json()["settled"]) == (200, True)
        assert office.get("/refused-reactions", COORDINATOR).get_json()["items"] == []


class TestTheDescription:
    def test_is_valid_openapi(self, office: Office):
        document = office.app.test_client().get("/openapi.json").get_json()

        validate(document)
        assert "/v1/programs/{program_id}/revisions/{number}" in document["paths"]
