"""A log that cannot be written now says so soon, keeps nothing by halves, and works again by itself."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from time import monotonic

import psycopg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, event, select
from sqlalchemy.engine import make_url

from shared.clock import ShiftedClock
from shared.eventlog import ClockOff, Interrupted, LogUnavailable, check_clock, open_log
from shared.eventlog.recorder import now_utc
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context, at_once, until

LOCKING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def locked_sqlite(sqlite_url):
    """A log that another process has locked, and a function that ends the lock."""
    command = [sys.executable, "-c", LOCKING, make_url(sqlite_url).database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        yield sqlite_url, lambda: other.communicate(timeout=30)
        if other.poll() is None:
            other.communicate(timeout=30)


@pytest.fixture
def locked_postgres(postgres_log):
    """A log whose append lock another session holds, and a function that ends the lock."""
    with psycopg.connect(postgres_log.superuser) as other:
        other.execute("SELECT * FROM log_state FOR UPDATE")
        yield postgres_log.service, other.rollback


class TestLock:
    @pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
    def test_of_another_is_waited_for_briefly_by_all_together(self, database, request):
        url, unlock = request.getfixturevalue(f"locked_{database}")
        shop = Bakery(open_log(url, lock_timeout=0.5), CATALOGUE)

        begun = monotonic()
        raised = at_once(12, lambda _: shop.save(Order.place(a_context())))
        waited = monotonic() - begun

        assert [type(error) for error in raised] == [LogUnavailable] * 12
        assert waited < 5, "the waits added up"
        unlock()
        shop.save(Order.place(a_context()))
        assert len(shop.recorder.read()) == 1
        shop.close()

    @pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
    def test_of_another_does_not_hinder_reading(self, database, request):
        url, _ = request.getfixturevalue(f"locked_{database}")
        recorder = open_log(url, lock_timeout=0.2)

        assert recorder.read() == []
        assert recorder.epoch()
        with pytest.raises(LogUnavailable):
            recorder.heads()
        recorder.close()

    def test_of_another_does_not_date_events_back_in_sqlite(self, locked_sqlite):
        url, unlock = locked_sqlite
        recorder, asked = open_log(url), []
        recorder.clock = lambda: asked.append(now_utc()) or asked[-1]

        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(Bakery(recorder, CATALOGUE).save, Order.place(a_context()))
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.5)
            unlocked_at = now_utc()
            unlock()
            order = answer.result(timeout=30)

        assert order.started_at > unlocked_at
        assert [moment for moment in asked if moment < unlocked_at] == []
        recorder.close()

    def test_of_another_does_not_date_events_back_in_postgres(self, locked_postgres, postgres_log):
        url, unlock = locked_postgres
        recorder = open_log(url)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = %s"

        with ThreadPoolExecutor(1) as pool, psycopg.connect(postgres_log.superuser, autocommit=True) as watch:
            answer = pool.submit(Bakery(recorder, CATALOGUE).save, Order.place(a_context()))
            until(lambda: watch.execute(waiting, [make_url(url).username]).fetchone() == (1,))
            watch.execute("SELECT pg_sleep(0.5)")
            (unlocked_at,) = watch.execute("SELECT clock_timestamp()").fetchone()
            unlock()
            order = answer.result(timeout=30)

        assert order.started_at > unlocked_at - timedelta(milliseconds=400), "the wait for the lock is not counted"
        recorder.close()

    def test_is_waited_for_five_seconds_unless_told_otherwise(self, postgres_url, sqlite_url):
        postgres, sqlite = open_log(postgres_url), open_log(sqlite_url)

        with postgres.reading() as connection:
            settings = ("lock_timeout", "statement_timeout")
            limits = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in settings]
        with sqlite.reading() as connection:
            busy = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()

        assert (limits, busy) == (["5s", "20s"], 5000)
        for recorder in (postgres, sqlite):
            recorder.close()


class TestPostgres:
    def test_that_nobody_answers_for_is_unavailable(self):
        recorder = open_log("postgresql://bakery@127.0.0.1:1/bakery")
        shop = Bakery(recorder, CATALOGUE)

        for use in (lambda: shop.save(Order.place(a_context())), recorder.read, recorder.heads, recorder.epoch):
            with pytest.raises(LogUnavailable):
                use()
        recorder.close()

    def test_works_again_after_its_connections_were_ended(self, postgres_log):
        recorder = open_log(postgres_log.service)
        shop = Bakery(recorder, CATALOGUE)
        shop.save(Order.place(a_context()))
        with psycopg.connect(postgres_log.superuser, autocommit=True) as superuser:
            role = make_url(postgres_log.service).username
            superuser.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", [role])

        shop.save(Order.place(a_context()))

        assert len(recorder.read()) == 2
        recorder.close()

    def test_breaks_off_one_command_without_its_neighbours(self, locked_postgres, postgres_log):
        url, unlock = locked_postgres
        shop = Bakery(open_log(url), CATALOGUE)
        cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"

        with ThreadPoolExecutor(1) as pool, psycopg.connect(postgres_log.superuser, autocommit=True) as superuser:
            answer = pool.submit(shop.save, Order.place(a_context()))
            until(lambda: superuser.execute(cancel, [make_url(url).username]).fetchone() == (True,))
            error = answer.exception(timeout=30)

        assert type(error) is Interrupted
        unlock()
        shop.save(Order.place(a_context()))
        shop.close()


class TestSQLite:
    def test_on_a_full_disk_is_unavailable_and_works_again(self, sqlite_url):
        recorder = open_log(sqlite_url)
        shop = Bakery(recorder, CATALOGUE)
        pages = [60]
        event.listen(recorder.engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={pages[0]}"))
        large, small, again = (Order.place(a_context()) for _ in range(3))
        for order in (large, again):
            order.add(*["x" * 500] * 400)

        shop.save(small)
        with pytest.raises(LogUnavailable):
            shop.save(large)
        pages[0] = 100_000
        shop.save(again)

        assert {event.originator_id for event in recorder.read()} == {small.id, again.id}
        recorder.close()

    def test_in_a_folder_that_is_not_there_is_unavailable(self, tmp_path):
        recorder = open_log(f"sqlite:///{tmp_path}/gone/bakery.db")

        with pytest.raises(LogUnavailable):
            Bakery(recorder, CATALOGUE).save(Order.place(a_context()))
        with pytest.raises(LogUnavailable):
            recorder.read()
        recorder.close()


class TestMistake:
    def test_in_a_query_is_no_outage(self, shop):
        nowhere = Table("nowhere", MetaData(), Column("place", Integer))

        with pytest.raises(Exception, match="nowhere") as caught:
            shop.query(select(nowhere))

        assert not isinstance(caught.value, LogUnavailable)


class TestEpoch:
    def test_is_required(self, log_url, request):
        recorder = open_log(log_url)
        shop = Bakery(recorder, CATALOGUE)
        owner = log_url if "sqlite" in log_url else request.getfixturevalue("postgres_log").superuser
        change(owner, "CREATE TABLE kept AS SELECT * FROM log_state; DELETE FROM log_state")
        try:
            for use in (recorder.epoch, recorder.heads, lambda: shop.save(Order.place(a_context()))):
                with pytest.raises(LogUnavailable):
                    use()
        finally:
            change(owner, "INSERT INTO log_state SELECT * FROM kept; DROP TABLE kept")
            recorder.close()


class TestClock:
    @pytest.mark.parametrize("seconds", [-4, 0, 4])
    def test_close_to_the_databases_is_taken(self, recorder, seconds):
        check_clock(recorder, ShiftedClock(offset=timedelta(seconds=seconds)))

    @pytest.mark.parametrize("seconds", [-7, 7, 3600, -3600])
    def test_more_than_five_seconds_off_the_databases_is_refused(self, recorder, seconds):
        with pytest.raises(ClockOff, match="s off its database"):
            check_clock(recorder, ShiftedClock(offset=timedelta(seconds=seconds)))


def change(url: str, statements: str) -> None:
    """Run statements as the owner of a log."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(make_url(url).database)) as file:
            file.executescript(statements)
        return
    with psycopg.connect(url) as connection:
        connection.execute(statements)
