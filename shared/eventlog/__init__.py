"""The event log of one service: append-only, ordered, on SQLite or PostgreSQL.

Aggregates decide and record; `Application.save` puts events, worklist rows, positions and the request's key into the
log in one transaction; `LogRecorder` reads it back by aggregate, by position and by lane.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.engine import make_url

from shared.eventlog.aggregate import Aggregate, Context, NotFound, Refused, RequestKey, when
from shared.eventlog.application import Application, Worklist
from shared.eventlog.checks import ClockOff, WrongSchema, check_clock, check_schema
from shared.eventlog.commit import (
    Commit,
    Heads,
    Interrupted,
    KeyReused,
    LoggedEvent,
    LogUnavailable,
    Move,
    Position,
    PositionMoved,
    Receipt,
    Replace,
    StoredKey,
    VersionConflict,
)
from shared.eventlog.migrate import migrate
from shared.eventlog.postgres import LOCK_TIMEOUT, PostgresRecorder, postgres_engine
from shared.eventlog.rebuild import Difference, differences, rebuild
from shared.eventlog.recorder import LogRecorder, now_utc
from shared.eventlog.sqlite import SQLiteRecorder, sqlite_engine
from shared.eventlog.tables import Json, UtcDateTime

__all__ = [
    "Aggregate",
    "Application",
    "ClockOff",
    "Commit",
    "Context",
    "Difference",
    "Heads",
    "Interrupted",
    "Json",
    "KeyReused",
    "LogRecorder",
    "LogUnavailable",
    "LoggedEvent",
    "Move",
    "NotFound",
    "Position",
    "PositionMoved",
    "PostgresRecorder",
    "Receipt",
    "Refused",
    "Replace",
    "RequestKey",
    "SQLiteRecorder",
    "StoredKey",
    "UtcDateTime",
    "VersionConflict",
    "Worklist",
    "WrongSchema",
    "check_clock",
    "check_schema",
    "differences",
    "migrate",
    "open_log",
    "rebuild",
    "when",
]


def open_log(url: str, clock: Callable[[], datetime] = now_utc, lock_timeout: float = LOCK_TIMEOUT) -> LogRecorder:
    """Open a migrated log at a database URL (sqlite:///file or postgresql://...).

    `lock_timeout`: seconds that a command waits for others at most, then it gets LogUnavailable.
    """
    target = make_url(url)
    if target.get_backend_name() == "sqlite":
        return SQLiteRecorder(sqlite_engine(target.database or "", lock_timeout), clock)
    return PostgresRecorder(postgres_engine(url, lock_timeout), clock)
