"""Change against baseline: meaningful, reliable, response, remission and deterioration (section 1.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from shared.clinical.exact import percent, require_whole
from shared.clinical.instruments import instrument
from shared.clinical.refusals import UnknownCode
from shared.clinical.rules import DEFAULT, Rules


class Direction(StrEnum):
    """Where the patient went, whichever way the instrument counts."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


class Response(StrEnum):
    """How much of the baseline is gone."""

    RESPONSE = "response"
    PARTIAL = "partial"
    NONE = "none"
    NOT_APPLICABLE = "not-applicable"


class Verdict(StrEnum):
    """Yes, no, or a question that does not arise for this instrument or baseline."""

    YES = "yes"
    NO = "no"
    NOT_APPLICABLE = "not-applicable"


class Deterioration(StrEnum):
    """How strongly a worsening speaks; each includes the ones before it."""

    NONE = "none"
    PROMPT = "prompt"
    REVIEW = "review"
    RELIABLE = "reliable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRule:
    """Published change thresholds of one instrument, in points of its scale (WHO-5: percent); None = none published.

    `remission` is the figure at which one starts to count as remitted. Fields that are project choices
    come from Rules instead.
    """

    meaningful: int | None = None
    reliable: int | None = None
    halving: bool = False
    response_points: int | None = None
    response_wants_trend: bool = False
    remission: int | None = None
    caseness: int | None = None
    review: int | None = None
    source: str


def change_rules(rules: Rules = DEFAULT) -> Mapping[str, ChangeRule]:
    """The change rule of every instrument that may be used for outcome (ASRS and C-SSRS may not)."""
    chosen = rules.change
    stress = ChangeRule(source="none published; show the trend")
    return MappingProxyType(
        {
            "PHQ9": ChangeRule(
                meaningful=5, reliable=6, halving=True, remission=4, caseness=10, review=5,
                source="Loewe 2004; Kounali 2022; IAPT; ICSI",
            ),
            "GAD7": ChangeRule(
                meaningful=4, reliable=4, halving=True, remission=4, caseness=8, review=4,
                source="Toussaint 2020; IAPT; Kounali 2022",
            ),
            "WHO5": ChangeRule(meaningful=10, reliable=10, remission=51, review=10, source="valant; psypack"),
            "PCL5": ChangeRule(
                meaningful=10, reliable=15, response_points=chosen.pcl5_response, response_wants_trend=True,
                remission=28, review=10,
                source="Blanchard 2023; Marx 2022",
            ),
            "ISI": ChangeRule(
                meaningful=6, reliable=chosen.isi_reliable, response_points=8, remission=7,
                review=chosen.isi_deterioration, source="Yang 2009; Morin 2011",
            ),
            "PSS10": stress,
            "PSS4": stress,
        }
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The comparison of two totals (WHO-5: percents).

    `delta` = current - baseline. `improvement` is in percent of the baseline, one decimal, positive = better, None
    for a baseline of 0. `meaningful` and `reliable` speak of the size of the change in either direction.
    """

    instrument: str
    rule_set: str
    baseline: int
    current: int
    delta: int
    improvement: Decimal | None
    direction: Direction
    meaningful: Verdict
    reliable: Verdict
    response: Response
    remission: Verdict
    uk_recovery: Verdict
    deterioration: Deterioration
    source: str


def compare(code: str, baseline: int, current: int, *, previous: int | None = None, rules: Rules = DEFAULT) -> Change:
    """Compare `current` with `baseline` for the instrument `code`.

    `previous` is the measure before the current one: PCL-5 response also wants the trend not to have turned.
    UnknownCode for an instrument that is not for outcome; MeasureRefused for a figure outside its scale.
    """
    rule = change_rules(rules).get(code)
    if rule is None:
        raise UnknownCode(f"{code} is not for measuring change")
    asked = instrument(code)
    highest = 100 if code == "WHO5" else asked.highest_total
    for figure in (baseline, current):
        require_whole(figure, f"{code} total", 0, highest)
    better = (current - baseline) if asked.higher_is_better else (baseline - current)
    return Change(
        instrument=code,
        rule_set=rules.version,
        baseline=baseline,
        current=current,
        delta=current - baseline,
        improvement=percent(better, baseline) if baseline else None,
        direction=Direction.SAME if not better else Direction.BETTER if better > 0 else Direction.WORSE,
        meaningful=_at_least(abs(better), rule.meaningful),
        reliable=_at_least(abs(better), rule.reliable),
        response=_response(rule, baseline, current, previous, rules),
        remission=_remission(rule, asked.higher_is_better, baseline, current, rules),
        uk_recovery=_uk_recovery(rule, baseline, current),
        deterioration=_deterioration(code, rule, -better, rules),
        source=rule.source,
    )


def is_nonresponse(change: Change, week: int, *, rules: Rules = DEFAULT) -> bool:
    """Whether from week 8 on a baseline of caseness is neither below it nor halved (section 5.2): consult due."""
    rule = change_rules(rules)[change.instrument]
    if rule.caseness is None or change.baseline < rule.caseness:
        return False
    settled = change.current < rule.caseness or change.response is Response.RESPONSE
    return week >= rules.change.nonresponse_week and not settled


def _verdict(met: bool) -> Verdict:
    return Verdict.YES if met else Verdict.NO


def _at_least(size: int, threshold: int | None) -> Verdict:
    return Verdict.NOT_APPLICABLE if threshold is None else _verdict(size >= threshold)


def _response(rule: ChangeRule, baseline: int, current: int, previous: int | None, rules: Rules) -> Response:
    drop = baseline - current
    if rule.response_points is not None:
        turned = rule.response_wants_trend and previous is not None and current > previous
        return Response.RESPONSE if drop >= rule.response_points and not turned else Response.NONE
    if not rule.halving or baseline < rules.change.baseline_floor:
        return Response.NOT_APPLICABLE
    # compared in whole points: 49.96 % reads "50.0" but is no response
    if drop * 2 >= baseline:
        return Response.RESPONSE
    return Response.PARTIAL if drop * 4 >= baseline else Response.NONE


def _remission(rule: ChangeRule, higher_is_better: bool, baseline: int, current: int, rules: Rules) -> Verdict:
    if rule.remission is None or (rule.halving and baseline < rules.change.baseline_floor):
        return Verdict.NOT_APPLICABLE
    if higher_is_better:
        was, now = baseline >= rule.remission, current >= rule.remission
    else:
        was, now = baseline <= rule.remission, current <= rule.remission
    return Verdict.NOT_APPLICABLE if was else _verdict(now)


def _uk_recovery(rule: ChangeRule, baseline: int, current: int) -> Verdict:
    if rule.caseness is None or baseline < rule.caseness:
        return Verdict.NOT_APPLICABLE
    return _verdict(current < rule.caseness)


def _deterioration(code: str, rule: ChangeRule, worse: int, rules: Rules) -> Deterioration:
    if rule.reliable is not None and worse >= rule.reliable:
        return Deterioration.RELIABLE
    if rule.review is not None and worse >= rule.review:
        return Deterioration.REVIEW
    prompted = code in ("PSS10", "PSS4") and worse >= rules.change.pss_prompt
    return Deterioration.PROMPT if prompted else Deterioration.NONE
