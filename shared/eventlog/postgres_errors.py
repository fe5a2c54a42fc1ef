"""What PostgreSQL's refusals mean to a log."""

from __future__ import annotations

import psycopg

from shared.eventlog.commit import Interrupted, KeyReused, LogUnavailable, PositionMoved, VersionConflict
from shared.eventlog.writer import NOT_NOW

POSITION_MOVED = "CT001"
NOT_MIGRATED = "CT002"
CLOCK_OFF = "CT003"
NO_TABLE_OR_FUNCTION = ("42P01", "42883")
BROKEN_OFF = ("57014", "40001", "40P01")
READ_ONLY = "25006"


def says_that_it_is_not_there(error: psycopg.Error) -> bool:
    """Tell whether a table or a function was not found."""
    return error.sqlstate in NO_TABLE_OR_FUNCTION


def translated(error: psycopg.Error) -> Exception:
    """Give what a writer's error means; the error itself if it is a mistake of ours."""
    constraint = error.diag.constraint_name
    if constraint == "events_version":
        return VersionConflict("this version is taken")
    if constraint == "idempotency_keys_pkey":
        return KeyReused("this Idempotency-Key was recorded before")
    if error.sqlstate == POSITION_MOVED:
        return PositionMoved(str(error))
    if error.sqlstate in BROKEN_OFF:
        return Interrupted(NOT_NOW)
    if error.sqlstate == CLOCK_OFF:
        return LogUnavailable(str(error.diag.message_primary))
    return LogUnavailable(NOT_NOW) if means_outage(error) else error


def means_outage(error: psycopg.Error) -> bool:
    """Tell whether the log cannot be reached or written now, rather than that we asked wrongly."""
    unreachable = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return unreachable or error.sqlstate in (NOT_MIGRATED, CLOCK_OFF, READ_ONLY)
