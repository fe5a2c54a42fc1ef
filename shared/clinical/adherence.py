"""How much of the prescription was done, and when that amounts to an interruption (section 5.6)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from shared.clinical.exact import percent, require_whole
from shared.clinical.refusals import MeasureRefused
from shared.clinical.rules import DEFAULT, Rules

SOURCE = "section 5.6 [R]; fidelity components BMC SSMR 2025; Scott 2018"


class AdherenceBand(StrEnum):
    """Reading of overall adherence."""

    GOOD = "good"
    PARTIAL = "partial"
    LOW = "low"


class Outcome(StrEnum):
    """What became of a prescribed session; excused = illness or a clinician's hold."""

    DONE = "done"
    MISSED = "missed"
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adherence:
    """Shares in percent, one decimal, each apart; None where nothing was prescribed, done or measured."""

    frequency: Decimal | None
    time: Decimal | None
    intensity: Decimal | None
    overall: Decimal | None
    band: AdherenceBand | None
    rule_set: str
    source: str = SOURCE


def adherence(
    *,
    sessions_prescribed: int,
    sessions_done: int,
    minutes_prescribed: int,
    minutes_done: int,
    minutes_in_band: int | None = None,
    sessions_excused: int = 0,
    minutes_excused: int = 0,
    rules: Rules = DEFAULT,
) -> Adherence:
    """Adherence of one period. Excused sessions and their minutes leave the denominator; time counts up to 100 %.

    `minutes_in_band` None = not measured. MeasureRefused for negative or contradictory counts.
    """
    counts = (sessions_prescribed, sessions_done, minutes_prescribed, minutes_done, sessions_excused, minutes_excused)
    for count in counts:
        require_whole(count, "a count of sessions or minutes", 0, 1_000_000)
    if sessions_excused > sessions_prescribed or minutes_excused > minutes_prescribed:
        raise MeasureRefused("more was excused than prescribed")
    if minutes_in_band is not None and require_whole(minutes_in_band, "minutes in band", 0, 1_000_000) > minutes_done:
        raise MeasureRefused("more minutes in band than done")
    frequency = _share(sessions_done, sessions_prescribed - sessions_excused)
    time = _share(minutes_done, minutes_prescribed - minutes_excused)
    time = None if time is None else min(Fraction(1), time)
    overall = None if frequency is None or time is None else frequency * time
    return Adherence(
        frequency=_in_percent(frequency),
        time=_in_percent(time),
        intensity=None if minutes_in_band is None else _in_percent(_share(minutes_in_band, minutes_done)),
        overall=_in_percent(overall),
        band=None if overall is None else _band(overall, rules),
        rule_set=rules.version,
    )


def is_interrupted(sessions: Iterable[Outcome], *, rules: Rules = DEFAULT) -> bool:
    """Whether the sessions, in order of time, hold three missed in a row (Scott 2018); excused ones do not count."""
    missed = 0
    for outcome in sessions:
        if outcome is Outcome.EXCUSED:
            continue
        missed = missed + 1 if outcome is Outcome.MISSED else 0
        if missed >= rules.adherence.interruption_sessions:
            return True
    return False


def _share(part: int, whole: int) -> Fraction | None:
    return None if whole == 0 else Fraction(part, whole)


def _in_percent(share: Fraction | None) -> Decimal | None:
    return None if share is None else percent(share.numerator, share.denominator)


def _band(overall: Fraction, rules: Rules) -> AdherenceBand:
    # judged unrounded: 79.96 % reads "80.0" but is partial
    if overall * 100 >= rules.adherence.good:
        return AdherenceBand.GOOD
    return AdherenceBand.PARTIAL if overall * 100 >= rules.adherence.partial else AdherenceBand.LOW
