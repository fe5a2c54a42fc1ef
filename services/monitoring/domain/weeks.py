"""What was prescribed and done, week by week."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from events.monitoring import Session
from shared.clinical.adherence import Adherence, adherence
from shared.clinical.exact import half_up

DAYS = 7


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What the program asks for from a day on, until the next expectation; on hold it is excused."""

    since: date
    sessions_per_week: int
    minutes_per_week: int
    on_hold: bool = False


@dataclass(frozen=True, kw_only=True)
class Week:
    """One week of the program, counted from its first day; `complete` once its last day is over."""

    number: int
    starts_on: date
    ends_on: date
    complete: bool
    sessions_prescribed: int
    sessions_excused: int
    sessions_done: int
    minutes_prescribed: int
    minutes_excused: int
    minutes_done: int
    adherence: Adherence


def weeks(
    starts_on: date, today: date, most: int, expectations: Sequence[Expectation], sessions: Iterable[Session]
) -> Iterator[Week]:
    """Give the last weeks of the program, at most `most`, the present one last; none before it starts."""
    done = list(sessions)
    present = (today - starts_on).days // DAYS
    for index in range(max(0, present + 1 - most), present + 1):
        first = starts_on + timedelta(days=index * DAYS)
        days = [first + timedelta(days=day) for day in range(DAYS)]
        expected = [each for day in days if (each := _expected_on(day, expectations))]
        yield _week(index + 1, days, today, expected, [each for each in done if each.done_on in days])


def _expected_on(day: date, expectations: Sequence[Expectation]) -> Expectation | None:
    begun = [expectation for expectation in expectations if expectation.since <= day]
    return begun[-1] if begun else None


def _week(
    number: int, days: Sequence[date], today: date, expected: Sequence[Expectation], done: Sequence[Session]
) -> Week:
    active = [day for day in expected if not day.on_hold]
    sessions, minutes = _share(day.sessions_per_week for day in expected), _share(d.minutes_per_week for d in expected)
    counts: dict[str, Any] = {
        "sessions_prescribed": sessions,
        "sessions_excused": sessions - _share(day.sessions_per_week for day in active),
        "sessions_done": len(done),
        "minutes_prescribed": minutes,
        "minutes_excused": minutes - _share(day.minutes_per_week for day in active),
        "minutes_done": sum(session.minutes for session in done),
    }
    return Week(
        number=number,
        starts_on=days[0],
        ends_on=days[-1],
        complete=today > days[-1],
        adherence=adherence(**counts),
        **counts,
    )


def _share(per_week: Iterable[int]) -> int:
    """Add up the days' shares of their week, so that a week with two revisions asks for something of both."""
    return int(half_up(Decimal(sum(per_week)) / DAYS))
