"""Findings that forbid exercise, or forbid it without written clearance, by code (section 2.5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from shared.clinical.conclusion import Cap, Condition, ConditionCode, Gate, GateName, Permission
from shared.clinical.preparticipation import Clearance
from shared.clinical.refusals import UnknownCode
from shared.clinical.rules import DEFAULT, Rules

_CARDIAC = "heartonline.org.au; pmc10959113 table 1; BMJ Open table 1"
_RELATIVE = "heartonline.org.au; pmc10959113 table 1; Fletcher AHA 1995"
_EATING = "Quesnel 2023 J Eat Disord 11:3 table 2; Cook 2016"


class Kind(StrEnum):
    """How a contraindication can be lifted: by resolution, by written clearance, or by a clinician's decision."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"
    MENTAL_HEALTH = "mental-health"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contraindication:
    """One finding with its kind and source."""

    code: str
    label: str
    kind: Kind
    source: str


_TABLE: tuple[tuple[Kind, str, tuple[tuple[str, str], ...]], ...] = (
    (
        Kind.ABSOLUTE,
        _CARDIAC,
        (
            ("UNSTABLE_ANGINA", "unstable angina"),
            ("RECENT_MI", "heart attack within three weeks"),
            ("UNCONTROLLED_ARRHYTHMIA", "uncontrolled arrhythmia"),
            ("DECOMPENSATED_HF", "decompensated or acute heart failure"),
            ("SEVERE_AORTIC_STENOSIS", "severe symptomatic aortic stenosis"),
            ("ACTIVE_CARDITIS", "active myocarditis, pericarditis or endocarditis"),
            ("AORTIC_DISSECTION", "aortic dissection"),
            ("RECENT_EMBOLISM", "embolism within four weeks"),
            ("ACUTE_ILLNESS", "acute systemic illness or fever above 38 C"),
            ("UNCONTROLLED_DIABETES", "uncontrolled diabetes"),
            ("PROGRESSIVE_DYSPNOEA", "breathlessness growing over 3-5 days"),
        ),
    ),
    (
        Kind.RELATIVE,
        _RELATIVE,
        (
            ("HIGH_BLOOD_PRESSURE", "blood pressure above 180/110, case by case"),
            ("HIGH_RESTING_RATE", "resting heart rate of 100 or more lying down"),
            ("MODERATE_VALVE_STENOSIS", "moderate valve stenosis"),
            ("ELECTROLYTE_DISORDER", "electrolyte disorder"),
            ("HF_WEIGHT_GAIN", "2 kg gained in 1-3 days with heart failure"),
            ("HIGH_DEGREE_AV_BLOCK", "high-degree AV block"),
            ("HYPERTROPHIC_CARDIOMYOPATHY", "hypertrophic cardiomyopathy"),
            ("MSK_WORSENED", "musculoskeletal disorder worsened by exercise"),
            ("PACEMAKER_ICD", "pacemaker or ICD"),
            ("CAPACITY_BELOW_4_MET", "capacity below 4 MET"),
        ),
    ),
    (
        Kind.MENTAL_HEALTH,
        "section 2.5 [R]",
        (
            ("ACUTE_MANIA", "acute mania"),
            ("ACUTE_PSYCHOSIS", "acute psychosis"),
            ("INTOXICATION_WITHDRAWAL", "acute intoxication or withdrawal"),
            ("DELIRIUM", "delirium"),
            ("SUSPECTED_TOXICITY", "suspected NMS, serotonin or lithium toxicity"),
        ),
    ),
    (
        Kind.ABSOLUTE,
        _EATING,
        (
            ("ED_PURGING_HYPOVOLAEMIA", "purging with low fluid volume"),
            ("ED_DEHYDRATION", "dehydration with an eating disorder"),
            ("ED_HYPOGLYCAEMIA", "low blood sugar with an eating disorder"),
            ("ED_ELECTROLYTES", "electrolyte disturbance with an eating disorder"),
        ),
    ),
)

CONTRAINDICATIONS: Mapping[str, Contraindication] = MappingProxyType(
    {
        code: Contraindication(code=code, label=label, kind=kind, source=source)
        for kind, source, rows in _TABLE
        for code, label in rows
    }
)


def contraindication(code: str) -> Contraindication:
    """The contraindication with this code, or UnknownCode."""
    try:
        return CONTRAINDICATIONS[code]
    except KeyError:
        raise UnknownCode(f"no contraindication is called {code!r}") from None


def contraindication_gates(
    codes: Iterable[str], *, on: date, clearance: Clearance | None = None, rules: Rules = DEFAULT
) -> tuple[Gate, ...]:
    """One gate per finding, its code as the reason; NO_CONTRAINDICATION where there is none.

    Absolute and mental-health findings hold until they are gone; relative ones need a written clearance that stands.
    """
    found = [contraindication(code) for code in sorted(set(codes))]
    if not found:
        ready = Gate(
            gate=GateName.CONTRAINDICATION, reason="NO_CONTRAINDICATION", source="section 2.5", rule_set=rules.version
        )
        return (ready,)
    standing = clearance if clearance is not None and clearance.stands(on, rules=rules) else None
    return tuple(_gate(each, standing, rules) for each in found)


def _gate(found: Contraindication, standing: Clearance | None, rules: Rules) -> Gate:
    permission, cap = Permission.HOLD, Cap.NONE
    conditions: tuple[Condition, ...] = (Condition(code=ConditionCode.CLINICIAN_DECISION),)
    if found.kind is Kind.RELATIVE and standing is not None:
        permission, cap, conditions = Permission.READY, standing.limit or Cap.VIGOROUS, ()
    elif found.kind is Kind.RELATIVE:
        permission = Permission.CLEARANCE_NEEDED
        conditions = (Condition(code=ConditionCode.PHYSICIAN_CLEARANCE),)
    return Gate(
        gate=GateName.CONTRAINDICATION,
        reason=found.code,
        permission=permission,
        cap=cap,
        conditions=conditions,
        because=(found.label,),
        source=found.source,
        rule_set=rules.version,
    )
