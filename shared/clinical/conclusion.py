"""The conclusion of a screening: permission, intensity cap and conditions, the most restrictive of each wins."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from shared.clinical.refusals import ConclusionRefused
from shared.clinical.rules import DEFAULT, Rules


class _Ordered(StrEnum):
    """Codes in the order in which they are declared; text order would mean nothing."""

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        ladder = list(type(self))
        return ladder.index(self) < ladder.index(other)

    def __le__(self, other: object) -> bool:
        return self == other or self < other

    def __gt__(self, other: object) -> bool:
        return not self <= other

    def __ge__(self, other: object) -> bool:
        return not self < other


class Permission(_Ordered):
    """Whether exercise may be prescribed; later is more restrictive."""

    READY = "ready"
    CLEARANCE_NEEDED = "clearance-needed"
    HOLD = "hold"


class Cap(_Ordered):
    """The highest intensity that may be prescribed; `none` means no exercise at all."""

    NONE = "none"
    LIGHT = "light"
    MODERATE = "moderate"
    VIGOROUS = "vigorous"


class GateName(StrEnum):
    """Who judged."""

    ACSM = "acsm"
    VITALS = "vitals"
    SEVERITY = "severity"
    SAFETY = "safety"
    CONTRAINDICATION = "contraindication"
    MODIFIER = "modifier"


class ConditionCode(StrEnum):
    """What is demanded besides permission and cap."""

    PHYSICIAN_CLEARANCE = "physician-clearance"
    CLEARANCE_FOR_VIGOROUS = "clearance-for-vigorous"
    OBSTETRIC_CLEARANCE = "obstetric-clearance"
    STOP_EXERCISE = "stop-exercise"
    PROGRESS_GRADUALLY = "progress-gradually"
    REPEAT_VITALS = "repeat-vitals"
    SAME_DAY_CLINICIAN = "same-day-clinician"
    EMERGENCY = "emergency"
    REVIEW_BY = "review-by"
    NO_HEAVY_RESISTANCE = "no-heavy-resistance"
    NOTE_LOW_VITALS = "note-low-vitals"
    COMPLETE_MEASURES = "complete-measures"
    SAFETY_ASSESSMENT = "safety-assessment"
    SAFETY_ACKNOWLEDGED = "safety-acknowledged"
    SAFETY_PLAN = "safety-plan"
    TREATMENT_RECORDED = "treatment-recorded"
    ACTIVE_TREATMENT = "active-treatment"
    PHYSICIAN_NOTIFIED = "physician-notified"
    CO_SIGN = "co-sign"
    MENTAL_HEALTH_REFERRAL = "mental-health-referral"
    CLINICIAN_DECISION = "clinician-decision"
    DIAGNOSTIC_REFERRAL = "diagnostic-referral"
    MULTIDISCIPLINARY_PLAN = "multidisciplinary-plan"
    SUPERVISED_START = "supervised-start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One open demand; `within_hours` counts from the conclusion, None = before the program starts."""

    code: ConditionCode
    within_hours: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One judgement with its own reason. `because` names the findings that led to it, in words without a person."""

    gate: GateName
    reason: str
    permission: Permission = Permission.READY
    cap: Cap = Cap.VIGOROUS
    conditions: tuple[Condition, ...] = ()
    because: tuple[str, ...] = ()
    source: str
    rule_set: str

    def __post_init__(self) -> None:
        # a gate that does not let through can never leave an intensity open
        if self.permission is not Permission.READY and self.cap is not Cap.NONE:
            object.__setattr__(self, "cap", Cap.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A condition as it stands in a conclusion, with the reason code and source of the gate that set it."""

    code: ConditionCode
    within_hours: int | None
    reason: str
    source: str

    @property
    def within_days(self) -> int | None:
        """The time in whole days, rounded down so that a day count never grants more than the hours."""
        return None if self.within_hours is None else self.within_hours // 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What all gates together allow, and every gate that was judged, in the order given."""

    permission: Permission
    cap: Cap
    conditions: tuple[Demand, ...]
    gates: tuple[Gate, ...]
    rule_set: str

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reason codes of the gates that set the permission or the cap."""
        deciding = [gate for gate in self.gates if gate.permission == self.permission or gate.cap == self.cap]
        return tuple(gate.reason for gate in deciding)

    def demands(self, code: ConditionCode) -> Demand | None:
        """The condition with this code, or None where it is not demanded."""
        return next((condition for condition in self.conditions if condition.code is code), None)


REQUIRED = frozenset({GateName.ACSM, GateName.VITALS, GateName.SEVERITY})
"""Gates without which nothing is concluded."""


def conclude(gates: Iterable[Gate], *, rules: Rules = DEFAULT) -> Conclusion:
    """Join the gates: the most restrictive permission and cap, and every condition with its shortest time.

    ConclusionRefused while a gate of REQUIRED is missing, or when a gate was judged by another rule set.
    """
    judged = tuple(gates)
    missing = REQUIRED - {gate.gate for gate in judged}
    if missing:
        raise ConclusionRefused(f"not judged yet: {', '.join(sorted(missing))}")
    if any(gate.rule_set != rules.version for gate in judged):
        raise ConclusionRefused(f"every gate has to be judged by rule set {rules.version}")
    return Conclusion(
        permission=max(gate.permission for gate in judged),
        cap=min(gate.cap for gate in judged),
        conditions=_strictest(judged),
        gates=judged,
        rule_set=rules.version,
    )


def _strictest(gates: Iterable[Gate]) -> tuple[Demand, ...]:
    kept: dict[ConditionCode, Demand] = {}
    for gate in gates:
        for condition in gate.conditions:
            known = kept.get(condition.code)
            if known is None or _hours(condition) < _hours(known):
                kept[condition.code] = Demand(
                    code=condition.code, within_hours=condition.within_hours, reason=gate.reason, source=gate.source
                )
    return tuple(kept.values())


def _hours(condition: Condition | Demand) -> int:
    # no time means before the program starts, and nothing is stricter than that
    return -1 if condition.within_hours is None else condition.within_hours
