"""Answers to questionnaires, scored by the clinical rules and put into the vocabulary's words."""

from __future__ import annotations

from collections.abc import Mapping

from events.terms import QuestionnaireResult
from shared.clinical.instruments import instrument
from shared.clinical.rules import DEFAULT
from shared.clinical.scoring import Score, score
from shared.clinical.totals import Status


def result_of(scored: Score, stated_total: int | None = None) -> QuestionnaireResult:
    """Put a score into words: raw answers kept, total and band as far as the rules allow one, and why not."""
    return QuestionnaireResult(
        instrument=scored.instrument,
        answers=scored.answers,
        rules_version=scored.rule_set,
        total=scored.total,
        band=scored.band,
        provisional=scored.provisional,
        missing=scored.missing,
        invalid=scored.reason if scored.status in (Status.INVALID, Status.INCOMPLETE) else None,
        difficulty=scored.unscored[0] if scored.unscored else None,
        stated_total=stated_total,
    )


def result_as_stated(
    code: str, answers: Mapping[int, int], difficulty: int | None, stated_total: int | None
) -> QuestionnaireResult:
    """Put another system's questionnaire into words: its total stays as stated, ours is made from its items.

    `answers` are by item number from 1. Where it has no items there is nothing to recompute; the band is then that
    of the stated total. AnswerRefused for an answer that the questionnaire does not offer.
    """
    asked = instrument(code)
    # The difficulty item is never scored; it stands behind the scored ones.
    if answers:
        given: dict[int, int | None] = {**answers}
        if asked.unscored:
            given[asked.unscored[0].number] = difficulty
        return result_of(score(asked, given), stated_total)
    return QuestionnaireResult(
        instrument=asked.id,
        answers=(None,) * len(asked.items),
        rules_version=DEFAULT.version,
        band=None if stated_total is None else asked.band(stated_total),
        missing=len(asked.items),
        difficulty=difficulty,
        stated_total=stated_total,
    )
