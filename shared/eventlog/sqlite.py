"""A log in one SQLite file: no server needed, one writer at a time, durable at commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Connection, Engine, QueuePool, create_engine, delete, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import IntegrityError as SqlIntegrityError

from shared.eventlog.commit import (
    Commit,
    Heads,
    KeyReused,
    KeyRow,
    LogUnavailable,
    Move,
    PositionMoved,
    Receipt,
    Replace,
    VersionConflict,
)
from shared.eventlog.recorder import NO_EPOCH, LogRecorder, now_utc
from shared.eventlog.tables import idempotency_keys, iso, log_state, positions
from shared.eventlog.writer import NOT_NOW

BUSY_AFTER = 5.0
TICK = timedelta(microseconds=1)
OUTAGES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}

_INSERT_EVENT = """
INSERT INTO events (position, originator_id, originator_version, topic, state, recorded_at, lane, previous, patient_id)
VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_LAST_TIMES = "SELECT heads_at, (SELECT recorded_at FROM events ORDER BY position DESC LIMIT 1) FROM log_state"
_LANE_HEAD = "SELECT coalesce(max(position), 0) FROM events WHERE lane = ?"


def sqlite_engine(path: Path | str, busy_after: float = BUSY_AFTER) -> Engine:
    """Open a file as the log needs it: WAL, synchronous=FULL, foreign keys, own transactions, waits of few seconds."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": busy_after, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


@contextmanager
def exclusively(connection: Connection) -> Iterator[None]:
    """Run a transaction that holds SQLite's write lock from its beginning; all or nothing."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        if _raw(connection).in_transaction:
            _raw(connection).execute("ROLLBACK")
        raise


class SQLiteRecorder(LogRecorder):
    """Commits with BEGIN IMMEDIATE; the time is read and the order made inside that lock."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = now_utc):
        super().__init__(engine, clock)
        self._connection: Connection | None = None

    def _transact(self, commits: Sequence[Commit]) -> list[Receipt]:
        try:
            connection = self._writing()
            with exclusively(connection):
                now = self.clock()
                return [self._one(connection, commit, now) for commit in commits]
        except (DBAPIError, sqlite3.Error) as error:
            if not self._is_outage(error.orig if isinstance(error, DBAPIError) else error):
                raise
            self._begin_with_a_new_connection()
            raise LogUnavailable(NOT_NOW) from error

    def _one(self, connection: Connection, commit: Commit, now: datetime) -> Receipt:
        receipt = self._append(_raw(connection), commit, now)
        for change in commit.rows:
            _replace(connection, change)
        for move in commit.moves:
            _move(connection, move)
        if commit.key is not None:
            _remember(connection, commit.key, receipt)
        return receipt

    def _append(self, raw: sqlite3.Connection, commit: Commit, now: datetime) -> Receipt:
        if not commit.events:
            return Receipt()
        first = _recorded_at(raw, commit, now)
        times = [first + nth * TICK for nth in range(len(commit.events))]
        places = []
        for stored, moment in zip(commit.events, times, strict=True):
            (previous,) = raw.execute(_LANE_HEAD, (stored.lane,)).fetchone()
            values = (
                cast("UUID", stored.originator_id).hex,
                stored.originator_version,
                stored.topic,
                stored.state,
                iso(moment),
                stored.lane,
                previous,
                stored.patient_id.hex if stored.patient_id else None,
            )
            try:
                places.append(cast("int", raw.execute(_INSERT_EVENT, values).lastrowid))
            except sqlite3.IntegrityError as error:
                raise VersionConflict(f"version {stored.originator_version} is taken") from error
        return Receipt(places, times)

    def _writing(self) -> Connection:
        if self._connection is None:
            self._connection = self.engine.connect()
        return self._connection

    def _begin_with_a_new_connection(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._close_writer()

    def _close_writer(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def begin_anew(self) -> None:
        """Refuse to go on in a child process what its parent opened: SQLite would lose commits of either."""
        pool = cast("QueuePool", self.engine.pool)
        if pool.checkedin() + pool.checkedout():
            self._of_parent = (self.engine, self._connection)  # closing them would release the parent's locks
            self.engine = create_engine("sqlite://", creator=_refuse_in_child)
        super().begin_anew()

    def _leave_writer(self) -> None:
        self._connection = None

    def heads(self) -> Heads:
        """Read the heads in a write transaction of their own, and keep the time that is promised with them."""
        with self.reading() as connection:
            # Not flushed to disk each time: a promise that is lost with the power is old when the power is back.
            connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
            try:
                with exclusively(connection):
                    state = connection.execute(select(log_state)).one_or_none()
                    if state is None:
                        raise LogUnavailable(NO_EPOCH)
                    now = self.clock()
                    at = max(now, state.heads_at or now)
                    connection.execute(update(log_state).values(heads_at=at))
                    return Heads(state.epoch, self.lane_heads(connection), at)
            finally:
                connection.exec_driver_sql("PRAGMA synchronous=FULL")

    def database_clock(self) -> datetime:
        """Read this machine's clock through SQLite."""
        with self.reading() as connection:
            return datetime.fromisoformat(connection.scalar(text("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")))

    def _is_outage(self, error: BaseException | None) -> bool:
        # The low byte is the primary code; the others tell the variant.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in OUTAGES


def _refuse_in_child() -> sqlite3.Connection:
    raise RuntimeError("this SQLite log was opened before the process was forked; open it in the child")


def _raw(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def _recorded_at(raw: sqlite3.Connection, commit: Commit, now: datetime) -> datetime:
    times = raw.execute(_LAST_TIMES).fetchone()
    if times is None:
        raise LogUnavailable(NO_EPOCH)
    behind = [datetime.fromisoformat(moment) for moment in times if moment]
    if commit.floor is not None:
        behind.append(commit.floor)
    return max([now, *(moment + TICK for moment in behind)])


def _replace(connection: Connection, change: Replace) -> None:
    table = change.table
    connection.execute(delete(table).where(*(table.c[name] == value for name, value in change.where.items())))
    if change.rows:
        connection.execute(insert(table), [dict(row) for row in change.rows])


def _move(connection: Connection, move: Move) -> None:
    place = {"upstream": move.upstream, "lane": move.lane}
    after = {"epoch": move.after.epoch, "sequence": move.after.sequence, "event_id": move.after.event_id}
    if move.before is None:
        try:
            connection.execute(insert(positions).values(**place, **after))
        except SqlIntegrityError as error:
            raise PositionMoved(f"{move.upstream}/{move.lane} has moved") from error
        return
    at_place = (positions.c.upstream == move.upstream, positions.c.lane == move.lane)
    still = (positions.c.epoch == move.before.epoch, positions.c.sequence == move.before.sequence)
    if connection.execute(update(positions).where(*at_place, *still).values(**after)).rowcount != 1:
        raise PositionMoved(f"{move.upstream}/{move.lane} has moved")


def _remember(connection: Connection, row: KeyRow, receipt: Receipt) -> None:
    request = row.key
    try:
        connection.execute(
            insert(idempotency_keys).values(
                subject=request.subject,
                key=request.key,
                route=request.route,
                body_hash=request.body_hash,
                status=request.status,
                aggregate_id=row.aggregate_id,
                version=row.version,
                first_position=min(receipt.positions, default=0),
                last_position=max(receipt.positions, default=0),
                recorded_at=row.now,
            )
        )
    except SqlIntegrityError as error:
        raise KeyReused("this Idempotency-Key was recorded before") from error
