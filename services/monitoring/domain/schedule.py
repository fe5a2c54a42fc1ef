"""When the next check-in and the next PHQ-9 are due, in the patient's own days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, kw_only=True)
class ScheduleRules:
    """How often things are due, in days [R]; source: clinical rules 5.1.

    The PHQ-9 comes less often once the given week of the program is over.
    """

    check_in_every_days: int = 7
    phq9_every_days: int = 14
    phq9_later_every_days: int = 28
    phq9_later_after_week: int = 8

    def next_check_in(self, starts_on: date, last: date | None) -> date:
        """Give the day of the next check-in, from the last one or, before any, from the program's start."""
        return max(starts_on, last or starts_on) + timedelta(days=self.check_in_every_days)

    def next_phq9(self, starts_on: date, last: date | None) -> date:
        """Give the day of the next PHQ-9, from the last one or, before any, from the program's start."""
        counted_from = max(starts_on, last or starts_on)
        settled = counted_from >= starts_on + timedelta(weeks=self.phq9_later_after_week)
        return counted_from + timedelta(days=self.phq9_later_every_days if settled else self.phq9_every_days)


@dataclass(frozen=True, kw_only=True)
class Due:
    """What is due next, in the patient's own days; nothing once the plan is closed."""

    check_in_on: date | None
    phq9_on: date | None


NOTHING_DUE = Due(check_in_on=None, phq9_on=None)


def zone_named(name: str) -> tzinfo:
    """Give a time zone by its IANA name; UTC for a name that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
