"""The journey: one patient from registration to a changed program, over HTTP, as the people who care for them.

Each step waits for what must follow by itself; `Steps` remembers what it made, for the assertions of the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any

from tests.journeys.running import Person, RunningSuite

WITHIN = 90.0


def eventually(look: Callable[[], Any], what: str, within: float = WITHIN) -> Any:
    """Wait until something is there, and give it."""
    deadline = monotonic() + within
    while True:
        found = look()
        if found:
            return found
        assert monotonic() < deadline, f"did not happen within {within} s: {what}"
        sleep(0.05)


@dataclass
class Team:
    """The people of the journey."""

    anna: Person
    paul: Person
    erika: Person
    stranger: Person
    auditor: Person

    @classmethod
    def of(cls, suite: RunningSuite) -> Team:
        """Give everybody an account."""
        return cls(
            suite.person("anna", "care-coordinator"),
            suite.person("paul", "physician"),
            suite.person("erika", "exercise-physiologist"),
            suite.person("sven", "physician"),
            suite.person("aude", "auditor"),
        )


@dataclass
class Steps:
    """What was made on the way."""

    team: Team
    ids: dict[str, str] = field(default_factory=dict)

    # Screening

    def register(self, **changed: Any) -> str:
        """Anna registers a patient and is in the care team at once."""
        words = {
            "family_name": "Marsh",
            "given_name": "Ada",
            "birth_date": "1984-05-02",
            "sex": "female",
            "time_zone": "Europe/Zurich",
            **changed,
        }
        patient = self.team.anna.post("/intake/v1/patients", words, expect=201)
        self.ids["patient"] = patient["id"]
        return str(patient["id"])

    def screen(self, *, diabetes: bool = True, phq9: tuple[int, ...] = (2, 2, 1, 2, 1, 2, 1, 0, 0)) -> dict[str, Any]:
        """Anna opens a screening and records its parts."""
        anna = self.team.anna
        opened = anna.post(f"/intake/v1/patients/{self.ids['patient']}/screenings", {"reason": "intake"}, expect=201)
        self.ids["screening"] = opened["id"]
        here = f"/intake/v1/screenings/{opened['id']}"
        history = {
            "conditions": [{"display": "Type 2 diabetes"}] if diabetes else [],
            "known_disease": diabetes,
            "symptoms": False,
            "regularly_active": False,
            "treatment": {"discussed": True},
        }
        anna.post(f"{here}/medical-history", history)
        anna.post(f"{here}/questionnaires", {"instrument": "PHQ9", "answers": [*phq9, None]})
        anna.post(f"{here}/questionnaires", {"instrument": "GAD7", "answers": [1, 1, 1, 1, 1, 1, 0, None]})
        anna.post(
            f"{here}/vitals", {"systolic": 128, "diastolic": 78, "resting_heart_rate": 72, "with_symptoms": False}
        )
        anna.post(f"{here}/activity", {"days_per_week": 1, "minutes_per_day": 20, "strength_days_per_week": 0})
        preferences = {"liked": ["walking"], "barriers": ["early shifts"], "goals": "Sleep through the night"}
        return anna.post(f"{here}/preferences", preferences)

    def conclude(self) -> dict[str, Any]:
        """Anna concludes the screening."""
        here = f"/intake/v1/screenings/{self.ids['screening']}"
        version = self.team.anna.get(here)["version"]
        return self.team.anna.post(f"{here}/conclusion", version=version)

    # Referral

    def referral(self, kind: str, status: str = "requested") -> dict[str, Any]:
        """Wait for a referral of a kind, and give it."""
        asked = {"patient_id": self.ids["patient"], "status": status}

        def look() -> Any:
            found = self.team.anna.get("/referral/v1/referrals", **asked)["items"]
            return [referral for referral in found if referral["kind"] == kind]

        found = eventually(look, f"a referral: {kind}")[0]
        self.ids[kind] = found["id"]
        return dict(found)

    def accept(self, kind: str, by: Person) -> None:
        """A colleague receives and accepts a referral, and is soon in the care team."""
        here = f"/referral/v1/referrals/{self.ids[kind]}"
        by.post(f"{here}/receive")
        by.post(f"{here}/accept", {"first_visit_due": (datetime.now(UTC) + timedelta(days=5)).date().isoformat()})
        eventually(lambda: self.is_in_the_team(by), f"{by.username} joins the care team")
        patient = self.ids["patient"]
        for here in (f"/prescription/v1/patients/{patient}/permit", f"/history/v1/patients/{patient}/timeline"):
            eventually(lambda here=here: by.may(here), f"{by.username} is known at {here}")

    def is_in_the_team(self, person: Person) -> bool:
        """Ask intake who is in the care team."""
        team = self.team.anna.get(f"/intake/v1/patients/{self.ids['patient']}/team")
        return person.id in {member["member_id"] for member in team["members"]}

    def report(self, kind: str, by: Person, **words: Any) -> None:
        """The colleague reports and completes; Anna acknowledges: the loop is closed."""
        here = f"/referral/v1/referrals/{self.ids[kind]}"
        by.post(f"{here}/report", words)
        by.post(f"{here}/complete")
        self.team.anna.post(f"{here}/acknowledge")

    def permitted(self, by: Person) -> dict[str, Any]:
        """Wait until prescription knows that exercise is allowed."""
        here = f"/prescription/v1/patients/{self.ids['patient']}/permit"
        return dict(eventually(lambda: (found := by.get(here)) and not found["missing"] and found, "a permit"))

    # Program

    def draft(self, by: Person) -> dict[str, Any]:
        """Somebody drafts a program: brisk walks three times a week."""
        written = {"patient_id": self.ids["patient"], **WALKS, "goals": ["Sleep through the night"]}
        program = by.post("/prescription/v1/programs", written, expect=201)
        self.ids["program"] = program["id"]
        return dict(program)

    def activate(self, by: Person) -> dict[str, Any]:
        """The program starts today, and monitoring opens a plan."""
        today = datetime.now(UTC).date().isoformat()
        active = by.post(f"/prescription/v1/programs/{self.ids['program']}/activate", {"starts_on": today})
        found = eventually(lambda: self.plans(), "a monitoring plan")
        self.ids["plan"] = found[0]["id"]
        return dict(active)

    def plans(self, status: str = "active") -> list[dict[str, Any]]:
        """List the patient's plans."""
        asked = {"patient_id": self.ids["patient"], "status": status}
        return list(self.team.anna.get("/monitoring/v1/plans", **asked)["items"])

    def revise(self, by: Person, reason: str, minutes: int, triggered_by: str | None = None) -> dict[str, Any]:
        """Change how long the walks are."""
        here = f"/prescription/v1/programs/{self.ids['program']}"
        component = {**WALKS["components"][0], "minutes": minutes}
        written = {"components": [component], "goals": ["Sleep through the night"], "reason": reason}
        if triggered_by:
            written["triggered_by"] = triggered_by
        return dict(by.post(f"{here}/revise", written, version=by.get(here)["version"]))

    def program_is(self, status: str) -> dict[str, Any]:
        """Wait until the program has a status."""
        here = f"/prescription/v1/programs/{self.ids['program']}"
        anna = self.team.anna
        return dict(eventually(lambda: (found := anna.get(here))["status"] == status and found, f"program {status}"))

    # Monitoring

    def check_in(self, **words: Any) -> dict[str, Any]:
        """Anna records how the patient is, on their behalf."""
        usual = {"mood": 6, "energy": 5, "sleep": 6, "well_being": 6}
        here = f"/monitoring/v1/plans/{self.ids['plan']}/check-ins"
        return dict(self.team.anna.post(here, {**usual, **words}, expect=201))

    def phq9(self, *answers: int) -> dict[str, Any]:
        """Anna records a repeated PHQ-9."""
        here = f"/monitoring/v1/plans/{self.ids['plan']}/measures"
        return dict(self.team.anna.post(here, {"instrument": "PHQ9", "answers": list(answers)}, expect=201))

    def alerts(self) -> list[dict[str, Any]]:
        """List the patient's open alerts."""
        return list(self.team.anna.get("/monitoring/v1/alerts", patient_id=self.ids["patient"])["items"])

    # History

    def record(self, **asked: Any) -> dict[str, Any]:
        """Give the record once it is complete."""
        here = f"/history/v1/patients/{self.ids['patient']}/record"
        anna = self.team.anna
        return dict(eventually(lambda: (found := anna.get(here, **asked))["complete"] and found, "a complete record"))

    def timeline(self) -> list[dict[str, Any]]:
        """Give every fact of the patient."""
        here = f"/history/v1/patients/{self.ids['patient']}/timeline"
        return list(self.team.anna.get(here, limit=200)["items"])


WALKS: dict[str, Any] = {
    "components": [{"activity": "17200", "intensity": "moderate", "minutes": 20, "times_per_week": 3}],
}
