"""One service's reaction to one event of another: what it loads and changes is saved with the listener's position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

from sqlalchemy import RowMapping, Select, Table

from events.base import Actor, Event
from events.envelope import CloudEvent
from shared.eventlog import Aggregate, Application, Context, NotFound, Replace

A = TypeVar("A", bound=Aggregate)

MOST_HOPS = 16
DERIVED = 5
"""The version of a UUID that is derived from a name; random ones have another."""


class NotDerived(Exception):
    """A reaction would create under an id of its own making: told again, it would create once more."""


class Acting:
    """What a policy or a timer works with.

    Loaded and added aggregates act in its context. Nothing is saved by the policy or the timer itself.
    """

    def __init__(self, application: Application, name: str, context: Context):
        self._application = application
        self._name = name
        self._loaded: dict[UUID, Aggregate] = {}
        self.context = context

    def get(self, cls: type[A], id: UUID | None) -> A:
        """Load an aggregate to change it; NotFound if it is not there."""
        aggregate = self.find(cls, id)
        if aggregate is None:
            raise NotFound(f"there is no {cls.__name__} {id}")
        return aggregate

    def find(self, cls: type[A], id: UUID | None) -> A | None:
        """Load an aggregate to change it, or None."""
        if id is None:
            return None
        if id not in self._loaded:
            found = self._application.find(cls, id, self.context)
            if found is None:
                return None
            self._loaded[id] = found
        aggregate = self._loaded[id]
        return aggregate if isinstance(aggregate, cls) else None

    def add(self, aggregate: A) -> A:
        """Save a new aggregate, too; NotDerived if its id is no derived one (see `new_id`)."""
        if aggregate.id.version != DERIVED:
            raise NotDerived(f"{self._name} would create {type(aggregate).__name__} {aggregate.id}")
        self._loaded[aggregate.id] = aggregate
        return aggregate

    def new_id(self, subject: UUID, occasion: object) -> UUID:
        """Derive the id of what is created from who creates it, subject and occasion: once for that occasion."""
        return uuid5(subject, f"{self._name}/{occasion}")

    def query(self, statement: Select[Any]) -> list[RowMapping]:
        """Read worklists and projections of the own service."""
        return self._application.query(statement)

    @property
    def changed(self) -> list[Aggregate]:
        """List what was changed."""
        return [aggregate for aggregate in self._loaded.values() if aggregate.pending]


class Reaction(Acting):
    """What a policy works with: caused by the event, on behalf of its actor."""

    def __init__(self, application: Application, service: str, policy: str, event: Event, now: datetime):
        super().__init__(application, policy, context_of(service, policy, event, now))


class Rows:
    """The rows that projections of one event put into place; `envelope` is how the event came, bytes and position."""

    def __init__(self, envelope: CloudEvent | None = None) -> None:
        self.envelope = envelope
        self.changes: list[Replace] = []

    def replace(self, table: Table, where: Mapping[str, object], rows: Sequence[Mapping[str, object]] = ()) -> None:
        """Put rows in the place of all that match; none to remove them."""
        self.changes.append(Replace(table, dict(where), [dict(row) for row in rows]))


def context_of(service: str, policy: str, event: Event, now: datetime) -> Context:
    """Give the context of a reaction: this policy, caused by this event."""
    return Context(
        actor=Actor(id=f"policy:{service}.{policy}", role="service", on_behalf_of=_person_behind(event)),
        now=now,
        correlation_id=event.correlation_id,
        causation_id=event.event_id,
        hops=event.hops + 1,
        floor=event.recorded_at or None,
    )


def _person_behind(event: Event) -> str:
    return event.actor.on_behalf_of or event.actor.id
