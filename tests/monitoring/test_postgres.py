"""The same worklists on PostgreSQL: types, order and pages are the database's own."""

from collections.abc import Iterator

import pytest

from services.monitoring.worklists import metadata
from shared.clock import ShiftedClock
from shared.eventlog import LogRecorder, migrate, open_log
from tests.monitoring.conftest import Clinic
from tests.monitoring.given import COORDINATOR, PATIENT, PATIENT_THEMSELVES, PLAN
from tests.servers import database_name, url_as_role


@pytest.fixture
def recorder(postgres_database: str, clock: ShiftedClock) -> Iterator[LogRecorder]:
    """An empty log on PostgreSQL."""
    url = url_as_role(postgres_database, f"{database_name(postgres_database)}_monitoring", "secret")
    migrate(url, postgres_database, metadata)
    opened = open_log(url, clock)
    yield opened
    opened.close()


class TestOnPostgres:
    def test_entries_alerts_and_series_answer_as_on_sqlite(self, clinic: Clinic):
        session = {"done_on": "2026-11-27", "minutes": 25, "rpe": 13, "activity": "17200"}
        told = {"mood": 4, "sessions": [session], "symptoms": ["RF_MSK", "RF_CHEST"], "feels_unsafe": True}

        clinic.post(f"/plans/{PLAN}/check-ins", PATIENT_THEMSELVES, told)
        clinic.post(f"/plans/{PLAN}/measures", COORDINATOR, {"instrument": "PHQ9", "answers": [2] * 7 + [0, 0]})

        (check_in,) = clinic.get(f"/plans/{PLAN}/check-ins", COORDINATOR).json["items"]
        assert (check_in["mood"], check_in["sessions"], check_in["feels_unsafe"]) == (4, [session], True)
        first = clinic.get("/alerts?limit=2", COORDINATOR).json
        second = clinic.get(first["next"].removeprefix("/v1"), COORDINATOR).json
        assert [row["trigger"] for row in first["items"]] != [row["trigger"] for row in second["items"]]
        assert [row["level"] for row in first["items"] + second["items"]] == ["E0", "E0", "E2", "E2"]
        (plan,) = clinic.get("/plans?status=active", PATIENT_THEMSELVES).json["items"]
        assert (plan["check_in_due_on"], plan["phq9_due_on"]) == ("2026-12-05", "2026-12-12")
        (series,) = clinic.get(f"/patients/{PATIENT}/measures?instrument=PHQ9", COORDINATOR).json["series"]
        assert [(point["total"], point["change"]) for point in series["points"]] == [(9, None), (14, 5)]

    def test_evidence_joins_the_open_alert(self, clinic: Clinic):
        for symptom in ("RF_CHEST", "RF_SYNCOPE"):
            clinic.post(f"/plans/{PLAN}/check-ins", PATIENT_THEMSELVES, {"symptoms": [symptom]})

        (row,) = clinic.get("/alerts?level=E0", COORDINATOR).json["items"]
        assert (row["signs"], row["evidence"]) == (["RF_CHEST", "RF_SYNCOPE"], 2)
