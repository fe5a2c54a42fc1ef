"""What every recorded fact has in common, and how a field about a person is declared."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from uuid import UUID
from zlib import crc32

import msgspec
from msgspec import Meta

__all__ = [
    "LANES",
    "UNSET",
    "Actor",
    "Category",
    "Event",
    "Instant",
    "ParkedEventSkipped",
    "ReactionRefused",
    "ReconciledLane",
    "RefusalSettled",
    "Sensitive",
    "UpstreamReconciled",
    "event_id",
    "lane_of",
    "utc",
]

UNSET: Any = msgspec.UNSET
"""The value of a field that is not (or no longer) there; typed Any so that it may be any field's default."""

LANES = 16
"""Lanes of one log; order is promised per patient, so per lane. Fixed for the life of a log."""

Instant = Annotated[datetime, Meta(tz=True)]
"""A moment with its zone; a naive one is refused when it is read."""


class Category(StrEnum):
    """What a sensitive field tells about a person; access, consent and encryption work by category."""

    IDENTITY = "identity"
    IDENTIFIERS = "identifiers"
    FITNESS = "fitness"
    MENTAL_HEALTH = "mental-health"
    SAFETY = "safety"
    NOTES = "notes"
    SUBSTANCE_USE = "substance-use"


if TYPE_CHECKING:
    from typing import Annotated as Sensitive
else:

    class Sensitive:
        """`Sensitive[T, category]`: T, or UNSET once the patient's key is gone; sealed apart in the stored body."""

        def __class_getitem__(cls, parameters: tuple[Any, Category]) -> Any:
            kind, category = parameters
            meta = Meta(extra={"sensitive": category}, extra_json_schema={"x-sensitive": str(category)})
            return Annotated[kind | msgspec.UnsetType, meta]


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who did it: a subject's id and the role it acted in; a policy acts on behalf of the event's actor."""

    id: str
    role: str
    on_behalf_of: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """A fact as recorded; subclasses add the fact's own fields under a stable public type name.

    `originator_id` and `originator_version` place it in its aggregate's history (versions from 1, no gap).
    `occurred_at` is when it was true in the world, `recorded_at` when the log took it: the log assigns that inside
    its append lock, so it is no part of the stored body and filled in on load. `causation_id` names the request or
    the event that led here, `hops` how many reactions lie between this fact and a person or a timer.
    `imported` facts came from another system and never act by themselves. A `safety` event is one whose delay may
    cost a life: it raises an alarm when a service cannot take it.
    """

    safety: ClassVar[bool] = False

    originator_id: UUID
    originator_version: int
    occurred_at: Instant
    patient_id: UUID | None
    actor: Actor
    correlation_id: UUID
    causation_id: str
    hops: int = 0
    imported: bool = False
    recorded_at: Instant | msgspec.UnsetType = msgspec.UNSET

    @property
    def event_id(self) -> str:
        """The fact's name everywhere: `<aggregate>-<version>`."""
        return event_id(self.originator_id, self.originator_version)


class ReactionRefused(Event, frozen=True, kw_only=True):
    """A rule refused what another service's event asked for; a coordinator must look at it.

    Each service records its own subclass, with the position of the event that caused it.
    """

    policy: str
    cause: str
    cause_type: str
    reason: str


class RefusalSettled(Event, frozen=True, kw_only=True):
    """A person has dealt with a refused reaction, in the words given."""

    resolution: Sensitive[str, Category.NOTES] = UNSET


class ParkedEventSkipped(Event, frozen=True, kw_only=True):
    """An operator let a service pass over an event that it could not take, for a stated reason.

    `cause` is the event, of `cause_type`, at `position` in the log of `upstream`; it was parked at `parked_at`,
    because `parked_for`. What it would have led to here does not happen by itself.
    """

    upstream: str
    position: int
    cause: str
    cause_type: str
    parked_at: Instant
    parked_for: str
    reason: Sensitive[str, Category.NOTES] = UNSET


class ReconciledLane(msgspec.Struct, frozen=True, kw_only=True):
    """How far a service had come in one lane of an upstream's earlier epoch, and behind which position it goes on.

    `taken` and `taken_id` name the last event that it took, `goes_on_behind` the last one that both have in common;
    0 is before the first.
    """

    lane: int
    epoch: UUID
    taken: int
    taken_id: str
    goes_on_behind: int


class UpstreamReconciled(Event, frozen=True, kw_only=True):
    """An operator let a service go on in the new epoch of an upstream whose log was restored, for a stated reason.

    What the service took that the restored log no longer holds stays as it is; `lanes` tells how far back that goes.
    """

    upstream: str
    epoch: UUID
    lanes: tuple[ReconciledLane, ...]
    reason: Sensitive[str, Category.NOTES] = UNSET


def event_id(originator_id: UUID, originator_version: int) -> str:
    """Name a fact by its place: `<aggregate>-<version>`."""
    return f"{originator_id}-{originator_version}"


def lane_of(key: UUID) -> int:
    """Tell the lane (0..15) of a patient, or of an aggregate that has none."""
    return crc32(key.bytes) % LANES


def utc(moment: datetime) -> datetime:
    """Bring an aware moment to UTC; times are kept in UTC everywhere."""
    return moment.astimezone(UTC)
