"""Conditions and medicines that change how exercise is prescribed (section 2.6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from shared.clinical.conclusion import Cap, Condition, ConditionCode, Gate, GateName, Permission
from shared.clinical.exact import Number, require_number
from shared.clinical.preparticipation import Clearance
from shared.clinical.refusals import UnknownCode
from shared.clinical.rules import DEFAULT, Rules


class Effect(StrEnum):
    """What a modifier does to dose, activities and pages."""

    NO_HEART_RATE_TARGETS = "no-heart-rate-targets"
    AVOID_HEAT = "avoid-heat"
    HYDRATION = "hydration"
    LONG_COOL_DOWN = "long-cool-down"
    CHECK_VITALS_FIRST = "check-vitals-first"
    NO_SUPINE_CONTACT_OR_FALL_RISK = "no-supine-contact-or-fall-risk"
    HIDE_ENERGY_AND_WEIGHT = "hide-energy-and-weight"
    NO_STREAKS = "no-streaks"
    CAP_AT_PRESCRIBED = "cap-at-prescribed"
    LOW_IMPACT = "low-impact"
    CHECK_GLUCOSE = "check-glucose"
    GRADUAL_HEART_RATE_RISE = "gradual-heart-rate-rise"
    TRAUMA_INFORMED = "trauma-informed"
    BALANCE_WORK = "balance-work"


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifier:
    """One modifier: advice in our words, effects, cap, RPE range (6-20 scale) and demands on the start."""

    code: str
    label: str
    advice: str
    effects: frozenset[Effect]
    cap: Cap = Cap.VIGOROUS
    rpe: tuple[int, int] | None = None
    demands: tuple[ConditionCode, ...] = ()
    needs_clearance: ConditionCode | None = None
    source: str


_TABLE = (
    Modifier(
        code="BETA_BLOCKER",
        label="beta-blocker or another rate-limiting medicine",
        advice="no heart-rate targets; RPE 12-13 and talk test; review below 50 beats/min or when dizzy",
        effects=frozenset({Effect.NO_HEART_RATE_TARGETS}),
        rpe=(12, 13),
        source="mayoclinic.org faq-20058369; fameexercise.com; Keteyian",
    ),
    Modifier(
        code="LITHIUM",
        label="lithium",
        advice="drink, keep salt normal, avoid heat; stop on tremor, vomiting, diarrhoea or confusion; "
        "no dose just before vigorous exercise",
        effects=frozenset({Effect.HYDRATION, Effect.AVOID_HEAT}),
        source="Texas DSHS heat warning; Jefferson 1982; lithium label",
    ),
    Modifier(
        code="ANTIPSYCHOTIC",
        label="antipsychotic or anticholinergic",
        advice="nothing vigorous in heat, water and breaks; fever with rigidity and confusion is an emergency",
        effects=frozenset({Effect.AVOID_HEAT, Effect.HYDRATION}),
        source="Texas DSHS heat warning",
    ),
    Modifier(
        code="STIMULANT",
        label="stimulant",
        advice="check blood pressure and pulse first; no pulse-only zones near the dose peak",
        effects=frozenset({Effect.CHECK_VITALS_FIRST}),
        source="FDA labels, general knowledge; confirm",
    ),
    Modifier(
        code="TRICYCLIC",
        label="tricyclic or orthostatic drop",
        advice="change posture slowly, cool down longer",
        effects=frozenset({Effect.LONG_COOL_DOWN}),
        source="general knowledge; confirm",
    ),
    Modifier(
        code="PREGNANCY",
        label="pregnancy",
        advice="obstetric evaluation first; then 20-30 minutes moderate most days; no long supine holds, contact "
        "or risk of falling",
        effects=frozenset({Effect.NO_SUPINE_CONTACT_OR_FALL_RISK}),
        cap=Cap.MODERATE,
        rpe=(12, 14),
        needs_clearance=ConditionCode.OBSTETRIC_CLEARANCE,
        source="ACOG 804; pmc9830234 table 2",
    ),
    Modifier(
        code="EATING_DISORDER",
        label="eating disorder, current or suspected",
        advice="only within a multidisciplinary plan; start mild; show no calories, weight or streaks",
        effects=frozenset({Effect.HIDE_ENERGY_AND_WEIGHT, Effect.NO_STREAKS}),
        cap=Cap.LIGHT,
        demands=(ConditionCode.MULTIDISCIPLINARY_PLAN,),
        source="Quesnel 2023 J Eat Disord 11:3; Cook 2016",
    ),
    Modifier(
        code="COMPULSIVE_EXERCISE",
        label="compulsive exercise",
        advice="the prescribed dose is the limit; look out for far more, or exercise despite injury or illness",
        effects=frozenset({Effect.CAP_AT_PRESCRIBED, Effect.NO_STREAKS}),
        source="section 2.6 [R]",
    ),
    Modifier(
        code="MUSCULOSKELETAL",
        label="musculoskeletal complaint",
        advice="low impact; pain at most 3/10 during and back to baseline in 24 hours, else 25-50 % less",
        effects=frozenset({Effect.LOW_IMPACT}),
        source="section 2.6 [R]",
    ),
    Modifier(
        code="INSULIN_OR_SULFONYLUREA",
        label="diabetes on insulin or a sulfonylurea",
        advice="measure glucose before each session and follow the glucose table",
        effects=frozenset({Effect.CHECK_GLUCOSE}),
        source="Turner 2019 Sports Med Open 5:20; dialeb.org",
    ),
    Modifier(
        code="PANIC",
        label="panic disorder",
        advice="let the heart rate rise gradually and explain what the body does",
        effects=frozenset({Effect.GRADUAL_HEART_RATE_RISE}),
        source="section 2.6 [R]; PAR-Q+",
    ),
    Modifier(
        code="PTSD",
        label="PTSD",
        advice="trauma-informed choice of place and instructor; exits visible; opt out of touch and closed eyes",
        effects=frozenset({Effect.TRAUMA_INFORMED}),
        source="section 2.6 [R]; Wells 2016",
    ),
    Modifier(
        code="FALL_RISK",
        label="fall risk, 65 and over, or six-minute walk below 400 m",
        advice="balance work and a supervised start",
        effects=frozenset({Effect.BALANCE_WORK}),
        demands=(ConditionCode.SUPERVISED_START,),
        source="section 2.6 [R]",
    ),
)

MODIFIERS: Mapping[str, Modifier] = MappingProxyType({modifier.code: modifier for modifier in _TABLE})


def modifier(code: str) -> Modifier:
    """The modifier with this code, or UnknownCode."""
    try:
        return MODIFIERS[code]
    except KeyError:
        raise UnknownCode(f"no modifier is called {code!r}") from None


def effects(codes: Iterable[str]) -> frozenset[Effect]:
    """Everything that the modifiers with these codes do together."""
    return frozenset(effect for code in codes for effect in modifier(code).effects)


def modifier_gates(
    codes: Iterable[str], *, on: date, obstetric_clearance: Clearance | None = None, rules: Rules = DEFAULT
) -> tuple[Gate, ...]:
    """One gate per confirmed modifier, its code as the reason; none where there is no modifier."""
    standing = obstetric_clearance is not None and obstetric_clearance.stands(on, rules=rules)
    limit = obstetric_clearance.limit if standing and obstetric_clearance is not None else None
    return tuple(_gate(modifier(code), standing, limit, rules) for code in sorted(set(codes)))


def _gate(found: Modifier, cleared: bool, limit: Cap | None, rules: Rules) -> Gate:
    blocked = found.needs_clearance is not None and not cleared
    codes = (*found.demands, found.needs_clearance) if blocked else found.demands
    limited = limit if found.needs_clearance is not None and limit is not None else found.cap
    return Gate(
        gate=GateName.MODIFIER,
        reason=found.code,
        permission=Permission.CLEARANCE_NEEDED if blocked else Permission.READY,
        cap=min(found.cap, limited),
        conditions=tuple(Condition(code=code) for code in codes if code is not None),
        because=(found.label,),
        source=found.source,
        rule_set=rules.version,
    )


def has_fall_risk(age: int, walked_metres: Number | None, *, rules: Rules = DEFAULT) -> bool:
    """Whether age or the six-minute walk alone suggests the modifier FALL_RISK."""
    short = walked_metres is not None and walked_metres < rules.modifiers.fall_risk_metres
    return age >= rules.modifiers.fall_risk_age or short


def exceeds_prescription(weeks: Sequence[tuple[Number, Number]], *, rules: Rules = DEFAULT) -> bool:
    """Whether the latest two weeks, each (done, prescribed) minutes, both exceed 150 % of the prescription [R]."""
    count = rules.adherence.compulsive_weeks
    latest = weeks[-count:]
    excess = [done * 100 > prescribed * rules.adherence.compulsive_percent for done, prescribed in latest]
    return len(latest) == count and all(excess)


class Glucose(StrEnum):
    """What a glucose reading before a session says (insulin or sulfonylurea)."""

    CONTRAINDICATED = "contraindicated"
    TREAT_FIRST = "treat-first"
    EAT_CARBOHYDRATE = "eat-carbohydrate"
    GO = "go"
    CHECK_KETONES = "check-ketones"
    NO_SESSION = "no-session"


def glucose_advice(mg_dl: Number, *, ketones: bool | None = None, severe_hypo_within_24h: bool = False) -> Glucose:
    """Read glucose in mg/dL before a session (Turner 2019; dialeb.org); `ketones` None = not checked."""
    level = require_number(mg_dl, "glucose in mg/dL", 10, 1000)
    if severe_hypo_within_24h:
        return Glucose.CONTRAINDICATED
    if level < 70:
        return Glucose.TREAT_FIRST
    if level < 100:
        return Glucose.EAT_CARBOHYDRATE
    if level <= 250:
        return Glucose.GO
    if level > 300 or ketones:
        return Glucose.NO_SESSION
    return Glucose.CHECK_KETONES if ketones is None else Glucose.GO
