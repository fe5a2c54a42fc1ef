"""`migrate` brings the tables of an older log up to date; a log that is not there, or newer, is refused in words."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import Column, Index, Integer, MetaData, Table, Uuid, create_engine, inspect, select
from sqlalchemy.engine import make_url

from services.portal.pages.sessions import metadata as sessions
from services.suite import INTAKE, MONITORING, SERVICES
from shared.databases import address
from shared.eventlog import LogUnavailable, Replace, WrongSchema, check_schema, migrate, open_log
from shared.eventlog import tables as log_tables
from shared.eventlog.migrate import migrate_tables
from shared.eventlog.upgrade import bring_up_to_date
from shared.identity.accounts import metadata as accounts
from tests.eventlog import bakery
from tests.eventlog.bakery import CATALOGUE, MORNING, Bakery, Order, a_context, to_bake
from tests.eventlog.conftest import DATABASES, service_url
from tests.servers import database_prefix, url_as_role, url_of_database


class Database:
    """An empty database, and how `migrate` and its owner reach it."""

    def __init__(self, url: str, admin: str | None):
        self.url = url
        self.admin = admin

    def migrate(self, metadata: MetaData = bakery.metadata, rebuildable: tuple[str, ...] = ("to_bake",)) -> list[str]:
        return list(migrate(self.url, self.admin, metadata, rebuildable=rebuildable))

    def change(self, *statements: str) -> None:
        """Do something to the schema as its owner."""
        if self.admin is None:
            with closing(sqlite3.connect(make_url(self.url).database)) as file:
                for statement in statements:
                    file.execute(statement)
                file.commit()
            return
        with psycopg.connect(self.admin, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def columns(self, table: str) -> set[str]:
        return {column["name"] for column in self._inspected().get_columns(table)}

    def indexes(self, table: str) -> set[str]:
        return {str(index["name"]) for index in self._inspected().get_indexes(table)}

    def _inspected(self):
        return inspect(create_engine(address(self.admin or self.url)))

    def forget_the_numbers(self) -> None:
        """Make it a log of the time before schemas were numbered."""
        names = ("schema_version", "clock_within")
        self.change(*(f"ALTER TABLE log_state DROP COLUMN {name}" for name in names))


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path) -> Database:
    if request.param == "sqlite":
        return Database(f"sqlite:///{tmp_path / 'bakery.sqlite'}", None)
    admin = request.getfixturevalue("postgres_database")
    return Database(service_url(admin), admin)


@pytest.fixture
def migrated(database: Database) -> Database:
    database.migrate()
    return database


@pytest.fixture
def shop(migrated: Database) -> Iterator[Bakery]:
    """A bakery with one order of one loaf."""
    opened = Bakery(open_log(migrated.url), CATALOGUE)
    order = Order.place(a_context())
    order.add("rye bread")
    opened.save(order)
    yield opened
    opened.close()


def with_another_table(*columns: Column, indexes: tuple[Index, ...] = ()) -> MetaData:
    """The bakery's tables as a next version may have them."""
    metadata = MetaData()
    changed = {column.name for column in columns}
    kept = [Column(c.name, c.type, primary_key=c.primary_key, nullable=c.nullable) for c in to_bake.c]
    Table("to_bake", metadata, *(c for c in kept if c.name not in changed), *(c._copy() for c in columns), *indexes)
    return metadata


class TestAnOlderLog:
    def test_gets_the_columns_that_it_lacks(self, migrated, shop):
        migrated.forget_the_numbers()
        with pytest.raises(WrongSchema, match=r"schema 1, .* needs \d+: run `caretrail migrate`"):
            check_schema(shop.recorder)

        migrated.migrate()

        check_schema(shop.recorder)
        shop.save(Order.place(a_context()))
        assert len(shop.recorder.read()) == 3

    def test_gets_the_index_and_the_table_that_it_lacks(self, migrated, shop):
        migrated.change("DROP INDEX events_lane", "DROP TABLE parked", "DROP TABLE to_bake")

        assert migrated.migrate() == ["to_bake"]

        assert "events_lane" in migrated.indexes("events")
        assert shop.recorder.parked() == []
        assert shop.query(select(to_bake)) == []

    def test_keeps_its_rows_where_a_column_is_added(self, migrated, shop):
        newer = with_another_table(Column("oven", Integer), indexes=(Index("to_bake_oven", "oven"),))

        assert migrated.migrate(newer) == ["to_bake"]

        assert "oven" in migrated.columns("to_bake")
        assert "to_bake_oven" in migrated.indexes("to_bake")
        assert [row["loaf"] for row in shop.query(select(to_bake))] == ["rye bread"]

    @pytest.mark.parametrize(
        "column",
        [Column("oven", Integer, nullable=False), Column("flour", Integer, nullable=False), Column("noted_at", Uuid)],
        ids=["must be filled", "another type", "another type that may be empty"],
    )
    def test_gets_a_worklist_of_another_shape_anew(self, migrated, shop, column):
        assert migrated.migrate(with_another_table(column)) == ["to_bake"]

        assert column.name in migrated.columns("to_bake")
        with shop.recorder.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM to_bake").scalar() == 0
        assert len(shop.recorder.read()) == 2

    def test_is_left_as_it_is_where_a_table_of_another_shape_is_no_worklist(self, migrated, shop):
        newer = with_another_table(Column("oven", Integer, nullable=False))
        Table("shelf", newer, Column("place", Integer, primary_key=True))

        with pytest.raises(WrongSchema, match="the table to_bake has another shape"):
            migrated.migrate(newer, rebuildable=())

        assert "oven" not in migrated.columns("to_bake")
        assert [row["loaf"] for row in shop.query(select(to_bake))] == ["rye bread"]

    def test_gets_its_triggers_and_functions_anew(self, migrated, shop):
        if migrated.admin is None:
            migrated.change("DROP TRIGGER events_never_change", "DROP TRIGGER events_never_go")
        else:
            migrated.change("DROP TRIGGER events_never_change ON events", "DROP FUNCTION append")

        migrated.migrate()

        shop.save(Order.place(a_context()))
        with pytest.raises((sqlite3.IntegrityError, psycopg.errors.InsufficientPrivilege), match="append-only"):
            migrated.change("DELETE FROM events")

    def test_that_is_up_to_date_is_not_touched(self, migrated, shop):
        engine = create_engine(address(migrated.admin or migrated.url))

        with engine.connect() as connection:
            touched = [
                *bring_up_to_date(connection, log_tables.log, rebuildable=()),
                *bring_up_to_date(connection, bakery.metadata, rebuildable=()),
            ]

        assert touched == []
        engine.dispose()


class TestANewerLog:
    def test_is_neither_migrated_nor_worked_on(self, migrated, shop):
        migrated.change("UPDATE log_state SET schema_version = 99", "DROP TABLE to_bake")

        with pytest.raises(WrongSchema, match="migrated by a newer version of CareTrail"):
            migrated.migrate()
        with pytest.raises(WrongSchema, match="migrated by a newer version of CareTrail"):
            check_schema(shop.recorder)

        assert migrated.columns("log_state") >= {"epoch", "schema_version"}
        assert not migrated._inspected().has_table("to_bake")


class TestALogThatIsNotThere:
    def test_asks_to_be_migrated(self, database):
        if database.admin is not None:
            database.migrate()
            database.change("DROP TABLE events, log_state CASCADE", "DROP FUNCTION append")
        recorder = open_log(database.url)
        shop = Bakery(recorder, CATALOGUE)

        with pytest.raises(WrongSchema, match="run `caretrail migrate`"):
            check_schema(recorder)
        for use in (recorder.read, recorder.heads, recorder.epoch, lambda: shop.save(Order.place(a_context()))):
            with pytest.raises(LogUnavailable, match="run `caretrail migrate`"):
                use()
        recorder.close()

    def test_is_not_told_from_a_mistake_in_a_log_that_is(self, shop):
        order = shop.recorder.read()[0].originator_id
        row = {"aggregate_id": order, "order_id": order, "place": 7, "loaf": None, "flour": "rye"}

        with pytest.raises(Exception, match="to_bake") as caught:
            shop.save(rows=[Replace(to_bake, {"noted_at": MORNING}, [row])])

        assert not isinstance(caught.value, LogUnavailable)


class TestEveryTable:
    """What was just made must not be taken for an older shape: worklists, accounts, sessions."""

    @pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
    def test_of_a_service_is_known_again(self, service, tmp_path):
        for _ in range(2):
            assert migrate(f"sqlite:///{tmp_path / 'log.sqlite'}", None, service.worklists) == []

    @pytest.mark.parametrize("service", [INTAKE, MONITORING], ids=lambda service: service.name)
    def test_of_a_service_on_postgres_is_known_again(self, service, postgres_database):
        for _ in range(2):
            assert migrate(service_url(postgres_database), postgres_database, service.worklists) == []

    def test_beside_the_logs_is_known_again(self, tmp_path):
        for _ in range(2):
            migrate_tables(f"sqlite:///{tmp_path / 'beside.sqlite'}", None, accounts, sessions)

    def test_beside_the_logs_on_postgres_is_known_again(self, postgres_admin_url, prefix):
        url = url_as_role(url_of_database(postgres_admin_url, prefix), prefix, "sesame")

        for _ in range(2):
            migrate_tables(url, postgres_admin_url, accounts, sessions)


@pytest.fixture
def prefix(postgres_admin_url: str) -> Iterator[str]:
    """What the names of this test's databases and roles begin with."""
    with database_prefix(postgres_admin_url) as given:
        yield given
