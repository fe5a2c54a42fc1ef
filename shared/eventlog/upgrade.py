"""Brings the tables of an older log up to date: adds what is missing, makes worklists anew where that is not enough."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Float, Inspector, MetaData, Table, inspect
from sqlalchemy.schema import CreateColumn
from sqlalchemy.types import TypeEngine

from shared.eventlog.checks import WrongSchema


def bring_up_to_date(connection: Connection, metadata: MetaData, rebuildable: Collection[str]) -> Iterator[str]:
    """Create missing tables, columns and indexes; yield the names of tables that hold less now than they should.

    A change that cannot be added (another type, another key) drops a table of `rebuildable` and creates it empty: it
    is derived from the log. WrongSchema for any other table.
    """
    known = inspect(connection)
    there = set(known.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in there:
            table.create(connection)
            yield table.name
        elif _is_of_another_shape(connection, known, table):
            _make_anew(connection, table, rebuildable)
            yield table.name
        elif _add_what_is_missing(connection, known, table):
            yield table.name


def _make_anew(connection: Connection, table: Table, rebuildable: Collection[str]) -> None:
    if table.name not in rebuildable:
        raise WrongSchema(
            f"the table {table.name} has another shape than this version of CareTrail needs, and cannot be altered: "
            "install the version that made it; nothing was changed"
        )
    table.drop(connection)
    table.create(connection)


def _is_of_another_shape(connection: Connection, known: Inspector, table: Table) -> bool:
    found = {column["name"]: column for column in known.get_columns(table.name)}
    keys = known.get_pk_constraint(table.name)["constrained_columns"]
    wanted = {column.name: column for column in table.columns}
    both = found.keys() & wanted.keys()
    return (
        set(keys) != {column.name for column in table.primary_key}
        or any(_differ(connection, found[name], wanted[name]) for name in both)
        or any(not _may_be_left_out(column) for name, column in found.items() if name not in wanted)
        or any(not _can_be_added(column) for name, column in wanted.items() if name not in found)
    )


def _differ(connection: Connection, found: Any, wanted: Column[Any]) -> bool:
    types = [_named(kind, connection.dialect) for kind in (found["type"], wanted.type)]
    return types[0] != types[1] or found["nullable"] != wanted.nullable


def _named(kind: TypeEngine[Any], dialect: Dialect) -> str:
    """Give a type's name in the database; floating numbers have several."""
    return "FLOAT" if isinstance(kind, Float) else kind.compile(dialect=dialect)


def _may_be_left_out(found: Any) -> bool:
    return found["nullable"] or found["default"] is not None


def _can_be_added(column: Column[Any]) -> bool:
    return bool(column.nullable or column.server_default is not None) and not column.unique


def _add_what_is_missing(connection: Connection, known: Inspector, table: Table) -> bool:
    """Add columns and indexes; True if there is a new column, which nobody has filled yet."""
    missing = _missing(table.columns, [column["name"] for column in known.get_columns(table.name)])
    quoted = connection.dialect.identifier_preparer.format_table(table)
    for column in missing:
        described = CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {quoted} ADD COLUMN {described}")
    for index in _missing(table.indexes, [index["name"] for index in known.get_indexes(table.name)]):
        index.create(connection)
    return bool(missing)


def _missing(wanted: Iterable[Any], found: Sequence[str | None]) -> list[Any]:
    return [each for each in wanted if each.name not in found]
