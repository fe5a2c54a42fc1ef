"""The gate of resting blood pressure and heart rate, with the repeat rule (section 2.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from shared.clinical.conclusion import Cap, Condition, ConditionCode, Gate, GateName, Permission
from shared.clinical.exact import require_whole
from shared.clinical.refusals import MeasureRefused
from shared.clinical.rules import DEFAULT, Rules

SOURCE = "gpcpd.heiw.wales; heartonline.org.au; BMJ Open table 1; conservative choice [R]"
FIGURES = ("systolic", "diastolic", "rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """One resting measurement: blood pressure in mmHg, heart rate in beats/min; None = not measured."""

    systolic: int | None
    diastolic: int | None
    rate: int | None

    def __post_init__(self) -> None:
        for name in FIGURES:
            if getattr(self, name) is not None:
                require_whole(getattr(self, name), name, 1, 999)
        if self.systolic is not None and self.diastolic is not None and self.diastolic >= self.systolic:
            raise MeasureRefused("diastolic pressure must be below systolic pressure")

    @property
    def missing(self) -> tuple[str, ...]:
        """What was not measured."""
        return tuple(name for name in FIGURES if getattr(self, name) is None)


class _Height(IntEnum):
    OK = 0
    CAUTION = 1
    HOLD = 2


def implausible(vitals: Vitals, *, rules: Rules = DEFAULT) -> tuple[str, ...]:
    """The figures outside the plausible range; a caller refuses them or records an override."""
    limits = rules.vitals
    ranges = {
        "systolic": limits.plausible_systolic,
        "diastolic": limits.plausible_diastolic,
        "rate": limits.plausible_rate,
    }
    measured = {name: getattr(vitals, name) for name in ranges if getattr(vitals, name) is not None}
    return tuple(name for name, figure in measured.items() if not ranges[name][0] <= figure <= ranges[name][1])


def vitals_gate(
    readings: Sequence[Vitals],
    *,
    symptoms: bool | None,
    eating_disorder: bool | None = False,
    rules: Rules = DEFAULT,
) -> Gate:
    """Judge the readings of one occasion, in order of time; unknown symptoms or eating disorder count as yes.

    A reading at hold level asks for two repeats after five minutes; from three readings on, the worse of the last
    two decides. Reasons: VITALS_OK, VITALS_OK_LOW, VITALS_CAUTION, VITALS_HOLD, VITALS_HOLD_LOW, VITALS_MISSING.
    """
    repeated = len(readings) > rules.vitals.repeats
    deciding = readings[-rules.vitals.repeats :] if repeated else readings
    height = max((_height(reading, rules) for reading in deciding), default=_Height.OK)
    # a figure that nobody measured must not hide a measured one that already holds
    if height is _Height.HOLD:
        return _hold(repeated, symptoms is not False, deciding, rules)
    missing = _missing(deciding)
    if missing:
        ask = (Condition(code=ConditionCode.COMPLETE_MEASURES),)
        return _gate("VITALS_MISSING", rules, ask, Permission.HOLD, Cap.NONE, missing)
    low = _lows(deciding, rules)
    slow = any((reading.rate or 0) < rules.vitals.low_rate_below for reading in deciding)
    if low and (symptoms is not False or (slow and eating_disorder is not False)):
        return _gate("VITALS_HOLD_LOW", rules, _review(rules), Permission.HOLD, Cap.NONE, low)
    return _passed(height, low, deciding, rules)


def _passed(height: _Height, low: tuple[str, ...], deciding: Sequence[Vitals], rules: Rules) -> Gate:
    if height is _Height.CAUTION:
        conditions = (*_review(rules), Condition(code=ConditionCode.NO_HEAVY_RESISTANCE))
        return _gate("VITALS_CAUTION", rules, conditions, Permission.READY, Cap.LIGHT, _highs(deciding, rules))
    if low:
        note = (Condition(code=ConditionCode.NOTE_LOW_VITALS),)
        return _gate("VITALS_OK_LOW", rules, note, Permission.READY, Cap.VIGOROUS, low)
    return _gate("VITALS_OK", rules)


def _missing(deciding: Sequence[Vitals]) -> tuple[str, ...]:
    unmeasured = {name for reading in deciding for name in reading.missing} if deciding else set(FIGURES)
    return tuple(f"{name} not measured" for name in FIGURES if name in unmeasured)


def _hold(repeated: bool, symptoms: bool, deciding: Sequence[Vitals], rules: Rules) -> Gate:
    codes = [ConditionCode.SAME_DAY_CLINICIAN if repeated else ConditionCode.REPEAT_VITALS]
    if symptoms:
        codes.append(ConditionCode.EMERGENCY)
    conditions = tuple(Condition(code=code, within_hours=0) for code in codes)
    return _gate("VITALS_HOLD", rules, conditions, Permission.HOLD, Cap.NONE, _highs(deciding, rules))


def _height(vitals: Vitals, rules: Rules) -> _Height:
    limits = rules.vitals
    systolic, diastolic, rate = vitals.systolic or 0, vitals.diastolic or 0, vitals.rate or 0
    if systolic >= limits.hold_systolic or diastolic >= limits.hold_diastolic or rate > limits.hold_rate_above:
        return _Height.HOLD
    high = systolic >= limits.caution_systolic or diastolic >= limits.caution_diastolic
    return _Height.CAUTION if high or rate > limits.caution_rate_above else _Height.OK


def _highs(readings: Sequence[Vitals], rules: Rules) -> tuple[str, ...]:
    limits = rules.vitals
    highest = {name: max(getattr(reading, name) or 0 for reading in readings) for name in FIGURES}
    high = {
        f"systolic {limits.caution_systolic} or more": highest["systolic"] >= limits.caution_systolic,
        f"diastolic {limits.caution_diastolic} or more": highest["diastolic"] >= limits.caution_diastolic,
        f"resting rate above {limits.caution_rate_above}": highest["rate"] > limits.caution_rate_above,
    }
    return tuple(name for name, met in high.items() if met)


def _lows(readings: Sequence[Vitals], rules: Rules) -> tuple[str, ...]:
    limits = rules.vitals
    low = {
        f"systolic below {limits.low_systolic_below}": any(
            (reading.systolic or 0) < limits.low_systolic_below for reading in readings
        ),
        f"resting rate below {limits.low_rate_below}": any(
            (reading.rate or 0) < limits.low_rate_below for reading in readings
        ),
    }
    return tuple(name for name, met in low.items() if met)


def _review(rules: Rules) -> tuple[Condition, ...]:
    return (Condition(code=ConditionCode.REVIEW_BY, within_hours=rules.vitals.review_hours),)


def _gate(
    reason: str,
    rules: Rules,
    conditions: tuple[Condition, ...] = (),
    permission: Permission = Permission.READY,
    cap: Cap = Cap.VIGOROUS,
    because: tuple[str, ...] = (),
) -> Gate:
    return Gate(
        gate=GateName.VITALS,
        reason=reason,
        permission=permission,
        cap=cap,
        conditions=conditions,
        because=because,
        source=SOURCE,
        rule_set=rules.version,
    )
