"""The configurable part of the clinical rules: one frozen rule set with a version that every result carries."""

from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum

DEFAULT_VERSION = "2026-11-23"


class HeartRateFormula(StrEnum):
    """How maximal heart rate is predicted from age (section 3.4)."""

    TANAKA = "tanaka"
    FOX = "fox"
    GELLISH = "gellish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """Screen-positive thresholds (section 1.3): total at or above, WHO-5 percent at or below."""

    phq9: int = 10  # Kroenke 2001
    phq2: int = 3  # PMC2906530; 2 for high sensitivity
    gad7: int = 10  # camcops
    who5: int = 50  # valant
    pcl5: int = 31  # comorbidityguidelines; 33 is stricter
    asrs6: int = 4  # blueprint-asrs
    isi: int = 15  # morin2011


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """How many unanswered items are still prorated (section 1.5); beyond that a score is invalid."""

    phq9: int = 2
    gad7: int = 2
    pcl5: int = 2
    pcl5_per_cluster: int = 1
    pss10: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLimits:
    """Change thresholds that are project choices (section 1.4)."""

    baseline_floor: int = 5
    isi_reliable: int = 8
    isi_deterioration: int = 6
    pss_prompt: int = 5
    pcl5_response: int = 10
    nonresponse_week: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyRules:
    """Words in free text that count as a crisis (section 1.7); a deployment adds its own languages."""

    crisis_words: tuple[str, ...] = (
        "suicide",
        "suicidal",
        "kill myself",
        "killing myself",
        "end my life",
        "ending my life",
        "want to die",
        "better off dead",
        "hurt myself",
        "harm myself",
        "self-harm",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearanceRules:
    """Who is screened, and how long a physician's clearance stands (section 2.2)."""

    adult_age: int = 18
    valid_days: int = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalsLimits:
    """Resting blood pressure (mmHg) and heart rate (beats/min) limits (section 2.4)."""

    hold_systolic: int = 180
    hold_diastolic: int = 110
    hold_rate_above: int = 120
    caution_systolic: int = 160
    caution_diastolic: int = 100
    caution_rate_above: int = 100
    low_systolic_below: int = 90
    low_rate_below: int = 50
    repeats: int = 2
    review_hours: int = 7 * 24
    plausible_systolic: tuple[int, int] = (50, 300)
    plausible_diastolic: tuple[int, int] = (20, 200)
    plausible_rate: tuple[int, int] = (20, 250)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityLimits:
    """Where symptom severity changes the role of exercise (section 4.1)."""

    adjunct_phq9: int = 10
    adjunct_gad7: int = 10
    adjunct_isi: int = 15
    treated_phq9: int = 15
    treated_gad7: int = 15
    treated_pcl5: int = 31
    cosigned_phq9: int = 20
    physician_notified_hours: int = 14 * 24
    treatment_hours: int = 7 * 24
    mental_health_referral_hours: int = 72
    safety_plan_hours: int = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseRules:
    """Targets and session limits (sections 3.2, 3.4 and 3.6)."""

    heart_rate_formula: HeartRateFormula = HeartRateFormula.TANAKA
    resting_rate: tuple[int, int] = (35, 120)
    default_days: int = 5
    default_minutes: int = 30
    bout_minutes: int = 10
    inactive_session_max: int = 60
    training_days_max: int = 6
    start_days: int = 3
    start_minutes: tuple[int, int] = (15, 20)
    start_share: Decimal = Decimal("0.6")
    walk_meaningful_metres: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressionRules:
    """Weekly steps and the way back after a pause (section 3.6)."""

    weekly_increase: Decimal = Decimal("0.10")
    small_volume_below: int = 60
    small_volume_minutes: int = 5
    progress_adherence: int = 80
    regress_adherence: int = 50
    pain_max: int = 3
    sleep_energy_drop: int = 2
    sleep_energy_days: int = 3
    regress_by: Decimal = Decimal("0.25")
    deload_every: int = 4
    deload_from_week: int = 8
    deload_by: Decimal = Decimal("0.30")
    resume_days: int = 7
    three_quarters_days: int = 14
    half_days: int = 28
    vigorous_after_weeks: int = 4
    vigorous_after_minutes: int = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class AdherenceRules:
    """Adherence bands in percent, interruption, wear time and step goal (sections 5.6, 5.7 and 2.6)."""

    good: int = 80
    partial: int = 50
    interruption_sessions: int = 3
    valid_day_hours: int = 10
    valid_week_days: int = 4
    step_goal: int = 7000
    step_increase: int = 1000
    compulsive_percent: int = 150
    compulsive_weeks: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifierRules:
    """Limits of the condition modifiers that are project choices (section 2.6)."""

    fall_risk_age: int = 65
    fall_risk_metres: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One rule set. A changed value demands a version of its own, so that no result names rules it was not made by."""

    version: str = DEFAULT_VERSION
    cuts: Cuts = Cuts()
    missing: Missing = Missing()
    change: ChangeLimits = ChangeLimits()
    safety: SafetyRules = SafetyRules()
    clearance: ClearanceRules = ClearanceRules()
    vitals: VitalsLimits = VitalsLimits()
    severity: SeverityLimits = SeverityLimits()
    dose: DoseRules = DoseRules()
    progression: ProgressionRules = ProgressionRules()
    adherence: AdherenceRules = AdherenceRules()
    modifiers: ModifierRules = ModifierRules()

    def __post_init__(self) -> None:
        changed = [field.name for field in fields(self) if getattr(self, field.name) != field.default]
        if changed and self.version == DEFAULT_VERSION:
            raise ValueError(f"changed rules ({', '.join(changed)}) need a version other than {DEFAULT_VERSION}")

    def cut(self, instrument: str) -> int | None:
        """The screen-positive threshold of an instrument id, or None where it has none."""
        cut: int | None = getattr(self.cuts, instrument.lower(), None)
        return cut

    def missing_allowed(self, instrument: str) -> int:
        """How many unanswered items of an instrument id may be prorated; 0 where none may."""
        allowed: int = getattr(self.missing, instrument.lower(), 0)
        return allowed


DEFAULT = Rules()
"""The defaults stated in the clinical rules of 2026-11-23; to be owned by the clinical lead of a deployment."""
