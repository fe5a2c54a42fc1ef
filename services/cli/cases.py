"""One patient's case in the demo: what the people of the practice do about it, over HTTP, at the story's own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from services.cli.visiting import Refused, Visit

PATIENCE = 60.0
STEP = timedelta(minutes=1)

Entry = dict[str, Any]


class DidNotHappen(Exception):
    """Something that must follow by itself did not follow in time."""


@dataclass
class Practice:
    """The people of the practice with their sessions, the first morning of the stories, and the suite's clock to set.

    Every command comes a minute after the one before, each day from the same hour on: the same at every telling.
    """

    visits: Mapping[str, Visit]
    begins: datetime
    go_to: Callable[[datetime], None]
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Open on the first morning."""
        self.now = self.begins

    def open_on(self, day: int) -> None:
        """Let it be this day, counted from the first."""
        self.now = max(self.now, self.begins + timedelta(days=day))

    def next_step(self) -> None:
        """Let a minute pass."""
        self.now += STEP
        self.go_to(self.now)


@dataclass
class Case:
    """One patient's story as it goes: every command has a key of its own, so that telling it again adds nothing."""

    practice: Practice
    name: str
    steps: int = 0
    made: dict[str, str] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """Give the story's day."""
        return self.practice.now.date()

    def post(self, who: str, path: str, body: Any = None, *, version: int | None = None) -> Any:
        """Let somebody give a command."""
        self.steps += 1
        self.practice.next_step()
        key = f"demo-{self.name}-{self.steps}"
        return self._once_in_the_team(lambda: self.practice.visits[who].post(path, body, key=key, version=version))

    def get(self, who: str, path: str, **asked: Any) -> Any:
        """Let somebody read."""
        return self._once_in_the_team(lambda: self.practice.visits[who].get(path, **asked))

    def _once_in_the_team(self, ask: Callable[[], Any]) -> Any:
        """Ask again as long as this service has not heard yet that the colleague is in the care team."""

        def look() -> list[Any]:
            try:
                return [ask()]
            except Refused as refusal:
                if refusal.status != HTTPStatus.NOT_FOUND:
                    raise
                return []

        (answer,) = self.eventually(look, "a colleague is known everywhere")
        return answer

    def eventually(self, look: Callable[[], Any], what: str) -> Any:
        """Wait for what must follow by itself, and give it."""
        deadline = time.monotonic() + PATIENCE
        while not (found := look()):
            if time.monotonic() > deadline:
                raise DidNotHappen(f"{self.name}'s story waits for this in vain: {what}")
            time.sleep(0.02)
        return found

    # Intake

    def register(self, family: str, given: str, born: str, sex: str) -> None:
        """Anna registers the patient."""
        words = {"family_name": family, "given_name": given, "birth_date": born, "sex": sex}
        place = {"time_zone": "America/New_York", "language": "en-US"}
        self.made["patient"] = self.post("anna", "/intake/v1/patients", {**words, **place})["id"]

    def add_to_team(self, who: str, role: str) -> None:
        """Anna lets a colleague join the care team."""
        member = {"member_id": who, "role": role}
        self.post("anna", f"/intake/v1/patients/{self.made['patient']}/team-members", member)

    def screen(self, phq9: str, gad7: str, *, history: Entry, vitals: Entry, activity: Entry, wishes: Entry) -> None:
        """Anna records a whole screening; answers are digits, one for each item."""
        opened = self.post("anna", f"/intake/v1/patients/{self.made['patient']}/screenings", {"reason": "intake"})
        self.made["screening"] = opened["id"]
        self._part("medical-history", history)
        # The question about daily life, which closes the form, stays unanswered.
        self._part("questionnaires", {"instrument": "PHQ9", "answers": [*map(int, phq9), None]})
        self._part("questionnaires", {"instrument": "GAD7", "answers": [*map(int, gad7), None]})
        self._part("vitals", vitals)
        self._part("activity", activity)
        self._part("preferences", wishes)

    def _part(self, part: str, words: Entry, who: str = "anna") -> None:
        self.post(who, f"/intake/v1/screenings/{self.made['screening']}/{part}", words)

    def assess(self, who: str, flag: str, hold: bool, assessment: str) -> None:
        """A clinician assesses a safety flag."""
        self._part("safety-assessments", {"flag": flag, "hold": hold, "assessment": assessment}, who)

    def conclude(self) -> None:
        """Anna concludes the screening."""
        path = f"/intake/v1/screenings/{self.made['screening']}"
        version = self.get("anna", path)["version"]
        self.post("anna", f"{path}/conclusion", version=version)

    # Referral

    def ask_for(self, kind: str, reason: str) -> None:
        """Anna asks for a colleague by hand."""
        asked = {"patient_id": self.made["patient"], "kind": kind, "reason": reason}
        self.made[kind] = self.post("anna", "/referral/v1/referrals", asked)["id"]

    def referral_came(self, kind: str) -> None:
        """Wait for a referral that a policy requests."""

        def look() -> list[Entry]:
            found = self.get("anna", "/referral/v1/referrals", patient_id=self.made["patient"])["items"]
            return [referral for referral in found if referral["kind"] == kind]

        self.made[kind] = self.eventually(look, f"a referral: {kind}")[0]["id"]

    def accept(self, who: str, kind: str, days: int = 5) -> None:
        """A colleague receives and accepts a referral."""
        path = f"/referral/v1/referrals/{self.made[kind]}"
        self.post(who, f"{path}/receive")
        self.post(who, f"{path}/accept", {"first_visit_due": (self.today + timedelta(days=days)).isoformat()})

    def report(self, who: str, kind: str, **words: str) -> None:
        """The colleague reports and completes, Anna acknowledges."""
        path = f"/referral/v1/referrals/{self.made[kind]}"
        self.post(who, f"{path}/report", words)
        self.post(who, f"{path}/complete")
        self.post("anna", f"{path}/acknowledge")

    # Prescription

    def program(self, who: str, components: list[Entry], goals: list[str]) -> None:
        """Somebody writes a program once it may be prescribed."""
        permit = f"/prescription/v1/patients/{self.made['patient']}/permit"
        self.eventually(lambda: not self.get(who, permit)["missing"], "exercise is allowed")
        written = {"patient_id": self.made["patient"], "components": components, "goals": goals}
        self.made["program"] = self.post(who, "/prescription/v1/programs", written)["id"]

    def activate(self, who: str) -> None:
        """The program starts today; monitoring opens a plan."""
        path = f"/prescription/v1/programs/{self.made['program']}/activate"
        self.post(who, path, {"starts_on": self.today.isoformat()})
        self.made["plan"] = self._plan_of_revision(1)["id"]

    def revise(self, who: str, reason: str, components: list[Entry], triggered_by: str | None = None) -> None:
        """Somebody changes the program, and says why; the plan follows."""
        path = f"/prescription/v1/programs/{self.made['program']}"
        current = self.get(who, path)
        written = {"components": components, "goals": current["goals"], "reason": reason}
        if triggered_by:
            written["triggered_by"] = triggered_by
        revised = self.post(who, f"{path}/revise", written, version=current["version"])
        self._plan_of_revision(revised["revision"])

    def _plan_of_revision(self, revision: int) -> Entry:
        def look() -> list[Entry]:
            found = self.get("anna", "/monitoring/v1/plans", patient_id=self.made["patient"])["items"]
            return [plan for plan in found if plan["revision"] >= revision]

        plan: Entry = self.eventually(look, f"a monitoring plan of revision {revision}")[0]
        return plan

    def is_paused(self) -> None:
        """Wait until a policy has paused the program."""
        path = f"/prescription/v1/programs/{self.made['program']}"
        self.eventually(lambda: self.get("anna", path)["status"] == "on-hold", "the program is paused")

    # Monitoring

    def check_in(self, mood: int, energy: int, sleep: int, minutes: tuple[int, ...] = (), **words: Any) -> None:
        """Anna records a check-in on the patient's behalf, with a session on every other of the last days."""
        sessions = [
            {"done_on": (self.today - timedelta(days=2 * ago)).isoformat(), "minutes": each, "rpe": 13}
            for ago, each in enumerate(minutes)
        ]
        entry = {"mood": mood, "energy": energy, "sleep": sleep, "well_being": mood, "sessions": sessions, **words}
        self.post("anna", f"/monitoring/v1/plans/{self.made['plan']}/check-ins", entry)

    def repeat(self, instrument: str, answers: str) -> None:
        """Anna records a questionnaire again; answers are digits, one for each item."""
        entry = {"instrument": instrument, "answers": [*map(int, answers)]}
        self.post("anna", f"/monitoring/v1/plans/{self.made['plan']}/measures", entry)

    def take_the_alert(self) -> str:
        """Anna takes the patient's alert; give the event that it began with."""
        self.made["alert"] = self.eventually(self._alerts, "an alert")[0]["id"]
        self.post("anna", f"/monitoring/v1/alerts/{self.made['alert']}/acknowledge")
        return f"{self.made['alert']}-1"

    def _alerts(self) -> list[Entry]:
        """Open or resolved: at another telling it may be either."""
        asked = {"patient_id": self.made["patient"]}
        pages = [self.get("anna", "/monitoring/v1/alerts", **asked, open=is_open) for is_open in (True, False)]
        return [alert for page in pages for alert in page["items"]]

    def resolve_the_alert(self, reason: str) -> None:
        """Anna closes it, and says why."""
        self.post("anna", f"/monitoring/v1/alerts/{self.made['alert']}/resolve", {"reason": reason})
