"""One instrument: an answered questionnaire in the vocabulary's words, and every total over time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from events.terms import QuestionnaireResult
from shared.clinical.change import Change, compare
from shared.clinical.scoring import Score


class Source(StrEnum):
    """Where a total was measured."""

    SCREENING = "screening"
    MONITORING = "monitoring"


@dataclass(frozen=True, kw_only=True)
class Point:
    """One total; `baseline` is what it was compared with (None: nothing), `reading` what the change means."""

    measured_at: datetime
    source: Source
    total: int
    band: str | None
    provisional: bool = False
    baseline: int | None = None
    reading: Change | None = None

    @property
    def change(self) -> int | None:
        """Its total against the baseline, in points."""
        return None if self.baseline is None else self.total - self.baseline


@dataclass(frozen=True, kw_only=True)
class Series:
    """All totals of one instrument in order of time; `baseline` is the last one before the newest plan."""

    instrument: str
    baseline: Point | None
    points: tuple[Point, ...]


def result_of(scored: Score) -> QuestionnaireResult:
    """Put a score into words: raw answers kept, the total as far as the rules allow one, and why not."""
    return QuestionnaireResult(
        instrument=scored.instrument,
        answers=scored.answers,
        rules_version=scored.rule_set,
        total=scored.total,
        band=scored.band,
        provisional=scored.provisional,
        missing=scored.missing,
        invalid=scored.reason if scored.total is None else None,
        difficulty=scored.unscored[0] if scored.unscored else None,
    )


def reading_of(instrument: str, baseline: int | None, total: int) -> Change | None:
    """Compare a total with a baseline (clinical rules 1.4); None without one."""
    return None if baseline is None else compare(instrument, baseline, total)


def series_of(instrument: str, points: Iterable[Point], plan_opened_at: datetime | None) -> Series:
    """Put points in order and find the baseline; without a plan it is the last screening's."""
    ordered = tuple(sorted(points, key=lambda point: point.measured_at))
    before = [
        point
        for point in ordered
        if point.source is Source.SCREENING and (plan_opened_at is None or point.measured_at <= plan_opened_at)
    ]
    return Series(instrument=instrument, baseline=before[-1] if before else None, points=ordered)
