"""The log's recorder: group commit, and reads on connections of their own."""

from __future__ import annotations

import os
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID
from weakref import WeakSet

from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription
from sqlalchemy import Connection, Engine, QueuePool, RowMapping, Select, func, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from events.base import LANES
from shared.eventlog.commit import Commit, Heads, LoggedEvent, LogUnavailable, Position, Receipt, StoredKey
from shared.eventlog.tables import events, idempotency_keys, log_state, parked, positions, relay_position
from shared.eventlog.writer import GroupWriter, Outcome
from shared.metrics import append_seconds, batch_sizes

FLOOR_AHEAD = timedelta(seconds=5)
NO_EPOCH = "this log has no epoch: run `caretrail migrate` first"
NO_LOG = "there is no log in this database yet: run `caretrail migrate` first"


def now_utc() -> datetime:
    """Read the system clock, with its zone."""
    return datetime.now(UTC)


class LogRecorder(ApplicationRecorder):
    """Base of the SQLite and the PostgreSQL recorder.

    `insert_events(stored, commit=...)` waits for the group commit that takes it. After a fork a recorder begins
    anew, with connections of the child's own. `floors_ignored` counts causes whose recorded
    time was too far ahead of our clock to be followed; `committed` is set after every commit of this process;
    `batch_sizes` and `append_seconds` measure its writing.
    """

    driver_error: ClassVar[type[Exception]]

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = now_utc):
        self.engine = engine
        self.clock = clock
        self.committed = threading.Event()
        self.floors_ignored = 0
        self.batch_sizes = batch_sizes()
        self.append_seconds = append_seconds()
        self._writer = GroupWriter(self._measured, self._close_writer)
        _recorders.add(self)

    # Writing

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Record events and all that belongs to their commit; give their positions.

        VersionConflict, KeyReused or PositionMoved if somebody was faster; LogUnavailable if it could not be written.
        """
        commit: Commit = kwargs.get("commit") or Commit()
        commit.events = stored_events  # type: ignore[assignment]
        commit.receipt = self.write(commit)
        return commit.receipt.positions

    def write(self, commit: Commit) -> Receipt:
        """Put one commit into the log and wait until it is durable."""
        if commit.floor is not None:
            commit = replace(commit, floor=self._followed(commit.floor))
        began = time.perf_counter()
        receipt = self._writer.write(commit)
        self.append_seconds.observe(time.perf_counter() - began)
        if not self.committed.is_set():
            self.committed.set()
        return receipt

    def _followed(self, floor: datetime) -> datetime | None:
        if floor > self.clock() + FLOOR_AHEAD:
            self.floors_ignored += 1
            return None
        return floor

    def waiting(self) -> int:
        """Tell how many commits wait for the next batch."""
        return self._writer.waiting()

    def connections_in_use(self) -> int:
        """Tell how many connections to the database this process uses now."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    def _measured(self, commits: Sequence[Commit]) -> Sequence[Outcome]:
        self.batch_sizes.observe(len(commits))
        return self._transact(commits)

    @abstractmethod
    def _transact(self, commits: Sequence[Commit]) -> Sequence[Outcome]:
        """Write all commits in one transaction, or none of them; see GroupWriter."""

    @abstractmethod
    def _close_writer(self) -> None:
        """Close the writer's connection."""

    @abstractmethod
    def _leave_writer(self) -> None:
        """Forget a writer's connection that belongs to the parent process."""

    @abstractmethod
    def heads(self) -> Heads:
        """Read the log's heads in turn with its writers; every event recorded later is recorded after `at`."""

    @abstractmethod
    def database_clock(self) -> datetime:
        """Read the database's own clock."""

    def _is_outage(self, error: BaseException) -> bool:
        """Tell whether an error means that the log cannot be reached, rather than that we asked wrongly."""
        if isinstance(error, DBAPIError):
            return error.connection_invalidated or self._means_outage(error.orig)
        return self._means_outage(error)

    @abstractmethod
    def _means_outage(self, error: BaseException | None) -> bool:
        """Tell the same of an error of the driver itself."""

    def close(self) -> None:
        """Finish what waits, then close all connections."""
        self._writer.close()
        self.engine.dispose()

    def begin_anew(self) -> None:
        """Leave the parent's connections and thread to the parent, in a child process after a fork."""
        self._leave_writer()
        self.engine.dispose(close=False)
        self.committed = threading.Event()
        self._writer = GroupWriter(self._measured, self._close_writer)

    # Reading

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reading; LogUnavailable if the database cannot answer."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except PoolExhausted as error:
            raise LogUnavailable("too many read the log at once") from error
        except (DBAPIError, self.driver_error) as error:
            if self._is_outage(error):
                raise LogUnavailable("the log cannot be read now") from error
            self._must_be_there(error)
            raise

    def _must_be_there(self, error: BaseException) -> None:
        """Tell a mistake of ours from a database that was never migrated: LogUnavailable for that."""
        if not inspect(self.engine).has_table(events.name):
            raise LogUnavailable(NO_LOG) from error

    def query(self, statement: Select[Any]) -> list[RowMapping]:
        """Run a select over worklists or the log's own tables."""
        with self.reading() as connection:
            return list(connection.execute(statement).mappings())

    def select_events(  # type: ignore[override]
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[LoggedEvent]:
        """Read one aggregate's history in order of versions."""
        version = events.c.originator_version
        statement = select(events).where(events.c.originator_id == originator_id)
        if gt is not None:
            statement = statement.where(version > gt)
        if lte is not None:
            statement = statement.where(version <= lte)
        return self._logged(statement.order_by(version.desc() if desc else version).limit(limit))

    def read(
        self, after: int = 0, limit: int = 500, lane: int | None = None, until: int | None = None
    ) -> Sequence[LoggedEvent]:
        """Read the log behind a position, all of it or one lane."""
        statement = select(events).where(events.c.position > after)
        if lane is not None:
            statement = statement.where(events.c.lane == lane)
        if until is not None:
            statement = statement.where(events.c.position <= until)
        return self._logged(statement.order_by(events.c.position).limit(limit))

    def _logged(self, statement: Select[Any]) -> list[LoggedEvent]:
        with self.reading() as connection:
            return [LoggedEvent(*row) for row in connection.execute(statement)]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Read the log as the library's notifications."""
        after = 0 if start is None else start - inclusive_of_start
        logged = self.read(after, limit, until=stop) if not topics else self._with_topics(after, limit, stop, topics)
        return [Notification(e.originator_id, e.originator_version, e.topic, e.state, e.position) for e in logged]

    def _with_topics(self, after: int, limit: int, stop: int | None, topics: Sequence[str]) -> Sequence[LoggedEvent]:
        statement = select(events).where(events.c.position > after, events.c.topic.in_(topics))
        if stop is not None:
            statement = statement.where(events.c.position <= stop)
        return self._logged(statement.order_by(events.c.position).limit(limit))

    def max_notification_id(self) -> int | None:
        """Give the last position, None for an empty log."""
        with self.reading() as connection:
            last: int | None = connection.scalar(select(func.max(events.c.position)))
        return last

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Refuse: consumers follow a log by relay and feed."""
        raise TypeError("a CareTrail log is followed by relay and feed, not by a subscription")

    def epoch(self) -> UUID:
        """Read the log's epoch; LogUnavailable before `caretrail migrate` has run."""
        with self.reading() as connection:
            found: UUID | None = connection.scalar(select(log_state.c.epoch))
        if found is None:
            raise LogUnavailable(NO_EPOCH)
        return found

    def find_key(self, subject: str, key: str) -> StoredKey | None:
        """Look up what a subject's earlier request with this Idempotency-Key did."""
        keys = idempotency_keys
        rows = self.query(select(keys).where(keys.c.subject == subject, keys.c.key == key))
        for row in rows:
            fields = {name: row[name] for name in StoredKey.__dataclass_fields__}
            return StoredKey(**{**fields, "body_hash": bytes(row["body_hash"])})
        return None

    def position(self, upstream: str, lane: int) -> Position | None:
        """Read how far this service has come in a lane of an upstream."""
        return self.positions(upstream).get(lane)

    def positions(self, upstream: str) -> dict[int, Position]:
        """Read how far this service has come in every lane of an upstream."""
        rows = self.query(select(positions).where(positions.c.upstream == upstream))
        return {row["lane"]: Position(row["epoch"], row["sequence"], row["event_id"]) for row in rows}

    def relay_position(self) -> int:
        """Read up to where this log has been published."""
        with self.reading() as connection:
            return connection.scalar(select(relay_position.c.position)) or 0

    def parked(self) -> list[RowMapping]:
        """List parked events, oldest first."""
        return self.query(select(parked).order_by(parked.c.upstream, parked.c.lane, parked.c.sequence))

    def lane_heads(self, connection: Connection) -> Sequence[int]:
        """Read the last position of every lane, 0 for an empty one."""
        last = func.coalesce(func.max(events.c.position), 0)
        each = [select(last).where(events.c.lane == lane).scalar_subquery() for lane in range(LANES)]
        return tuple(connection.execute(select(*each)).one())


_recorders: WeakSet[LogRecorder] = WeakSet()


def _begin_anew_in_child() -> None:
    for recorder in tuple(_recorders):
        recorder.begin_anew()


os.register_at_fork(after_in_child=_begin_anew_in_child)
