"""Monitoring over HTTP: entries and the answers to them, what is due, alerts, and who sees what."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from events.base import Actor
from events.intake import PatientTeamMemberLeft
from events.prescription import ProgramCompleted, ProgramPaused
from services.monitoring.api import ACCESS
from services.monitoring.application import Monitoring
from services.monitoring.worklists import alerts, check_ins
from shared.clock import ShiftedClock
from shared.http import routes_without_row
from shared.messaging import Inbox
from tests.monitoring.conftest import Clinic
from tests.monitoring.given import (
    COORDINATOR,
    PATIENT,
    PATIENT_THEMSELVES,
    PHYSIOLOGIST,
    PLAN,
    PROGRAM,
    happened,
)

OUTSIDER = Actor(id="olga", role="physician")
ANOTHER_PATIENT = Actor(id="paul", role="patient")
AUDITOR = Actor(id="aron", role="auditor")
NOWHERE = UUID("7e6d5c4b-3a29-4817-9605-f4e3d2c1b007")

CHECK_INS = f"/plans/{PLAN}/check-ins"
MEASURES = f"/plans/{PLAN}/measures"
SERIES = f"/patients/{PATIENT}/measures"
PHQ9_OF_14 = {"instrument": "PHQ9", "answers": [2, 2, 2, 2, 2, 2, 2, 0, 0]}


def items(answer: Any) -> list[Any]:
    """The lines of a list."""
    assert answer.status_code == 200
    found: list[Any] = answer.json["items"]
    return found


@pytest.fixture
def alert_path(clinic: Clinic) -> str:
    """The address of the alert that a chest pain led to."""
    clinic.post(CHECK_INS, PATIENT_THEMSELVES, {"symptoms": ["RF_CHEST"]})
    (row,) = items(clinic.get("/alerts", COORDINATOR))
    return f"/alerts/{row['id']}"


class TestAPlan:
    def test_says_what_is_due_and_what_was_done(self, clinic: Clinic):
        clinic.post(CHECK_INS, PATIENT_THEMSELVES, {"sessions": [{"done_on": "2026-11-24", "minutes": 30}]})

        answer = clinic.get(f"/plans/{PLAN}", PHYSIOLOGIST)

        assert answer.status_code == 200
        assert answer.json == {
            "id": str(PLAN),
            "version": 2,
            "patient_id": str(PATIENT),
            "program_id": str(PROGRAM),
            "revision": 1,
            "status": "active",
            "starts_on": "2026-11-23",
            "opened_at": "2026-11-23T09:00:00Z",
            "closed_at": None,
            "due": {"check_in_on": "2026-12-05", "phq9_on": "2026-12-07"},
            "weeks": [
                {
                    "number": 1,
                    "starts_on": "2026-11-23",
                    "ends_on": "2026-11-29",
                    "complete": False,
                    "sessions_prescribed": 3,
                    "sessions_excused": 0,
                    "sessions_done": 1,
                    "minutes_prescribed": 90,
                    "minutes_excused": 0,
                    "minutes_done": 30,
                    "adherence": {"frequency": 33.3, "time": 33.3, "overall": 11.1, "band": "low"},
                }
            ],
        }

    def test_is_not_answered_from_a_copy_for_its_weeks_pass_by_themselves(self, clinic: Clinic):
        assert "ETag" not in clinic.get(f"/plans/{PLAN}", PHYSIOLOGIST).headers

    def test_stands_on_the_list_of_its_patient(self, clinic: Clinic):
        (row,) = items(clinic.get(f"/plans?patient_id={PATIENT}&status=active", COORDINATOR))

        assert (row["id"], row["program_id"], row["check_in_due_on"]) == (str(PLAN), str(PROGRAM), "2026-11-30")
        assert items(clinic.get(f"/plans?patient_id={NOWHERE}", COORDINATOR)) == []

    def test_has_nothing_due_once_the_program_ended(self, clinic: Clinic, running: Inbox):
        running.carry_out(happened(ProgramCompleted, 4, originator_id=PROGRAM))

        answer = clinic.get(f"/plans/{PLAN}", COORDINATOR)

        assert answer.json["status"] == "completed"
        assert answer.json["due"] == {"check_in_on": None, "phq9_on": None}


class TestCheckingIn:
    def test_answers_with_what_was_taken_and_what_is_due_next(self, clinic: Clinic):
        told = {
            "mood": 4,
            "energy": 3,
            "sleep": 6,
            "well_being": 5,
            "sessions": [{"done_on": "2026-11-27", "minutes": 25, "rpe": 13, "activity": "17200"}],
            "words": "Slept badly,\nbut walked.",
        }

        answer = clinic.post(CHECK_INS, PATIENT_THEMSELVES, told)

        assert (answer.status_code, answer.headers["ETag"]) == (201, '"2"')
        assert answer.headers["Location"] == f"/v1{CHECK_INS}"
        assert answer.json == {
            "id": str(PLAN),
            "version": 2,
            "check_in": {
                "event_id": f"{PLAN}-2",
                "occurred_at": "2026-11-28T09:00:00Z",
                **told,
                "symptoms": [],
                "feels_unsafe": False,
            },
            "red_flags": [],
            "crisis": None,
            "due": {"check_in_on": "2026-12-05", "phq9_on": "2026-12-07"},
        }

    def test_is_open_to_a_member_of_the_team_on_the_patients_behalf(self, clinic: Clinic):
        clinic.post(CHECK_INS, COORDINATOR, {"mood": 4, "occurred_at": "2026-11-27T20:00:00-07:00"})

        (row,) = items(clinic.get(CHECK_INS, PATIENT_THEMSELVES))
        assert (row["recorded_by"], row["recorded_as"]) == ("kim", "care-coordinator")
        assert row["occurred_at"] == "2026-11-28T03:00:00Z"

    @pytest.mark.parametrize(
        "told",
        [
            {"mood": 11},
            {"mood": -1},
            {"mood": 4.5},
            {"sessions": [{"done_on": "2026-11-27", "minutes": 0}]},
            {"sessions": [{"done_on": "2026-11-27", "minutes": 30, "rpe": 5}]},
            {"sessions": [{"done_on": "2026-11-27", "minutes": 30, "rpe": 21}]},
            {"sessions": [{"done_on": "2026-11-27", "minutes": 30, "activity": "walk "}]},
            {"sessions": [{"minutes": 30}]},
            {"symptoms": ["RF_HICCUPS"]},
            {"feels_unsafe": "no"},
            {"occurred_at": "2026-11-27T20:00:00"},
            {"pulse": 80},
        ],
    )
    def test_refuses_words_that_mean_nothing(self, clinic: Clinic, told: dict[str, Any]):
        assert clinic.post(CHECK_INS, PATIENT_THEMSELVES, told).status_code == 422

    @pytest.mark.parametrize(
        ("told", "code"),
        [
            ({}, "empty-check-in"),
            ({"mood": 4, "occurred_at": "2026-11-28T10:00:00Z"}, "in-the-future"),
            ({"mood": 4, "occurred_at": "2026-11-22T10:00:00Z"}, "before-the-plan"),
            ({"sessions": [{"done_on": "2026-11-29", "minutes": 30}]}, "session-out-of-time"),
        ],
    )
    def test_is_refused_by_the_rules(self, clinic: Clinic, told: dict[str, Any], code: str):
        answer = clinic.post(CHECK_INS, PATIENT_THEMSELVES, told)

        assert (answer.status_code, answer.json["type"]) == (409, f"urn:caretrail:problem:{code}")

    def test_is_listed_the_latest_first(self, clinic: Clinic):
        for moment, mood in (("2026-11-25T10:00:00Z", 3), ("2026-11-27T10:00:00Z", 5), ("2026-11-26T10:00:00Z", 4)):
            clinic.post(CHECK_INS, PATIENT_THEMSELVES, {"mood": mood, "occurred_at": moment})

        assert [row["mood"] for row in items(clinic.get(CHECK_INS, COORDINATOR))] == [5, 4, 3]
        late = clinic.get(f"{CHECK_INS}?since=2026-11-26T10:00:00Z", COORDINATOR)
        assert [row["mood"] for row in items(late)] == [5, 4]

    def test_shows_its_sessions_in_the_list(self, clinic: Clinic):
        session = {"done_on": "2026-11-27", "minutes": 25, "rpe": 13, "activity": "17200"}

        clinic.post(CHECK_INS, PATIENT_THEMSELVES, {"sessions": [session]})

        (row,) = items(clinic.get(CHECK_INS, COORDINATOR))
        assert row["sessions"] == [session]


class TestACallForHelp:
    @pytest.mark.parametrize("told", [{"feels_unsafe": True}, {"words": "I want to die."}, {"symptoms": ["RF_CHEST"]}])
    def test_is_answered_with_whom_to_call(self, clinic: Clinic, told: dict[str, Any]):
        answer = clinic.post(CHECK_INS, PATIENT_THEMSELVES, told)

        assert answer.status_code == 201
        assert (answer.json["crisis"]["call_or_text"], answer.json["crisis"]["emergency"]) == ("988", "911")
        assert "911" in answer.json["crisis"]["text"]

    def test_is_answered_with_what_to_do_first(self, clinic: Clinic):
        answer = clinic.post(CHECK_INS, PATIENT_THEMSELVES, {"symptoms": ["RF_PALP"]})

        assert answer.json["crisis"] is None
        assert answer.json["red_flags"] == [
            {
                "code": "RF_PALP",
                "label": "palpitations or irregular pulse",
                "action": "stop and rest; seen by a physician the same day",
            }
        ]

    def test_is_answered_alike_when_it_is_repeated_and_raises_one_alert(self, clinic: Clinic, monitoring: Monitoring):
        told = {"feels_unsafe": True}
        first = clinic.post(CHECK_INS, PATIENT_THEMSELVES, told, key="one")
        clinic.post(CHECK_INS, PATIENT_THEMSELVES, {"mood": 5})

        again = clinic.post(CHECK_INS, PATIENT_THEMSELVES, told, key="one")

        assert (again.status_code, again.json) == (201, first.json)
        assert again.json["crisis"] is not None
        assert len(monitoring.query(select(check_ins))) == 2
        assert [row["evidence"] for row in monitoring.query(select(alerts))] == [1]

    def test_is_taken_while_the_program_is_paused(self, clinic: Clinic, running: Inbox):
        running.carry_out(happened(ProgramPaused, 4, originator_id=PROGRAM))

        assert clinic.post(CHECK_INS, PATIENT_THEMSELVES, {"feels_unsafe": True}).status_code == 201


class TestAMeasure:
    def test_is_answered_against_the_baseline(self, clinic: Clinic):
        answer = clinic.post(MEASURES, PATIENT_THEMSELVES, {**PHQ9_OF_14, "difficulty": 2})

        assert (answer.status_code, answer.headers["Location"]) == (201, f"/v1/plans/{PLAN}")
        assert answer.json == {
            "id": str(PLAN),
            "version": 2,
            "measure": {
                "event_id": f"{PLAN}-2",
                "occurred_at": "2026-11-28T09:00:00Z",
                "instrument": "PHQ9",
                "result": {
                    "answers": [2, 2, 2, 2, 2, 2, 2, 0, 0],
                    "total": 14,
                    "band": "moderate",
                    "provisional": False,
                    "missing": 0,
                    "invalid": None,
                    "difficulty": 2,
                    "rules_version": "2026-11-23",
                },
                "baseline": 9,
                "change": 5,
                "flags": [],
            },
            "due": {"check_in_on": "2026-11-30", "phq9_on": "2026-12-12"},
        }

    def test_takes_null_for_an_item_that_was_left_out(self, clinic: Clinic):
        answer = clinic.post(MEASURES, COORDINATOR, {"instrument": "PHQ9", "answers": [2, 2, None, 2, 1, 2, 1, 0, 0]})

        result = answer.json["measure"]["result"]
        assert (result["total"], result["provisional"], result["missing"]) == (11, True, 1)

    @pytest.mark.parametrize(
        "told",
        [
            {"instrument": "PHQ9", "answers": [0] * 8},
            {"instrument": "PHQ9", "answers": [0] * 10},
            {"instrument": "GAD7", "answers": [0] * 9},
            {"instrument": "GAD7", "answers": [0, 0, 0, 0, 0, 0, 4]},
            {"instrument": "PCL5", "answers": [0] * 20},
            {"instrument": "PHQ9", "answers": [0] * 9, "difficulty": 4},
            {"answers": [0] * 9},
        ],
    )
    def test_refuses_what_is_no_questionnaire(self, clinic: Clinic, told: dict[str, Any]):
        assert clinic.post(MEASURES, COORDINATOR, told).status_code == 422

    def test_goes_into_the_patients_series(self, clinic: Clinic):
        clinic.post(MEASURES, COORDINATOR, PHQ9_OF_14)

        answer = clinic.get(f"{SERIES}?instrument=PHQ9", PATIENT_THEMSELVES)

        (series,) = answer.json["series"]
        assert (answer.json["patient_id"], series["instrument"]) == (str(PATIENT), "PHQ9")
        assert (series["baseline"]["total"], series["baseline"]["source"]) == (9, "screening")
        assert series["points"][1] == {
            "measured_at": "2026-11-28T09:00:00Z",
            "source": "monitoring",
            "total": 14,
            "band": "moderate",
            "provisional": False,
            "baseline": 9,
            "change": 5,
            "reading": {
                "improvement": -55.6,
                "direction": "worse",
                "meaningful": "yes",
                "reliable": "no",
                "response": "none",
                "remission": "no",
                "deterioration": "review",
            },
        }

    def test_stands_beside_the_other_instruments(self, clinic: Clinic):
        answer = clinic.get(SERIES, COORDINATOR)

        assert [series["instrument"] for series in answer.json["series"]] == ["GAD7", "PHQ9"]


class TestAnAlert:
    def test_stands_on_the_list_of_the_team(self, clinic: Clinic, alert_path: str):
        (row,) = items(clinic.get("/alerts?level=E0", PHYSIOLOGIST))

        assert row == {
            "id": alert_path.removeprefix("/alerts/"),
            "patient_id": str(PATIENT),
            "plan_id": str(PLAN),
            "level": "E0",
            "trigger": "EMERGENCY_SIGN",
            "signs": ["RF_CHEST"],
            "standing": "open",
            "raised_at": "2026-11-28T09:00:00Z",
            "acknowledge_by": "2026-11-28T09:15:00Z",
            "review_by": "2026-11-28T09:00:00Z",
            "acknowledged_by": None,
            "evidence": 1,
            "late": False,
            "review_late": False,
        }

    def test_is_listed_by_urgency(self, clinic: Clinic, clock: ShiftedClock):
        clinic.post(CHECK_INS, COORDINATOR, {"symptoms": ["RF_MSK"]})
        clinic.post(CHECK_INS, COORDINATOR, {"symptoms": ["RF_PALP"]})
        clock.forward(timedelta(minutes=1))
        clinic.post(CHECK_INS, COORDINATOR, {"symptoms": ["RF_CHEST"]})

        assert [row["level"] for row in items(clinic.get("/alerts", COORDINATOR))] == ["E0", "E1", "E2"]
        assert [row["level"] for row in items(clinic.get("/alerts?level=E1", COORDINATOR))] == ["E1"]
        assert items(clinic.get(f"/alerts?patient_id={NOWHERE}", COORDINATOR)) == []

    def test_is_found_page_by_page(self, clinic: Clinic):
        clinic.post(CHECK_INS, COORDINATOR, {"symptoms": ["RF_MSK", "RF_PALP", "RF_CHEST"]})

        path, levels = "/alerts?limit=1", []
        while path:
            page = clinic.get(path, COORDINATOR)
            levels += [row["level"] for row in items(page)]
            path = (page.json["next"] or "").removeprefix("/v1")

        assert levels == ["E0", "E1", "E2"]

    @pytest.mark.parametrize(("minutes", "late"), [(15, False), (16, True)])
    def test_is_late_once_its_clock_has_run_out(
        self, clinic: Clinic, clock: ShiftedClock, alert_path: str, minutes: int, late: bool
    ):
        clock.forward(timedelta(minutes=minutes))

        (row,) = items(clinic.get("/alerts", COORDINATOR))
        assert row["late"] is late

    def test_is_not_late_once_somebody_has_taken_it(self, clinic: Clinic, clock: ShiftedClock, alert_path: str):
        clinic.post(f"{alert_path}/acknowledge", PHYSIOLOGIST)
        clock.forward(timedelta(minutes=16))

        (row,) = items(clinic.get("/alerts", COORDINATOR))
        assert (row["late"], row["standing"], row["acknowledged_by"]) == (False, "acknowledged", "erin")

    def test_is_taken_and_closed_by_a_person(self, clinic: Clinic, alert_path: str):
        taken = clinic.post(f"{alert_path}/acknowledge", PHYSIOLOGIST)
        closed = clinic.post(f"{alert_path}/resolve", PHYSIOLOGIST, {"reason": "Seen in the emergency room."})

        assert [
            (answer.status_code, answer.json["standing"], answer.json["allowed"]) for answer in (taken, closed)
        ] == [
            (200, "acknowledged", ["resolve"]),
            (200, "resolved", []),
        ]
        assert (closed.json["resolved_by"], closed.json["resolution"]) == ("erin", "Seen in the emergency room.")
        assert closed.json["evidence"] == [f"{PLAN}-2"]
        assert items(clinic.get("/alerts", COORDINATOR)) == []
        assert len(items(clinic.get("/alerts?open=false", COORDINATOR))) == 1

    def test_is_not_closed_before_it_is_taken(self, clinic: Clinic, alert_path: str):
        answer = clinic.post(f"{alert_path}/resolve", PHYSIOLOGIST, {"reason": "Seen."})

        assert (answer.status_code, answer.json["allowed"]) == (409, ["acknowledge"])

    def test_is_not_closed_without_a_reason(self, clinic: Clinic, alert_path: str):
        clinic.post(f"{alert_path}/acknowledge", PHYSIOLOGIST)

        assert clinic.post(f"{alert_path}/resolve", PHYSIOLOGIST, {"reason": " "}).status_code == 422

    def test_shows_its_history(self, clinic: Clinic, alert_path: str):
        answer = clinic.get(alert_path, COORDINATOR)

        assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
        assert (answer.json["trigger"], answer.json["allowed"]) == ("EMERGENCY_SIGN", ["acknowledge"])
        assert "resolution" not in answer.json


class TestARefusedReaction:
    def test_waits_for_a_coordinator(self, clinic: Clinic, running: Inbox):
        running.carry_out(happened(ProgramCompleted, 4, originator_id=PROGRAM))
        running.carry_out(happened(ProgramPaused, 5, originator_id=PROGRAM))
        (row,) = items(clinic.get(f"/refused-reactions?patient_id={PATIENT}", COORDINATOR))
        assert (row["policy"], row["cause"]) == ("pause_the_plan_with_its_program", f"{PROGRAM}-5")

        answer = clinic.post(f"/refused-reactions/{row['id']}/settle", COORDINATOR, {"resolution": "Nothing to do."})

        assert (answer.status_code, answer.json["settled"]) == (200, True)
        assert items(clinic.get("/refused-reactions", COORDINATOR)) == []


class TestWhoSeesWhat:
    def test_is_decided_for_every_route(self, clinic: Clinic):
        without = routes_without_row(clinic.app)

        assert without == []
        assert len(ACCESS) == 10

    @pytest.mark.parametrize("path", [f"/plans/{PLAN}", CHECK_INS, SERIES])
    @pytest.mark.parametrize("caller", [OUTSIDER, ANOTHER_PATIENT], ids=lambda caller: caller.role)
    def test_is_hidden_from_whoever_stands_outside(self, clinic: Clinic, path: str, caller: Actor):
        assert clinic.get(path, caller).status_code == 404

    @pytest.mark.parametrize("caller", [OUTSIDER, ANOTHER_PATIENT], ids=lambda caller: caller.role)
    def test_is_an_empty_list_outside(self, clinic: Clinic, caller: Actor):
        assert items(clinic.get("/plans", caller)) == []

    @pytest.mark.parametrize("path", [CHECK_INS, MEASURES])
    def test_takes_no_entry_from_outside(self, clinic: Clinic, path: str):
        told = {"mood": 4} if path == CHECK_INS else PHQ9_OF_14

        assert clinic.post(path, OUTSIDER, told).status_code == 404
        assert clinic.post(path, ANOTHER_PATIENT, told).status_code == 404

    def test_hides_alerts_from_outside(self, clinic: Clinic, alert_path: str):
        assert clinic.get(alert_path, OUTSIDER).status_code == 404
        assert clinic.post(f"{alert_path}/acknowledge", OUTSIDER).status_code == 404
        assert items(clinic.get("/alerts", OUTSIDER)) == []

    def test_keeps_alerts_among_the_team(self, clinic: Clinic, alert_path: str):
        assert clinic.get(alert_path, PATIENT_THEMSELVES).status_code == 403
        assert clinic.get("/alerts", PATIENT_THEMSELVES).status_code == 403

    def test_ends_with_the_care_team(self, clinic: Clinic, running: Inbox):
        running.carry_out(happened(PatientTeamMemberLeft, 9, originator_id=PATIENT, member_id="erin"))

        assert clinic.get(f"/plans/{PLAN}", PHYSIOLOGIST).status_code == 404

    @pytest.mark.parametrize("path", [f"/plans/{PLAN}", "/alerts"])
    def test_is_not_for_an_auditor_who_reads_history(self, clinic: Clinic, path: str):
        assert clinic.get(path, AUDITOR).status_code == 403

    def test_has_one_answer_for_a_plan_that_is_not_there(self, clinic: Clinic):
        assert clinic.get(f"/plans/{NOWHERE}", COORDINATOR).status_code == 404
