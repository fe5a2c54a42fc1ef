"""The whole trail, walked on the embedded suite, and on PostgreSQL and RabbitMQ with every process by itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.journey import Steps, Team, eventually
from tests.journeys.running import RunningSuite, embedded, production
from tests.servers import database_prefix

MODES = (
    "embedded",
    pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.rabbitmq]),
)


def prepared(mode: str, request: pytest.FixtureRequest, folder: Path, at_end: ExitStack) -> RunningSuite:
    """Prepare a suite in a mode, with databases and a virtual host of its own."""
    if mode == "embedded":
        return embedded(folder)
    admin_url = request.getfixturevalue("postgres_admin_url")
    prefix = at_end.enter_context(database_prefix(admin_url))
    return production(folder, admin_url, request.getfixturevalue("rabbitmq_vhost"), prefix)


@pytest.fixture(params=MODES)
def suite(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningSuite]:
    with ExitStack() as at_end:
        running = prepared(request.param, request, tmp_path, at_end)
        at_end.callback(running.stop)
        running.start()
        yield running


@pytest.fixture
def apart(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningSuite]:
    """The production shape, where each process can be stopped and killed by itself."""
    with ExitStack() as at_end:
        running = prepared("production", request, tmp_path, at_end)
        at_end.callback(running.stop)
        running.start()
        yield running


class Log:
    """All facts of all services, by event id."""

    def __init__(self, suite: RunningSuite):
        self.by_id: dict[str, dict[str, Any]] = {}
        self.of: dict[str, list[dict[str, Any]]] = {}
        for service in ("intake", "prescription", "referral", "monitoring"):
            self.of[service] = suite.log_of(service)
            self.by_id.update({fact["id"]: fact for fact in self.of[service]})

    def all(self, service: str, name: str) -> list[dict[str, Any]]:
        """List a service's facts of a type."""
        return [fact for fact in self.of[service] if fact["type"] == f"caretrail.{service}.{name}.v1"]

    def one(self, service: str, name: str) -> dict[str, Any]:
        """Give the only fact of a type."""
        (found,) = self.all(service, name)
        return found

    def cause(self, fact: dict[str, Any]) -> dict[str, Any]:
        """Give the fact that led to this one."""
        return self.by_id[fact["causationid"]]


def by_policy(fact: dict[str, Any], policy: str) -> bool:
    """Tell whether a policy recorded a fact."""
    return bool(fact["data"]["actor"]["id"] == f"policy:{policy}")


def assert_reacted(log: Log, service: str, name: str, policy: str, cause: str, times: int = 1) -> None:
    """Assert that a policy recorded a fact, each time caused by another service's fact, one hop on and later."""
    facts = log.all(service, name)
    reactions = [fact for fact in facts if by_policy(fact, f"{service}.{policy}")]
    assert len(reactions) == times, (name, [fact["data"]["actor"] for fact in facts])
    causes = [log.cause(fact) for fact in reactions]
    assert [found["type"] for found in causes] == [f"caretrail.{cause}.v1"] * times
    assert len({found["id"] for found in causes}) == times
    for fact, found in zip(reactions, causes, strict=True):
        assert fact["data"]["hops"] == found["data"]["hops"] + 1
        assert fact["recordedtime"] > found["recordedtime"]
        assert fact["correlationid"] == found["correlationid"]


@pytest.mark.timeout(300)
class TestTheJourney:
    def test_from_registration_to_a_changed_program(self, suite: RunningSuite):
        team = Team.of(suite)
        steps = Steps(team)
        self._screening(steps)
        self._clearance(steps)
        self._program(steps)
        self._monitoring(steps)
        self._history(steps)
        self._every_reaction_went_through_relay_and_listener(suite)

    def _screening(self, steps: Steps) -> None:
        steps.register()
        screening = steps.screen()
        assert (screening["missing"], screening["blocks"]) == ([], [])
        concluded = steps.conclude()
        assert concluded["conclusion"]["permission"] == "clearance-needed"
        assert concluded["conclusion"]["intensity_cap"] == "none"

    def _clearance(self, steps: Steps) -> None:
        paul, stranger = steps.team.paul, steps.team.stranger
        referral = steps.referral("physician-clearance")
        here = f"/referral/v1/referrals/{referral['id']}"
        refused = paul.post(f"{here}/accept", {"first_visit_due": "2030-01-01"}, expect=409)
        assert refused["allowed"] == ["receive"]
        steps.accept("physician-clearance", paul)
        stranger.get(here, expect=404)
        stranger.get(f"/intake/v1/patients/{steps.ids['patient']}", expect=404)
        too_early = paul.post("/prescription/v1/programs", self._walks(steps), expect=201)
        missing = paul.post(
            f"/prescription/v1/programs/{too_early['id']}/activate", {"starts_on": _today()}, expect=409
        )
        assert "clearance" in missing["detail"].lower()
        steps.report(
            "physician-clearance",
            paul,
            outcome="cleared-with-limits",
            intensity_cap="moderate",
            note="HbA1c stable; carry glucose.",
        )
        permit = steps.permitted(paul)
        assert permit["cap"] == "moderate"

    def _walks(self, steps: Steps) -> dict[str, Any]:
        component = {"activity": "17200", "intensity": "moderate", "minutes": 20, "times_per_week": 3}
        return {"patient_id": steps.ids["patient"], "components": [component]}

    def _program(self, steps: Steps) -> None:
        anna, erika = steps.team.anna, steps.team.erika
        asked = {"patient_id": steps.ids["patient"], "kind": "exercise-physiologist", "reason": "A first program"}
        steps.ids["exercise-physiologist"] = anna.post("/referral/v1/referrals", asked, expect=201)["id"]
        steps.accept("exercise-physiologist", erika)
        steps.permitted(erika)
        program = steps.draft(erika)
        assert program["components"][0]["met"] == 4.3 or program["components"][0]["met"] == "4.3"
        assert "does not replace" in program["statement"]
        steps.activate(erika)
        revised = steps.revise(erika, "Managed all walks: ten minutes more.", 30)
        assert revised["revision"] == 2
        assert [(c["path"], c["before"], c["after"]) for c in revised["revisions"][1]["changes"]] == [
            ("components.0.minutes", "20", "30")
        ]
        eventually(lambda: steps.plans()[0]["revision"] == 2, "the plan follows the revision")

    def _monitoring(self, steps: Steps) -> None:
        anna, paul, erika = steps.team.anna, steps.team.paul, steps.team.erika
        steps.check_in(sessions=[{"done_on": _today(), "minutes": 30, "rpe": 13}])
        assert steps.alerts() == []
        # Baseline 11; 16 is five more: somebody must look within 72 hours, and exercise goes on.
        steps.phq9(2, 2, 2, 2, 2, 2, 2, 2, 0)
        (alert,) = steps.alerts()
        assert (alert["level"], alert["review_by"] is not None) == ("E2", True)
        assert steps.program_is("active")
        steps.revise(erika, "Worse by five points: gentler for now.", 20, triggered_by=f"{alert['id']}-1")
        # A red flag: an alert, the program is paused, a physician is asked urgently; nobody has to do anything.
        answer = steps.check_in(symptoms=["RF_PALP"], words="My heart raced on the hill.")
        assert [flag["code"] for flag in answer["red_flags"]] == ["RF_PALP"]
        assert len(steps.alerts()) == 2
        paused = steps.program_is("on-hold")
        assert paused["needs_clearance"] is True
        refused = erika.post(
            f"/prescription/v1/programs/{steps.ids['program']}/resume", {"reason": "Feels fine"}, expect=409
        )
        assert "clear" in refused["detail"].lower()
        steps.referral("urgent-physician")
        steps.accept("urgent-physician", paul)
        steps.report("urgent-physician", paul, outcome="cleared", note="ECG normal.")
        steps.permitted(erika)
        erika.post(f"/prescription/v1/programs/{steps.ids['program']}/resume", {"reason": "Cleared by Paul"})
        eventually(steps.plans, "the plan goes on")
        for alert in steps.alerts():
            anna.post(f"/monitoring/v1/alerts/{alert['id']}/acknowledge")
            anna.post(f"/monitoring/v1/alerts/{alert['id']}/resolve", {"reason": "Seen by Paul"})
        assert steps.alerts() == []

    def _history(self, steps: Steps) -> None:
        auditor = steps.team.auditor
        here = f"/history/v1/patients/{steps.ids['patient']}"
        now = steps.record()
        assert (now["programs"][-1]["status"], now["programs"][-1]["revision"]) == ("active", 3)
        assert [alert["status"] for alert in now["alerts"]] == ["resolved", "resolved"]
        assert {referral["status"] for referral in now["referrals"]} == {"acknowledged", "accepted"}
        timeline = steps.timeline()
        accepted = next(fact for fact in timeline if fact["type"] == "caretrail.referral.accepted.v1")
        then = auditor.get(f"{here}/record", **{"as-of": accepted["recorded_at"]})
        before = auditor.get(f"{here}/record", **{"as-of": timeline[timeline.index(accepted) - 1]["recorded_at"]})
        assert (then["referrals"][0]["status"], before["referrals"][0]["status"]) == ("accepted", "received")
        assert then["programs"] == []
        again = auditor.get(f"{here}/record", vector=now["vector"])
        for answer in (again, now):
            answer.pop("as_of")
        assert again == now
        steps.team.stranger.get(f"{here}/timeline", expect=404)
        steps.team.stranger.get(f"{here}/record", expect=404)

    def _every_reaction_went_through_relay_and_listener(self, suite: RunningSuite) -> None:
        log = Log(suite)
        join = "let_the_accepting_clinician_join_the_care_team"
        assert_reacted(log, "referral", "requested", "request_the_physicians_clearance", "intake.clearance-needed")
        # Paul accepts twice, but joins once.
        assert_reacted(log, "intake", "patient-team-member-joined", join, "referral.accepted", times=2)
        assert_reacted(log, "intake", "clearance-recorded", "record_the_clearance", "referral.reported", times=2)
        assert_reacted(log, "prescription", "program-paused", "pause_the_program", "monitoring.red-flag-raised")
        assert_reacted(log, "referral", "requested", "request_an_urgent_physician", "monitoring.red-flag-raised")
        plan = log.one("monitoring", "plan-opened")
        assert log.cause(plan)["type"] == "caretrail.prescription.program-activated.v1"
        assert log.cause(log.one("monitoring", "plan-paused"))["type"] == "caretrail.prescription.program-paused.v1"
        assert log.cause(log.one("monitoring", "plan-resumed"))["type"] == "caretrail.prescription.program-resumed.v1"
        for service, facts in log.of.items():
            positions = [int(fact["sequence"]) for fact in facts]
            assert positions == list(range(1, len(facts) + 1)), service
            assert [fact["recordedtime"] for fact in facts] == sorted(fact["recordedtime"] for fact in facts)
            assert not log.all(service, "reaction-refused")


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


@pytest.mark.timeout(300)
class TestAListenerThatIsStopped:
    def test_leaves_out_its_own_step_and_no_other_until_it_goes_on(self, apart: RunningSuite):
        steps = Steps(Team.of(apart))
        steps.register()
        steps.screen()
        apart.processes["referral-worker"].signal(signal.SIGSTOP)
        steps.conclude()
        record = steps.record()

        before = Log(apart)
        apart.processes["referral-worker"].signal(signal.SIGCONT)
        steps.referral("physician-clearance")

        assert record["screenings"][0]["status"] == "concluded"
        assert before.all("intake", "clearance-needed")
        assert before.of["referral"] == []
        assert_reacted(
            Log(apart), "referral", "requested", "request_the_physicians_clearance", "intake.clearance-needed"
        )
