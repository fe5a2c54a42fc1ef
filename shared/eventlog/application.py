"""The application base of every service: load an aggregate, ask it, save it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import msgspec
from eventsourcing.application import Application as LibraryApplication
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    Mapper,
    ProcessRecorder,
    TrackingRecorder,
)
from eventsourcing.utils import Environment, EnvType
from sqlalchemy import RowMapping, Select, Table

from events.catalogue import Catalogue
from shared.eventlog.aggregate import Aggregate, Context, NotFound
from shared.eventlog.commit import Commit, KeyRow, Move, Replace, StoredKey
from shared.eventlog.mapper import CatalogueMapper
from shared.eventlog.recorder import LogRecorder

A = TypeVar("A", bound=Aggregate)
Row = dict[str, Any]


@dataclass(frozen=True)
class Worklist:
    """A read model of one kind of aggregate: its rows are replaced in the transaction that saves the aggregate.

    `table` has a column `aggregate_id`; `rows` gives all rows of one aggregate from its state, none to leave.
    """

    table: Table
    of: type[Aggregate]
    rows: Callable[[Any], Iterable[Row]]

    def change(self, aggregate: Aggregate) -> Replace:
        """Give the rows that the aggregate's state calls for."""
        rows = [{"aggregate_id": aggregate.id, **row} for row in self.rows(aggregate)]
        return Replace(self.table, {"aggregate_id": aggregate.id}, rows)


class Application(LibraryApplication[UUID]):
    """One service's use cases on one log.

    It builds its mapper and recorder itself and reads nothing from the process environment.
    """

    aggregates: ClassVar[tuple[type[Aggregate], ...]] = ()
    worklists: ClassVar[tuple[Worklist, ...]] = ()
    log_section_size = 500

    def __init__(self, recorder: LogRecorder, catalogue: Catalogue):
        self._log = recorder
        self._catalogue = catalogue
        super().__init__()

    recorder: LogRecorder

    # The library's construction, without its environment

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Ignore the process environment: a stray setting must not change how a log is written."""
        return Environment(name, {})

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """Hand the library our recorder."""
        return _LogFactory(env, self._log)

    def construct_mapper(self) -> Mapper[UUID]:
        """Map through the catalogue."""
        return CatalogueMapper(self._catalogue)

    # Load and save

    def get(self, cls: type[A], id: UUID, context: Context | None = None, version: int | None = None) -> A:
        """Load an aggregate, as it is or as it was at a version, to act in a context; NotFound if it is not there."""
        aggregate = self.find(cls, id, context, version)
        if aggregate is None or (version is not None and aggregate.version != version):
            raise NotFound(f"there is no {cls.__name__} {id}")
        return aggregate

    def find(self, cls: type[A], id: UUID, context: Context | None = None, version: int | None = None) -> A | None:
        """Load an aggregate, or None if nothing was recorded under its id."""
        return cls.load(self.events.get(id, lte=version), context)  # type: ignore[arg-type]

    def at_version(self, id: UUID, version: int) -> Aggregate:
        """Load whatever aggregate has this id, as it was at a version."""
        history = list(self.events.get(id, lte=version))
        for cls in self.aggregates:
            if history and cls.starts_with(history[0]):  # type: ignore[arg-type]
                aggregate = cls.load(history, None)  # type: ignore[arg-type]
                if aggregate is not None and aggregate.version == version:
                    return aggregate
        raise NotFound(f"there is no version {version} of {id}")

    def save(self, *aggregates: Any, rows: Sequence[Replace] = (), moves: Sequence[Move] = ()) -> Any:  # type: ignore[override]
        """Record what the aggregates decided, their worklist rows and the request's key: all or nothing.

        Gives the first aggregate. VersionConflict, KeyReused, PositionMoved or LogUnavailable if nothing was kept;
        then throw the aggregates away and load them again.
        """
        self.record(aggregates, rows=rows, moves=moves)
        return aggregates[0] if aggregates else None

    def record(
        self, aggregates: Sequence[Aggregate], rows: Sequence[Replace] = (), moves: Sequence[Move] = ()
    ) -> Commit:
        """Do what `save` does, and give the commit with its receipt."""
        pending = [aggregate for aggregate in aggregates if aggregate.pending]
        commit = Commit(
            floor=max((a.context.floor for a in pending if a.context.floor), default=None),
            rows=[*self._worklist_changes(pending), *rows],
            moves=moves,
            key=_key_row(aggregates),
        )
        events = [(aggregate, event) for aggregate in pending for event in aggregate.collect_events()]
        self.recorder.insert_events([self.mapper.to_stored_event(event) for _, event in events], commit=commit)
        for (aggregate, event), moment in zip(events, commit.receipt.recorded_at, strict=True):
            msgspec.structs.force_setattr(event, "recorded_at", moment)
            aggregate.changed_at = moment
            aggregate.started_at = aggregate.started_at or moment
        return commit

    def _worklist_changes(self, aggregates: Sequence[Aggregate]) -> list[Replace]:
        return [
            worklist.change(aggregate)
            for aggregate in aggregates
            for worklist in self.worklists
            if isinstance(aggregate, worklist.of)
        ]

    # Read

    def find_key(self, subject: str, key: str) -> StoredKey | None:
        """Look up what an earlier request of this subject with this Idempotency-Key did."""
        return self.recorder.find_key(subject, key)

    def query(self, statement: Select[Any]) -> list[RowMapping]:
        """Read worklists."""
        return self.recorder.query(statement)

    def __del__(self) -> None:
        """Leave the log open: it belongs to whoever opened it, not to the last application that forgets it."""

    def close(self) -> None:
        """Finish the writes that wait and close the log."""
        self.closing.set()
        self.recorder.close()


def _key_row(aggregates: Sequence[Aggregate]) -> KeyRow | None:
    """Give the key of the request, kept with the first aggregate: that is what its answer shows."""
    for aggregate in aggregates:
        if aggregate.context.key is not None:
            return KeyRow(aggregate.context.key, aggregate.id, aggregate.version, aggregate.context.now)
    return None


class _LogFactory(InfrastructureFactory[Any]):
    """Hands the library the one recorder that it is given; it has no snapshots and no tracking of its own."""

    def __init__(self, env: Environment, recorder: LogRecorder):
        super().__init__(env)
        self._recorder = recorder

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Give the log."""
        return self._recorder

    def application_recorder(self) -> ApplicationRecorder:
        """Give the log."""
        return self._recorder

    def tracking_recorder(self, tracking_recorder_class: type[Any] | None = None) -> TrackingRecorder:
        """Refuse: positions travel with a commit, never as the library's tracking."""
        raise TypeError("positions travel with a commit")

    def process_recorder(self) -> ProcessRecorder:
        """Refuse: positions travel with a commit, never as the library's tracking."""
        raise TypeError("positions travel with a commit")
