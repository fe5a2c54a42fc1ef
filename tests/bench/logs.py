"""Appending and replaying: our log, the stock recorder of the eventsourcing library, and plain SQL."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
from eventsourcing.application import Application as StockApplication
from eventsourcing.domain import Aggregate as StockAggregate
from eventsourcing.domain import event
from sqlalchemy import MetaData

from events.base import UNSET, Actor, Category, Event, Sensitive
from events.catalogue import Catalogue
from shared.eventlog import Aggregate, Application, Context, migrate, open_log, when
from tests.bench.measuring import Figure, compared, rate
from tests.servers import url_as_role

APPENDS = 400
LONG = 5_000
WORDS = "slept well, walked to work"


class MoodNoted(Event, frozen=True, kw_only=True, tag="caretrail.bench.mood-noted.v1"):
    """A fact of five fields."""

    mood: int
    energy: int
    sleep: int
    well_being: int
    words: Sensitive[str, Category.NOTES] = UNSET


class Diary(Aggregate):
    """Ours."""

    def note(self, mood: int) -> None:
        """Record a fact."""
        self.record(MoodNoted, mood=mood, energy=6, sleep=7, well_being=8, words=WORDS)

    @when(MoodNoted)
    def _noted(self, fact: MoodNoted) -> None:
        self.mood = fact.mood


class Diaries(Application):
    """Ours."""

    aggregates = (Diary,)


class StockDiary(StockAggregate):
    """The library's."""

    @event("Started")
    def __init__(self, mood: int, energy: int, sleep: int, well_being: int, words: str) -> None:
        self.mood = mood

    @event("Noted")
    def note(self, mood: int, energy: int, sleep: int, well_being: int, words: str) -> None:
        """Record a fact."""
        self.mood = mood


class StockDiaries(StockApplication[UUID]):
    """The library's."""


def context() -> Context:
    """Give a person's context."""
    return Context(Actor(id="anna", role="care-coordinator"), datetime.now(UTC), uuid4(), "bench")


def append_ours(diaries: Diaries) -> None:
    """Append one fact of a new aggregate."""
    diary = Diary(uuid4(), context(), uuid4())
    diary.note(5)
    diaries.save(diary)


def append_stock(diaries: StockDiaries) -> None:
    """Append one fact of the same fields: the aggregate's creation, so that it is one save of one event, too."""
    diaries.save(StockDiary(5, 6, 7, 8, WORDS))


def appends(one: Callable[[], None], threads: int) -> Callable[[], float]:
    """Measure appends a second by so many threads."""

    def measure() -> float:
        def work() -> int:
            each = APPENDS // threads
            running = [threading.Thread(target=lambda: [one() for _ in range(each)]) for _ in range(threads)]
            for thread in running:
                thread.start()
            for thread in running:
                thread.join()
            return each * threads

        return rate(work)

    return measure


def replay_ours(diaries: Diaries) -> Callable[[], float]:
    """Measure loading one long history, in events a second."""
    diary = Diary(uuid4(), context(), uuid4())
    for mood in range(LONG):
        diary.note(mood % 11)
    diaries.save(diary)

    def load() -> int:
        return diaries.get(Diary, diary.id).version

    return lambda: rate(load)


def replay_stock(diaries: StockDiaries) -> Callable[[], float]:
    """Measure the same in the library."""
    diary = StockDiary(5, 6, 7, 8, WORDS)
    for mood in range(LONG - 1):
        diary.note(mood % 11, 6, 7, 8, WORDS)
        if mood % 200 == 0:
            diaries.save(diary)
    diaries.save(diary)

    def load() -> int:
        return diaries.repository.get(diary.id).version

    return lambda: rate(load)


@contextmanager
def on_sqlite(folder: Path) -> Iterator[tuple[Diaries, StockDiaries, Callable[[], None]]]:
    """Open our log, the library's, and a plain table, each in a file with the same durability."""
    url = f"sqlite:///{folder / 'ours.sqlite'}"
    migrate(url, None, MetaData())
    ours = Diaries(open_log(url), Catalogue([MoodNoted]))
    stock = StockDiaries(
        env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "stock.sqlite")}
    )
    raw = sqlite3.connect(folder / "raw.sqlite", isolation_level=None, check_same_thread=False)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute(
        "CREATE TABLE events (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, version INT, topic TEXT, state BLOB)"
    )
    lock = threading.Lock()

    def append_raw() -> None:
        row = (uuid4().hex, 1, "caretrail.bench.mood-noted.v1", b"x" * 380)
        with lock:
            raw.execute("INSERT INTO events (id, version, topic, state) VALUES (?, ?, ?, ?)", row)

    yield ours, stock, append_raw
    ours.close()
    stock.close()
    raw.close()


@contextmanager
def on_postgres(database: str) -> Iterator[tuple[Diaries, StockDiaries, Callable[[], None]]]:
    """The same on one PostgreSQL database."""
    name = urlsplit(database).path.removeprefix("/")
    url = url_as_role(database, f"{name}_ours", "secret")
    migrate(url, database, MetaData())
    ours = Diaries(open_log(url), Catalogue([MoodNoted]))
    stock = StockDiaries(env=_stock_settings(database))
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("CREATE TABLE raw (n bigserial PRIMARY KEY, id uuid, version int, topic text, state bytea)")
    mine = threading.local()

    def append_raw() -> None:
        if not hasattr(mine, "connection"):
            mine.connection = psycopg.connect(database, autocommit=True)
        row = (uuid4(), 1, "caretrail.bench.mood-noted.v1", b"x" * 380)
        mine.connection.execute("INSERT INTO raw (id, version, topic, state) VALUES (%s, %s, %s, %s)", row)

    yield ours, stock, append_raw
    ours.close()
    stock.close()


def _stock_settings(database: str) -> dict[str, str]:
    parts = urlsplit(database)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.removeprefix("/"),
        "POSTGRES_HOST": parts.hostname or "127.0.0.1",
        "POSTGRES_PORT": str(parts.port or 5432),
        "POSTGRES_USER": parts.username or "postgres",
        "POSTGRES_PASSWORD": parts.password or "unused",
        "POSTGRES_POOL_SIZE": "16",
    }


def figures(where: str, ours: Diaries, stock: StockDiaries, append_raw: Callable[[], None]) -> Iterator[Figure]:
    """Compare appends by one thread and by sixteen, and a long replay."""
    for threads in (1, 16):
        mine = appends(lambda: append_ours(ours), threads)
        theirs = {"stock recorder": lambda: append_stock(stock), "plain SQL": append_raw}
        for of, one in theirs.items():
            name = f"append, {where}, {threads} thread{'s' * (threads > 1)}, to {of}"
            yield compared(name, "commits/s", mine, appends(one, threads), of=of, higher=True)
    name = f"replay of {LONG:,} events, {where}, to stock repository"
    yield compared(name, "events/s", replay_ours(ours), replay_stock(stock), of="stock repository", higher=True)
