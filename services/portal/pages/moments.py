"""Moments as people at the patient's place read and write them; everything else is UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTE = "%Y-%m-%dT%H:%M"
"""How a browser's field for date and time writes a minute."""


class NoSuchMoment(Exception):
    """What was written is no moment; the message says so to the person who wrote it."""


def zone_named(name: str | None) -> ZoneInfo:
    """Give a time zone by its IANA name; UTC where it is not known."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def moment_written(text: str, zone: ZoneInfo) -> datetime:
    """Read a local date and time of that zone, or an instant that names its own offset; NoSuchMoment otherwise.

    A minute that the clocks show twice counts as the later one, so that nothing of it is missing.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise NoSuchMoment("That is not a date and time, like 2026-11-23T09:00.") from error
    if read.tzinfo is not None:
        return _in_utc(read)
    local = read.replace(tzinfo=zone, fold=1)
    if _in_utc(local).astimezone(zone).replace(tzinfo=None) != read:
        raise NoSuchMoment(f"There is no such time in {zone.key}: the clocks went forward over it.")
    return _in_utc(local)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise NoSuchMoment("That is too far away.") from error


def instant(text: str) -> datetime:
    """Read a moment as the services write it."""
    return datetime.fromisoformat(text)


def written(moment: datetime) -> str:
    """Write a moment as the services read it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day_words(day: date) -> str:
    """Write a day: 23 Nov 2026."""
    return f"{day.day} {day:%b %Y}"


class Place:
    """Where the patient lives: writes moments in the wall time there."""

    def __init__(self, zone_name: str | None):
        self.zone = zone_named(zone_name)
        self.name = self.zone.key

    def local(self, moment: datetime | str) -> datetime:
        """Give the wall time at a moment."""
        return (instant(moment) if isinstance(moment, str) else moment).astimezone(self.zone)

    def day(self, moment: datetime | str) -> str:
        """Write the day of a moment: 23 Nov 2026."""
        return day_words(self.local(moment))

    def weekday(self, moment: datetime | str) -> str:
        """Write the day of a moment with its name: Monday, 23 Nov 2026."""
        return f"{self.local(moment):%A}, {self.day(moment)}"

    def time(self, moment: datetime | str) -> str:
        """Write the time of day of a moment: 09:05."""
        return f"{self.local(moment):%H:%M}"

    def both(self, moment: datetime | str) -> str:
        """Write day and time: 23 Nov 2026, 09:05."""
        return f"{self.day(moment)}, {self.time(moment)}"

    def exact(self, moment: datetime | str) -> str:
        """Write day and time to the second, with the offset: 23 Nov 2026, 09:05:07 (UTC+01:00)."""
        return f"{self.both(moment)}:{self.local(moment):%S} ({self.offset(moment)})"

    def offset(self, moment: datetime | str) -> str:
        """Write how far the wall time is from UTC: UTC+01:00."""
        shift = f"{self.local(moment):%z}"
        return f"UTC{shift[:3]}:{shift[3:5]}"

    def field(self, moment: datetime | str) -> str:
        """Write a moment for a browser's field for date and time."""
        return f"{self.local(moment):{MINUTE}}"
