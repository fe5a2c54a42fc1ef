"""A log in a PostgreSQL database of its own: the service's role can append, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import uuid4

import psycopg
from sqlalchemy import Engine, Table, create_engine, text
from sqlalchemy.exc import DBAPIError

from shared.databases import address
from shared.eventlog.commit import (
    Commit,
    Heads,
    KeyRow,
    LoggedEvent,
    LogUnavailable,
    Move,
    PlacedEvent,
    Receipt,
    Replace,
    StoredKey,
)
from shared.eventlog.postgres_errors import means_outage, says_that_it_is_not_there, translated
from shared.eventlog.recorder import NO_EPOCH, LogRecorder, now_utc
from shared.eventlog.writer import NOT_NOW, Outcome

LOCK_TIMEOUT = 5.0
STATEMENT_TIMEOUT = 20.0
ATTEMPTS = 2

_APPEND = "SELECT * FROM append(%s::uuid[], %s::bigint[], %s::text[], %s::bytea[], %s::smallint[], %s::uuid[], %s, %s)"
_MUST_MATCH = "WITH gone AS ({} RETURNING 1) SELECT must_be_there(count(*)) FROM gone"
_MOVE = "SELECT move_position(%s, %s::smallint, %s, %s, %s, %s, %s)"
_REMEMBER = """
INSERT INTO idempotency_keys
    (subject, key, route, body_hash, status, aggregate_id, version, recorded_at, first_position, last_position)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, {first}, {last})
"""
_END_SESSION = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = :name"
_PLACE = "(SELECT position FROM events WHERE originator_id = %s AND originator_version = %s)"


def postgres_engine(url: str, lock_timeout: float = LOCK_TIMEOUT) -> Engine:
    """Open a pool: psycopg, connections checked before use, waits of few seconds for locks, answers and the network."""
    timeouts = {"lock_timeout": lock_timeout, "statement_timeout": STATEMENT_TIMEOUT}
    options = " ".join(f"-c {name}={int(seconds * 1000)}" for name, seconds in timeouts.items())
    return create_engine(
        address(url),
        pool_size=5,
        max_overflow=10,
        pool_timeout=lock_timeout,
        pool_pre_ping=True,
        connect_args={
            "options": f"{options} -c timezone=UTC",
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": int(STATEMENT_TIMEOUT * 1000),
            # Every batch is another text: preparing them gains nothing and keeps them in memory.
            "prepare_threshold": None,
        },
    )


class _AnswerLost(Exception):
    """The connection went away before the answer: all commits of the message are in the log, or none."""


class PostgresRecorder(LogRecorder):
    """Sends one message per batch (BEGIN; append; rows; keys; COMMIT): the lock is held for no client round trip.

    When the answer gets lost, the session is ended and each commit looked up by its own bytes, position or key; if
    none is there, all are written once more.
    """

    driver_error = psycopg.Error

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = now_utc):
        super().__init__(engine, clock)
        self._connection: psycopg.Connection[Any] | None = None
        self._session = ""

    def _transact(self, commits: Sequence[Commit]) -> Sequence[Outcome]:
        for _ in range(ATTEMPTS):
            try:
                return self._attempt(commits)
            except _AnswerLost:
                self._end_lost_session()
                found = [self._landed(commit) for commit in commits]
            if any(found):
                return [receipt or LogUnavailable(NOT_NOW) for receipt in found]
        raise LogUnavailable(NOT_NOW)

    def _attempt(self, commits: Sequence[Commit]) -> Sequence[Receipt]:
        connection = self._writing()
        try:
            rows = _run(connection, self._message(connection, commits), any(commit.events for commit in commits))
        except psycopg.Error as error:
            if not self._recover():
                raise _AnswerLost from error
            if says_that_it_is_not_there(error):
                self._must_be_there(error)
            raise translated(error) from error
        return list(_receipts(commits, rows))

    def _message(self, connection: psycopg.Connection[Any], commits: Sequence[Commit]) -> str:
        cursor = psycopg.ClientCursor(connection)
        placed = [event for commit in commits for event in commit.events]
        parts = ["BEGIN"]
        if placed:
            floor = max((commit.floor for commit in commits if commit.events and commit.floor), default=None)
            parts.append(cursor.mogrify(_APPEND, (*_columns(placed), self.clock(), floor)))
        for commit in commits:
            for statement, values in self._beside_the_events(commit):
                parts.append(cursor.mogrify(statement, values))
        parts.append("COMMIT")
        return ";".join(parts)

    def _beside_the_events(self, commit: Commit) -> Iterator[tuple[str, Sequence[Any]]]:
        for change in commit.rows:
            yield from self._replacing(change)
        for move in commit.moves:
            yield _MOVE, _moving(move)
        if commit.key is not None:
            yield _remembering(commit.key, commit.events)

    def _replacing(self, change: Replace) -> Iterator[tuple[str, Sequence[Any]]]:
        table = change.table
        given = {name: value for name, value in change.where.items() if value is not None}
        conditions = [f'"{name}" = %s' if name in given else f'"{name}" IS NULL' for name in change.where]
        statement = f'DELETE FROM "{table.name}" WHERE {" AND ".join(conditions)}'  # noqa: S608 names are ours
        yield (_MUST_MATCH.format(statement) if change.must_match else statement), self._bound(table, given)
        for row in change.rows:
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join(["%s"] * len(row))
            statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 names are ours
            yield statement, self._bound(table, row)

    def _bound(self, table: Table, values: Mapping[str, object]) -> list[object]:
        """Adapt values as SQLAlchemy would for their columns' types."""
        bound = []
        for name, value in values.items():
            adapt = table.c[name].type.dialect_impl(self.engine.dialect).bind_processor(self.engine.dialect)
            bound.append(adapt(value) if adapt else value)
        return bound

    def _recover(self) -> bool:
        """Bring the writer's connection back to rest; False if it had to be thrown away."""
        connection, self._connection = self._connection, None
        if connection is None or connection.closed or connection.broken:
            return False
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()
            return False
        self._connection = connection
        return True

    def _end_lost_session(self) -> None:
        """Let nothing that was sent over the lost connection land later; LogUnavailable if that cannot be made sure."""
        for _ in range(2):  # a session that ends by itself at this moment answers False, and is gone the next time
            with self.reading() as connection:
                if all(connection.scalars(text(_END_SESSION), {"name": self._session})):
                    return
        raise LogUnavailable(NOT_NOW)

    def _landed(self, commit: Commit) -> Receipt | None:
        """Find a commit in the log by its own bytes or, if it holds no event, by its position or key."""
        if commit.events:
            return self._landed_events(commit.events)
        if commit.moves:
            arrived = all(self.position(move.upstream, move.lane) == move.after for move in commit.moves)
            return Receipt() if arrived else None
        if commit.key is not None:
            stored = self.find_key(commit.key.key.subject, commit.key.key.key)
            return Receipt() if stored and _is_of(stored, commit.key) else None
        return None

    def _landed_events(self, given: Sequence[PlacedEvent]) -> Receipt | None:
        first = given[0]
        for start in self.select_events(first.originator_id, gt=first.originator_version - 1, limit=1):
            found = self.read(after=start.position - 1, limit=len(given))
            if [_identity(event) for event in found] == [_identity(event) for event in given]:
                return Receipt([event.position for event in found], [event.recorded_at for event in found])
        return None

    def _writing(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            try:
                borrowed = self.engine.raw_connection()
            except (DBAPIError, psycopg.Error) as error:
                raise LogUnavailable(NOT_NOW) from error
            self._connection = cast("psycopg.Connection[Any]", borrowed.driver_connection)
            borrowed.detach()
            self._connection.autocommit = True
            self._session = f"caretrail-writer-{uuid4()}"
            self._connection.execute("SELECT set_config('application_name', %s, false)", [self._session])
        return self._connection

    def _close_writer(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _leave_writer(self) -> None:
        self._connection = None  # psycopg closes no connection that another process opened

    def heads(self) -> Heads:
        """Read the heads under the append lock, and keep the time that is promised with them."""
        with self.reading() as connection:
            now = self.clock()  # before the transaction begins: heads() adds the time since then
            # Not flushed to disk each time: a promise that is lost in a crash is old when the database is back.
            connection.execute(text("SET LOCAL synchronous_commit = off"))
            row = connection.execute(text("SELECT * FROM heads(:clock)"), {"clock": now}).one()
            connection.commit()
        if row.log_epoch is None:
            raise LogUnavailable(NO_EPOCH)
        return Heads(row.log_epoch, row.lane_heads, row.at)

    def database_clock(self) -> datetime:
        """Read the database's own clock."""
        with self.reading() as connection:
            return cast("datetime", connection.scalar(text("SELECT clock_timestamp()")))

    def _means_outage(self, error: BaseException | None) -> bool:
        return isinstance(error, psycopg.Error) and means_outage(error)


def _run(connection: psycopg.Connection[Any], message: str, appends: bool) -> list[Any]:
    cursor = connection.execute(cast("Any", message))
    rows: list[Any] = []
    if appends:
        cursor.nextset()
        rows = cursor.fetchall()
    while cursor.nextset():
        pass
    return rows


def _receipts(commits: Sequence[Commit], rows: list[Any]) -> Iterator[Receipt]:
    start = 0
    for commit in commits:
        mine = rows[start : start + len(commit.events)]
        start += len(commit.events)
        yield Receipt([position for position, _ in mine], [moment for _, moment in mine])


def _columns(placed: Sequence[PlacedEvent]) -> tuple[list[Any], ...]:
    names = ("originator_id", "originator_version", "topic", "state", "lane", "patient_id")
    return tuple([getattr(event, name) for event in placed] for name in names)


def _moving(move: Move) -> tuple[Any, ...]:
    before, after = move.before, move.after
    held = (before.epoch, before.sequence) if before else (None, 0)
    return (move.upstream, move.lane, *held, after.epoch, after.sequence, after.event_id)


def _remembering(row: KeyRow, events: Sequence[PlacedEvent]) -> tuple[str, Sequence[Any]]:
    request = row.key
    own = (request.subject, request.key, request.route, request.body_hash, request.status)
    known = (*own, row.aggregate_id, row.version, row.now)
    if not events:
        return _REMEMBER.format(first=0, last=0), known
    first, last = events[0], events[-1]
    places = (first.originator_id, first.originator_version, last.originator_id, last.originator_version)
    return _REMEMBER.format(first=_PLACE, last=_PLACE), (*known, *places)


def _identity(event: PlacedEvent | LoggedEvent) -> tuple[object, ...]:
    return event.originator_id, event.originator_version, event.state


def _is_of(stored: StoredKey, row: KeyRow) -> bool:
    mine = (row.key.route, row.key.body_hash, row.key.status, row.aggregate_id, row.version)
    return mine == (stored.route, stored.body_hash, stored.status, stored.aggregate_id, stored.version)
