"""What wearables count, and what that is worth in moderate-equivalent minutes (section 5.7)."""

from decimal import Decimal
from enum import StrEnum

from shared.clinical.dose import MINUTES_PER_WEEK, equivalent_minutes
from shared.clinical.exact import Number, require_number, require_whole
from shared.clinical.rules import DEFAULT, Rules


class Counter(StrEnum):
    """A vendor's own count of active minutes."""

    FITBIT_AZM = "fitbit-azm"  # vigorous minutes already doubled
    GARMIN_INTENSITY = "garmin-intensity"  # vigorous minutes already doubled
    APPLE_EXERCISE = "apple-exercise"  # minutes at a brisk walk or more, no vigorous split


class StepBand(StrEnum):
    """Reading of steps a day (Tudor-Locke)."""

    SEDENTARY = "sedentary"
    LOW = "low"
    SOMEWHAT_ACTIVE = "somewhat-active"
    ACTIVE = "active"
    HIGHLY_ACTIVE = "highly-active"


STEP_BANDS = (5000, 7500, 10000, 12500)  # first steps of the bands after sedentary: 1479-5868-8-79


def minutes_from_vendor(counter: Counter, counted: Number) -> Decimal:
    """Moderate-equivalent minutes of a vendor's count: always one to one, so that nothing is doubled twice."""
    return require_number(counted, f"{counter.value} minutes", 0, 2 * MINUTES_PER_WEEK)


def minutes_from_zones(moderate: Number, vigorous: Number) -> Decimal:
    """Moderate-equivalent minutes of raw zone minutes, which nobody has doubled yet."""
    return equivalent_minutes(moderate, vigorous)


def step_band(steps: int) -> StepBand:
    """The band of a day's steps; steps are not convertible to minutes without cadence."""
    count = require_whole(steps, "steps", 0, 200_000)
    return list(StepBand)[sum(count >= start for start in STEP_BANDS)]


def is_valid_day(hours_worn: Number, *, rules: Rules = DEFAULT) -> bool:
    """Whether a day was worn long enough to count (10 hours) [R]."""
    return hours_worn >= rules.adherence.valid_day_hours


def is_valid_week(valid_days: int, *, rules: Rules = DEFAULT) -> bool:
    """Whether a week has enough valid days (4) [R]."""
    return valid_days >= rules.adherence.valid_week_days


def next_step_goal(current: int, *, rules: Rules = DEFAULT) -> int:
    """Next week's daily steps: 1000 more up to 7000; who walks more already keeps the own figure [R]."""
    count = require_whole(current, "steps", 0, 200_000)
    return max(count, min(rules.adherence.step_goal, count + rules.adherence.step_increase))
