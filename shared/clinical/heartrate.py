"""Heart-rate targets by Karvonen, or effort targets where heart rate is not to be used (section 3.4)."""

from dataclasses import dataclass
from decimal import Decimal

from shared.clinical.exact import Number, half_up, require_number, require_whole
from shared.clinical.intensity import RESERVE_PERCENT, RPE_RANGE, TALK_TEST, Intensity, Scale, intensity_of
from shared.clinical.refusals import MeasureRefused
from shared.clinical.rules import DEFAULT, HeartRateFormula, Rules

_FORMULAS = {
    HeartRateFormula.FOX: (Decimal(220), Decimal(1)),  # SD 10-12; Gellish 2007
    HeartRateFormula.TANAKA: (Decimal(208), Decimal("0.7")),  # pmc10310950
    HeartRateFormula.GELLISH: (Decimal("206.9"), Decimal("0.67")),  # fameexercise.com
}
OLDEST = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class EffortTarget:
    """What to aim at. `heart_rate` in whole beats/min, both bounds included; None = heart rate is not to be used."""

    intensity: Intensity
    heart_rate: tuple[int, int] | None
    rpe: tuple[int, int]
    talk_test: str
    rule_set: str
    source: str


def maximal_rate(age: int, formula: HeartRateFormula | None = None, *, rules: Rules = DEFAULT) -> Decimal:
    """Predicted maximal heart rate of an adult in beats/min, by the rule set's formula (Tanaka) unless one is named."""
    years = require_whole(age, "age", rules.clearance.adult_age, OLDEST)
    intercept, slope = _FORMULAS[formula or rules.dose.heart_rate_formula]
    return intercept - slope * years


def karvonen(resting: Number, maximal: Number, percent: Number, *, rules: Rules = DEFAULT) -> Decimal:
    """Heart rate at a percentage of the reserve, unrounded; MeasureRefused unless resting lies below maximal."""
    low, high = rules.dose.resting_rate
    rest = require_number(resting, "resting heart rate", low, high)
    share = require_number(percent, "percent of heart-rate reserve", 0, 100)
    if rest >= maximal:
        raise MeasureRefused("resting heart rate must be below the maximal one")
    return rest + share / 100 * (Decimal(maximal) - rest)


def heart_rate_range(
    age: int,
    resting: int,
    intensity: Intensity,
    formula: HeartRateFormula | None = None,
    *,
    rules: Rules = DEFAULT,
) -> tuple[int, int]:
    """Bounds in whole beats/min of a prescribable band (light, moderate, vigorous)."""
    low, high = _prescribable(intensity)
    maximal = maximal_rate(age, formula, rules=rules)
    lower, upper = (karvonen(resting, maximal, percent, rules=rules) for percent in (low, high))
    return int(half_up(lower)), int(half_up(upper))


def effort_target(
    intensity: Intensity,
    *,
    age: int,
    resting: int | None,
    rate_limited: bool,
    rpe: tuple[int, int] | None = None,
    rules: Rules = DEFAULT,
) -> EffortTarget:
    """The target of a band. No heart rate when `rate_limited` (beta-blocker and the like) or resting is unknown.

    `rpe` is a modifier's range and replaces a band that goes above it; a rate-limited person gets 12-13 (Mayo).
    """
    _prescribable(intensity)
    limit = rpe or (RPE_RANGE[Intensity.MODERATE] if rate_limited else RPE_RANGE[Intensity.VIGOROUS])
    effort = limit if RPE_RANGE[intensity][1] > limit[1] else RPE_RANGE[intensity]
    heart_rate = None
    if resting is not None and not rate_limited:
        heart_rate = heart_rate_range(age, resting, intensity, rules=rules)
    return EffortTarget(
        intensity=intensity,
        heart_rate=heart_rate,
        rpe=effort,
        talk_test=TALK_TEST[intensity_of(Scale.RPE_6_20, effort[1])],
        rule_set=rules.version,
        source="Karvonen (fameexercise.com); mayoclinic.org faq-20058369",
    )


def _prescribable(intensity: Intensity) -> tuple[int, int]:
    if intensity not in RESERVE_PERCENT:
        raise MeasureRefused(f"{intensity.value} is no intensity to prescribe")
    return RESERVE_PERCENT[intensity]
