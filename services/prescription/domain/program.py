"""The program: one patient's exercise prescription from its draft to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from events.base import Actor
from events.prescription import (
    Component,
    FieldChange,
    ProgramActivated,
    ProgramCompleted,
    ProgramDiscontinued,
    ProgramDrafted,
    ProgramPaused,
    ProgramResumed,
    ProgramRevised,
)
from events.terms import CareRole
from services.prescription.domain.differences import differences
from services.prescription.domain.permit import WORDS, Missing, Moment, Permit, allowed_to_exercise
from services.prescription.domain.plan import cap_needed_by, minutes_per_week, sessions_per_week
from shared.clinical.statement import COMPLEMENTARY_CARE
from shared.eventlog.aggregate import Aggregate, Context, NotFound, Refused, when

MAY_CHANGE = frozenset({CareRole.PHYSICIAN, CareRole.EXERCISE_PHYSIOLOGIST})
MAY_STOP = MAY_CHANGE | {CareRole.COORDINATOR}

LATEST_START = timedelta(days=90)
ONE_DAY = timedelta(days=1)


class Status(StrEnum):
    """Where a program stands, in the codes of FHIR's request status."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "on-hold"
    COMPLETED = "completed"
    DISCONTINUED = "revoked"


class Step(StrEnum):
    """What can be done with a program once it is drafted."""

    REVISE = "revise"
    ACTIVATE = "activate"
    PAUSE = "pause"
    RESUME = "resume"
    COMPLETE = "complete"
    DISCONTINUE = "discontinue"


STEPS: Mapping[Status, tuple[Step, ...]] = {
    Status.DRAFT: (Step.REVISE, Step.ACTIVATE, Step.DISCONTINUE),
    Status.ACTIVE: (Step.REVISE, Step.PAUSE, Step.COMPLETE, Step.DISCONTINUE),
    Status.PAUSED: (Step.REVISE, Step.RESUME, Step.DISCONTINUE),
    Status.COMPLETED: (),
    Status.DISCONTINUED: (),
}
TO_STOP = (Step.PAUSE, Step.DISCONTINUE)


def steps_of(status: Status, role: str) -> tuple[Step, ...]:
    """Tell which steps a role may take in a status."""
    allowed = [step for step in STEPS[status] if role in (MAY_STOP if step in TO_STOP else MAY_CHANGE)]
    return tuple(allowed)


class NotAllowed(Refused):
    """A step that the program's status, or what is known about the patient, does not allow now."""


@dataclass(frozen=True)
class Revision:
    """One revision as its event tells it; a field about the patient may be UNSET once it was erased."""

    number: int
    event: ProgramDrafted | ProgramRevised

    @property
    def author(self) -> Actor:
        """Who wrote it."""
        return self.event.actor

    @property
    def triggered_by(self) -> str | None:
        """The event that led to it, if one was named."""
        return getattr(self.event, "triggered_by", None)

    @property
    def reason(self) -> str | None:
        """Why it was written; a draft has no reason."""
        return getattr(self.event, "reason", None)

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """What it changed in the revision before; nothing in a draft."""
        return getattr(self.event, "changes", ())

    @property
    def components(self) -> tuple[Component, ...]:
        """What it prescribes."""
        return self.event.components

    @property
    def goals(self) -> tuple[str, ...]:
        """What the patient wants to reach."""
        return self.event.goals

    @property
    def written_at(self) -> datetime:
        """When it was written."""
        return self.event.occurred_at


class Program(Aggregate):
    """One exercise program of a patient, with every revision of it."""

    statement: str
    drafted_at: datetime
    status = Status.DRAFT
    starts_on: date | None = None
    basis: tuple[str, ...] = ()
    needs_clearance = False
    clearance_after: datetime | None = None

    def __init__(self, id: UUID, context: Context, patient_id: UUID | None = None):
        super().__init__(id, context, patient_id)
        self.revisions: list[Revision] = []

    @classmethod
    def draft(
        cls, id: UUID, context: Context, patient_id: UUID, components: Sequence[Component], goals: Sequence[str]
    ) -> Program:
        """Write the first revision; nobody exercises by it before it is activated."""
        program = cls(id, context, patient_id)
        program.record(ProgramDrafted, statement=COMPLEMENTARY_CARE, components=tuple(components), goals=tuple(goals))
        return program

    # What it is now

    @property
    def revision(self) -> int:
        """The number of the present revision, from 1."""
        return self.revisions[-1].number

    @property
    def components(self) -> tuple[Component, ...]:
        """What is prescribed now; none if it was erased."""
        return self.revisions[-1].components or ()

    @property
    def goals(self) -> tuple[str, ...]:
        """What the patient wants to reach; none if it was erased."""
        return self.revisions[-1].goals or ()

    def revision_number(self, number: int) -> Revision:
        """Give one revision; NotFound if there is none of that number."""
        for revision in self.revisions:
            if revision.number == number:
                return revision
        raise NotFound(f"program {self.id} has no revision {number}")

    # What is decided

    def revise(
        self,
        components: Sequence[Component],
        goals: Sequence[str],
        reason: str,
        permit: Permit,
        triggered_by: str | None = None,
    ) -> None:
        """Change what is prescribed. An active program is followed from now on, so its revision must be allowed."""
        self._must_allow(Step.REVISE)
        changes = differences(self.components, components, self.goals, goals)
        if not changes:
            raise NotAllowed("This revision changes nothing.", code="nothing-changed", allowed=self._steps())
        basis: tuple[str, ...] = ()
        if self.status is Status.ACTIVE:
            basis = self._must_be_permitted(Step.REVISE, permit, components, self._today)
        self.record(
            ProgramRevised,
            revision=self.revision + 1,
            triggered_by=triggered_by,
            basis=basis,
            reason=reason,
            components=tuple(components),
            goals=tuple(goals),
            changes=changes,
        )

    def activate(self, starts_on: date, permit: Permit) -> None:
        """Let the patient exercise by it from a day on; NotAllowed says exactly what is missing for that."""
        self._must_allow(Step.ACTIVATE)
        # A day of grace: where it is still yesterday, today's UTC date has not begun.
        if not self._today - ONE_DAY <= starts_on <= self._today + LATEST_START:
            days = LATEST_START.days
            raise NotAllowed(f"A program starts today or within {days} days.", code="start", allowed=self._steps())
        basis = self._must_be_permitted(Step.ACTIVATE, permit, self.components, max(starts_on, self._today))
        self.record(
            ProgramActivated,
            revision=self.revision,
            starts_on=starts_on,
            basis=basis,
            sessions_per_week=sessions_per_week(self.components),
            minutes_per_week=minutes_per_week(self.components),
        )

    def pause(self, reason: str, *, clearance_after: datetime | None = None, triggered_by: str | None = None) -> None:
        """Stop for now; `clearance_after` is the moment after which a clearance must be decided before it goes on."""
        self._must_allow(Step.PAUSE)
        self.record(
            ProgramPaused,
            reason=reason,
            needs_clearance=clearance_after is not None,
            clearance_after=clearance_after,
            triggered_by=triggered_by,
        )

    def resume(self, reason: str, permit: Permit) -> None:
        """Go on; NotAllowed says exactly what is missing for that."""
        self._must_allow(Step.RESUME)
        basis = self._must_be_permitted(Step.RESUME, permit, self.components, self._today)
        self.record(ProgramResumed, basis=basis, reason=reason)

    def complete(self, note: str) -> None:
        """Bring it to its planned end."""
        self._must_allow(Step.COMPLETE)
        self.record(ProgramCompleted, note=note)

    def discontinue(self, reason: str) -> None:
        """End it early."""
        self._must_allow(Step.DISCONTINUE)
        self.record(ProgramDiscontinued, reason=reason)

    @property
    def _today(self) -> date:
        return self.context.now.date()

    def _steps(self, *without: Step) -> tuple[Step, ...]:
        return tuple(step for step in steps_of(self.status, self.context.actor.role) if step not in without)

    def _must_allow(self, step: Step) -> None:
        if step not in STEPS[self.status]:
            message = f"A program that is {self.status.name.lower()} does not allow the step {step}."
            raise NotAllowed(message, code="step-not-allowed", allowed=self._steps())

    def _must_be_permitted(
        self, step: Step, permit: Permit, components: Sequence[Component], day: date
    ) -> tuple[str, ...]:
        """Give the basis of what is allowed, or say exactly what is missing."""
        missing = allowed_to_exercise(permit, day, cap_needed_by(components), self._clearance_due_after(permit))
        if missing:
            raise NotAllowed(_missing_in_words(missing), code="not-permitted", allowed=self._steps(step))
        return permit.basis(day)

    def _clearance_due_after(self, permit: Permit) -> Moment | None:
        own = Moment(self.clearance_after, self.clearance_after) if self.clearance_after else None
        return max((moment for moment in (own, permit.red_flag) if moment is not None), default=None)

    # What happened

    @when(ProgramDrafted)
    def _drafted(self, event: ProgramDrafted) -> None:
        self.statement = event.statement
        self.drafted_at = event.occurred_at
        self.revisions.append(Revision(1, event))

    @when(ProgramRevised)
    def _revised(self, event: ProgramRevised) -> None:
        self.revisions.append(Revision(event.revision, event))
        self.basis = event.basis or self.basis

    @when(ProgramActivated)
    def _activated(self, event: ProgramActivated) -> None:
        self.status = Status.ACTIVE
        self.starts_on, self.basis = event.starts_on, event.basis

    @when(ProgramPaused)
    def _paused(self, event: ProgramPaused) -> None:
        self.status = Status.PAUSED
        self.needs_clearance = event.needs_clearance
        self.clearance_after = (event.clearance_after or event.occurred_at) if event.needs_clearance else None

    @when(ProgramResumed)
    def _resumed(self, event: ProgramResumed) -> None:
        self.status, self.basis = Status.ACTIVE, event.basis
        self.needs_clearance, self.clearance_after = False, None

    @when(ProgramCompleted)
    def _completed(self, event: ProgramCompleted) -> None:
        self.status = Status.COMPLETED

    @when(ProgramDiscontinued)
    def _discontinued(self, event: ProgramDiscontinued) -> None:
        self.status = Status.DISCONTINUED


def _missing_in_words(missing: Sequence[Missing]) -> str:
    return f"The patient may not exercise by this program yet. Missing: {'; '.join(WORDS[one] for one in missing)}."
