"""The six-minute walk: predicted distance, lower limit and reading (section 3.4)."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared.clinical.exact import Number, half_up, percent, require_number, require_whole
from shared.clinical.refusals import MeasureRefused
from shared.clinical.rules import DEFAULT, Rules


class Sex(StrEnum):
    """Sex as the reference equations know it."""

    FEMALE = "female"
    MALE = "male"


class Capacity(StrEnum):
    """Reading of a walk against its lower limit of normal."""

    NORMAL = "normal"
    LOW_CAPACITY = "LOW_CAPACITY"
    NO_REFERENCE = "no-reference"  # no equation for this sex or age


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Whom the equations need to know: whole years, height in cm, weight in kg, and whether physically active."""

    sex: Sex | None
    age: int
    height_cm: Number
    weight_kg: Number
    active: bool = False

    def __post_init__(self) -> None:
        require_whole(self.age, "age", 0, 130)
        require_number(self.height_cm, "height in cm", 100, 250)
        require_number(self.weight_kg, "weight in kg", 20, 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Predicted distance and lower limit of normal in metres, exact; round for showing."""

    metres: Decimal
    lower_limit: Decimal
    equation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkReading:
    """A walk in metres against its prediction; `percent_predicted` with one decimal."""

    walked: Decimal
    predicted: Prediction | None
    percent_predicted: Decimal | None
    capacity: Capacity
    rule_set: str


def predict(walker: Walker) -> Prediction | None:
    """The prediction for an adult: Enright 1998 for 40-80 years, GEIRD for 21-39; None where no equation holds."""
    if walker.sex is None:
        return None
    if 40 <= walker.age <= 80:
        return _enright(walker)
    return _geird(walker) if 21 <= walker.age <= 39 else None


def read_walk(walker: Walker, walked_metres: Number, *, rules: Rules = DEFAULT) -> WalkReading:
    """Read a walk: percent of predicted, and LOW_CAPACITY below the lower limit (start light, consider physician)."""
    walked = require_number(walked_metres, "distance in m", 0, 1200)
    expected = predict(walker)
    if expected is None:
        capacity = Capacity.NO_REFERENCE
    else:
        capacity = Capacity.LOW_CAPACITY if walked < expected.lower_limit else Capacity.NORMAL
    return WalkReading(
        walked=walked,
        predicted=expected,
        percent_predicted=None if expected is None else percent(walked, expected.metres),
        capacity=capacity,
        rule_set=rules.version,
    )


def walk_change_is_meaningful(before: Number, after: Number, *, rules: Rules = DEFAULT) -> bool:
    """Whether two walks differ by 30 m or more (ERS/ATS 2014: 25-33)."""
    return abs(Decimal(after) - Decimal(before)) >= rules.dose.walk_meaningful_metres


def _enright(walker: Walker) -> Prediction:
    height, weight, age = Decimal(walker.height_cm), Decimal(walker.weight_kg), walker.age
    if walker.sex is Sex.MALE:
        metres = Decimal("7.57") * height - Decimal("5.02") * age - Decimal("1.76") * weight - 309
        return _prediction(metres, 153, "Enright 1998, men 40-80 (ERS table 5)")
    metres = Decimal("2.11") * height - Decimal("2.29") * weight - Decimal("5.78") * age + 667
    return _prediction(metres, 139, "Enright 1998, women 40-80 (ERS table 5)")


def _geird(walker: Walker) -> Prediction:
    height, weight, age, active = Decimal(walker.height_cm), Decimal(walker.weight_kg), walker.age, int(walker.active)
    if walker.sex is Sex.MALE:
        growth = Decimal("26.80") * age - Decimal("0.06") * age**2 - Decimal("0.13") * age * height
        metres = growth + Decimal("8.46") * height - Decimal("0.45") * weight - Decimal("2.54") * active
        return _prediction(metres - Decimal("890.18"), 122, "GEIRD, men 21-78 (Respir Res 2022)")
    growth = Decimal("8.10") * age - Decimal("0.10") * age**2 + Decimal("22.58") * active
    metres = growth + Decimal("1.61") * height - Decimal("0.99") * weight + Decimal("222.55")
    return _prediction(metres, 96, "GEIRD, women 21-76 (Respir Res 2022)")


def _prediction(metres: Decimal, below: int, equation: str) -> Prediction:
    exact = half_up(metres, 2)
    if exact <= below:
        raise MeasureRefused("height and weight lie outside what the walk equations were made for")
    return Prediction(metres=exact, lower_limit=exact - below, equation=equation)
