"""Parked events over HTTP, alike in every service: a coordinator learns what does not happen, by ids only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from events.base import Actor, lane_of
from events.envelope import CloudEvent
from events.vocabulary import CATALOGUE
from services.suite import SERVICES
from shared.clock import ShiftedClock
from shared.eventlog import Application, Move, Position, open_log
from shared.messaging import Inbox
from shared.messaging.parking import Kind
from shared.service import Service
from tests.http.log import a_log
from tests.http.office import Office
from tests.messaging.frozen import EPOCH, NOW, example

CORA = Actor(id="cora", role="care-coordinator")


@pytest.fixture(params=SERVICES, ids=lambda service: service.name)
def service(request: pytest.FixtureRequest) -> Service:
    made: Service = request.param
    return made


@pytest.fixture
def application(service: Service, tmp_path: Path) -> Iterator[Application]:
    url = a_log(tmp_path / "log.sqlite", service.worklists)
    opened = service.application(open_log(url, lambda: NOW), CATALOGUE)
    yield opened
    opened.close()


@pytest.fixture
def office(service: Service, application: Application, tmp_path: Path) -> Office:
    return Office(service, application, ShiftedClock(instant=NOW), tmp_path / "keys")


def parked(service: Service, application: Application, type_name: str, position: int, kind: Kind) -> CloudEvent:
    """Park an example."""
    event = example(type_name, position)
    lane = (event.service, lane_of(event.partitionkey))
    parking = Inbox(application, CATALOGUE, service.policies, {}, lambda: NOW).parking
    before = application.recorder.position(*lane)
    parking.park(event, Move(*lane, before, Position(EPOCH, position, event.id)), kind)
    return event


def shown(office: Office, query: str = "") -> list[dict[str, object]]:
    answer = office.get(f"/parked-events{query}", CORA)
    assert answer.status_code == 200
    items: list[dict[str, object]] = answer.get_json()["items"]
    return items


class TestParkedEvents:
    def test_are_shown_to_any_coordinator_with_why_and_whether_lives_may_depend_on_it(
        self, office: Office, application: Application, service: Service
    ):
        red_flag = parked(service, application, "caretrail.monitoring.red-flag-raised.v1", 7, Kind.FAILED)

        assert shown(office) == [
            {
                "event_id": red_flag.id,
                "upstream": "monitoring",
                "position": 7,
                "type": "caretrail.monitoring.red-flag-raised.v1",
                "patient_id": str(red_flag.partitionkey),
                "parked_at": "2026-11-23T09:00:00Z",
                "kind": "failed",
                "meaning": "its reaction failed",
                "safety": True,
            }
        ]

    def test_are_shown_with_those_that_wait_behind_them(
        self, office: Office, application: Application, service: Service
    ):
        parked(service, application, "caretrail.monitoring.red-flag-raised.v1", 7, Kind.FAILED)
        parked(service, application, "caretrail.monitoring.check-in-recorded.v1", 8, Kind.WAITS)

        assert [(row["kind"], row["safety"]) for row in shown(office)] == [("failed", True), ("waits", False)]

    def test_are_found_by_patient(self, office: Office, application: Application, service: Service):
        event = parked(service, application, "caretrail.monitoring.red-flag-raised.v1", 7, Kind.FAILED)

        of_another = shown(office, f"?patient_id={EPOCH}")
        of_theirs = shown(office, f"?patient_id={event.partitionkey}")

        assert (of_another, len(of_theirs)) == ([], 1)

    @pytest.mark.parametrize("role", ["physician", "exercise-physiologist", "patient", "auditor", "caregiver"])
    def test_are_no_matter_of_others(self, office: Office, role: str):
        assert office.get("/parked-events", Actor(id="cora", role=role)).status_code == 403
