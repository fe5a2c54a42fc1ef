"""What monitoring does by itself: each policy done, refused, repeated and replayed; and what it keeps of intake."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from events.base import UNSET, Actor, Event
from events.intake import PatientTeamMemberLeft
from events.monitoring import PlanClosed, PlanFollowedRevision, PlanOpened, PlanPaused, PlanResumed
from events.prescription import (
    Component,
    ProgramCompleted,
    ProgramDiscontinued,
    ProgramPaused,
    ProgramResumed,
    ProgramRevised,
)
from events.terms import Intensity
from services.monitoring.application import Monitoring
from services.monitoring.domain import MonitoringPlan, Status
from services.monitoring.policies import policies
from services.monitoring.worklists import baselines, care_team, plans
from shared.eventlog.tables import refused_reactions
from shared.messaging import Inbox
from tests.monitoring.conftest import activated, joined, registered, screened
from tests.monitoring.given import (
    COORDINATOR,
    MONDAY,
    PATIENT,
    PLAN,
    PROGRAM,
    SATURDAY,
    START,
    happened,
)

WEDNESDAY = MONDAY + timedelta(days=2)


def of_program(event_class: type[Event], version: int = 4, **fields: Any) -> Any:
    """Another event of the program, on Wednesday."""
    return happened(event_class, version, **{"originator_id": PROGRAM, "occurred_at": WEDNESDAY, **fields})


def walking(minutes: int, times: int) -> Component:
    """Walking, so many minutes, so many times a week."""
    return Component(
        activity="17190",
        name="walk",
        met=Decimal("3.5"),
        intensity=Intensity.MODERATE,
        minutes=minutes,
        times_per_week=times,
    )


ACTIVATED = activated()
REVISED = of_program(ProgramRevised, revision=2, components=(walking(30, 3), walking(20, 2)))
PAUSED = of_program(ProgramPaused)
RESUMED = of_program(ProgramResumed, 5, basis=())
COMPLETED = of_program(ProgramCompleted)
DISCONTINUED = of_program(ProgramDiscontinued)

POLICIES: dict[str, tuple[list[Event], Event, str, Status]] = {
    "open_a_plan_for_the_activated_program": ([], ACTIVATED, "PlanOpened", Status.ACTIVE),
    "follow_the_revised_program": ([ACTIVATED], REVISED, "PlanFollowedRevision", Status.ACTIVE),
    "pause_the_plan_with_its_program": ([ACTIVATED], PAUSED, "PlanPaused", Status.ON_HOLD),
    "resume_the_plan_with_its_program": ([ACTIVATED, PAUSED], RESUMED, "PlanResumed", Status.ACTIVE),
    "close_the_plan_of_the_completed_program": ([ACTIVATED], COMPLETED, "PlanClosed", Status.COMPLETED),
    "close_the_plan_of_the_discontinued_program": ([ACTIVATED], DISCONTINUED, "PlanClosed", Status.REVOKED),
}
EACH = pytest.mark.parametrize(
    ("policy", "before", "event", "records", "status"), [(name, *case) for name, case in POLICIES.items()]
)
AFTER_THE_END = {
    "open_a_plan_for_the_activated_program": replace(ACTIVATED, originator_version=6, revision=3),
    "follow_the_revised_program": replace(REVISED, originator_version=6),
    "pause_the_plan_with_its_program": replace(PAUSED, originator_version=6),
    "resume_the_plan_with_its_program": replace(RESUMED, originator_version=6),
}


def history(monitoring: Monitoring) -> list[Any]:
    """What stands in the plan's log."""
    return list(monitoring.events.get(PLAN))


class TestEachPolicy:
    @EACH
    def test_follows_the_program(self, policy, before, event, records, status, monitoring: Monitoring, inbox: Inbox):
        for earlier in before:
            inbox.carry_out(earlier)

        inbox.carry_out(event)

        assert type(history(monitoring)[-1]).__name__ == records
        (row,) = monitoring.query(select(plans))
        assert (row["aggregate_id"], row["patient_id"], row["program_id"]) == (PLAN, PATIENT, PROGRAM)
        assert row["status"] == status

    @EACH
    def test_is_refused_a_fact_of_more_than_a_year_ago(
        self, policy, before, event, records, status, monitoring: Monitoring, inbox: Inbox
    ):
        for earlier in before:
            inbox.carry_out(earlier)
        versions = len(history(monitoring))

        inbox.carry_out(replace(event, occurred_at=SATURDAY - timedelta(days=366, seconds=1)))

        (refusal,) = monitoring.query(select(refused_reactions))
        assert (refusal["policy"], refusal["cause"]) == (policy, event.event_id)
        assert len(history(monitoring)) == versions

    @pytest.mark.parametrize(("policy", "event"), AFTER_THE_END.items())
    def test_is_refused_once_the_program_has_ended(self, policy, event, monitoring: Monitoring, inbox: Inbox):
        for earlier in (ACTIVATED, COMPLETED):
            inbox.carry_out(earlier)

        inbox.carry_out(event)

        (refusal,) = monitoring.query(select(refused_reactions))
        assert (refusal["policy"], refusal["patient_id"]) == (policy, PATIENT)
        assert "closed" in refusal["reason"]
        assert len(history(monitoring)) == 2

    @EACH
    def test_does_nothing_for_an_event_that_it_took_before(
        self, policy, before, event, records, status, monitoring: Monitoring, inbox: Inbox
    ):
        for earlier in (*before, event):
            inbox.carry_out(earlier)

        inbox.carry_out(event)

        assert len(history(monitoring)) == len(before) + 1
        assert monitoring.query(select(refused_reactions)) == []

    @EACH
    def test_leaves_a_log_that_loads_and_tells_what_caused_it(
        self, policy, before, event, records, status, monitoring: Monitoring, inbox: Inbox
    ):
        for earlier in (*before, event):
            inbox.carry_out(earlier)

        last = history(monitoring)[-1]
        assert monitoring.get(MonitoringPlan, PLAN).status is status
        assert last.actor == Actor(id=f"policy:monitoring.{policy}", role="service", on_behalf_of="kim")
        assert (last.causation_id, last.correlation_id, last.hops) == (event.event_id, event.correlation_id, 1)
        assert last.occurred_at == event.occurred_at

    @EACH
    def test_leaves_imported_facts_alone(
        self, policy, before, event, records, status, monitoring: Monitoring, inbox: Inbox
    ):
        for earlier in (*before, replace(event, imported=True)):
            inbox.carry_out(earlier)

        assert len(history(monitoring)) == len(before)

    @pytest.mark.parametrize("event", [REVISED, PAUSED, RESUMED, COMPLETED, DISCONTINUED])
    def test_leaves_a_program_alone_that_was_never_activated(self, event, monitoring: Monitoring, inbox: Inbox):
        inbox.carry_out(event)

        assert monitoring.query(select(plans)) == []
        assert monitoring.query(select(refused_reactions)) == []

    def test_is_declared_with_what_it_records(self):
        assert {policy.name: policy.records for policy in policies} == {
            "open_a_plan_for_the_activated_program": (PlanOpened, PlanFollowedRevision),
            "follow_the_revised_program": (PlanFollowedRevision,),
            "pause_the_plan_with_its_program": (PlanPaused,),
            "resume_the_plan_with_its_program": (PlanResumed,),
            "close_the_plan_of_the_completed_program": (PlanClosed,),
            "close_the_plan_of_the_discontinued_program": (PlanClosed,),
        }


class TestOpeningAPlan:
    def test_takes_over_what_is_prescribed_and_the_schedule_of_the_rules(self, monitoring: Monitoring, inbox: Inbox):
        inbox.carry_out(registered())

        inbox.carry_out(ACTIVATED)

        (event,) = history(monitoring)
        assert (event.revision, event.starts_on, event.sessions_per_week, event.minutes_per_week) == (1, START, 3, 90)
        assert (event.check_in_every_days, event.phq9_every_days) == (7, 14)
        assert (event.phq9_later_every_days, event.phq9_later_after_week) == (28, 8)
        assert (event.time_zone, event.language) == ("America/Denver", "en-US")

    def test_counts_in_utc_where_nobody_knows_where_the_patient_lives(self, monitoring: Monitoring, inbox: Inbox):
        inbox.carry_out(ACTIVATED)

        (event,) = history(monitoring)
        assert (event.time_zone, event.language) == ("UTC", "")

    def test_knows_the_home_of_an_imported_patient(self, monitoring: Monitoring, inbox: Inbox):
        inbox.carry_out(registered(imported=True))

        inbox.carry_out(ACTIVATED)

        assert history(monitoring)[0].time_zone == "America/Denver"

    def test_tells_what_is_due(self, monitoring: Monitoring, inbox: Inbox):
        inbox.carry_out(ACTIVATED)

        (row,) = monitoring.query(select(plans))
        assert (row["check_in_due_on"], row["phq9_due_on"]) == (date(2026, 11, 30), date(2026, 12, 7))

    def test_follows_a_program_that_is_activated_again(self, monitoring: Monitoring, inbox: Inbox):
        inbox.carry_out(ACTIVATED)

        inbox.carry_out(replace(ACTIVATED, originator_version=5, revision=2, sessions_per_week=4))

        assert [type(event).__name__ for event in history(monitoring)] == ["PlanOpened", "PlanFollowedRevision"]


class TestFollowingARevision:
    def test_adds_up_its_components(self, monitoring: Monitoring, inbox: Inbox):
        inbox.carry_out(ACTIVATED)

        inbox.carry_out(REVISED)

        event = history(monitoring)[-1]
        assert (event.revision, event.sessions_per_week, event.minutes_per_week) == (2, 5, 130)

    def test_expects_what_it_did_where_the_components_were_erased(self, monitoring: Monitoring, inbox: Inbox):
        inbox.carry_out(ACTIVATED)

        inbox.carry_out(replace(REVISED, components=UNSET))

        event = history(monitoring)[-1]
        assert (event.revision, event.sessions_per_week, event.minutes_per_week) == (2, 3, 90)


class TestWhatItKeepsOfIntake:
    def test_is_every_total_of_a_screening_once(self, monitoring: Monitoring, inbox: Inbox):
        for event in (screened(9), screened(9), screened(11, 4)):
            inbox.carry_out(event)

        rows = monitoring.query(select(baselines).order_by(baselines.c.event_id))
        assert [(row["instrument"], row["total"], row["measured_at"]) for row in rows] == [
            ("PHQ9", 9, MONDAY),
            ("PHQ9", 11, MONDAY),
        ]

    @pytest.mark.parametrize("event", [screened(None), screened(9, result=UNSET)])
    def test_is_no_answer_without_a_total(self, event, monitoring: Monitoring, inbox: Inbox):
        inbox.carry_out(event)

        assert monitoring.query(select(baselines)) == []

    def test_is_who_is_in_the_care_team_and_in_which_role(self, monitoring: Monitoring, inbox: Inbox):
        inbox.carry_out(joined(COORDINATOR))
        inbox.carry_out(joined(COORDINATOR, role="physician", occurred_at=datetime(2026, 11, 24, tzinfo=UTC)))

        (row,) = monitoring.query(select(care_team))
        assert (row["patient_id"], row["member_id"], row["role"]) == (PATIENT, "kim", "physician")

    def test_is_not_who_has_left(self, monitoring: Monitoring, inbox: Inbox):
        inbox.carry_out(joined(COORDINATOR))

        inbox.carry_out(happened(PatientTeamMemberLeft, 5, originator_id=PATIENT, member_id="kim"))

        assert monitoring.query(select(care_team)) == []
