"""Copies of a log that is written meanwhile, one cut through several, and a copy in the place of a log."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from shared.databases import address
from shared.eventlog import Commit, Move, Position, migrate, open_log
from shared.eventlog.backup import (
    CannotCopy,
    Place,
    follow_epoch,
    known_epochs,
    open_place,
    open_snapshot,
    pin_one_cut,
    renew_epoch,
)
from shared.eventlog.backup.sqlite import SQLiteSnapshot
from shared.eventlog.tables import log_state
from tests.eventlog import bakery
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context
from tests.eventlog.conftest import DATABASES
from tests.servers import database_prefix, url_as_role, url_of_database

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STAMP = "20261123T090000Z"


@dataclass(frozen=True)
class Bench:
    """Where logs of a test are made, on one kind of database."""

    url_of: Callable[[str], str]
    admin_url: str | None

    def log(self, name: str, orders: int = 0) -> str:
        """Make a log with orders in it, and give its URL."""
        url = self.url_of(name)
        migrate(url, self.admin_url, bakery.metadata)
        order(url, orders)
        return url

    def place(self, url: str) -> Place:
        """Open a place."""
        return open_place(url, self.admin_url, STAMP, of_a_log=True)

    def copied(self, url: str, target: Path) -> Path:
        """Copy a log as it is now."""
        with closing(open_snapshot(url)) as snapshot:
            snapshot.pin()
            snapshot.copy(target)
        return target


@pytest.fixture(params=DATABASES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A bench on each kind of database in turn."""
    if request.param == "sqlite":
        yield on_files(tmp_path)
        return
    admin_url = request.getfixturevalue("postgres_admin_url")
    with database_prefix(admin_url) as prefix:
        yield Bench(
            lambda name: url_as_role(url_of_database(admin_url, f"{prefix}_{name}"), f"{prefix}_{name}", "sesame:1"),
            admin_url,
        )


@pytest.fixture
def files(tmp_path: Path) -> Bench:
    """A bench of SQLite files, for what is the same on both."""
    return on_files(tmp_path)


def on_files(folder: Path) -> Bench:
    return Bench(lambda name: f"sqlite:///{folder / name}.sqlite", None)


def order(url: str, number: int) -> None:
    """Record orders, each one event."""
    recorder = open_log(url)
    shop = Bakery(recorder, CATALOGUE)
    for _ in range(number):
        shop.save(Order.place(a_context()))
    recorder.close()


def rows(url: str, query: str = "SELECT * FROM events ORDER BY position") -> list[Any]:
    """Ask a database, past the log."""
    engine = create_engine(address(url))
    with engine.connect() as connection:
        found = list(connection.execute(text(query)))
    engine.dispose()
    return found


def follow(consumer: str, upstream: str, sequence: int) -> None:
    """Let a log's positions say that it has taken so much of another."""
    with closing(open_log(upstream)) as log:
        epoch = log.epoch()
    with closing(open_log(consumer)) as log:
        move = Move("upstream", 3, log.position("upstream", 3), Position(epoch, sequence, f"{uuid4()}-1"))
        log.write(Commit(moves=[move]))


class TestACopy:
    def test_holds_what_was_there_when_it_was_pinned_and_nothing_since(self, bench: Bench, tmp_path: Path):
        url = bench.log("log", orders=20)
        before = rows(url)

        with closing(open_snapshot(url)) as snapshot:
            snapshot.pin()
            order(url, 10)
            contents = snapshot.contents()
            snapshot.copy(tmp_path / "copy")
        put(bench.place(bench.url_of("other")), tmp_path / "copy")
        migrate(bench.url_of("other"), bench.admin_url, bakery.metadata)

        assert len(rows(url)) == 30
        assert contents.head == 20
        assert rows(bench.url_of("other")) == before

    def test_can_be_read_by_its_owner_only(self, bench: Bench, tmp_path: Path):
        copy = bench.copied(bench.log("log"), tmp_path / "copy")

        assert copy.stat().st_mode & 0o777 == 0o600

    def test_needs_no_more_than_the_role_of_the_service(self, postgres_admin_url: str, tmp_path: Path):
        with database_prefix(postgres_admin_url) as prefix:
            url = url_as_role(url_of_database(postgres_admin_url, f"{prefix}_log"), f"{prefix}_log", "sesame:1")
            migrate(url, postgres_admin_url, bakery.metadata)
            with psycopg.connect(postgres_admin_url) as admin:
                role = admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [f"{prefix}_log"]).fetchone()
            copy = Bench(lambda _: url, None).copied(url, tmp_path / "copy")

        assert role == (False,)
        assert copy.read_bytes().startswith(b"PGDMP")

    def test_of_nothing_is_refused(self, files: Bench, tmp_path: Path):
        with pytest.raises(CannotCopy, match="there is no database"):
            open_snapshot(files.url_of("nothing"))

        assert list(tmp_path.iterdir()) == []

    def test_that_its_program_cannot_make_is_refused_in_its_words_and_shows_it_no_password(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        program = tmp_path / "pg_dump"
        program.write_text(f'#!/bin/sh\necho "$0 $@" >{tmp_path}/words\necho "pg_dump: out of paper" >&2\nexit 3\n')
        program.chmod(0o700)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

        with closing(open_snapshot(postgres_url)) as snapshot:
            snapshot.pin()
            with pytest.raises(CannotCopy, match="pg_dump: out of paper"):
                snapshot.copy(tmp_path / "copy")

        words = (tmp_path / "words").read_text()
        assert "passfile=" in words
        assert "sesame" not in words

    def test_without_the_program_for_it_is_refused_with_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        monkeypatch.setenv("PATH", str(tmp_path))

        with pytest.raises(CannotCopy, match="pg_dump was not found: install"):
            open_snapshot("postgresql://nobody@127.0.0.1/nothing")


class TestOneCut:
    def test_is_taken_again_where_somebody_was_faster(self, files: Bench):
        upstream, consumer = files.log("upstream", orders=3), files.log("consumer")
        pins = []

        class Hurried(SQLiteSnapshot):
            def pin(self) -> None:
                pins.append(len(pins))
                if len(pins) == 1:
                    order(upstream, 2)
                    follow(consumer, upstream, 5)
                super().pin()

        with ExitStack() as at_end:
            first = at_end.enter_context(closing(open_snapshot(upstream)))
            second = at_end.enter_context(closing(Hurried(consumer)))
            found = pin_one_cut({"upstream": first, "consumer": second})

        assert len(pins) == 2
        assert found["upstream"].head == 5
        assert found["consumer"].positions["upstream", 3].sequence == 5

    def test_is_refused_where_somebody_is_ahead_for_good(self, files: Bench):
        upstream, consumer = files.log("upstream", orders=3), files.log("consumer")
        follow(consumer, upstream, 5)

        with (
            closing(open_snapshot(upstream)) as first,
            closing(open_snapshot(consumer)) as second,
            pytest.raises(CannotCopy, match=r"consumer has taken 5 of upstream .*, which ends at 3"),
        ):
            pin_one_cut({"upstream": first, "consumer": second})

    def test_passes_a_position_of_another_epoch(self, files: Bench):
        upstream, consumer = files.log("upstream", orders=3), files.log("consumer")
        follow(consumer, upstream, 5)
        begin_epoch(upstream)

        with closing(open_snapshot(upstream)) as first, closing(open_snapshot(consumer)) as second:
            found = pin_one_cut({"upstream": first, "consumer": second})

        assert found["consumer"].positions["upstream", 3].sequence == 5


class TestAPlace:
    def test_takes_a_log_that_goes_on_and_keeps_the_one_that_was_there(self, bench: Bench, tmp_path: Path):
        url = bench.log("log", orders=5)
        copy = bench.copied(url, tmp_path / "copy")
        before = rows(url)
        order(url, 3)

        kept = put(bench.place(url), copy)
        migrate(url, bench.admin_url, bakery.metadata)
        restored = rows(url)
        order(url, 1)

        assert restored == before
        assert [row.position for row in rows(url)] == [1, 2, 3, 4, 5, 6]
        assert STAMP.lower() in kept.lower()
        assert len(rows(at(url, kept))) == 8

    def test_gives_back_a_log_that_nobody_can_change(self, bench: Bench, tmp_path: Path):
        url = bench.log("log", orders=1)
        put(bench.place(url), bench.copied(url, tmp_path / "copy"))

        with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
            rows(url, "DELETE FROM events")
        if bench.admin_url:
            with pytest.raises(DBAPIError, match="append-only"):
                rows(url_of_database(bench.admin_url, url.rpartition("/")[2]), "DELETE FROM events")

    def test_is_refused_while_somebody_works_there(self, bench: Bench):
        url = bench.log("log", orders=1)
        recorder = open_log(url)
        recorder.read()

        with closing(bench.place(url)) as place, pytest.raises(CannotCopy, match=r"in use .*stop the suite first"):
            place.keep_out()
        recorder.close()
        with closing(bench.place(url)) as place:
            place.keep_out()

    def test_stays_as_it_was_when_an_exchange_is_undone(self, bench: Bench, tmp_path: Path):
        url = bench.log("log", orders=5)
        copy = bench.copied(url, tmp_path / "copy")
        order(url, 3)

        with closing(bench.place(url)) as place:
            place.stage(copy)
            place.exchange()
            place.change_back()

        assert len(rows(url)) == 8

    def test_refuses_what_is_no_copy(self, bench: Bench, tmp_path: Path):
        url = bench.log("log", orders=1)
        (tmp_path / "copy").write_bytes(b"nothing of the kind" * 100)

        with closing(bench.place(url)) as place, pytest.raises(CannotCopy):
            place.stage(tmp_path / "copy")

        assert len(rows(url)) == 1
        assert not list(tmp_path.glob("*restoring*"))


class TestANewEpoch:
    def test_remembers_how_far_the_log_shares_the_old_one(self, files: Bench):
        url = files.log("log", orders=4)
        old = epoch_of(url)

        new = begin_epoch(url)

        assert epoch_of(url) == new != old
        assert known(url) == {old: 4, new: 4}

    def test_shares_of_the_log_that_it_replaces_what_both_have_in_common(self, files: Bench):
        url = files.log("log", orders=4)
        first, second, third = epoch_of(url), uuid4(), uuid4()

        # The log that is replaced was restored twice: it left the first epoch at 3, the second one at 8.
        new = begin_epoch(url, {first: 3, second: 8, third: 9})

        assert known(url) == {first: 4, second: 3, third: 3, new: 4}

    def test_knows_nothing_of_a_log_with_nothing_in_common(self, files: Bench):
        url = files.log("log", orders=4)
        first = epoch_of(url)

        new = begin_epoch(url, {uuid4(): 9})

        assert known(url) == {first: 4, new: 4}

    def test_is_followed_by_consumers_of_the_old_one_only(self, files: Bench):
        upstream, consumer = files.log("upstream", orders=3), files.log("consumer")
        follow(consumer, upstream, 2)
        new = uuid4()

        inside(consumer, lambda connection: follow_epoch(connection, "upstream", uuid4(), uuid4()))
        inside(consumer, lambda connection: follow_epoch(connection, "upstream", epoch_of(upstream), new))

        with closing(open_log(consumer)) as log:
            taken = log.position("upstream", 3)
        assert (taken.epoch, taken.sequence) == (new, 2)


def put(place: Place, copy: Path) -> str | None:
    """Put a copy into a place."""
    with closing(place):
        place.keep_out()
        place.stage(copy)
        return place.exchange()


def at(url: str, kept: str) -> str:
    """Give the URL of what was kept under another name."""
    return f"sqlite:///{kept}" if url.startswith("sqlite") else f"{url.rpartition('/')[0]}/{kept}"


def inside(url: str, did: Callable[[Any], Any]) -> Any:
    """Do something in a transaction, past the log."""
    engine = create_engine(url)
    with engine.begin() as connection:
        found = did(connection)
    engine.dispose()
    return found


def begin_epoch(url: str, replaced: dict[UUID, int] | None = None) -> UUID:
    """Begin a new epoch in a log."""
    return inside(url, lambda connection: renew_epoch(connection, replaced or {}, NOW))


def epoch_of(url: str) -> UUID:
    return inside(url, lambda connection: connection.scalar(select(log_state.c.epoch)))


def known(url: str) -> dict[UUID, int]:
    return inside(url, known_epochs)
