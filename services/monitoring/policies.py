"""What monitoring does when prescription changes a program, and what it keeps of intake's facts."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from events.base import UNSET, Event
from events.intake import PatientRegistered, QuestionnaireAnswered
from events.monitoring import (
    MonitoringReactionRefused,
    PlanClosed,
    PlanFollowedRevision,
    PlanOpened,
    PlanPaused,
    PlanResumed,
)
from events.prescription import (
    ProgramActivated,
    ProgramCompleted,
    ProgramDiscontinued,
    ProgramPaused,
    ProgramResumed,
    ProgramRevised,
)
from services.monitoring.domain import MonitoringPlan, ScheduleRules, plan_id
from services.monitoring.worklists import baselines, care_team, patients
from shared.access import keep_care_team
from shared.messaging import Policies, Reaction, Rows

policies = Policies("monitoring", refused=MonitoringReactionRefused)

keep_care_team(policies, care_team)

SCHEDULE = ScheduleRules()

FOLLOWS_WITHIN = timedelta(days=366)
"""A plan mirrors its program, however late it hears of it [R]; it opens no alert or referral by that."""


@policies.whenever(ProgramActivated, records=(PlanOpened, PlanFollowedRevision), within=FOLLOWS_WITHIN)
def open_a_plan_for_the_activated_program(event: ProgramActivated, reaction: Reaction) -> None:
    """Watch the program from its activation on; one that is watched already is followed."""
    plan = _plan_of(event, reaction)
    if plan is not None:
        plan.follow(event.revision, event.sessions_per_week, event.minutes_per_week)
        return
    known = reaction.query(select(patients).where(patients.c.patient_id == event.patient_id))
    reaction.add(
        MonitoringPlan.open(
            reaction.context.at(event.occurred_at),
            event.patient_id,
            event.originator_id,
            revision=event.revision,
            starts_on=event.starts_on,
            sessions_per_week=event.sessions_per_week,
            minutes_per_week=event.minutes_per_week,
            time_zone=known[0]["time_zone"] if known else "UTC",
            language=known[0]["language"] if known else "",
            rules=SCHEDULE,
        )
    )


@policies.whenever(ProgramRevised, records=(PlanFollowedRevision,), within=FOLLOWS_WITHIN)
def follow_the_revised_program(event: ProgramRevised, reaction: Reaction) -> None:
    """Expect what the revision prescribes; a draft is not watched yet."""
    plan = _plan_of(event, reaction)
    if plan is None:
        return
    sessions, minutes = plan.prescribed
    if event.components is not UNSET:
        sessions = sum(component.times_per_week for component in event.components)
        minutes = sum(component.times_per_week * component.minutes for component in event.components)
    plan.follow(event.revision, sessions, minutes)


@policies.whenever(ProgramPaused, records=(PlanPaused,), within=FOLLOWS_WITHIN)
def pause_the_plan_with_its_program(event: ProgramPaused, reaction: Reaction) -> None:
    """Excuse sessions while the program is paused."""
    if plan := _plan_of(event, reaction):
        plan.pause()


@policies.whenever(ProgramResumed, records=(PlanResumed,), within=FOLLOWS_WITHIN)
def resume_the_plan_with_its_program(event: ProgramResumed, reaction: Reaction) -> None:
    """Expect sessions again."""
    if plan := _plan_of(event, reaction):
        plan.resume()


@policies.whenever(ProgramCompleted, records=(PlanClosed,), within=FOLLOWS_WITHIN)
def close_the_plan_of_the_completed_program(event: ProgramCompleted, reaction: Reaction) -> None:
    """Expect nothing any more."""
    if plan := _plan_of(event, reaction):
        plan.close(discontinued=False)


@policies.whenever(ProgramDiscontinued, records=(PlanClosed,), within=FOLLOWS_WITHIN)
def close_the_plan_of_the_discontinued_program(event: ProgramDiscontinued, reaction: Reaction) -> None:
    """Expect nothing any more; a draft that was given up was never watched."""
    if plan := _plan_of(event, reaction):
        plan.close(discontinued=True)


def _plan_of(event: Event, reaction: Reaction) -> MonitoringPlan | None:
    """Find the plan of the event's program, to change it as of when the program changed."""
    plan = reaction.find(MonitoringPlan, plan_id(event.originator_id))
    if plan is not None:
        plan.context = reaction.context.at(event.occurred_at)
    return plan


@policies.projects(PatientRegistered)
def keep_where_the_patient_lives(event: PatientRegistered, rows: Rows) -> None:
    """Know when the patient's day begins, and in which language to speak."""
    row = {"patient_id": event.patient_id, "time_zone": event.time_zone, "language": event.language}
    rows.replace(patients, where={"patient_id": event.patient_id}, rows=[row])


@policies.projects(QuestionnaireAnswered)
def keep_the_screenings_total(event: QuestionnaireAnswered, rows: Rows) -> None:
    """Know what later measures are compared with; an answer without a total is no baseline."""
    result = event.result or None
    if result is None or result.total is None:
        return
    row = {
        "event_id": event.event_id,
        "patient_id": event.patient_id,
        "instrument": event.instrument,
        "measured_at": event.occurred_at,
        "total": result.total,
        "band": result.band,
        "provisional": result.provisional,
    }
    rows.replace(baselines, where={"event_id": event.event_id}, rows=[row])
