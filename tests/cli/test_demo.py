"""`caretrail demo`, for real: six patients over seven weeks, interrupted, gone on with, and begun anew."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from services.cli.demo import OPENS_AT, first_day
from tests.cli.practice import Demo, timeline
from tests.cli.terminal import caretrail
from tests.journeys.journey import eventually

OVERDUE = "caretrail.monitoring.alert-overdue.v1"

pytestmark = [pytest.mark.xdist_group("cli-demo"), pytest.mark.timeout(240)]


@dataclass
class Told:
    """What a demo looked like when its stories were told, and how it ended."""

    home: Path
    output: str
    seconds: float
    password: str
    patients: dict[str, str]
    records: dict[str, dict[str, Any]]
    timelines: dict[str, list[dict[str, Any]]]
    alerts: list[dict[str, Any]]
    exit_code: int
    seconds_to_stop: float

    def types(self) -> Counter[str]:
        """Count all facts by type."""
        return sum(map(types_of, self.timelines.values()), Counter())

    def moments(self, name: str, service: str) -> list[datetime]:
        """Give when a service recorded its facts of a patient."""
        facts = self.timelines[name]
        return [datetime.fromisoformat(fact["recorded_at"]) for fact in facts if fact["service"] == service]


def types_of(facts: list[dict[str, Any]]) -> Counter[str]:
    """Count facts by type."""
    return Counter(fact["type"] for fact in facts)


def looked_at(demo: Demo, seconds: float) -> Told:
    """Look at everything over HTTP, then press Ctrl-C."""
    with demo.visit("aude") as aude, demo.visit("anna") as anna:
        # The suite's clock is the present now, and a timer notes by itself that nobody has looked at Chiara's alert.
        eventually(lambda: OVERDUE in types_of(timeline(aude, demo.patients["chiara"])), "the alert is overdue")
        path = "/history/v1/patients/{}/record".format
        records = {name: aude.get(path(id)).raise_for_status().json() for name, id in demo.patients.items()}
        timelines = {name: timeline(aude, id) for name, id in demo.patients.items()}
        alerts = anna.get("/monitoring/v1/alerts").raise_for_status().json()["items"]
    password, patients = demo.password, demo.patients
    exit_code, stopping = demo.stop()
    return Told(demo.home, demo.output, seconds, password, patients, records, timelines, alerts, exit_code, stopping)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The first start, told to its end without a break."""
    demo = Demo(tmp_path_factory.mktemp("demo") / "home")
    try:
        demo.until("Ctrl-C")
        yield looked_at(demo, monotonic() - demo.began_at)
    finally:
        demo.end()


class TestTheStories:
    def test_are_told_in_time_and_leave_nothing_behind_that_must_be_looked_at(self, told: Told):
        assert told.seconds < 120
        assert "Traceback" not in told.output
        assert '"level": "error"' not in (told.home / "demo.log").read_text()

    def test_lie_in_the_eight_weeks_before_now_each_log_in_its_order(self, told: Told):
        now = datetime.now(UTC)

        for name in told.patients:
            for service in ("intake", "referral", "prescription", "monitoring"):
                moments = told.moments(name, service)
                assert all(earlier < later for earlier, later in pairwise(moments))
                assert all(now - timedelta(days=57) < moment < now for moment in moments)
        first, last = (told.moments("ada", service) for service in ("intake", "monitoring"))
        assert last[-1] - first[0] > timedelta(days=40)

    def test_are_complete_and_hold_no_refused_reaction(self, told: Told):
        assert all(record["complete"] for record in told.records.values())
        assert not [type for type in told.types() if "refused" in type]

    def test_name_people_by_their_names_and_speak_american_english(self, told: Told):
        for record in told.records.values():
            assert (record["patient"]["language"], record["patient"]["time_zone"]) == ("en-US", "America/New_York")
            assert {member["member_id"] for member in record["care_team"]} < {"anna", "paul", "erika", "ben", "tara"}


class TestThePatients:
    def test_ada_was_cleared_gets_better_and_walks_longer(self, told: Told):
        record = told.records["ada"]

        (screening,) = record["screenings"]
        assert screening["conclusion"]["permission"] == "clearance-needed"
        assert [cleared["outcome"] for cleared in screening["clearances"]] == ["cleared-with-limits"]
        assert [(each["kind"], each["status"]) for each in record["referrals"]] == [
            ("physician-clearance", "acknowledged"),
            ("exercise-physiologist", "accepted"),
        ]
        (program,) = record["programs"]
        assert (program["status"], program["revision"]) == ("active", 2)
        assert [(c["path"], c["before"], c["after"]) for c in program["revisions"][1]["changes"]] == [
            ("components.0.minutes", "20", "30")
        ]
        assert totals(record, "PHQ9") == [11, 10, 8, 5]
        assert record["alerts"] == []

    def test_bruno_was_ready_at_once_and_grows_calmer(self, told: Told):
        record = told.records["bruno"]

        assert record["screenings"][0]["conclusion"]["permission"] == "ready"
        assert {component["activity"] for component in record["programs"][0]["components"]} == {"15670", "17200"}
        assert totals(record, "GAD7") == [10, 8, 6, 4]
        assert totals(record, "PHQ9") == [4, 4, 3, 2]
        assert record["alerts"] == []

    def test_chiara_is_paused_and_a_physician_is_asked_urgently(self, told: Told):
        record = told.records["chiara"]

        assert [program["status"] for program in record["programs"]] == ["paused"]
        assert [(each["kind"], each["priority"], each["status"]) for each in record["referrals"]] == [
            ("urgent-physician", "urgent", "requested")
        ]
        (alert,) = record["alerts"]
        assert alert["signs"] == ["RF_CHEST"]
        assert alert["status"] == "overdue"
        by_themselves = [fact for fact in told.timelines["chiara"] if fact["actor"]["id"].startswith("policy:")]
        flag = next(fact for fact in told.timelines["chiara"] if fact["type"].endswith("red-flag-raised.v1"))
        assert [fact["type"].split(".")[2] for fact in by_themselves if fact["caused_by"] == flag["event_id"]] == [
            "program-paused",
            "requested",
        ]

    def test_dev_has_just_begun_with_a_draft(self, told: Told):
        record = told.records["dev"]

        assert record["screenings"][0]["conclusion"]["permission"] == "ready"
        assert [program["status"] for program in record["programs"]] == ["draft"]
        assert record["monitoring"] == []

    def test_eva_was_assessed_by_a_clinician_before_anything_else_and_exercise_waits(self, told: Told):
        record = told.records["eva"]

        (screening,) = record["screenings"]
        (flag,) = screening["safety_flags"]
        assert (flag["flag"], flag["raised_by"], flag["by"], flag["hold"]) == ("SI_POSITIVE", "anna", "tara", True)
        conclusion = screening["conclusion"]
        assert (conclusion["permission"], conclusion["intensity_cap"]) == ("hold", "none")
        assert flag["raised_at"] < flag["at"] < conclusion["at"]
        assert record["programs"] == []

    def test_farid_got_worse_and_was_looked_at_within_72_hours(self, told: Told):
        record = told.records["farid"]

        assert totals(record, "PHQ9") == [7, 7, 7, 13]
        (alert,) = record["alerts"]
        assert (alert["level"], alert["trigger"], alert["status"]) == ("E2", "PHQ9_DETERIORATION", "resolved")
        (program,) = record["programs"]
        assert (program["status"], program["revision"]) == ("active", 2)
        revision = program["revisions"][1]
        assert revision["triggered_by"] == alert["event_id"]
        assert revision["at"] < alert["review_by"]

    def test_leave_one_alert_for_the_newcomer_to_look_at(self, told: Told):
        assert [alert["patient_id"] for alert in told.alerts] == [told.patients["chiara"]]


def totals(record: dict[str, Any], instrument: str) -> list[int]:
    """Give the totals of an instrument in their order."""
    return [measure["result"]["total"] for measure in record["measures"] if measure["instrument"] == instrument]


class TestStopping:
    def test_takes_seconds_and_is_no_accident(self, told: Told):
        assert told.exit_code == 130
        assert told.seconds_to_stop < 15
        assert told.output.endswith("Stopped; `caretrail demo` goes on from here.\n")


class TestTheNextStart:
    def test_takes_seconds_and_keeps_everything(self, told: Told):
        demo = Demo(told.home)
        try:
            demo.until("Ctrl-C")
            seconds = monotonic() - demo.began_at
            again = looked_at(demo, seconds)
        finally:
            demo.end()

        assert "Bringing in" not in again.output
        assert seconds < 45
        assert (again.password, again.patients) == (told.password, told.patients)
        assert again.timelines == told.timelines

    def test_lets_the_suites_clock_be_the_present(self, told: Told):
        assert not (told.home / "demo.clock").exists()


class TestAnInterruptedTelling:
    def test_ends_at_once_and_goes_on_without_doubling_anything(self, told: Told, tmp_path: Path):
        demo = Demo(tmp_path / "home")
        try:
            demo.until("Bringing in")
            day_18 = first_day(datetime.now(UTC)) + timedelta(days=18)
            while datetime.fromisoformat((demo.home / "demo.clock").read_text()) < day_18:
                assert demo.process.poll() is None, demo.output
            exit_code, seconds = demo.stop(signal.SIGTERM)
        finally:
            demo.end()
        assert (exit_code, "Traceback" in demo.output) == (143, False)
        assert seconds < 15

        second = Demo(demo.home)
        try:
            second.until("Ctrl-C")
            after = looked_at(second, 0.0)
        finally:
            second.end()

        assert after.types() == told.types()
        assert len(after.patients) == 6


class TestTheHome:
    def test_of_somebody_else_is_left_alone(self, tmp_path: Path):
        (tmp_path / "intake.sqlite").write_text("precious")

        for words in ((), ("--reset",)):
            result = caretrail("demo", *words, environment={"CARETRAIL_HOME": str(tmp_path)})

            assert result.exit_code == 1
            assert result.stderr.startswith(f"Error: {tmp_path} holds data that no demo made.")
        assert (tmp_path / "intake.sqlite").read_text() == "precious"

    def test_must_be_where_the_data_is(self, tmp_path: Path):
        environment = {"CARETRAIL_HOME": str(tmp_path), "INTAKE_DATABASE_URL": "sqlite:////elsewhere/intake.sqlite"}

        result = caretrail("demo", environment=environment)

        assert result.exit_code == 1
        assert "unset the settings ..._DATABASE_URL" in result.stderr
        assert [*tmp_path.iterdir()] == []

    def test_of_a_demo_is_begun_anew_and_nothing_else_in_it_is_touched(self, told: Told):
        (told.home / "letter.txt").write_text("mine")
        demo = Demo(told.home, words=("--reset",))
        try:
            demo.until("Bringing in")
            demo.stop()
        finally:
            demo.end()

        assert (told.home / "letter.txt").read_text() == "mine"
        assert told.password not in (told.home / "demo.json").read_text()


class TestTheFirstDay:
    @pytest.mark.parametrize(
        ("now", "first"),
        [
            ("2026-11-23T13:00:00", "2026-09-28"),
            ("2026-11-24T00:00:00", "2026-10-05"),
            ("2026-11-29T23:59:59", "2026-10-05"),
        ],
    )
    def test_is_a_monday_in_the_last_eight_weeks(self, now: str, first: str):
        found = first_day(datetime.fromisoformat(now).replace(tzinfo=UTC))

        assert found == datetime.fromisoformat(first).replace(tzinfo=UTC) + OPENS_AT
