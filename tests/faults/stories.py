"""What the clients of the load do: fill care teams, or walk a whole small journey from registration to a red flag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.client import Client, Entry

PATIENTS = "/intake/v1/patients"
PERSON = {"given_name": "Ada", "birth_date": "1984-05-02", "time_zone": "Europe/Zurich"}
REGISTERED = ("caretrail.intake.patient-registered.v1", "caretrail.intake.patient-team-member-joined.v1")
JOINED = ("caretrail.intake.patient-team-member-joined.v1",)
OPENED = ("caretrail.intake.screening-opened.v1",)
DRAFTED = ("caretrail.prescription.program-drafted.v1",)
ACTIVATED = ("caretrail.prescription.program-activated.v1",)
CONCLUDED = ("caretrail.intake.screening-concluded.v1", "caretrail.intake.clearance-needed.v1")
UNWELL = (
    "caretrail.monitoring.check-in-recorded.v1",
    "caretrail.monitoring.red-flag-raised.v1",
    "caretrail.monitoring.alert-raised.v1",
)
RED_FLAG = "RF_CHEST"
WALKS = [{"activity": "17200", "intensity": "moderate", "minutes": 20, "times_per_week": 3}]


HISTORY = {
    "conditions": [{"display": "Type 2 diabetes"}],
    "known_disease": True,
    "symptoms": False,
    "regularly_active": False,
    "treatment": {"discussed": True},
}


def care_teams(client: Client, mark: str) -> Iterator[None]:
    """Register a patient and let two colleagues join, one of them twice; ask for nonsense, too."""
    patient = registered(client, f"{mark}a.")
    yield
    here = f"{PATIENTS}/{patient['aggregate']}"
    for letter in "bc":
        member = {"member_id": f"{mark}{letter}.", "role": "physician"}
        last = joined(client, here, member)
        yield
        client.read("anna", here, last)
        yield
    joined(client, here, member, key=last["key"])
    yield
    client.post("anna", "nonsense", PATIENTS, {"family_name": f"{mark}d."}, mark=f"{mark}d.")
    yield


def registrations(client: Client, mark: str) -> Iterator[None]:
    """Register a patient."""
    registered(client, f"{mark}a.")
    yield


def registered(client: Client, mark: str) -> Entry:
    """Register a patient whose name is the mark."""
    return client.post("anna", "register", PATIENTS, {"family_name": mark, **PERSON}, records=REGISTERED, mark=mark)


def joined(client: Client, here: str, member: dict[str, str], key: str = "") -> Entry:
    """Let a colleague, whose id is the mark, join a care team."""
    path, mark = f"{here}/team-members", member["member_id"]
    return client.post("anna", "join", path, member, records=JOINED, mark=mark, key=key, of="patient_id")


def journey(client: Client, mark: str) -> Iterator[None]:
    """Walk one patient from registration over a clearance and a running program to a red flag, and out of it."""
    case = Case(client, mark)
    yield from case.screened()
    yield from case.cleared("physician-clearance")
    yield from case.watched()
    yield from case.stopped_by_a_red_flag()
    yield from case.cleared("urgent-physician")
    yield from case.resumed()


@dataclass
class Case:
    """One patient's journey; `anna` coordinates, `paul` is the physician who clears and prescribes."""

    client: Client
    mark: str
    made: dict[str, str] = field(default_factory=dict)

    def screened(self) -> Iterator[None]:
        """Register a patient, fill in a screening that asks for a physician's clearance, and conclude it."""
        client, last = self.client, registered(self.client, f"{self.mark}a.")
        yield
        self.made["patient"] = last["aggregate"]
        client.read("anna", f"{PATIENTS}/{self.made['patient']}", last)
        yield
        last = self._post("intake", f"patients/{self.made['patient']}/screenings", {"reason": "intake"}, OPENED)
        yield
        here = f"screenings/{last['aggregate']}"
        for part, body, record in _parts(f"{self.mark}b."):
            mark = f"{self.mark}b." if part == "medical-history" else ""
            last = self._post("intake", f"{here}/{part}", body, (f"caretrail.intake.{record}.v1",), mark=mark)
            yield
        last = self._post("intake", f"{here}/conclusion", None, CONCLUDED, version=last["version"])
        yield
        client.read("anna", f"/intake/v1/{here}", last)
        yield

    def cleared(self, kind: str) -> Iterator[None]:
        """Paul takes the referral that came by itself and clears the patient; both learn of it everywhere."""
        patient = self.made["patient"]
        asked = {"patient_id": patient, "status": "requested"}
        found = yield from self.client.until(
            "anna", "/referral/v1/referrals", lambda seen: [r for r in seen["items"] if r["kind"] == kind], **asked
        )
        here, mark = f"referrals/{found[0]['id']}", f"{self.mark}{kind}."
        soon = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
        steps = (
            ("paul", "receive", None, "received"),
            ("paul", "accept", {"first_visit_due": soon}, "accepted"),
            ("paul", "report", {"outcome": "cleared", "note": mark}, "reported"),
            ("paul", "complete", None, "completed"),
            ("anna", "acknowledge", None, "acknowledged"),
        )
        for who, step, body, record in steps:
            told = mark if step == "report" else ""
            last = self._post(
                "referral", f"{here}/{step}", body, (f"caretrail.referral.{record}.v1",), who=who, mark=told
            )
            yield
        self.client.read("anna", f"/referral/v1/{here}", last)
        yield from self.client.until(
            "paul", f"/prescription/v1/patients/{patient}/permit", lambda seen: not seen["missing"]
        )

    def watched(self) -> Iterator[None]:
        """Paul drafts a program and lets it begin; monitoring opens a plan by itself; Anna records a check-in."""
        patient, mark = self.made["patient"], f"{self.mark}c."
        draft = {"patient_id": patient, "components": WALKS, "goals": [mark]}
        last = self._post("prescription", "programs", draft, DRAFTED, who="paul", mark=mark)
        yield
        self.made["program"] = last["aggregate"]
        today = datetime.now(UTC).date().isoformat()
        here = f"programs/{last['aggregate']}"
        last = self._post("prescription", f"{here}/activate", {"starts_on": today}, ACTIVATED, who="paul")
        yield
        self.client.read("paul", f"/prescription/v1/{here}", last)
        plans = yield from self._plan("active")
        self.made["plan"] = plans[0]["id"]
        yield from self._checks_in(f"{self.mark}d.", UNWELL[:1])

    def stopped_by_a_red_flag(self) -> Iterator[None]:
        """Chest pain: an alert, and by itself the program is paused and the plan with it; Anna takes the alert."""
        yield from self._checks_in(f"{self.mark}e.", UNWELL, symptoms=[RED_FLAG])
        here = f"/prescription/v1/programs/{self.made['program']}"
        yield from self.client.until("paul", here, lambda seen: seen["status"] == "on-hold")
        yield from self._plan("on-hold")
        asked = {"patient_id": self.made["patient"]}
        found = yield from self.client.until("anna", "/monitoring/v1/alerts", lambda seen: seen["items"], **asked)
        alert, mark = f"alerts/{found[0]['id']}", f"{self.mark}f."
        self._post("monitoring", f"{alert}/acknowledge", None, ("caretrail.monitoring.alert-acknowledged.v1",))
        yield
        resolved = ("caretrail.monitoring.alert-resolved.v1",)
        self._post("monitoring", f"{alert}/resolve", {"reason": mark}, resolved, mark=mark)
        yield

    def resumed(self) -> Iterator[None]:
        """Paul lets the program go on, and the plan goes on by itself."""
        mark, resumed = f"{self.mark}g.", ("caretrail.prescription.program-resumed.v1",)
        here = f"programs/{self.made['program']}/resume"
        self._post("prescription", here, {"reason": mark}, resumed, who="paul", mark=mark)
        yield
        yield from self._plan("active")

    def _plan(self, status: str) -> Iterator[Any]:
        asked = {"patient_id": self.made["patient"], "status": status}
        return (yield from self.client.until("anna", "/monitoring/v1/plans", lambda seen: seen["items"], **asked))

    def _checks_in(self, mark: str, records: tuple[str, ...], **more: Any) -> Iterator[None]:
        here = f"plans/{self.made['plan']}"
        told = {"mood": 6, "energy": 5, "sleep": 6, "well_being": 6, "words": mark, **more}
        last = self._post("monitoring", f"{here}/check-ins", told, records, mark=mark)
        yield
        self.client.read("anna", f"/monitoring/v1/{here}", last)
        yield

    def _post(
        self, service: str, path: str, body: Any, records: tuple[str, ...], who: str = "anna", **more: Any
    ) -> Entry:
        return self.client.post(who, path.rpartition("/")[2], f"/{service}/v1/{path}", body, records=records, **more)


def _parts(mark: str) -> Iterator[tuple[str, Any, str]]:
    yield "medical-history", {**HISTORY, "notes": mark}, "medical-history-recorded"
    for instrument, items in (("PHQ9", 9), ("GAD7", 7)):
        answers = [1, 1] + [0] * (items - 2) + [None]
        yield "questionnaires", {"instrument": instrument, "answers": answers}, "questionnaire-answered"
    vitals = {"systolic": 128, "diastolic": 78, "resting_heart_rate": 72, "with_symptoms": False}
    yield "vitals", vitals, "vitals-measured"
    activity = {"days_per_week": 1, "minutes_per_day": 20, "strength_days_per_week": 0}
    yield "activity", activity, "activity-recorded"
    yield "preferences", {"liked": ["walking"], "goals": "Sleep through the night"}, "preferences-recorded"
