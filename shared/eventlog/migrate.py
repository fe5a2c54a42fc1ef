"""Creates a log's schema once, and brings it up to date: run by `caretrail migrate`, never by a worker at start."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, cast
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, MetaData, NullPool, create_engine, insert, select, update
from sqlalchemy.engine import URL, make_url

from shared.databases import address
from shared.eventlog import tables
from shared.eventlog.checks import CLOCK_TOLERANCE, must_not_be_newer, version_of
from shared.eventlog.sqlite import exclusively, sqlite_engine
from shared.eventlog.upgrade import bring_up_to_date

NOT_FOR_THE_SERVICE = ("events", "log_state", "earlier_epochs")


def migrate(
    service_url: str,
    admin_url: str | None,
    *worklists: MetaData,
    rebuildable: Collection[str] = (),
    bound_clocks: bool = False,
) -> Sequence[str]:
    """Prepare the log at a database URL: a SQLite file by itself, PostgreSQL with an administrator's URL.

    `rebuildable` names the tables that may be made anew if they have another shape, because they are derived from
    this log; gives those that must be filled from it now, before anybody reads them. With `bound_clocks` a
    PostgreSQL log refuses writers whose clock is off its own; not where tests move the clocks. WrongSchema for a log
    that a newer version of CareTrail has migrated, or that cannot be brought up to date.
    """
    url = make_url(service_url)
    if url.get_backend_name() == "sqlite":
        engine = sqlite_engine(url.database or ":memory:")
        changed = _migrate_sqlite(engine, worklists, rebuildable)
        engine.dispose()
    elif admin_url:
        changed = _migrate_postgres(admin_url, service_url, worklists, rebuildable, bound_clocks)
    else:
        raise ValueError("migrating PostgreSQL needs CARETRAIL_ADMIN_DATABASE_URL: a role that may create databases")
    return [name for name in changed if name in rebuildable]


def _migrate_sqlite(engine: Engine, worklists: Sequence[MetaData], rebuildable: Collection[str]) -> Sequence[str]:
    """Create what is missing in a SQLite log: tables, triggers, epoch."""
    with engine.connect() as connection, exclusively(connection):
        changed = _bring_up_to_date(connection, worklists, rebuildable)
        for statement in _script("schema_sqlite.sql").split("\n\n"):
            connection.exec_driver_sql(statement)
        _give_epoch(connection, bound_clocks=False)
    return changed


def _migrate_postgres(
    admin_url: str, service_url: str, worklists: Sequence[MetaData], rebuildable: Collection[str], bound_clocks: bool
) -> Sequence[str]:
    """Create what is missing for a PostgreSQL log: database, owner role, service role, tables, function, epoch.

    `admin_url` names a superuser (or one who may create roles and databases), `service_url` the database, role and
    password that the service itself will use.
    """
    admin, service = make_url(admin_url), make_url(service_url)
    owner = owner_of(service)
    with _administering(admin) as connection:
        _create_log_database(connection, admin, service, owner)
        inside = admin.set(database=service.database)
        engine = create_engine(address(inside), poolclass=NullPool, connect_args={"options": f"-c role={owner}"})
        with engine.begin() as inside_as_owner:
            changed = _bring_up_to_date(inside_as_owner, worklists, rebuildable)
            _give_functions_and_grants(inside_as_owner, service, worklists)
            _give_epoch(inside_as_owner, bound_clocks)
    return changed


def migrate_tables(service_url: str, admin_url: str | None, *metadata: MetaData) -> None:
    """Prepare a database without a log (accounts, sessions): its role owns it and its tables."""
    service = make_url(service_url)
    if service.get_backend_name() == "postgresql" and admin_url:
        create_empty(service_url, admin_url, of_a_log=False)
    engine = create_engine(address(service), poolclass=NullPool)
    with engine.begin() as transaction:
        for tables_of_one in metadata:
            list(bring_up_to_date(transaction, tables_of_one, rebuildable=()))


def create_empty(service_url: str | URL, admin_url: str, *, of_a_log: bool) -> None:
    """Create the roles and the PostgreSQL database of a URL where they are missing, without tables."""
    admin, service = make_url(admin_url), make_url(service_url)
    with _administering(admin) as connection:
        if of_a_log:
            _create_log_database(connection, admin, service, owner_of(service))
        else:
            _create_role(connection, service.username or "", _login(service))
            _create_database(connection, service, service.username or "")


def owner_of(service: URL) -> str:
    """Name the role that owns a service's log."""
    return f"{service.username}_owner"


@contextmanager
def _administering(admin: URL) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(_plain(admin), autocommit=True) as connection:
        # Two migrations at once would trip over each other's roles and tables.
        connection.execute("SELECT pg_advisory_lock(hashtext('caretrail migrate'))")
        yield connection


def _create_log_database(connection: psycopg.Connection[Any], admin: URL, service: URL, owner: str) -> None:
    _create_roles(connection, service, owner)
    _create_database(connection, service, owner)
    _hand_over_schema(admin.set(database=service.database), owner)


def _create_roles(connection: psycopg.Connection[Any], service: URL, owner: str) -> None:
    _create_role(connection, owner, sql.SQL("NOLOGIN"))
    _create_role(connection, service.username or "", _login(service))
    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(owner)))


def _create_role(connection: psycopg.Connection[Any], role: str, options: sql.Composable) -> None:
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    verb = sql.SQL("ALTER" if known else "CREATE")
    connection.execute(sql.SQL("{} ROLE {} {}").format(verb, sql.Identifier(role), options))


def _create_database(connection: psycopg.Connection[Any], service: URL, owner: str) -> None:
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (service.database,)).fetchone():
        names = (sql.Identifier(service.database or ""), sql.Identifier(owner))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))


def _hand_over_schema(inside: URL, owner: str) -> None:
    with psycopg.connect(_plain(inside), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(owner)))
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _bring_up_to_date(
    connection: Connection, worklists: Sequence[MetaData], rebuildable: Collection[str]
) -> Sequence[str]:
    """Bring all tables up to date; give those of a log that was there before which hold less now than they should."""
    version = version_of(connection)
    must_not_be_newer(version)
    changed = [
        name for metadata in (tables.log, *worklists) for name in bring_up_to_date(connection, metadata, rebuildable)
    ]
    return changed if version is not None else []


def _give_functions_and_grants(connection: Connection, service: URL, worklists: Sequence[MetaData]) -> None:
    raw = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    raw.execute(_script("schema_postgres.sql").encode())
    raw.execute(_grants(service, worklists))


def _login(service: URL) -> sql.Composable:
    if not service.password:
        return sql.SQL("LOGIN")
    return sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(str(service.password)))


def _grants(service: URL, worklists: Sequence[MetaData]) -> sql.Composed:
    role = sql.Identifier(service.username or "")
    open_tables = [table.name for table in tables.log.sorted_tables if table.name not in NOT_FOR_THE_SERVICE]
    open_tables += [table.name for metadata in worklists for table in metadata.sorted_tables]
    statements = [
        sql.SQL("REVOKE ALL ON FUNCTION append, heads FROM PUBLIC"),
        sql.SQL("GRANT EXECUTE ON FUNCTION append, heads, move_position TO {}").format(role),
        sql.SQL("GRANT SELECT ON events, log_state, earlier_epochs TO {}").format(role),
        # pg_dump reads them, too, when a backup is made in this role.
        sql.SQL("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role),
    ]
    granted = sql.SQL(", ").join(map(sql.Identifier, open_tables))
    statements.append(sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}").format(granted, role))
    return sql.SQL("; ").join(statements)


def _give_epoch(connection: Connection, bound_clocks: bool) -> None:
    if connection.scalar(select(tables.log_state.c.epoch)) is None:
        connection.execute(insert(tables.log_state).values(one=1, epoch=uuid4()))
    within = int(CLOCK_TOLERANCE.total_seconds()) if bound_clocks else None
    connection.execute(update(tables.log_state).values(schema_version=tables.SCHEMA_VERSION, clock_within=within))


def _script(name: str) -> str:
    return files("shared.eventlog").joinpath(name).read_text("utf-8")


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
