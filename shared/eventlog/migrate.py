"""Creates a log's schema once, and brings it up to date: run by `caretrail migrate`, never by a worker at start."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, cast
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, MetaData, NullPool, create_engine, insert, select
from sqlalchemy.engine import URL, make_url

from shared.databases import address
from shared.eventlog import tables
from shared.eventlog.sqlite import exclusively, sqlite_engine

NOT_FOR_THE_SERVICE = ("events", "log_state")


def migrate_sqlite(engine: Engine, *worklists: MetaData) -> None:
    """Create what is missing in a SQLite log: tables, triggers, epoch."""
    with engine.connect() as connection, exclusively(connection):
        for metadata in (tables.log, *worklists):
            metadata.create_all(connection)
        for statement in _script("schema_sqlite.sql").split("\n\n"):
            connection.exec_driver_sql(statement)
        _give_epoch(connection)


def migrate_postgres(admin_url: str, service_url: str, *worklists: MetaData) -> None:
    """Create what is missing for a PostgreSQL log: database, owner role, service role, tables, function, epoch.

    `admin_url` names a superuser (or one who may create roles and databases), `service_url` the database, role and
    password that the service itself will use.
    """
    admin, service = make_url(admin_url), make_url(service_url)
    owner = f"{service.username}_owner"
    with psycopg.connect(_plain(admin), autocommit=True) as connection:
        # Two migrations at once would trip over each other's roles and tables.
        connection.execute("SELECT pg_advisory_lock(hashtext('caretrail migrate'))")
        _create_roles(connection, service, owner)
        _create_database(connection, service, owner)
        inside = admin.set(database=service.database)
        _hand_over_schema(inside, owner)
        _create_tables(inside, service, owner, worklists)


def migrate_tables(service_url: str, admin_url: str | None, *metadata: MetaData) -> None:
    """Prepare a database without a log (accounts, sessions): its role owns it and its tables."""
    service = make_url(service_url)
    if service.get_backend_name() == "postgresql" and admin_url:
        with psycopg.connect(_plain(make_url(admin_url)), autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext('caretrail migrate'))")
            _create_role(connection, service.username or "", _login(service))
            _create_database(connection, service, service.username or "")
    engine = create_engine(address(service), poolclass=NullPool)
    with engine.begin() as transaction:
        for tables_of_one in metadata:
            tables_of_one.create_all(transaction)


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


def _create_tables(inside: URL, service: URL, owner: str, worklists: tuple[MetaData, ...]) -> None:
    engine = create_engine(address(inside), poolclass=NullPool, connect_args={"options": f"-c role={owner}"})
    with engine.begin() as connection:
        for metadata in (tables.log, *worklists):
            metadata.create_all(connection)
        raw = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        raw.execute(_script("schema_postgres.sql").encode())
        raw.execute(_grants(service, worklists))
        _give_epoch(connection)


def _login(service: URL) -> sql.Composable:
    if not service.password:
        return sql.SQL("LOGIN")
    return sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(str(service.password)))


def _grants(service: URL, worklists: tuple[MetaData, ...]) -> sql.Composed:
    role = sql.Identifier(service.username or "")
    open_tables = [table.name for table in tables.log.sorted_tables if table.name not in NOT_FOR_THE_SERVICE]
    open_tables += [table.name for metadata in worklists for table in metadata.sorted_tables]
    statements = [
        sql.SQL("REVOKE ALL ON FUNCTION append, heads FROM PUBLIC"),
        sql.SQL("GRANT EXECUTE ON FUNCTION append, heads, move_position TO {}").format(role),
        sql.SQL("GRANT SELECT ON events, log_state TO {}").format(role),
    ]
    granted = sql.SQL(", ").join(map(sql.Identifier, open_tables))
    statements.append(sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}").format(granted, role))
    return sql.SQL("; ").join(statements)


def _give_epoch(connection: Connection) -> None:
    if connection.scalar(select(tables.log_state.c.epoch)) is None:
        connection.execute(insert(tables.log_state).values(one=1, epoch=uuid4()))


def _script(name: str) -> str:
    return files("shared.eventlog").joinpath(name).read_text("utf-8")


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def migrate(service_url: str, admin_url: str | None, *worklists: MetaData) -> None:
    """Prepare the log at a database URL: a SQLite file by itself, PostgreSQL with an administrator's URL."""
    url = make_url(service_url)
    if url.get_backend_name() == "sqlite":
        engine = sqlite_engine(url.database or ":memory:")
        migrate_sqlite(engine, *worklists)
        engine.dispose()
        return
    if not admin_url:
        raise ValueError("migrating PostgreSQL needs CARETRAIL_ADMIN_DATABASE_URL: a role that may create databases")
    migrate_postgres(admin_url, service_url, *worklists)
