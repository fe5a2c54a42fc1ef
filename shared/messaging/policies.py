"""Whenever another service records something: the declared reactions and projections of one service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from events.base import Event, ReactionRefused
from events.envelope import CloudEvent
from shared.messaging.reaction import Reaction, Rows

ACTS_WITHIN = timedelta(days=7)

Act = Callable[[Any, Reaction], None]
Project = Callable[[Any, Rows], None]
F = TypeVar("F", bound=Callable[..., None])


@dataclass(frozen=True)
class Policy:
    """One reaction: its name is the sentence, `records` what it may lead to, `within` how old a fact may be to act."""

    name: str
    on: type[Event]
    records: tuple[type[Event], ...]
    within: timedelta
    act: Act


class Policies:
    """All reactions of one service; `refused` is its own event for a reaction that a rule refuses."""

    def __init__(self, service: str, refused: type[ReactionRefused]):
        self.service = service
        self.refused = refused
        self._policies: list[Policy] = []
        self._projections: list[tuple[type[Event], Project]] = []

    def whenever(
        self, on: type[Event], *, records: Iterable[type[Event]], within: timedelta = ACTS_WITHIN
    ) -> Callable[[F], F]:
        """Declare a policy: `policy(event, reaction)` changes aggregates; what it changes is saved for it."""

        def declare(act: F) -> F:
            self._policies.append(Policy(act.__name__, on, tuple(records), within, act))
            return act

        return declare

    def projects(self, *on: type[Event]) -> Callable[[F], F]:
        """Declare a projection: `projection(event, rows)` keeps another service's facts as rows, old ones too."""

        def declare(project: F) -> F:
            self._projections.extend((event_class, project) for event_class in on)
            return project

        return declare

    def for_event(self, event: Event) -> list[Policy]:
        """List the policies that an event calls for."""
        return [policy for policy in self._policies if isinstance(event, policy.on)]

    def project(self, event: Event, envelope: CloudEvent | None = None) -> Rows:
        """Collect the rows that an event's projections put into place."""
        rows = Rows(envelope)
        for on, projection in self._projections:
            if isinstance(event, on):
                projection(event, rows)
        return rows

    def concern(self, event_class: type[Event]) -> bool:
        """Tell whether anything here listens to a class of events."""
        listened = [*(policy.on for policy in self._policies), *(on for on, _ in self._projections)]
        return any(issubclass(event_class, on) for on in listened)

    def __iter__(self) -> Iterator[Policy]:
        return iter(self._policies)
