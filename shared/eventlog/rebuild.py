"""Worklists from the log: what each aggregate's history calls for, compared with the rows that are there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Table, create_engine, delete, insert, select

from shared.eventlog.aggregate import Aggregate
from shared.eventlog.application import Application, Worklist
from shared.eventlog.commit import Commit, Replace
from shared.eventlog.tables import events

Rows = Iterable[Mapping[str, Any] | RowMapping]


@dataclass(frozen=True)
class Difference:
    """An aggregate of which a worklist says something else than its history: rows that lack, rows that are too much."""

    worklist: str
    aggregate_id: UUID
    missing: int
    surplus: int


def differences(application: Application, only: Collection[str] = ()) -> Iterator[Difference]:
    """Fold every aggregate of the log and compare its worklist rows, in all worklists or only those named.

    Unreadable if this version cannot read what an aggregate's history holds. What is saved meanwhile may be told as
    a difference; look twice.
    """
    worklists = [worklist for worklist in application.worklists if not only or worklist.table.name in only]
    with _Slate([worklist.table for worklist in worklists]) as slate:
        for id in _ids(application, worklists):
            aggregate = _folded(application, id)
            for worklist in worklists:
                table = worklist.table
                there = _counted(application.query(select(table).where(table.c.aggregate_id == id)))
                wanted = _counted(slate.as_read(table, _change(worklist, id, aggregate).rows))
                if there != wanted:
                    yield Difference(table.name, id, (wanted - there).total(), (there - wanted).total())


def rebuild(application: Application, only: Collection[str] = ()) -> list[Difference]:
    """Put the rows right where they differ, and give what did. The service may go on working meanwhile."""
    wrong = list(differences(application, only))
    tables = {worklist.table.name: worklist for worklist in application.worklists}
    # A row that is one aggregate's by mistake may hold a unique value that is another's by right.
    for each in wrong:
        where = {"aggregate_id": each.aggregate_id}
        application.recorder.write(Commit(rows=[Replace(tables[each.worklist].table, where, [])]))
    for each in wrong:
        _put_right(application, tables[each.worklist], each.aggregate_id)
    return wrong


def _put_right(application: Application, worklist: Worklist, id: UUID) -> None:
    """Write the rows of an aggregate's state, and again if somebody changed it meanwhile."""
    written = -1
    while written != (version := _version(aggregate := _folded(application, id))):
        application.recorder.write(Commit(rows=[_change(worklist, id, aggregate)]))
        written = version


def _version(aggregate: Aggregate | None) -> int:
    return aggregate.version if aggregate else 0


def _ids(application: Application, worklists: Sequence[Worklist]) -> list[UUID]:
    """List every aggregate that has a history or a row, in the order of the log."""
    first = select(events.c.originator_id).where(events.c.originator_version == 1).order_by(events.c.position)
    found = dict.fromkeys(row["originator_id"] for row in application.query(first))
    for worklist in worklists:
        of_rows = application.query(select(worklist.table.c.aggregate_id).distinct())
        found.update(dict.fromkeys(row["aggregate_id"] for row in of_rows))
    return list(found)


def _folded(application: Application, id: UUID) -> Aggregate | None:
    """Replay an aggregate's whole history; None if there is none, or none that this service keeps worklists of."""
    history = list(application.events.get(id))
    for cls in application.aggregates:
        if history and cls.starts_with(history[0]):  # type: ignore[arg-type]
            return cls.load(history, None)  # type: ignore[arg-type]
    return None


def _change(worklist: Worklist, id: UUID, aggregate: Aggregate | None) -> Replace:
    if isinstance(aggregate, worklist.of):
        return worklist.change(aggregate)
    return Replace(worklist.table, {"aggregate_id": id}, [])


def _counted(rows: Rows) -> Counter[str]:
    return Counter(json.dumps(dict(row.items()), sort_keys=True, default=str) for row in rows)


class _Slate:
    """Copies of worklists in memory, to see rows as they will be read once they are written."""

    def __init__(self, tables: Sequence[Table]):
        self._engine = create_engine("sqlite://")
        self._connection: Connection = self._engine.connect()
        for table in tables:
            table.create(self._connection)

    def as_read(self, table: Table, rows: Rows) -> list[Mapping[str, Any]]:
        """Give rows as the database would."""
        given = [dict(row) for row in rows]
        if not given:
            return []
        self._connection.execute(insert(table), given)
        read = list(self._connection.execute(select(table)).mappings())
        self._connection.execute(delete(table))
        return list(map(dict, read))

    def __enter__(self) -> _Slate:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()
