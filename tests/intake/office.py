"""Intake's HTTP side on a log of its own, and tokens for whoever calls."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from werkzeug.test import TestResponse

from events.base import Actor
from services.intake.application import Intake
from services.intake.service import SERVICE
from shared.clock import ShiftedClock
from tests.http import office as web

CORA = ("cora", "care-coordinator")
CARL = ("carl", "care-coordinator")
PHIL = ("phil", "physician")
PSYCHE = ("psyche", "psychiatrist")
TESS = ("tess", "personal-trainer")

REGISTER = {
    "family_name": "Keller",
    "given_name": "Mira",
    "birth_date": "1984-05-17",
    "sex": "female",
    "time_zone": "Europe/Zurich",
    "language": "de-CH",
    "identifiers": [{"system": "https://clinic.example/mrn", "value": "4711"}],
}
HISTORY = {"known_disease": False, "symptoms": False, "regularly_active": False, "treatment": {"active": True}}


class Office(web.Office):
    """Intake's HTTP side; who calls is a subject with its roles."""

    def __init__(self, intake: Intake, clock: ShiftedClock, folder: Path):
        super().__init__(SERVICE, intake, clock, folder)

    def get(self, path: str, by: tuple[str, ...] = CORA, *, patient_id: UUID | None = None) -> TestResponse:
        """GET as somebody."""
        return self._client.get(f"/v1{path}", headers=self._token(by, patient_id))

    def post(self, path: str, body: Any = None, by: tuple[str, ...] = CORA, **headers: str) -> TestResponse:
        """POST as somebody, under a new Idempotency-Key; `If_Match` and the like are further headers."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.post(
            f"/v1{path}", json=body, headers={"Idempotency-Key": str(uuid4()), **self._token(by, None), **given}
        )

    def _token(self, by: tuple[str, ...], patient_id: UUID | None) -> dict[str, str]:
        subject, role, *also = by
        return self.bearer(Actor(id=subject, role=role), tuple(also), patient_id)

    # Given

    def a_patient(self, **words: Any) -> str:
        """The path of a patient whom Cora registered."""
        number = [{"system": "https://clinic.example/mrn", "value": str(uuid4())}]
        answer = self.post("/patients", {**REGISTER, "identifiers": number, **words})
        assert answer.status_code == 201, answer.json
        return f"/patients/{answer.json['id']}"

    def let_in(self, patient: str, by: tuple[str, ...]) -> None:
        """Let somebody join the patient's care team."""
        assert self.post(f"{patient}/team-members", {"member_id": by[0], "role": by[1]}).status_code == 200

    def a_screening(self, patient: str) -> str:
        """The path of a screening that was just opened."""
        return self.post(f"{patient}/screenings", {}).headers["Location"].removeprefix("/v1")

    def a_full_screening(self, patient: str, phq9: tuple[int, ...] = (0,) * 9, **history: Any) -> str:
        """The path of a screening that only waits for its conclusion."""
        path = self.a_screening(patient)
        parts = {
            "medical-history": {**HISTORY, **history},
            "questionnaires": {"instrument": "PHQ9", "answers": list(phq9)},
            "vitals": {"systolic": 128, "diastolic": 78, "resting_heart_rate": 72, "with_symptoms": False},
            "activity": {"days_per_week": 2, "minutes_per_day": 20},
            "preferences": {"liked": ["walking"], "barriers": ["tired in the evening"], "goals": "Climb stairs"},
        }
        for step, body in parts.items():
            answer = self.post(f"{path}/{step}", body)
            assert answer.status_code == 200, answer.json
        self.post(f"{path}/questionnaires", {"instrument": "GAD7", "answers": [0] * 7})
        return path

    def conclude(self, path: str, by: tuple[str, ...] = CORA) -> TestResponse:
        """Conclude a screening as it stands."""
        return self.post(f"{path}/conclusion", None, by, If_Match=self.get(path, by).headers["ETag"])
