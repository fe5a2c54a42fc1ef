"""How a program grows, holds, shrinks and comes back after a pause (section 3.6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared.clinical.conclusion import Cap
from shared.clinical.dose import TARGET_MINUTES
from shared.clinical.exact import Number, half_up, require_number, require_whole
from shared.clinical.rules import DEFAULT, Rules

SOURCE = "section 3.6 [R]; ACSM GETP; Garrett"


class Step(StrEnum):
    """What next week should be."""

    PROGRESS = "progress"
    HOLD = "hold"
    REGRESS = "regress"
    STOP = "stop"  # red flag: on only with clearance


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """The last seven days. Percent of prescription for adherence, RPE 6-20, pain and drops 0-10; None = unknown.

    `mood_worse` against the week before; `low_days` are days in a row with sleep or energy down by two or
    more (days_low counts them).
    """

    minutes: Number
    sessions: int
    adherence: Number | None
    adherence_before: Number | None = None
    mean_rpe: Number | None = None
    rpe_top: int
    sessions_above_band: int = 0
    pain: int | None = None
    mood_worse: bool | None = None
    low_days: int = 0
    red_flag: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Next week's minutes (one decimal), with every reason that spoke for the step."""

    step: Step
    minutes: Decimal
    reasons: tuple[str, ...]
    rule_set: str
    source: str = SOURCE


def propose(week: Week, *, rules: Rules = DEFAULT) -> Proposal:
    """Propose next week; unknown figures never lead to progress, and never to less."""
    minutes = require_number(week.minutes, "minutes", 0, 7 * 24 * 60)
    if week.red_flag:
        return _proposal(Step.STOP, Decimal(0), ("RED_FLAG",), rules)
    regress = _reasons_to_regress(week, rules)
    if regress:
        return _proposal(Step.REGRESS, minutes * (1 - rules.progression.regress_by), regress, rules)
    hold = _reasons_to_hold(week, rules)
    if hold:
        return _proposal(Step.HOLD, minutes, hold, rules)
    return _proposal(Step.PROGRESS, weekly_cap(minutes, week.sessions, rules=rules), ("ALL_GATES_OPEN",), rules)


def weekly_cap(minutes: Number, sessions: int, *, rules: Rules = DEFAULT) -> Decimal:
    """The most minutes that next week may have: +10 %, or +5 minutes a session while below 60 minutes a week."""
    limits = rules.progression
    grown = Decimal(minutes) * (1 + limits.weekly_increase)
    if minutes >= limits.small_volume_below:
        return grown
    return max(grown, Decimal(minutes) + limits.small_volume_minutes * sessions)


def planned_weeks(start: Number, target: Number = TARGET_MINUTES[0], *, rules: Rules = DEFAULT) -> tuple[Decimal, ...]:
    """Weekly minutes (one decimal) from `start` up to `target` at +10 % a week; growth is taken unrounded."""
    volume = require_number(start, "starting minutes", 1, 7 * 24 * 60)
    weeks = []
    while volume < target:
        weeks.append(half_up(volume, 1))
        volume *= 1 + rules.progression.weekly_increase
    return (*weeks, half_up(target, 1))


def deload_due(week: int, *, rules: Rules = DEFAULT) -> bool:
    """Whether this week of the program is an (optional) lighter one: every fourth from week 8."""
    limits = rules.progression
    return week >= limits.deload_from_week and week % limits.deload_every == 0


def deloaded(minutes: Number, *, rules: Rules = DEFAULT) -> Decimal:
    """Minutes of a lighter week, one decimal; intensity is kept."""
    return half_up(Decimal(minutes) * (1 - rules.progression.deload_by), 1)


def days_low(baseline: int, ratings: Sequence[int], *, rules: Rules = DEFAULT) -> int:
    """How many of the latest daily ratings (0-10, in order) in a row lie two or more below baseline: sleep, energy."""
    low = 0
    for rating in reversed(ratings):
        if baseline - rating < rules.progression.sleep_energy_drop:
            break
        low += 1
    return low


class PauseReason(StrEnum):
    """Why the program rested."""

    OTHER = "other"
    FEVER = "fever"
    RED_FLAG = "red-flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """How to come back: minutes a week (None = none yet), a cap, and what must come first."""

    minutes: Decimal | None
    cap: Cap | None
    symptom_free_hours: int = 0
    rescreen: bool = False
    clearance: bool = False
    rule_set: str
    source: str = SOURCE


def return_after_pause(
    days: int, minutes_before: Number, reason: PauseReason = PauseReason.OTHER, *, rules: Rules = DEFAULT
) -> Return:
    """<= 7 days: resume; 8-14: 75 %; 15-28: 50 %, light to moderate; longer: new start with screening.

    After fever 24 hours without symptoms and at most 50 %; after a red flag only with clearance.
    """
    require_whole(days, "days of pause", 0, 36500)
    if reason is PauseReason.RED_FLAG:
        return Return(minutes=None, cap=Cap.NONE, clearance=True, rule_set=rules.version)
    limits = rules.progression
    if days > limits.half_days:
        return Return(minutes=None, cap=Cap.NONE, rescreen=True, rule_set=rules.version)
    share, cap = Decimal(1), None
    if days > limits.three_quarters_days or reason is PauseReason.FEVER:
        share, cap = Decimal("0.5"), Cap.MODERATE
    elif days > limits.resume_days:
        share = Decimal("0.75")
    rest = 24 if reason is PauseReason.FEVER else 0
    minutes = half_up(Decimal(minutes_before) * share, 1)
    return Return(minutes=minutes, cap=cap, symptom_free_hours=rest, rule_set=rules.version)


def vigorous_allowed(moderate_minutes: Sequence[Number], *, rules: Rules = DEFAULT) -> bool:
    """Whether an inactive starter may go vigorous: the latest four weeks each had 90 moderate minutes or more."""
    count = rules.progression.vigorous_after_weeks
    latest = moderate_minutes[-count:]
    return len(latest) == count and all(week >= rules.progression.vigorous_after_minutes for week in latest)


def _reasons_to_regress(week: Week, rules: Rules) -> tuple[str, ...]:
    limits = rules.progression
    weeks = (week.adherence, week.adherence_before)
    met = {
        "LOW_ADHERENCE_TWO_WEEKS": all(each is not None and each < limits.regress_adherence for each in weeks),
        "RPE_ABOVE_BAND_TWICE": week.sessions_above_band >= 2,
        "PAIN": week.pain is not None and week.pain > limits.pain_max,
        "SLEEP_OR_ENERGY_DOWN": week.low_days >= limits.sleep_energy_days,
    }
    return tuple(reason for reason, holds in met.items() if holds)


def _reasons_to_hold(week: Week, rules: Rules) -> tuple[str, ...]:
    limits = rules.progression
    met = {
        "ADHERENCE_BELOW_80": week.adherence is not None and week.adherence < limits.progress_adherence,
        "RPE_ABOVE_BAND": week.sessions_above_band == 1 or (week.mean_rpe is not None and week.mean_rpe > week.rpe_top),
        "MOOD_WORSE": week.mood_worse is True,
    }
    figures = {"ADHERENCE": week.adherence, "RPE": week.mean_rpe, "PAIN": week.pain, "MOOD": week.mood_worse}
    unknown = tuple(f"{name}_UNKNOWN" for name, figure in figures.items() if figure is None)
    return tuple(reason for reason, holds in met.items() if holds) + unknown


def _proposal(step: Step, minutes: Decimal, reasons: tuple[str, ...], rules: Rules) -> Proposal:
    return Proposal(step=step, minutes=half_up(minutes, 1), reasons=reasons, rule_set=rules.version)
