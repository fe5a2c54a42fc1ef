"""From what a clinician asks for to the components of a program, within what is plausible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from events.prescription import Component
from events.terms import Intensity
from shared.clinical.activities import Activity, activity
from shared.clinical.conclusion import Cap
from shared.clinical.heartrate import heart_rate_range
from shared.clinical.intensity import RPE_RANGE
from shared.clinical.intensity import Intensity as Band
from shared.clinical.refusals import MeasureRefused, UnknownCode
from shared.clinical.rules import DEFAULT
from shared.eventlog.aggregate import Refused

VIGOROUS_FROM_MET = Decimal(6)
"""From here on an activity counts as vigorous, however hard it is meant to feel (section 2.1, ACSM)."""

LONGEST_SESSION = 240
MOST_MINUTES_A_WEEK = 1200
LOWEST_RPE = 6


class PlanRefused(Refused):
    """Components that cannot be meant, or break a rule that holds for everybody."""

    def __init__(self, message: str, *, code: str = "implausible-plan"):
        super().__init__(message, code=code)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One component as a clinician asks for it; `activity` is a Compendium code or our own id.

    `rpe` (6-20, inside the band) takes the place of heart-rate bounds.
    """

    activity: str
    intensity: Intensity
    minutes: int
    times_per_week: int
    rpe: tuple[int, int] | None = None
    instructions: str = ""


@dataclass(frozen=True, kw_only=True)
class HeartRateFrom:
    """What heart-rate bounds are computed from: age in years and resting heart rate per minute."""

    age: int
    resting: int


def planned(wanted: Sequence[Wanted], heart_rate_from: HeartRateFrom | None) -> tuple[Component, ...]:
    """Make the components of a program; PlanRefused says what to change.

    Bounds are Karvonen on the predicted maximum where age and resting heart rate are given, and the band's RPE
    (clinical rules 3.3, 3.4).
    """
    if not wanted:
        raise PlanRefused("A program needs at least one component.")
    components = tuple(_component(part, heart_rate_from) for part in wanted)
    if minutes_per_week(components) > MOST_MINUTES_A_WEEK:
        raise PlanRefused(f"More than {MOST_MINUTES_A_WEEK} minutes a week are not plausible.")
    return components


def _component(wanted: Wanted, heart_rate_from: HeartRateFrom | None) -> Component:
    _must_be_plausible(wanted)
    found = _found(wanted.activity)
    return Component(
        activity=found.code,
        name=found.name,
        met=found.met,
        intensity=wanted.intensity,
        minutes=wanted.minutes,
        times_per_week=wanted.times_per_week,
        heart_rate=None if wanted.rpe else _heart_rate(wanted.intensity, heart_rate_from),
        rpe=wanted.rpe or RPE_RANGE[Band(wanted.intensity.value)],
        instructions=wanted.instructions,
    )


def _found(key: str) -> Activity:
    try:
        return activity(key)
    except UnknownCode as unknown:
        raise PlanRefused("The catalogue has no activity of that code.", code="unknown-activity") from unknown


def _heart_rate(intensity: Intensity, heart_rate_from: HeartRateFrom | None) -> tuple[int, int] | None:
    if heart_rate_from is None:
        return None
    try:
        return heart_rate_range(heart_rate_from.age, heart_rate_from.resting, Band(intensity.value))
    except MeasureRefused as refused:
        raise PlanRefused(f"No heart-rate bounds from these figures: {refused}.") from refused


def _must_be_plausible(wanted: Wanted) -> None:
    if wanted.intensity is Intensity.NONE:
        raise PlanRefused("A component is light, moderate or vigorous.")
    if not 1 <= wanted.minutes <= LONGEST_SESSION:
        raise PlanRefused(f"A session lasts from 1 to {LONGEST_SESSION} minutes.")
    days = DEFAULT.dose.training_days_max
    if not 1 <= wanted.times_per_week <= days:
        raise PlanRefused(f"Once to {days} times a week: at least one day is for rest.", code="no-rest-day")
    if wanted.rpe is not None:
        _must_fit_the_band(wanted.rpe, wanted.intensity)


def _must_fit_the_band(rpe: tuple[int, int], intensity: Intensity) -> None:
    low, high = rpe
    highest = RPE_RANGE[Band(intensity.value)][1]
    if not LOWEST_RPE <= low <= high <= highest:
        raise PlanRefused(f"RPE bounds of {intensity.value} intensity run from {LOWEST_RPE} at least to {highest}.")


def cap_needed_by(components: Iterable[Component]) -> Intensity:
    """Give the intensity that a cap must leave open: the hardest component's, by its band or its MET value."""
    needed = (Intensity.VIGOROUS if part.met >= VIGOROUS_FROM_MET else part.intensity for part in components)
    return Intensity(max((Cap(intensity.value) for intensity in needed), default=Cap.NONE).value)


def sessions_per_week(components: Iterable[Component]) -> int:
    """Count the sessions of a week."""
    return sum(part.times_per_week for part in components)


def minutes_per_week(components: Iterable[Component]) -> int:
    """Sum the minutes of a week."""
    return sum(part.minutes * part.times_per_week for part in components)
