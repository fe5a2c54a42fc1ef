"""What a check has found, how bad it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

SOON = timedelta(minutes=1)
LATE = timedelta(minutes=15)


class Level(IntEnum):
    """How bad it is; also the exit code of the doctor."""

    OK = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was seen, and, unless all is well, what to do.

    Neither names a patient, repeats what somebody wrote, or shows a password.
    """

    check: str
    level: Level
    seen: str
    do: str = ""


def fine(check: str, seen: str) -> Finding:
    """Say that all is well, or why it was not looked at."""
    return Finding(check, Level.OK, seen)


def warning(check: str, seen: str, do: str) -> Finding:
    """Say what should be seen to."""
    return Finding(check, Level.WARNING, seen, do)


def error(check: str, seen: str, do: str) -> Finding:
    """Say what must be seen to: something does not work, or a promise is not kept."""
    return Finding(check, Level.ERROR, seen, do)


def overdue(check: str, seen: str, do: str, age: timedelta) -> Finding:
    """Say that something waits: all is well for a minute, a warning up to a quarter of an hour, an error beyond."""
    level = Level.OK if age < SOON else Level.WARNING if age < LATE else Level.ERROR
    return Finding(check, level, seen, do if level else "")


def moment(when: datetime) -> str:
    """Write a moment for people who read times in UTC."""
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
