"""The record that facts are folded into, section by section."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from events.base import Event

Entry = dict[str, Any]
Fold = Callable[["PatientRecord", Any], None]

BASE_FIELDS = {field.name for field in msgspec.structs.fields(Event)} | {"type"}

_folds: dict[type[Event], Fold] = {}


def after(*event_classes: type[Event]) -> Callable[[Fold], Fold]:
    """Declare what a fact of these classes changes in the record."""

    def declare(fold: Fold) -> Fold:
        _folds.update(dict.fromkeys(event_classes, fold))
        return fold

    return declare


def folded() -> frozenset[type[Event]]:
    """Give the classes of facts that change the record."""
    return frozenset(_folds)


class PatientRecord:
    """A patient as the given facts leave them; every section lists its entries in the order they began."""

    def __init__(self) -> None:
        self.patient: Entry = {}
        self.care_team: dict[str, Entry] = {}
        self.screenings: dict[str, Entry] = {}
        self.referrals: dict[str, Entry] = {}
        self.programs: dict[str, Entry] = {}
        self.plans: dict[str, Entry] = {}
        self.measures: list[Entry] = []
        self.alerts: dict[str, Entry] = {}
        self.imported: list[Entry] = []
        self.refused: dict[str, Entry] = {}
        self.skipped: list[Entry] = []

    @classmethod
    def of(cls, facts: Iterable[Event]) -> PatientRecord:
        """Fold facts in the order they were recorded."""
        record = cls()
        for fact in facts:
            fold = _folds.get(type(fact))
            if fold is not None:
                fold(record, fact)
        return record

    def view(self) -> Entry:
        """Write the record for an answer."""
        return {
            "patient": self.patient,
            "care_team": list(self.care_team.values()),
            "screenings": list(self.screenings.values()),
            "referrals": list(self.referrals.values()),
            "programs": list(self.programs.values()),
            "monitoring": list(self.plans.values()),
            "measures": self.measures,
            "alerts": list(self.alerts.values()),
            "imported": self.imported,
            "refused_reactions": list(self.refused.values()),
            "skipped_events": self.skipped,
        }


def own_fields(event: Event) -> Entry:
    """Give what a fact says of its own, as plain values; what can no longer be opened is absent."""
    fields: Entry = msgspec.to_builtins(event)
    return {name: value for name, value in fields.items() if name not in BASE_FIELDS}


def noted(event: Event) -> Entry:
    """Give what a fact says with when and by whom."""
    return {**own_fields(event), "at": time_of(event), "by": event.actor.id, "event_id": event.event_id}


def time_of(event: Event) -> str:
    """Write when a fact was true."""
    return event.occurred_at.isoformat().replace("+00:00", "Z")


def id_of(event: Event) -> str:
    """Write whose fact it is: the aggregate's id."""
    return str(event.originator_id)
