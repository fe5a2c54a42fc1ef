"""Programs by status, and what may be prescribed: as their events would have recorded them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from events.base import Actor, Event
from events.prescription import (
    Component,
    ProgramActivated,
    ProgramCompleted,
    ProgramDiscontinued,
    ProgramDrafted,
    ProgramPaused,
)
from events.terms import ClearanceOutcome, Intensity, Permission
from services.prescription.domain import Clearance, Conclusion, Moment, Permit, Program, Status, Step
from shared.eventlog.aggregate import Context

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
PATIENT = UUID("3f0e7c64-52a1-4d0e-8f4c-0a5d7f1b6a11")
PROGRAM = UUID("b1d6a7f2-90c3-4b57-9a1e-6c2f8d4e5b12")
SCREENING = UUID("7a2c9e15-6b48-4f3d-8c70-e5d1a9b3c213")
PLAN = UUID("0d5b8c7e-2a61-4e9f-b3d4-7f8a9c0e1d15")
CONVERSATION = UUID("e94b0d3a-1f75-4a86-b2c9-3d7e6f8a1b14")

PHYSICIAN = Actor(id="paula", role="physician")
PHYSIOLOGIST = Actor(id="erin", role="exercise-physiologist")
COORDINATOR = Actor(id="kim", role="care-coordinator")
TRAINER = Actor(id="tom", role="personal-trainer")
COACH = Actor(id="cora", role="behavioral-coach")

WALK = Component(
    activity="17190",
    name="walk 2.8-3.2 mph",
    met=Decimal("3.5"),
    intensity=Intensity.MODERATE,
    minutes=20,
    times_per_week=3,
    heart_rate=(111, 135),
    rpe=(12, 13),
)
YOGA = Component(
    activity="02150",
    name="yoga, Hatha",
    met=Decimal("2.5"),
    intensity=Intensity.LIGHT,
    minutes=30,
    times_per_week=2,
    rpe=(9, 11),
    instructions="Near an open window.",
)
JOGGING = Component(
    activity="12020",
    name="jogging, general",
    met=Decimal("7.0"),
    intensity=Intensity.VIGOROUS,
    minutes=15,
    times_per_week=2,
    rpe=(14, 17),
)
GOALS = ("Walk to the lake and back.",)
CONCLUDED = f"{SCREENING}-7"
CLEARED = f"{SCREENING}-9"

DRAFTED = (ProgramDrafted, {"statement": "As printed.", "components": (WALK, YOGA), "goals": GOALS})
ACTIVATED = (
    ProgramActivated,
    {"revision": 1, "starts_on": TODAY, "basis": (CONCLUDED,), "sessions_per_week": 5, "minutes_per_week": 120},
)
HISTORIES: dict[Status, tuple[tuple[type[Event], dict[str, Any]], ...]] = {
    Status.DRAFT: (DRAFTED,),
    Status.ACTIVE: (DRAFTED, ACTIVATED),
    Status.PAUSED: (DRAFTED, ACTIVATED, (ProgramPaused, {"reason": "Influenza."})),
    Status.COMPLETED: (DRAFTED, ACTIVATED, (ProgramCompleted, {"note": "Twelve weeks done."})),
    Status.DISCONTINUED: (DRAFTED, (ProgramDiscontinued, {"reason": "Moved away."})),
}


def context(actor: Actor = PHYSIOLOGIST, now: datetime = MONDAY) -> Context:
    """What the application would hand over for a request of this person."""
    return Context(actor=actor, now=now, correlation_id=CONVERSATION, causation_id="a-request")


def happened(
    event_class: type[Event],
    version: int = 1,
    *,
    originator_id: UUID = PROGRAM,
    occurred_at: datetime = MONDAY,
    actor: Actor = PHYSIOLOGIST,
    **fields: Any,
) -> Any:
    """An event as an earlier request would have recorded it."""
    fields = {"patient_id": PATIENT, **fields}
    return event_class(
        originator_id=originator_id,
        originator_version=version,
        occurred_at=occurred_at,
        actor=actor,
        correlation_id=CONVERSATION,
        causation_id="an-earlier-request",
        **fields,
    )


def history(facts: Iterable[tuple[type[Event], dict[str, Any]]]) -> list[Event]:
    """These facts as the history of one program, each a minute after the one before it, beginning a day ago."""
    began = MONDAY - timedelta(days=1)
    return [
        happened(event_class, version, occurred_at=began + timedelta(minutes=version - 1), **fields)
        for version, (event_class, fields) in enumerate(facts, start=1)
    ]


def a_program(
    status: Status = Status.DRAFT, *, seen_by: Actor = PHYSIOLOGIST, components: tuple[Component, ...] = (WALK, YOGA)
) -> Program:
    """A program at a status, loaded for this person to act on."""
    facts = [
        (event_class, {**fields, "components": components} if event_class is ProgramDrafted else fields)
        for event_class, fields in HISTORIES[status]
    ]
    return loaded(history(facts), seen_by)


def loaded(events: Iterable[Event], seen_by: Actor = PHYSIOLOGIST) -> Program:
    """A program with this history."""
    program = Program.load(events, context(seen_by))
    assert program is not None
    return program


def day(number: int) -> Moment:
    """A moment on a day of November 2026, recorded a second later."""
    moment = datetime(2026, 11, number, 12, 0, tzinfo=UTC)
    return Moment(moment, moment + timedelta(seconds=1))


def concluded(
    permission: Permission = Permission.READY, cap: Intensity = Intensity.MODERATE, on: int = 10
) -> Conclusion:
    """A screening concluded on a day of November 2026."""
    return Conclusion(
        event_id=CONCLUDED, screening_id=SCREENING, permission=permission, cap=cap, conditions=(), decided=day(on)
    )


def cleared(
    outcome: ClearanceOutcome = ClearanceOutcome.CLEARED,
    cap: Intensity = Intensity.MODERATE,
    on: int = 12,
    until: date | None = date(2027, 11, 11),
) -> Clearance:
    """A physician's decision made on a day of November 2026."""
    return Clearance(
        event_id=CLEARED, screening_id=SCREENING, outcome=outcome, cap=cap, valid_until=until, decided=day(on)
    )


READY = Permit(concluded())
"""Moderate exercise is allowed without a physician."""

TO_BE_CLEARED = Permit(concluded(Permission.CLEARANCE_NEEDED, Intensity.NONE))
"""A physician must decide first."""


def take(program: Program, step: Step, permit: Permit = READY) -> None:
    """Take a step with words that fit it."""
    match step:
        case Step.REVISE:
            program.revise((WALK,), GOALS, "Yoga was too much.", permit)
        case Step.ACTIVATE:
            program.activate(TODAY, permit)
        case Step.PAUSE:
            program.pause("Influenza.")
        case Step.RESUME:
            program.resume("Well again.", permit)
        case Step.COMPLETE:
            program.complete("Twelve weeks done.")
        case Step.DISCONTINUE:
            program.discontinue("Moved away.")
