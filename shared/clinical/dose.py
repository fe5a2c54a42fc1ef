"""Exercise dose: vital sign, moderate-equivalent minutes, MET-minutes, energy and weekly targets (sections 3.1-3.4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared.clinical.conclusion import Cap
from shared.clinical.exact import Number, half_up, require_number, require_whole
from shared.clinical.rules import DEFAULT, Rules

TARGET_MINUTES = (150, 300)  # moderate-equivalent min/week: WHO 2020, US 2018
TARGET_MET_MINUTES = (500, 1000)  # per week: US PAG
STRENGTH_DAYS = 2  # per week: WHO 2020
MINUTES_PER_WEEK = 7 * 24 * 60


class ActivityBand(StrEnum):
    """Reading of the exercise vital sign."""

    INACTIVE = "inactive"
    INSUFFICIENT = "insufficiently-active"
    SUFFICIENT = "sufficient"


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalSign:
    """Moderate-to-vigorous minutes a week with their reading; `strength_met` None = strength days not asked."""

    minutes_per_week: int
    band: ActivityBand
    strength_days: int | None
    strength_met: bool | None
    rule_set: str
    source: str = "HL7 physical-activity@cecef2e; Coleman 2012; CDC 26559"


def exercise_vital_sign(
    days_per_week: int, minutes_per_day: int, strength_days: int | None = None, *, rules: Rules = DEFAULT
) -> VitalSign:
    """Days (0-7) times minutes a day (0-1440); MeasureRefused outside (section 3.1)."""
    days = require_whole(days_per_week, "days per week", 0, 7)
    minutes = days * require_whole(minutes_per_day, "minutes per day", 0, 1440)
    if strength_days is not None:
        require_whole(strength_days, "strength days per week", 0, 7)
    active = ActivityBand.INSUFFICIENT if minutes else ActivityBand.INACTIVE
    return VitalSign(
        minutes_per_week=minutes,
        band=ActivityBand.SUFFICIENT if minutes >= TARGET_MINUTES[0] else active,
        strength_days=strength_days,
        strength_met=None if strength_days is None else strength_days >= STRENGTH_DAYS,
        rule_set=rules.version,
    )


def equivalent_minutes(moderate: Number, vigorous: Number) -> Decimal:
    """Moderate-equivalent minutes: one vigorous minute counts as two (US PAG)."""
    whole_week = MINUTES_PER_WEEK
    counted = require_number(moderate, "moderate minutes", 0, whole_week)
    return counted + 2 * require_number(vigorous, "vigorous minutes", 0, whole_week)


def meets_guideline(moderate: Number, vigorous: Number) -> bool:
    """Whether the week reaches 150 moderate-equivalent minutes (WHO 2020)."""
    return equivalent_minutes(moderate, vigorous) >= TARGET_MINUTES[0]


def met_minutes(met: Number, minutes: Number) -> Decimal:
    """MET times minutes, unrounded."""
    return require_number(met, "MET", Decimal("0.9"), 25) * require_number(minutes, "minutes", 0, MINUTES_PER_WEEK)


def kilocalories(met: Number, minutes: Number, kilograms: Number) -> Decimal:
    """Energy in kcal, one decimal; not to be shown with an eating-disorder modifier (section 3.4)."""
    weight = require_number(kilograms, "weight in kg", 20, 400)
    return half_up(met_minutes(met, minutes) * Decimal("3.5") * weight / 200, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of a weekly plan: MET value, minutes a session, sessions a week, and the cap that it stays within."""

    met: Number
    minutes: int
    times_per_week: int
    cap: Cap

    @property
    def weekly_minutes(self) -> int:
        """Time x frequency = volume (section 3.2)."""
        return self.minutes * self.times_per_week


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyDose:
    """Sums of a weekly plan and its place against the guideline; light minutes do not count as moderate."""

    minutes: int
    equivalent_minutes: int
    met_minutes: Decimal
    meets_minutes: bool
    within_met_minutes: bool
    rule_set: str
    source: str = "WHO 2020; US PAG 2018"


def weekly_dose(components: Iterable[Component], *, rules: Rules = DEFAULT) -> WeeklyDose:
    """Sum the components of one week (sections 3.2 and 3.4)."""
    parts = tuple(components)
    weight = {Cap.MODERATE: 1, Cap.VIGOROUS: 2}
    equivalent = sum(part.weekly_minutes * weight.get(part.cap, 0) for part in parts)
    volume = sum((met_minutes(part.met, part.weekly_minutes) for part in parts), Decimal(0))
    return WeeklyDose(
        minutes=sum(part.weekly_minutes for part in parts),
        equivalent_minutes=equivalent,
        met_minutes=volume,
        meets_minutes=equivalent >= TARGET_MINUTES[0],
        within_met_minutes=TARGET_MET_MINUTES[0] <= volume <= TARGET_MET_MINUTES[1],
        rule_set=rules.version,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A rule that a plan breaks and what would satisfy it."""

    code: str
    remedy: str
    source: str


def dose_breaches(
    components: Iterable[Component], *, inactive: bool, training_days: int, cap: Cap, rules: Rules = DEFAULT
) -> tuple[Breach, ...]:
    """What stands against a weekly plan: session length for the inactive, rest day, intensity cap (section 3.2)."""
    parts = tuple(components)
    longest = rules.dose.inactive_session_max
    found = []
    if inactive and any(part.minutes > longest for part in parts):
        found.append(Breach(code="SESSION_TOO_LONG", remedy=f"at most {longest} minutes a session", source="3.2 [R]"))
    if training_days > rules.dose.training_days_max:
        found.append(Breach(code="NO_REST_DAY", remedy="at least one rest day a week", source="3.2 [R]"))
    if any(part.cap > cap for part in parts):
        found.append(Breach(code="ABOVE_CAP", remedy=f"no intensity above {cap.value}", source="conclusion"))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDose:
    """Where an inactive person begins: sessions a week, minutes a session, and the weekly ceiling in minutes."""

    days: int
    minutes: tuple[int, int]
    bout_minutes: int
    weekly_ceiling: int
    cap: Cap
    rule_set: str
    source: str = "section 3.6 [R]; ndec.info initial stage"


def default_dose(*, rules: Rules = DEFAULT) -> tuple[int, int]:
    """Days a week and minutes a day where nothing speaks for another target: 5 x 30 = 150 (section 3.2)."""
    return rules.dose.default_days, rules.dose.default_minutes


def start_dose(*, rules: Rules = DEFAULT) -> StartDose:
    """15-20 minutes on three days, ten-minute bouts allowed, at most 60 % of 150 minutes a week (section 3.6)."""
    ceiling = half_up(rules.dose.start_share * TARGET_MINUTES[0])
    return StartDose(
        days=rules.dose.start_days,
        minutes=rules.dose.start_minutes,
        bout_minutes=rules.dose.bout_minutes,
        weekly_ceiling=int(ceiling),
        cap=Cap.MODERATE,
        rule_set=rules.version,
    )
