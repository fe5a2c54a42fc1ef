"""Intensity bands on every scale in use, each half-open: the next band begins at its own first value (section 3.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from shared.clinical.exact import Number, require_number

SOURCE = "bjsm table 1; pmc10310950 table 1; US PAG p109; PMC8321902"


class Intensity(StrEnum):
    """Absolute or relative effort."""

    VERY_LIGHT = "very-light"
    LIGHT = "light"
    MODERATE = "moderate"
    VIGOROUS = "vigorous"
    NEAR_MAXIMAL = "near-maximal"


class Scale(StrEnum):
    """What is measured. EFFORT_0_10_PAG is the scale of the US guidelines and not Borg's CR10."""

    PERCENT_HR_MAX = "percent-hr-max"
    PERCENT_HR_RESERVE = "percent-hr-reserve"
    RPE_6_20 = "rpe-6-20"
    EFFORT_0_10_PAG = "effort-0-10-pag"
    MET = "met"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ladder:
    low: int
    high: int
    starts: tuple[Decimal, Decimal, Decimal, Decimal]  # of light, moderate, vigorous, near-maximal


def _ladder(low: int, high: int, *starts: str) -> _Ladder:
    light, moderate, vigorous, near = (Decimal(start) for start in starts)
    return _Ladder(low=low, high=high, starts=(light, moderate, vigorous, near))


_LADDERS: Mapping[Scale, _Ladder] = MappingProxyType(
    {
        Scale.PERCENT_HR_MAX: _ladder(0, 120, "57", "64", "77", "96"),
        Scale.PERCENT_HR_RESERVE: _ladder(-20, 120, "30", "40", "60", "90"),
        Scale.RPE_6_20: _ladder(6, 20, "9", "12", "14", "18"),
        Scale.EFFORT_0_10_PAG: _ladder(0, 10, "3", "5", "7", "9"),
        Scale.MET: _ladder(0, 25, "2.0", "3.0", "6.0", "8.8"),
    }
)

RPE_RANGE: Mapping[Intensity, tuple[int, int]] = MappingProxyType(
    {Intensity.LIGHT: (9, 11), Intensity.MODERATE: (12, 13), Intensity.VIGOROUS: (14, 17)}
)
"""RPE 6-20 targets of the bands that may be prescribed."""

RESERVE_PERCENT: Mapping[Intensity, tuple[int, int]] = MappingProxyType(
    {Intensity.LIGHT: (30, 39), Intensity.MODERATE: (40, 59), Intensity.VIGOROUS: (60, 89)}
)
"""Printed bounds of heart-rate reserve in percent; one published table prints 60-84 for vigorous."""

TALK_TEST: Mapping[Intensity, str] = MappingProxyType(
    {
        Intensity.VERY_LIGHT: "can sing",
        Intensity.LIGHT: "talks easily",
        Intensity.MODERATE: "can talk, not sing",
        Intensity.VIGOROUS: "a few words",
        Intensity.NEAR_MAXIMAL: "no words",
    }
)


def intensity_of(scale: Scale, value: Number) -> Intensity:
    """The band of a value on a scale; MeasureRefused outside the scale."""
    ladder = _LADDERS[scale]
    exact = require_number(value, scale.value, ladder.low, ladder.high)
    return list(Intensity)[sum(exact >= start for start in ladder.starts)]
