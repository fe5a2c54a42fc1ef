"""A log in one SQLite file: no server needed, one writer at a time, durable at commit."""

from __future__ import annotations

import os
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
    PlacedEvent,
    PositionMoved,
    Receipt,
    Replace,
    VersionConflict,
)
from shared.eventlog.recorder import NO_EPOCH, LogRecorder, now_utc
from shared.eventlog.tables import idempotency_keys, iso, log_state, positions
from shared.eventlog.writer import NOT_NOW

BUSY_AFTER = 5.0
NO_FILE = "the log's file is not there: bring it back or, if there never was one, run `caretrail migrate`"
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
VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(position), 0) FROM events WHERE lane = ?6), ?7)
"""
_LAST_TIMES = "SELECT heads_at, (SELECT recorded_at FROM events ORDER BY position DESC LIMIT 1) FROM log_state"


def sqlite_engine(path: Path | str, busy_after: float = BUSY_AFTER) -> Engine:
    """Open a file as the log needs it: WAL, synchronous=FULL, foreign keys, own transactions, waits of few seconds."""
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": busy_after, "check_same_thread": False},
        poolclass=QueuePool,
        pool_timeout=busy_after,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


@contextmanager
def exclusively(connection: Connection) -> Iterator[sqlite3.Connection]:
    """Run a transaction that holds SQLite's write lock from its beginning; all or nothing; gives the driver's side."""
    raw = cast("sqlite3.Connection", connection.connection.driver_connection)
    raw.execute("BEGIN IMMEDIATE")
    try:
        yield raw
        raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise


class _Tail:
    """The log's end as a transaction that holds the lock sees it, and moves it."""

    def __init__(self, raw: sqlite3.Connection, now: datetime):
        self._raw = raw
        self._now = now
        self._last: datetime | None = None

    def times(self, count: int, floor: datetime | None) -> list[datetime]:
        """Give the times of the next events: later than all that was recorded or promised, and than their cause."""
        behind = [self._last] if self._last else self._recorded_and_promised()
        if floor is not None:
            behind.append(floor)
        first = max([self._now, *(moment + TICK for moment in behind)])
        self._last = first + (count - 1) * TICK
        return [first + nth * TICK for nth in range(count)]

    def _recorded_and_promised(self) -> list[datetime]:
        times = self._raw.execute(_LAST_TIMES).fetchone()
        if times is None:
            raise LogUnavailable(NO_EPOCH)
        return [datetime.fromisoformat(moment) for moment in times if moment]

    def append(self, stored: PlacedEvent, moment: datetime) -> int:
        """Record one event and give its position; VersionConflict if its version is there."""
        values = (
            cast("UUID", stored.originator_id).hex,
            stored.originator_version,
            stored.topic,
            stored.state,
            iso(moment),
            stored.lane,
            stored.patient_id.hex if stored.patient_id else None,
        )
        try:
            return cast("int", self._raw.execute(_INSERT_EVENT, values).lastrowid)
        except sqlite3.IntegrityError as error:
            raise VersionConflict(f"version {stored.originator_version} is taken") from error


class SQLiteRecorder(LogRecorder):
    """Commits with BEGIN IMMEDIATE; the time is read and the order made inside that lock."""

    driver_error = sqlite3.Error

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = now_utc):
        super().__init__(engine, clock)
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None

    def _transact(self, commits: Sequence[Commit]) -> list[Receipt]:
        try:
            connection = self._writing()
            with exclusively(connection) as raw:
                tail = _Tail(raw, self.clock())
                return [_write(connection, tail, commit) for commit in commits]
        except (DBAPIError, sqlite3.Error) as error:
            if not self._is_outage(error):
                self._must_be_there(error)
                raise
            self._begin_with_a_new_connection()
            raise LogUnavailable(NOT_NOW) from error

    def _writing(self) -> Connection:
        file = self._present_file()
        if file != self._file and self._connection is not None:
            # What went into a file that was moved away or replaced would be lost with it.
            self._begin_with_a_new_connection()
            self.engine.dispose()
        if self._connection is None:
            self._connection, self._file = self.engine.connect(), file
        return self._connection

    def _present_file(self) -> tuple[int, int]:
        """Tell which file stands at the log's path now."""
        path = self.engine.url.database
        if not path:
            return 0, 0
        try:
            found = os.stat(path)
        except OSError as error:
            raise LogUnavailable(NO_FILE) from error
        return found.st_dev, found.st_ino

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

    def _means_outage(self, error: BaseException | None) -> bool:
        # The low byte is the primary code; the others tell the variant.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in OUTAGES


def _refuse_in_child() -> sqlite3.Connection:
    raise RuntimeError("this SQLite log was opened before the process was forked; open it in the child")


def _write(connection: Connection, tail: _Tail, commit: Commit) -> Receipt:
    receipt = Receipt()
    if commit.events:
        times = tail.times(len(commit.events), commit.floor)
        receipt = Receipt(list(map(tail.append, commit.events, times)), times)
    for change in commit.rows:
        _replace(connection, change)
    for move in commit.moves:
        _move(connection, move)
    if commit.key is not None:
        _remember(connection, commit.key, receipt)
    return receipt


def _replace(connection: Connection, change: Replace) -> None:
    table = change.table
    matching = (table.c[name] == value for name, value in change.where.items())
    gone = connection.execute(delete(table).where(*matching)).rowcount
    if change.must_match and not gone:
        raise PositionMoved(f"a row of {table.name} was taken")
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
