"""The schema of every log: tables, columns, functions, and the triggers that keep it append-only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from sqlalchemy import Column, Connection, Engine, Inspector, MetaData, Table, inspect, text
from sqlalchemy.exc import DBAPIError

from services.cli.checks.findings import Finding, error, fine
from services.cli.checks.installation import MIGRATE, Installation, place, plain_engine
from services.portal.pages.sessions import metadata as sessions
from services.suite import PORTAL
from shared.eventlog import LogRecorder, WrongSchema, check_schema
from shared.eventlog.tables import log as of_every_log
from shared.identity.accounts import metadata as accounts

SCHEMA, TRIGGERS = "schema", "triggers"
FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION (\w+)\((.*?)\$\$(.*?)\$\$", re.DOTALL)
TRIGGER = re.compile(r"(CREATE TRIGGER (?:IF NOT EXISTS )?(\w+) .*?END);", re.DOTALL)
BEFORE_ANY_CHANGE = 2 | 8 | 16 | 32
FUNCTIONS_OF = """
SELECT proname, prosrc, prosecdef, proconfig FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proname = ANY(:names)
"""
TRIGGERS_OF = "SELECT tgname, tgenabled, tgtype FROM pg_trigger WHERE tgrelid = 'events'::regclass AND NOT tgisinternal"
TRIGGERS_OF_SQLITE = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'"


def schema(installation: Installation) -> Iterator[Finding]:
    """Compare every database with what this version of CareTrail would make."""
    for service, recorder in installation.services():
        found = list(_of_log(service.name, recorder, service.worklists))
        yield from found or [fine(SCHEMA, f"{service.name}: tables, columns, functions are as needed")]
    for name, metadata in (("identity", accounts), (PORTAL, sessions)):
        if name in installation.settings.database_urls:
            yield from _of_others(name, installation.settings.database_url(name), metadata)


def _of_log(name: str, recorder: LogRecorder, worklists: MetaData) -> Iterator[Finding]:
    try:
        check_schema(recorder)
    except WrongSchema as wrong:
        yield error(SCHEMA, f"{name}: {wrong}", MIGRATE)
        return
    yield from _differences(name, recorder.engine, of_every_log, worklists)
    if recorder.engine.dialect.name == "postgresql":
        with recorder.reading() as connection:
            yield from _functions(name, connection)


def _of_others(name: str, url: str, metadata: MetaData) -> Iterator[Finding]:
    engine = plain_engine(url)
    try:
        yield from list(_differences(name, engine, metadata)) or [fine(SCHEMA, f"{name}: tables are as needed")]
    except DBAPIError:
        yield error(SCHEMA, f"{name}: {place(url)} cannot be read", MIGRATE)
    finally:
        engine.dispose()


def _differences(name: str, engine: Engine, *wanted: MetaData) -> Iterator[Finding]:
    known = inspect(engine)
    there = set(known.get_table_names())
    for table in (table for metadata in wanted for table in metadata.sorted_tables):
        if table.name not in there:
            yield error(SCHEMA, f"{name}: the table {table.name} is missing", MIGRATE)
            continue
        if wrong := [*_columns(known, table, engine), *_keys(known, table)]:
            yield error(SCHEMA, f"{name}: the table {table.name} differs: {', '.join(wrong)}", MIGRATE)


def _columns(known: Inspector, table: Table, engine: Engine) -> Iterator[str]:
    found = {column["name"]: column for column in known.get_columns(table.name)}
    for column in table.columns:
        if column.name not in found:
            yield f"no column {column.name}"
        elif _type(column.type, engine) != _type(found[column.name]["type"], engine):
            yield f"column {column.name} is {_type(found[column.name]['type'], engine)}"
        elif found[column.name]["nullable"] != _may_be_null(column):
            yield f"column {column.name} may {'' if found[column.name]['nullable'] else 'not '}be null"


def _type(kind: Any, engine: Engine) -> str:
    return str(kind.compile(dialect=engine.dialect))


def _may_be_null(column: Column[Any]) -> bool:
    return bool(column.nullable) and not column.primary_key


def _keys(known: Inspector, table: Table) -> Iterator[str]:
    unique = [found["name"] for found in known.get_unique_constraints(table.name)]
    indexes = [found["name"] for found in known.get_indexes(table.name)]
    for constraint in table.constraints:
        if type(constraint).__name__ == "UniqueConstraint" and constraint.name and constraint.name not in unique:
            yield f"no unique key {constraint.name}"
    for index in table.indexes:
        if index.name not in indexes:
            yield f"no index {index.name}"


def _functions(name: str, connection: Connection) -> Iterator[Finding]:
    ours = {found[1]: (found[2], found[3]) for found in FUNCTION.finditer(_script("schema_postgres.sql"))}
    rows = connection.execute(text(FUNCTIONS_OF), {"names": list(ours)}).all()
    for function in ours.keys() - {row.proname for row in rows}:
        yield error(SCHEMA, f"{name}: the function {function}() is missing", MIGRATE)
    for row in rows:
        head, body = ours[row.proname]
        if row.prosrc != body or row.prosecdef != ("SECURITY DEFINER" in head):
            yield error(SCHEMA, f"{name}: the function {row.proname}() is another than this version's", MIGRATE)
        elif "SET search_path" in head and "search_path=public, pg_temp" not in (row.proconfig or ()):
            yield error(SCHEMA, f"{name}: the function {row.proname}() looks for tables elsewhere, too", MIGRATE)


def triggers(installation: Installation) -> Iterator[Finding]:
    """See that the database itself refuses every change of what was recorded."""
    for service, recorder in installation.services():
        on_postgres = recorder.engine.dialect.name == "postgresql"
        with recorder.reading() as connection:
            found = list(_on_postgres(connection) if on_postgres else _on_sqlite(connection))
        for wrong, do in found:
            yield error(TRIGGERS, f"{service.name}: {wrong}", do)
        if not found:
            yield fine(TRIGGERS, f"{service.name}: the database refuses to change or delete what was recorded")


def _on_postgres(connection: Connection) -> Iterator[tuple[str, str]]:
    there = {row.tgname: row for row in connection.execute(text(TRIGGERS_OF))}
    keeper = there.get("events_never_change")
    if keeper is None:
        yield "the trigger events_never_change is missing: recorded events could be changed", MIGRATE
    elif keeper.tgtype & BEFORE_ANY_CHANGE != BEFORE_ANY_CHANGE:
        yield "the trigger events_never_change does not stand before UPDATE, DELETE and TRUNCATE", MIGRATE
    elif keeper.tgenabled not in ("A", b"A"):
        yield "the trigger events_never_change is not always on", f"ask who switched it off and why; then {MIGRATE}"


def _on_sqlite(connection: Connection) -> Iterator[tuple[str, str]]:
    rows = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'")
    )
    there = {row.name: _plain(row.sql) for row in rows}
    for statement, name in TRIGGER.findall(_script("schema_sqlite.sql")):
        if name not in there:
            yield f"the trigger {name} is missing: recorded events could be changed", MIGRATE
        elif there[name] != _plain(statement):
            yield f"the trigger {name} is another than this version's", f"sqlite3 FILE 'DROP TRIGGER {name}'; {MIGRATE}"


def _plain(statement: str) -> str:
    return " ".join(statement.replace("IF NOT EXISTS ", "").split())


def _script(name: str) -> str:
    return files("shared.eventlog").joinpath(name).read_text("utf-8")
