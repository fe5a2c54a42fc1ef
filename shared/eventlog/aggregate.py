"""The aggregate base: decide, record, apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

from events.base import Actor, Event


class Refused(Exception):
    """A rule says no. The message is fit for a clinician and holds no patient's words or values.

    `allowed` names the steps that this caller may take instead; `code` is a stable word for programs.
    """

    def __init__(self, message: str, *, allowed: Sequence[str] = (), code: str = "refused-by-rule"):
        super().__init__(message)
        self.allowed = tuple(allowed)
        self.code = code


class NotFound(Exception):
    """There is no such aggregate of that kind."""


@dataclass(frozen=True)
class RequestKey:
    """The Idempotency-Key of one request: whose, for which route and body, and the status of its first answer."""

    key: str
    subject: str
    route: str
    body_hash: bytes
    status: int


@dataclass(frozen=True)
class Context:
    """Who acts, when, and because of what: stamped on every event that an aggregate records.

    `now` is the acting side's clock; `occurred_at` when the fact was true, if earlier. `floor` is the recorded time
    of the cause: no effect is recorded before its cause. `key` is set for a request that must answer a repeat alike.
    """

    actor: Actor
    now: datetime
    correlation_id: UUID
    causation_id: str
    hops: int = 0
    occurred_at: datetime | None = None
    floor: datetime | None = None
    key: RequestKey | None = None
    imported: bool = False

    def at(self, occurred_at: datetime | None) -> Context:
        """Give the same context for a fact that was true earlier."""
        return self if occurred_at is None else replace(self, occurred_at=occurred_at)


E = TypeVar("E", bound=Event)
A = TypeVar("A", bound="Aggregate")
Applier = Callable[[Any, Any], None]


def when(*event_classes: type[Event]) -> Callable[[Applier], Applier]:
    """Mark the method that applies events of these classes; it never refuses: yesterday's history must load."""

    def mark(method: Applier) -> Applier:
        method.applies = event_classes  # type: ignore[attr-defined]
        return method

    return mark


class Aggregate:
    """One thing with a history: its public methods decide and record, its `when` methods apply.

    `version` counts its events. `patient_id` is whose case it belongs to, if anybody's. `started_at` and `changed_at`
    are the recorded times of its first and last event (None until they are stored).
    """

    _appliers: ClassVar[dict[type[Event], Applier]] = {}

    def __init_subclass__(cls) -> None:
        cls._appliers = dict(cls._appliers)
        for method in vars(cls).values():
            for event_class in getattr(method, "applies", ()):
                cls._appliers[event_class] = method

    def __init__(self, id: UUID, context: Context, patient_id: UUID | None = None):
        self.id = id
        self.version = 0
        self.patient_id = patient_id
        self.context = context
        self.started_at: datetime | None = None
        self.changed_at: datetime | None = None
        self._pending: list[Event] = []

    @classmethod
    def starts_with(cls, event: Event) -> bool:
        """Tell whether a history that begins with this event is one of this class."""
        return cls._applier_of(type(event)) is not None

    @classmethod
    def _applier_of(cls, event_class: type[Event]) -> Applier | None:
        for base in event_class.__mro__:
            if base in cls._appliers:
                return cls._appliers[base]
        return None

    @classmethod
    def load(cls, events: Iterable[Event], context: Context | None) -> Self | None:
        """Replay a history; None if it is empty. NotFound if it is the history of something else."""
        aggregate = None
        for event in events:
            if aggregate is None:
                if not cls.starts_with(event):
                    raise NotFound(f"{event.originator_id} is no {cls.__name__}")
                aggregate = cls(event.originator_id, context or replayed(event), event.patient_id)
                aggregate.started_at = event.recorded_at or None
            aggregate._apply(event)
        return aggregate

    def record(self, event_class: type[E], /, **fields: Any) -> E:
        """Record that something happened: the fact's own fields are given, everything else comes from the context."""
        context = self.context
        event = event_class(
            originator_id=self.id,
            originator_version=self.version + 1,
            occurred_at=context.occurred_at or context.now,
            patient_id=self.patient_id,
            actor=context.actor,
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
            hops=context.hops,
            imported=context.imported,
            **fields,
        )
        self._apply(event)
        self._pending.append(event)
        return event

    def _apply(self, event: Event) -> None:
        applier = self._applier_of(type(event))
        if applier is not None:
            applier(self, event)
        self.version = event.originator_version
        self.changed_at = event.recorded_at or self.changed_at

    @property
    def pending(self) -> tuple[Event, ...]:
        """What it has recorded since it was loaded or saved."""
        return tuple(self._pending)

    def collect_events(self) -> Sequence[Event]:
        """Hand over what was recorded, for saving."""
        collected, self._pending = self._pending, []
        return collected


def replayed(event: Event) -> Context:
    """Give the context in which an event was recorded: for reading a history without acting on it."""
    return Context(
        actor=event.actor,
        now=event.occurred_at,
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
        hops=event.hops,
    )
