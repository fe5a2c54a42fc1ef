"""What a questionnaire says besides its total: screen result, diagnostic algorithms, splits and cluster sums."""

from dataclasses import dataclass
from enum import StrEnum

from shared.clinical.answers import Points
from shared.clinical.questionnaire import Instrument
from shared.clinical.rules import Rules
from shared.clinical.totals import by_cluster, positives

NICE_MORE_SEVERE = 16  # nice.org.uk/guidance/ng222
UK_CASENESS = 8  # IAPT manual
POOR_WELLBEING_BELOW = 13  # valant; raw score, the same as 48 percent or less
ISI_COMMUNITY = 10  # morin2011
DSM_MINIMUM = {"B": 1, "C": 1, "D": 2, "E": 2}  # camcops pcl5; an item counts from 2


class Result(StrEnum):
    """The answer of a screen or rule; INDETERMINATE when missing answers could still turn it."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One further result: a code, its value and where the rule comes from."""

    code: str
    value: str | int
    source: str


def positive(asked: Instrument, points: Points, scale: int | None, rules: Rules) -> Result | None:
    """Whether the screen is positive; `scale` is what the cut applies to. None without a cut or without a total."""
    cut = rules.cut(asked.id)
    if cut is None:
        return None
    if asked.id == "ASRS6":
        reached = positives(asked, points)
        return _bounded(reached, reached + points.count(None), cut)
    if scale is None:
        return None
    return _result(scale <= cut if asked.higher_is_better else scale >= cut)


def findings(asked: Instrument, points: Points, total: int | None) -> tuple[Finding, ...]:
    """All further results of one set of points (section 1.3)."""
    found: tuple[Finding, ...] = ()
    if asked.id == "PHQ9":
        found = _phq9_algorithm(points)
    elif asked.id == "PCL5":
        found = _pcl5_clusters(asked, points)
    elif asked.id == "ASRS6":
        found = _asrs(asked, points)
    return found if total is None else found + _splits(asked.id, total)


def _result(met: bool) -> Result:
    return Result.POSITIVE if met else Result.NEGATIVE


def _bounded(at_least: int, at_most: int, needed: int) -> Result:
    if at_least >= needed:
        return Result.POSITIVE
    return Result.NEGATIVE if at_most < needed else Result.INDETERMINATE


def _splits(instrument: str, total: int) -> tuple[Finding, ...]:
    table = {
        "PHQ9": ("nice", "more-severe" if total >= NICE_MORE_SEVERE else "less-severe", "nice.org.uk/guidance/ng222"),
        "GAD7": ("uk-caseness", _result(total >= UK_CASENESS), "IAPT manual"),
        "WHO5": ("poor-wellbeing", _result(total < POOR_WELLBEING_BELOW), "help.valant.com WHO-5"),
        "ISI": ("community-case", _result(total >= ISI_COMMUNITY), "morin2011 Sleep 34:601"),
    }
    if instrument not in table:
        return ()
    code, value, source = table[instrument]
    return (Finding(code=code, value=value, source=source),)


def _phq9_algorithm(points: Points) -> tuple[Finding, ...]:
    # missing answers are taken once as absent and once as present: the finding stands only if both agree
    low, high = _phq9_reading(points, missing=0), _phq9_reading(points, missing=3)
    source = "camcops@56a303e phq9; needs a clinician"
    return (
        Finding(code="algorithm", value=low[0] if low[0] == high[0] else Result.INDETERMINATE, source=source),
        Finding(code="algorithm-count", value=low[1], source=source),
    )


def _phq9_reading(points: Points, *, missing: int) -> tuple[str, int]:
    filled = [missing if point is None else point for point in points]
    counts = [point >= 2 for point in filled[:8]] + [filled[8] >= 1]
    core = counts[0] or counts[1]
    if core and sum(counts) >= 5:
        return "major-depressive", sum(counts)
    return ("other-depressive" if core and sum(counts) >= 2 else "none"), sum(counts)


def _pcl5_clusters(asked: Instrument, points: Points) -> tuple[Finding, ...]:
    found, verdicts = [], []
    for cluster, members in by_cluster(asked, points).items():
        met = sum(point is not None and point >= 2 for point in members)
        verdicts.append(_bounded(met, met + members.count(None), DSM_MINIMUM[cluster]))
        found.append(Finding(code=f"dsm-{cluster}", value=met, source="camcops@56a303e pcl5"))
        if None not in members:
            value = sum(point or 0 for point in members)
            found.append(Finding(code=f"sum-{cluster}", value=value, source="camcops@56a303e pcl5"))
    return (Finding(code="dsm", value=_all_of(verdicts), source="camcops@56a303e pcl5"), *found)


def _all_of(verdicts: list[Result]) -> Result:
    if Result.NEGATIVE in verdicts:
        return Result.NEGATIVE
    return Result.INDETERMINATE if Result.INDETERMINATE in verdicts else Result.POSITIVE


def _asrs(asked: Instrument, points: Points) -> tuple[Finding, ...]:
    found = [Finding(code="positives", value=positives(asked, points), source="help.blueprint ASRS")]
    if None not in points:
        value = sum(point or 0 for point in points)
        found.append(Finding(code="sum", value=value, source="psypack.com ASRS; for trend only"))
    return tuple(found)
