"""The part of the journey that is hit: from registration to a clearance, and what must stand in the logs then."""

from __future__ import annotations

from typing import Any

from tests.faults.logs import Databases
from tests.journeys.journey import Steps, Team
from tests.journeys.running import SERVICES, RunningSuite

NEEDED = "caretrail.intake.clearance-needed.v1"
REQUESTED = "caretrail.referral.requested.v1"
JOINED = "caretrail.intake.patient-team-member-joined.v1"
CLEARED = "caretrail.intake.clearance-recorded.v1"


def screened(team: Team) -> Steps:
    """Register a patient and fill in a screening that will ask for a physician's clearance."""
    steps = Steps(team)
    steps.register()
    steps.screen()
    return steps


def cleared(steps: Steps) -> None:
    """Go on from the referral that came by itself to the clearance that came back."""
    paul = steps.team.paul
    steps.referral("physician-clearance")
    steps.accept("physician-clearance", paul)
    steps.report("physician-clearance", paul, outcome="cleared", note="Nothing against it.")
    steps.permitted(paul)


def facts(suite: RunningSuite, steps: Steps, type_name: str) -> list[dict[str, Any]]:
    """List the patient's facts of a type in their service's log."""
    log = suite.log_of(type_name.split(".")[1])
    return [fact for fact in log if fact["type"] == type_name and fact["partitionkey"] == steps.ids["patient"]]


def assert_once(suite: RunningSuite, steps: Steps) -> None:
    """Assert that the patient's every reaction happened once, caused by the fact that asked for it."""
    (needed,) = facts(suite, steps, NEEDED)
    (requested,) = facts(suite, steps, REQUESTED)
    assert requested["causationid"] == needed["id"]
    joined = [fact["data"]["member_id"] for fact in facts(suite, steps, JOINED)]
    assert sorted(joined) == sorted([steps.team.anna.id, steps.team.paul.id])
    (clearance,) = facts(suite, steps, CLEARED)
    (reported,) = facts(suite, steps, "caretrail.referral.reported.v1")
    assert clearance["causationid"] == reported["id"]


def assert_whole(suite: RunningSuite) -> None:
    """Assert that every log is dense, in order, without a refused reaction, and that nothing is parked."""
    for service in SERVICES[:-1]:
        log = suite.log_of(service)
        assert [int(fact["sequence"]) for fact in log] == list(range(1, len(log) + 1)), service
        assert [fact["recordedtime"] for fact in log] == sorted({fact["recordedtime"] for fact in log}), service
        assert len({fact["id"] for fact in log}) == len(log), service
        assert [fact["id"] for fact in log if "refused" in fact["type"]] == [], service
    assert Databases(suite).parked() == {}
