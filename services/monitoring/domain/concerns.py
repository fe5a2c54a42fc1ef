"""What in an entry somebody must look at, and how soon: the rules of escalation applied to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from events.terms import AlertLevel
from shared.clinical.change import Change, Deterioration
from shared.clinical.escalation import Trigger, clock, item_9_trigger
from shared.clinical.instruments import PHQ9
from shared.clinical.redflags import trigger_of
from shared.clinical.safety import ITEM_9, Flag, crisis_flags

SEVERE = "severe"


@dataclass(frozen=True, kw_only=True)
class Concern:
    """One reason to look: the rule's name, what met it, and the clock of its level (clinical rules 5.4)."""

    trigger: str
    signs: tuple[str, ...]
    level: AlertLevel
    acknowledge_within: timedelta
    review_within: timedelta | None
    crisis_card: bool


def _concern(rule: Trigger, signs: Iterable[str], trigger: str = "") -> Concern:
    demanded = clock(rule)
    act = demanded.act_minutes
    return Concern(
        trigger=trigger or str(rule),
        signs=tuple(str(sign) for sign in signs),
        level=AlertLevel(demanded.level),
        acknowledge_within=timedelta(minutes=demanded.acknowledge_minutes),
        review_within=None if act is None else timedelta(minutes=act),
        crisis_card=demanded.show_crisis_card,
    )


def in_a_check_in(symptoms: Sequence[str], feels_unsafe: bool, words: str | None) -> tuple[Concern, ...]:
    """Find what a check-in gives reason to look at, the most urgent first.

    Whether a symptom lasts is not asked, so it counts as lasting (clinical rules 5.5).
    """
    found = []
    if flags := crisis_flags(unsafe=feels_unsafe, words=words or ""):
        found.append(_concern(Trigger.CRISIS_SELF_REPORT, flags))
    triggers = [trigger_of(code) for code in symptoms]
    for rule in dict.fromkeys(triggers):
        found.append(_concern(rule, [code for code, its in zip(symptoms, triggers, strict=True) if its is rule]))
    return _most_urgent_first(found)


def in_answers(instrument: str, answers: Sequence[int | None], flags: Sequence[Flag]) -> tuple[Concern, ...]:
    """Find what the answers give reason to look at before any total exists: PHQ-9 item 9 (clinical rules 1.7)."""
    if instrument != PHQ9.id:
        return ()
    rule = item_9_trigger(answers[ITEM_9])
    return () if rule is None else (_concern(rule, flags),)


def in_a_total(instrument: str, total: int, before: int | None, change: Change | None) -> Iterator[Concern]:
    """Find what a total gives reason to look at; `before` is the total of last time, `change` is against baseline."""
    if instrument == PHQ9.id and PHQ9.band(total) == SEVERE and (before is None or PHQ9.band(before) != SEVERE):
        yield _concern(Trigger.PHQ9_SEVERE_NEW, [instrument])
    if change is not None and change.deterioration in (Deterioration.REVIEW, Deterioration.RELIABLE):
        # Looked at like a reliable deterioration from the review threshold on (clinical rules 1.4 and 5.2).
        yield _concern(Trigger.RELIABLE_DETERIORATION, [instrument], f"{instrument}_DETERIORATION")


def _most_urgent_first(concerns: Iterable[Concern]) -> tuple[Concern, ...]:
    return tuple(sorted(concerns, key=lambda concern: concern.level))
