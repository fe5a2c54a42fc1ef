"""Nothing changes or leaves a log, whoever asks; a service's role can append and nothing else."""

import sqlite3
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.engine import make_url

from shared.eventlog import migrate, open_log
from tests.eventlog import bakery
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context, at_once
from tests.eventlog.conftest import DATABASES, service_url
from tests.servers import database_name, url_as_role, url_of_database

CHANGES = {
    "UPDATE": "UPDATE events SET state = 'x'",
    "UPDATE of a time": "UPDATE events SET recorded_at = '2020-01-01T00:00:00.000000Z'",
    "DELETE": "DELETE FROM events WHERE position = 1",
    "DELETE of all": "DELETE FROM events",
}
INSERT = """
INSERT INTO events (position, originator_id, originator_version, topic, state, recorded_at, lane, previous)
VALUES (9, '00000000-0000-0000-0000-000000000009', 1, 'forged', '', '2020-01-01T00:00:00Z', 3, 0)
"""
MERGE = """
MERGE INTO events USING (SELECT 1) AS one ON position = 1
WHEN MATCHED THEN UPDATE SET topic = 'forged' WHEN NOT MATCHED THEN DO NOTHING
"""
LOCKS = (
    "ACCESS EXCLUSIVE",
    "EXCLUSIVE",
    "SHARE ROW EXCLUSIVE",
    "SHARE",
    "SHARE UPDATE EXCLUSIVE",
    "ROW EXCLUSIVE",
)
IN_LANE_FIVE = UUID(int=0)
APPEND = """
SELECT * FROM append(
    ARRAY['00000000-0000-0000-0000-000000000009']::uuid[], ARRAY[1]::bigint[], ARRAY['t'], ARRAY['\\x00']::bytea[],
    ARRAY[3]::smallint[], ARRAY[NULL]::uuid[], '2020-01-01T00:00:00Z', NULL
)
"""


@pytest.fixture
def sqlite_file(sqlite_url):
    """A raw connection to a log with one event in it."""
    recorder = open_log(sqlite_url)
    Bakery(recorder, CATALOGUE).save(Order.place(a_context()))
    recorder.close()
    connection = sqlite3.connect(make_url(sqlite_url).database)
    yield connection
    connection.close()


@pytest.fixture
def filled_log(postgres_log):
    """A log with one event in it."""
    recorder = open_log(postgres_log.service)
    Bakery(recorder, CATALOGUE).save(Order.place(a_context(), id=IN_LANE_FIVE))
    recorder.close()
    return postgres_log


@pytest.fixture
def superuser(filled_log):
    with psycopg.connect(filled_log.superuser, autocommit=True) as connection:
        yield connection


@pytest.fixture
def service(filled_log):
    with psycopg.connect(filled_log.service, autocommit=True) as connection:
        yield connection


class TestSQLite:
    @pytest.mark.parametrize(
        "statement",
        [
            *CHANGES.values(),
            "INSERT OR REPLACE INTO events SELECT * FROM events",
            "REPLACE INTO events SELECT position + 1, originator_id, originator_version, 'forged', state, recorded_at,"
            " lane, previous, patient_id FROM events",
            "INSERT INTO events SELECT * FROM events WHERE true ON CONFLICT DO UPDATE SET topic = 'forged'",
            "UPDATE OR REPLACE events SET position = 2",
        ],
    )
    def test_refuses_change(self, sqlite_file, statement):
        before = sqlite_file.execute("SELECT * FROM events").fetchall()

        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            sqlite_file.execute(statement)

        assert sqlite_file.execute("SELECT * FROM events").fetchall() == before

    def test_refuses_emptying_an_empty_log_of_its_last_event_too(self, sqlite_file):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            sqlite_file.execute("DELETE FROM events")

        assert sqlite_file.execute("SELECT count(*) FROM events").fetchone() == (1,)

    def test_keeps_what_was_committed_through_a_loss_of_power(self, sqlite_url):
        recorder = open_log(sqlite_url)

        with recorder.reading() as connection:
            pragmas = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
            ]
        recorder.heads()
        with recorder.reading() as connection:
            after_heads = connection.exec_driver_sql("PRAGMA synchronous").scalar()

        assert (pragmas, after_heads) == (["wal", 2], 2)
        recorder.close()


class TestPostgresTriggers:
    """The triggers hold even against a superuser who does not remove them."""

    @pytest.mark.parametrize("statement", [*CHANGES.values(), "TRUNCATE events", "TRUNCATE events CASCADE"])
    def test_refuse_change(self, superuser, statement):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            superuser.execute(statement)

        assert superuser.execute("SELECT count(*) FROM events WHERE recorded_at > '2026-01-01'").fetchone() == (1,)


class TestServiceRole:
    @pytest.mark.parametrize(
        "statement",
        [
            *CHANGES.values(),
            "TRUNCATE events",
            "DROP TABLE events",
            "DROP TRIGGER events_never_change ON events",
            "ALTER TABLE events ADD COLUMN note text",
            "ALTER TABLE events OWNER TO CURRENT_USER",
            "ALTER TABLE events DISABLE TRIGGER ALL",
            "ALTER TABLE events DISABLE TRIGGER events_never_change",
            INSERT,
            "INSERT INTO events SELECT * FROM events",
            "INSERT INTO events SELECT * FROM events ON CONFLICT (position) DO UPDATE SET topic = 'forged'",
            MERGE,
            "COPY events FROM STDIN",
            "COPY events FROM PROGRAM 'true'",
            "COPY events FROM '/etc/hostname'",
            "SELECT * FROM log_state FOR UPDATE",
            "SELECT * FROM events FOR UPDATE",
            "UPDATE log_state SET epoch = '00000000-0000-0000-0000-000000000009'",
            "UPDATE log_state SET heads_at = NULL",
            "DELETE FROM log_state",
            "SET session_replication_role = replica",
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$",
            "DROP FUNCTION append",
            "ALTER FUNCTION append SECURITY INVOKER",
            "ALTER FUNCTION append RESET search_path",
            "CREATE TABLE forged ()",
            "CREATE SCHEMA forged",
            "CREATE FUNCTION forged() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE TRIGGER forged BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            "CREATE INDEX ON events (topic)",
            "CREATE RULE r AS ON INSERT TO events DO INSTEAD NOTHING",
            "GRANT INSERT ON events TO CURRENT_USER",
            "CREATE ROLE forged",
            "ALTER ROLE CURRENT_USER SUPERUSER",
            "DO $$ BEGIN UPDATE events SET topic = 'forged'; END $$",
        ],
    )
    def test_is_refused(self, service, superuser, statement):
        if statement.startswith("GRANT"):
            service.execute(statement)  # PostgreSQL only warns that nothing was granted
            statement = INSERT

        with pytest.raises(psycopg.errors.InsufficientPrivilege), service.transaction():
            service.execute(statement)

        topics = superuser.execute("SELECT topic FROM events").fetchall()
        assert topics == [("caretrail.bakery.order-placed.v2",)]

    @pytest.mark.parametrize("table", ["events", "log_state"])
    def test_is_refused_every_lock_that_hinders_others(self, service, table):
        for mode in LOCKS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege), service.transaction():
                service.execute(f"LOCK TABLE {table} IN {mode} MODE")

    @pytest.mark.parametrize("statement", ['SET ROLE "{}_owner"', 'SET SESSION AUTHORIZATION "{}_owner"'])
    def test_cannot_become_the_owner(self, service, statement):
        (name,) = service.execute("SELECT current_user").fetchone()

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute(statement.format(name))

    def test_can_append_and_read(self, service):
        service.execute(APPEND)

        assert service.execute("SELECT position, previous FROM events").fetchall() == [(1, 0), (2, 0)]

    def test_cannot_back_date(self, service):
        service.execute(APPEND)

        first, second = service.execute("SELECT recorded_at FROM events ORDER BY position").fetchall()
        assert second > first > (datetime(2026, 1, 1, tzinfo=UTC),)

    def test_cannot_lead_append_to_another_table(self, service):
        service.execute("CREATE TEMP TABLE events (LIKE events)")
        service.execute("CREATE TEMP TABLE log_state (LIKE log_state)")
        service.execute("SET search_path = pg_temp, public")

        service.execute(APPEND)

        assert service.execute("SELECT count(*) FROM pg_temp.events").fetchone() == (0,)
        assert service.execute("SELECT count(*) FROM public.events").fetchone() == (2,)

    def test_of_another_service_can_neither_append_nor_read(self, superuser, filled_log):
        stranger = f"{database_name(filled_log.superuser)}_stranger"
        superuser.execute(f"CREATE ROLE {stranger} LOGIN PASSWORD 'sesame/2'")
        url = url_as_role(filled_log.superuser, stranger, "sesame/2")

        with psycopg.connect(url, autocommit=True) as connection:
            for statement in (APPEND, "SELECT heads(now())", "SELECT * FROM events", "SELECT * FROM to_bake"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)


class TestMigrating:
    @pytest.fixture(params=DATABASES)
    def new(self, request, tmp_path):
        """The URL of a log that is not there yet, and the administrator's."""
        if request.param == "sqlite":
            return f"sqlite:///{tmp_path / 'new.db'}", None
        admin = request.getfixturevalue("postgres_database")
        return service_url(admin), admin

    def test_twice_changes_nothing(self, new):
        migrate(*new, bakery.metadata)
        recorder = open_log(new[0])
        Bakery(recorder, CATALOGUE).save(Order.place(a_context()))
        before = (recorder.epoch(), recorder.read())

        migrate(*new, bakery.metadata)

        assert (recorder.epoch(), recorder.read()) == before
        Bakery(recorder, CATALOGUE).save(Order.place(a_context()))
        recorder.close()

    def test_at_once_is_harmless(self, new):
        raised = at_once(6, lambda _: migrate(*new, bakery.metadata))

        assert raised == [None] * 6
        recorder = open_log(new[0])
        assert Bakery(recorder, CATALOGUE).save(Order.place(a_context())).version == 1
        recorder.close()

    def test_leaves_triggers_that_hold_in_every_replication_role(self, postgres_database):
        migrate(service_url(postgres_database), postgres_database, bakery.metadata)

        with psycopg.connect(postgres_database, autocommit=True) as superuser:
            superuser.execute("SET session_replication_role = replica")
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                superuser.execute("TRUNCATE events")

    def test_creates_the_database(self, postgres_database, postgres_admin_url):
        name = f"{database_name(postgres_database)}_b"
        try:
            migrate(service_url(url_of_database(postgres_database, name)), postgres_database)

            recorder = open_log(service_url(url_of_database(postgres_database, name)))
            assert recorder.heads().epoch == recorder.epoch()
            recorder.close()
        finally:
            with psycopg.connect(postgres_admin_url, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def test_takes_a_new_password(self, postgres_log):
        role = make_url(postgres_log.service).username
        with psycopg.connect(postgres_log.superuser, autocommit=True) as superuser:
            query = f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'"
            before = superuser.execute(query).fetchone()

            migrate(url_as_role(postgres_log.superuser, role, "sesame/2"), postgres_log.superuser)

            assert superuser.execute(query).fetchone() != before

    def test_of_postgres_asks_for_an_administrator(self):
        with pytest.raises(ValueError, match="CARETRAIL_ADMIN_DATABASE_URL"):
            migrate("postgresql://bakery@127.0.0.1/bakery", None)
