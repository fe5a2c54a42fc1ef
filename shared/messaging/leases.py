"""Who works on what, when several workers share a log: session locks of its database, which end with the worker."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from events.base import LANES
from shared.eventlog import LogUnavailable

RELAY = 7_201_963
LISTENERS = 7_201_964
LANE = 7_201_965

_TRY = text("SELECT pg_try_advisory_lock(:key)")
# The maximum always comes from the index; a condition with LIMIT 1 might be answered by reading the whole table.
_NEWER = text("SELECT max(position) > :position FROM events")
_JOIN = text("SELECT pg_advisory_lock_shared(:kind, 0)")
_TAKE = text("SELECT pg_try_advisory_lock(:kind, :lane)")
_GIVE = text("SELECT pg_advisory_unlock(:kind, :lane)")
_HELD = text("""
SELECT classid::bigint, objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND granted
    AND classid::bigint IN (:listeners, :lanes)
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


class Session:
    """A session of its own with the log's database while it lasts; none on SQLite, whose log has one process."""

    def __init__(self, engine: Engine):
        self.shared = engine.dialect.name == "postgresql"
        self._engine = engine
        self._connection: Any = None

    def __enter__(self) -> Self:
        if self.shared:
            with _as_outage():
                self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _ask(self, statement: Any, **values: int) -> list[Any]:
        with _as_outage():
            return list(self._connection.execute(statement, values))


class Lease(Session):
    """Says which of several relays of one log is active. Two at once would only repeat."""

    def __init__(self, engine: Engine):
        super().__init__(engine)
        self._holds = not self.shared

    def held(self) -> bool:
        """Tell whether this one is active; try to become it if not."""
        if not self._holds:
            self._holds = self._ask(_TRY, key=RELAY)[0][0]
        return self._holds

    def sees_newer(self, position: int) -> bool:
        """Look whether there are events behind a position; LogUnavailable if the lease has gone with its session."""
        return not self.shared or bool(self._ask(_NEWER, position=position)[0][0])


class Lanes(Session):
    """The lanes of the workers of one service: each has as many as any other, and who dies leaves them to the rest.

    What holds the order is not this but the positions: two workers on one lane only get in each other's way.
    """

    def __init__(self, engine: Engine):
        super().__init__(engine)
        self.mine: set[int] = set()

    def __enter__(self) -> Self:
        super().__enter__()
        self.mine = set() if self.shared else set(range(LANES))
        if self.shared:
            self._ask(_JOIN, kind=LISTENERS)
        return self

    def share(self) -> tuple[int, set[int]]:
        """Tell how many lanes are this worker's fair share, and which are nobody's."""
        if not self.shared:
            return LANES, set()
        held = self._ask(_HELD, listeners=LISTENERS, lanes=LANE)
        workers = sum(kind == LISTENERS for kind, _ in held)
        return -(-LANES // max(workers, 1)), set(range(LANES)) - {number for kind, number in held if kind == LANE}

    def take(self, lanes: Collection[int]) -> list[int]:
        """Take those of the lanes that nobody else was faster to take; give which."""
        taken = [lane for lane in lanes if self._ask(_TAKE, kind=LANE, lane=lane)[0][0]]
        self.mine.update(taken)
        return taken

    def give_up(self, lanes: Collection[int]) -> None:
        """Leave lanes to the others."""
        for lane in lanes:
            self._ask(_GIVE, kind=LANE, lane=lane)
        self.mine.difference_update(lanes)


@contextmanager
def _as_outage() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise LogUnavailable("the log's database does not answer") from error
