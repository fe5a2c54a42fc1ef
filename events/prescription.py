"""What prescription records: exercise programs and every revision of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar

import msgspec

from events.base import (
    UNSET,
    Category,
    Event,
    Instant,
    ParkedEventSkipped,
    ReactionRefused,
    RefusalSettled,
    Sensitive,
    UpstreamReconciled,
)
from events.terms import Intensity


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a program in FITT terms: how often (a week), how hard, how long (minutes), and what.

    `activity` is a Compendium code (five digits as text); heart-rate bounds (per minute) or RPE bounds (6-20) tell
    how hard it should feel.
    """

    activity: str
    name: str
    met: Decimal
    intensity: Intensity
    minutes: int
    times_per_week: int
    heart_rate: tuple[int, int] | None = None
    rpe: tuple[int, int] | None = None
    instructions: str = ""


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field that a revision changed: a path such as `components.0.minutes`, before and after, as text."""

    path: str
    before: str | None
    after: str | None


class ProgramDrafted(Event, frozen=True, kw_only=True, tag="caretrail.prescription.program-drafted.v1"):
    """A first version of an exercise program is written; nobody exercises by it yet."""

    statement: str
    components: Sensitive[tuple[Component, ...], Category.FITNESS] = UNSET
    goals: Sensitive[tuple[str, ...], Category.FITNESS] = UNSET


class ProgramRevised(Event, frozen=True, kw_only=True, tag="caretrail.prescription.program-revised.v1"):
    """The program changed: which revision it is now, why, what triggered it, and the differences field by field.

    `basis` names the facts that allow the revision of an active program; a draft or paused one needs none.
    """

    revision: int
    triggered_by: str | None = None
    basis: tuple[str, ...] = ()
    reason: Sensitive[str, Category.NOTES] = UNSET
    components: Sensitive[tuple[Component, ...], Category.FITNESS] = UNSET
    goals: Sensitive[tuple[str, ...], Category.FITNESS] = UNSET
    changes: Sensitive[tuple[FieldChange, ...], Category.FITNESS] = UNSET


class ProgramActivated(Event, frozen=True, kw_only=True, tag="caretrail.prescription.program-activated.v1"):
    """The patient starts to exercise by this revision; `basis` names the facts that allow it."""

    revision: int
    starts_on: date
    basis: tuple[str, ...]
    sessions_per_week: int
    minutes_per_week: int


class ProgramPaused(Event, frozen=True, kw_only=True, tag="caretrail.prescription.program-paused.v1"):
    """No exercise for now; with `needs_clearance` only a clearance decided after `clearance_after` lets it go on."""

    safety: ClassVar[bool] = True

    reason: Sensitive[str, Category.NOTES] = UNSET
    needs_clearance: bool = False
    clearance_after: Instant | None = None
    triggered_by: str | None = None


class ProgramResumed(Event, frozen=True, kw_only=True, tag="caretrail.prescription.program-resumed.v1"):
    """Exercise goes on; `basis` names the facts that allow it."""

    basis: tuple[str, ...]
    reason: Sensitive[str, Category.NOTES] = UNSET


class ProgramCompleted(Event, frozen=True, kw_only=True, tag="caretrail.prescription.program-completed.v1"):
    """The program came to its planned end."""

    note: Sensitive[str, Category.NOTES] = UNSET


class ProgramDiscontinued(Event, frozen=True, kw_only=True, tag="caretrail.prescription.program-discontinued.v1"):
    """The program ended early, for a stated reason."""

    reason: Sensitive[str, Category.NOTES] = UNSET


class PrescriptionReactionRefused(
    ReactionRefused, frozen=True, kw_only=True, tag="caretrail.prescription.reaction-refused.v1"
):
    """Prescription could not do what another service's event asked for."""


class PrescriptionRefusalSettled(
    RefusalSettled, frozen=True, kw_only=True, tag="caretrail.prescription.refusal-settled.v1"
):
    """A coordinator has dealt with a refused reaction of prescription."""


class PrescriptionParkedEventSkipped(
    ParkedEventSkipped, frozen=True, kw_only=True, tag="caretrail.prescription.parked-event-skipped.v1"
):
    """An operator let prescription pass over another service's event that it could not take."""


class PrescriptionUpstreamReconciled(
    UpstreamReconciled, frozen=True, kw_only=True, tag="caretrail.prescription.upstream-reconciled.v1"
):
    """An operator let prescription go on behind an upstream whose log was restored from a backup."""
