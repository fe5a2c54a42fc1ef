"""Whether this program, on this machine, can work on a log: its schema and its clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, inspect, select

from shared.eventlog.recorder import NO_LOG, LogRecorder, now_utc
from shared.eventlog.tables import SCHEMA_VERSION, log_state

CLOCK_TOLERANCE = timedelta(seconds=5)
UNNUMBERED = 1


class ClockOff(Exception):
    """This machine's clock and its database's disagree: recorded times could not be trusted."""


class WrongSchema(Exception):
    """A log that this version of CareTrail cannot work on; the message says what to do."""


def check_schema(recorder: LogRecorder) -> None:
    """Refuse, with WrongSchema, a log that is not migrated, or that a newer version has migrated."""
    with recorder.reading() as connection:
        version = version_of(connection)
    if version is None:
        raise WrongSchema(NO_LOG)
    if version < SCHEMA_VERSION:
        raise WrongSchema(
            f"this log has schema {version}, this version of CareTrail needs {SCHEMA_VERSION}: run `caretrail migrate`"
        )
    must_not_be_newer(version)


def must_not_be_newer(version: int | None) -> None:
    """Refuse, with WrongSchema, what a newer version of CareTrail has migrated."""
    if version is not None and version > SCHEMA_VERSION:
        raise WrongSchema(
            f"this log was migrated by a newer version of CareTrail (schema {version}, here {SCHEMA_VERSION}): "
            "install that version; nothing was changed"
        )


def version_of(connection: Connection) -> int | None:
    """Tell the version of a log's schema; None where there is no log."""
    known = inspect(connection)
    if not known.has_table(log_state.name):
        return None
    if log_state.c.schema_version.name not in [column["name"] for column in known.get_columns(log_state.name)]:
        return UNNUMBERED
    return connection.scalar(select(log_state.c.schema_version)) or UNNUMBERED


def check_clock(recorder: LogRecorder, clock: Callable[[], datetime] = now_utc) -> None:
    """Refuse, with ClockOff, to work on a machine whose clock is more than 5 s off its database's.

    A SQLite file's clock is this machine's own: there is nothing to compare it with.
    """
    before = clock()
    there = recorder.database_clock()
    off = max(before - there, there - clock())
    if off > CLOCK_TOLERANCE:
        raise ClockOff(
            f"this machine's clock is {off.total_seconds():.0f} s off its database's: {before:%H:%M:%S} here, "
            f"{there:%H:%M:%S} there (UTC); set the clocks right, then start again"
        )
