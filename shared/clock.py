"""The clocks: the system's own, one that tests move, and one that a file moves in a running process."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

Clock = Callable[[], datetime]
"""Gives the present moment, aware and in UTC."""


def system_clock() -> datetime:
    """Give the present moment by this machine."""
    return datetime.now(UTC)


class ShiftedClock:
    """Another clock, moved: runs ahead or behind by an offset, or stands still at an instant."""

    def __init__(
        self, base: Clock = system_clock, *, offset: timedelta = timedelta(0), instant: datetime | None = None
    ):
        self._base = base
        self._offset = offset
        self._instant = instant

    def __call__(self) -> datetime:
        """Give the moved moment."""
        return (self._instant or self._base()) + self._offset

    def forward(self, by: timedelta) -> None:
        """Move on from where the clock is now."""
        self._offset += by

    def stand_at(self, instant: datetime) -> None:
        """Stop at this aware moment."""
        self._instant, self._offset = instant.astimezone(UTC), timedelta(0)


class FileClock:
    """A clock that a file moves while the process runs; without the file it is the base clock.

    The file holds an instant (`2026-11-23T09:00:00Z`: the clock stands there) or an offset in seconds (`+86400`).
    Anything else in it is an error at the next reading, never silently the present.
    """

    def __init__(self, path: Path, base: Clock = system_clock):
        self._path = path
        self._base = base

    def __call__(self) -> datetime:
        """Give the moment that the file asks for."""
        try:
            text = self._path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            text = ""
        return moved(text, self._base()) if text else self._base()


def moved(text: str, now: datetime) -> datetime:
    """Read an instant, or an offset in seconds from now; ValueError for anything else."""
    if text[0] in "+-":
        return now + timedelta(seconds=float(text))
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"the clock file holds a time without zone: {text}")
    return instant.astimezone(UTC)


def clock_from(path: Path | None) -> Clock:
    """Choose the clock of a process: the system's, or the one that this file moves."""
    return FileClock(path) if path else system_clock
