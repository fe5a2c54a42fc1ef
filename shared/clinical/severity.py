"""The severity and safety gates: what role exercise may play beside treatment (section 4.1)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.clinical.conclusion import Cap, Condition, ConditionCode, Gate, GateName, Permission
from shared.clinical.cssrs import Screen, Tier
from shared.clinical.exact import require_whole
from shared.clinical.rules import DEFAULT, Rules, SeverityLimits

SOURCE = "NICE NG222; CANMAT toolkit; PHQ-9 treatment selection; thresholds [R] of section 4.1"
EXTREME_DIFFICULTY = 3  # highest answer of the unscored PHQ-9 difficulty item (LL359-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """What is known of the patient's state; None = not measured or no valid total.

    `item_9` is the PHQ-9 answer on thoughts of death. `adhd_positive` is a positive ASRS screen. `functional_collapse`,
    `psychosis` and `mania` are a clinician's findings.
    """

    phq9: int | None
    gad7: int | None
    item_9: int | None
    difficulty: int | None = None
    isi: int | None = None
    pcl5: int | None = None
    adhd_positive: bool = False
    functional_collapse: bool = False
    psychosis: bool = False
    mania: bool = False
    cssrs: Screen | None = None

    def __post_init__(self) -> None:
        highest = {"phq9": 27, "gad7": 21, "item_9": 3, "difficulty": 3, "isi": 28, "pcl5": 80}
        for name, high in highest.items():
            if getattr(self, name) is not None:
                require_whole(getattr(self, name), name, 0, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What stands beside exercise: `active` medication or psychotherapy, a `discussed` treatment, a `referral_sent`
    to mental health care within seven days, a plan `cosigned` by a mental-health clinician."""

    discussed: bool = False
    active: bool = False
    referral_sent: bool = False
    cosigned: bool = False

    @property
    def recorded(self) -> bool:
        """Whether active treatment or a referral to it is on record."""
        return self.active or self.referral_sent


NO_TREATMENT = Treatment()


def severity_gates(state: Severity, treatment: Treatment = NO_TREATMENT, *, rules: Rules = DEFAULT) -> tuple[Gate, ...]:
    """One gate per row of section 4.1 that applies, at least one; the most restrictive decides when concluding.

    Reasons: SEVERITY_UNKNOWN, SEVERITY_ALONE, SEVERITY_ADJUNCT, SEVERITY_ADJUNCT_TREATED, SEVERITY_COSIGN,
    SEVERITY_HOLD, ASRS_REFERRAL, and of the safety gate SI_UNASSESSED, SI_ASSESSED.
    """
    rows: tuple[Callable[[], Gate | None], ...] = (
        lambda: _unknown(state, rules),
        lambda: _adjunct(state, treatment, rules),
        lambda: _treated(state, treatment, rules),
        lambda: _cosigned(state, treatment, rules),
        lambda: _held(state, rules),
        lambda: _suicidality(state, rules),
    )
    gates = [gate for gate in (row() for row in rows) if gate is not None]
    if not any(gate.gate is GateName.SEVERITY for gate in gates):
        gates.insert(0, _gate("SEVERITY_ALONE", rules, ["PHQ-9 and GAD-7 below 10"]))
    if state.adhd_positive:
        refer = (Condition(code=ConditionCode.DIAGNOSTIC_REFERRAL),)
        gates.append(_gate("ASRS_REFERRAL", rules, ["ASRS positive"], refer))
    return tuple(gates)


def _reached(limits: Sequence[tuple[str, int | None, int]]) -> list[str]:
    return [f"{name} {limit} or more" for name, figure, limit in limits if figure is not None and figure >= limit]


def _unknown(state: Severity, rules: Rules) -> Gate | None:
    names = [name for name, figure in (("PHQ-9", state.phq9), ("GAD-7", state.gad7)) if figure is None]
    ask = (Condition(code=ConditionCode.COMPLETE_MEASURES),)
    because = [f"no valid {name}" for name in names]
    return _gate("SEVERITY_UNKNOWN", rules, because, ask, Permission.HOLD) if names else None


def _adjunct(state: Severity, treatment: Treatment, rules: Rules) -> Gate | None:
    limits = rules.severity
    reached = _reached(
        [
            ("PHQ-9", state.phq9, limits.adjunct_phq9),
            ("GAD-7", state.gad7, limits.adjunct_gad7),
            ("ISI", state.isi, limits.adjunct_isi),
            ("PHQ-9 item 9", state.item_9, 1),
        ]
    )
    if not reached:
        return None
    conditions = [Condition(code=ConditionCode.PHYSICIAN_NOTIFIED, within_hours=limits.physician_notified_hours)]
    if not (treatment.discussed or treatment.recorded):
        conditions.append(Condition(code=ConditionCode.TREATMENT_RECORDED))
    return _gate("SEVERITY_ADJUNCT", rules, reached, tuple(conditions))


def _treatment_reasons(state: Severity, limits: SeverityLimits) -> list[str]:
    return _reached(
        [
            ("PHQ-9", state.phq9, limits.treated_phq9),
            ("GAD-7", state.gad7, limits.treated_gad7),
            ("PCL-5", state.pcl5, limits.treated_pcl5),
        ]
    )


def _treated(state: Severity, treatment: Treatment, rules: Rules) -> Gate | None:
    reached = _treatment_reasons(state, rules.severity) + _cosign_reasons(state, rules.severity)
    if not reached:
        return None
    if treatment.recorded:
        return _gate("SEVERITY_ADJUNCT_TREATED", rules, reached)
    demand = Condition(code=ConditionCode.ACTIVE_TREATMENT, within_hours=rules.severity.treatment_hours)
    return _gate("SEVERITY_ADJUNCT_TREATED", rules, reached, (demand,), cap=Cap.MODERATE)


def _cosign_reasons(state: Severity, limits: SeverityLimits) -> list[str]:
    reached = _reached(
        [("PHQ-9", state.phq9, limits.cosigned_phq9), ("difficulty item", state.difficulty, EXTREME_DIFFICULTY)]
    )
    return reached + (["functional collapse"] if state.functional_collapse else [])


def _cosigned(state: Severity, treatment: Treatment, rules: Rules) -> Gate | None:
    reached = _cosign_reasons(state, rules.severity)
    if not reached:
        return None
    hours = rules.severity.mental_health_referral_hours
    referral = Condition(code=ConditionCode.MENTAL_HEALTH_REFERRAL, within_hours=hours)
    if treatment.cosigned:
        return _gate("SEVERITY_COSIGN", rules, reached, (referral,))
    conditions = (Condition(code=ConditionCode.CO_SIGN), referral)
    return _gate("SEVERITY_COSIGN", rules, reached, conditions, Permission.HOLD)


def _held(state: Severity, rules: Rules) -> Gate | None:
    reached = [name for name in ("psychosis", "mania") if getattr(state, name)]
    if state.cssrs is not None and state.cssrs.tier in (Tier.MODERATE, Tier.HIGH):
        reached.append(f"C-SSRS {state.cssrs.tier}")
    decide = (Condition(code=ConditionCode.CLINICIAN_DECISION),)
    return _gate("SEVERITY_HOLD", rules, reached, decide, Permission.HOLD) if reached else None


def _suicidality(state: Severity, rules: Rules) -> Gate | None:
    """Item 9 of one or more, or unanswered, or an unfinished screener: nothing is concluded in silence."""
    screen = state.cssrs
    open_item = state.item_9 is None or state.item_9 >= 1
    if screen is None or not screen.complete:
        because = _open_because(state)
        ask = (Condition(code=ConditionCode.SAFETY_ASSESSMENT, within_hours=0),)
        held = open_item or screen is not None
        return _gate("SI_UNASSESSED", rules, because, ask, Permission.HOLD, gate=GateName.SAFETY) if held else None
    if not open_item and screen.tier is Tier.NONE:
        return None
    plan = Condition(code=ConditionCode.SAFETY_PLAN, within_hours=rules.severity.safety_plan_hours)
    conditions = (Condition(code=ConditionCode.SAFETY_ACKNOWLEDGED), plan)
    return _gate("SI_ASSESSED", rules, [f"C-SSRS {screen.tier}"], conditions, gate=GateName.SAFETY)


def _open_because(state: Severity) -> list[str]:
    item = "PHQ-9 item 9 unanswered" if state.item_9 is None else "PHQ-9 item 9 at 1 or more"
    because = [item] if state.item_9 is None or state.item_9 >= 1 else []
    return [*because, "C-SSRS not done" if state.cssrs is None else "C-SSRS not complete"]


def _gate(
    reason: str,
    rules: Rules,
    because: Sequence[str],
    conditions: tuple[Condition, ...] = (),
    permission: Permission = Permission.READY,
    *,
    cap: Cap = Cap.VIGOROUS,
    gate: GateName = GateName.SEVERITY,
) -> Gate:
    return Gate(
        gate=gate,
        reason=reason,
        permission=permission,
        cap=cap,
        conditions=conditions,
        because=tuple(because),
        source=SOURCE,
        rule_set=rules.version,
    )
