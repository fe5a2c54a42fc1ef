"""A bakery with an oven: loaves that somebody must take out in time, and rusks that are packed when they are dry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import MetaData

from events.base import Actor, Event, Instant, ReactionRefused
from events.catalogue import Catalogue
from shared.clock import ShiftedClock
from shared.eventlog import Aggregate, Application, Context, Refused, Worklist, open_log, when
from shared.messaging import REFUSED_REACTIONS, Firing, Refusal, Ticker, Timers, timer_table

SIX = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
HALF_PAST_SIX = SIX + timedelta(minutes=30)
BAKER = Actor(id="baker-1", role="baker")

E = TypeVar("E", bound=Event)


class LoafPutIn(Event, frozen=True, kw_only=True, tag="caretrail.oven.loaf-put-in.v1"):
    """Must be out by a time."""

    name: str
    out_by: Instant


class LoafTurned(Event, frozen=True, kw_only=True, tag="caretrail.oven.loaf-turned.v1"):
    """Stays in the oven; with a new time if one is given."""

    out_by: Instant | None = None


class LoafTakenOut(Event, frozen=True, kw_only=True, tag="caretrail.oven.loaf-taken-out.v1"):
    """By a person."""


class LoafBurnt(Event, frozen=True, kw_only=True, tag="caretrail.oven.loaf-burnt.v1"):
    """Nobody took it out in time."""


class RusksPacked(Event, frozen=True, kw_only=True, tag="caretrail.oven.rusks-packed.v1"):
    """A loaf was dry."""

    loaf: UUID


class OvenReactionRefused(ReactionRefused, frozen=True, kw_only=True, tag="caretrail.oven.reaction-refused.v1"):
    """The oven could not do what it should."""


CATALOGUE = Catalogue([LoafPutIn, LoafTurned, LoafTakenOut, LoafBurnt, RusksPacked, OvenReactionRefused])

metadata = MetaData()
baking = timer_table("baking", metadata, "loaves in the oven")
drying = timer_table("drying", metadata, "loaves that become rusks")


class Loaf(Aggregate):
    """What is baked."""

    out_by: datetime | None
    put_in_by: str

    @classmethod
    def put_in(cls, context: Context, name: str, out_by: datetime) -> Loaf:
        """Bake it until a time."""
        loaf = cls(uuid4(), context, uuid4())
        loaf.record(LoafPutIn, name=name, out_by=out_by)
        return loaf

    def turn(self, out_by: datetime | None = None) -> None:
        """Turn it, and perhaps leave it in until another time."""
        self.record(LoafTurned, out_by=out_by)

    def take_out(self) -> None:
        """Take it out."""
        self.record(LoafTakenOut)

    def burn(self) -> None:
        """Burn, if it is still in."""
        if self.name == "stone":
            raise Refused("Stones do not burn.")
        if self.out_by is not None:
            self.record(LoafBurnt)

    @when(LoafPutIn)
    def _put_in(self, event: LoafPutIn) -> None:
        self.name, self.out_by, self.set_by = event.name, event.out_by, event.event_id

    @when(LoafTurned)
    def _turned(self, event: LoafTurned) -> None:
        if event.out_by is not None:
            self.out_by, self.set_by = event.out_by, event.event_id

    @when(LoafTakenOut, LoafBurnt)
    def _out(self, event: Event) -> None:
        self.out_by = None


class Rusks(Aggregate):
    """What a dry loaf becomes."""

    @when(RusksPacked)
    def _packed(self, event: RusksPacked) -> None:
        self.loaf = event.loaf


def _in_the_oven(loaf: Loaf) -> Iterator[dict[str, Any]]:
    if loaf.out_by is not None and loaf.name != "rusk":
        yield {"due_at": loaf.out_by, "set_by": loaf.set_by}


def _on_the_rack(loaf: Loaf) -> Iterator[dict[str, Any]]:
    if loaf.out_by is not None and loaf.name == "rusk":
        yield {"due_at": loaf.out_by, "set_by": loaf.set_by}


class Oven(Application):
    """Everything about baking."""

    aggregates = (Loaf, Rusks, Refusal)
    worklists = (Worklist(baking, Loaf, _in_the_oven), Worklist(drying, Loaf, _on_the_rack), REFUSED_REACTIONS)


@dataclass
class Kitchen:
    """An oven on a log, with a clock that a test moves.

    `errors` are what its timer meets with a loaf of that name, `meanwhile` what others do once a timer has begun.
    """

    oven: Oven
    url: str
    clock: ShiftedClock
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    seconds: float = 0.0

    def ticker(self, oven: Oven | None = None) -> Ticker:
        """Open a ticker, as a worker does; `seconds` is what its pauses are measured by."""
        return Ticker(oven or self.oven, self.timers(), self.clock, lambda: self.seconds)

    def timers(self) -> Timers:
        """Declare what happens in time."""
        timers = Timers("oven", refused=OvenReactionRefused)

        @timers.when_due(baking, records=(LoafBurnt,))
        def burn_what_nobody_took_out(loaf_id: UUID, firing: Firing) -> None:
            loaf = firing.get(Loaf, loaf_id)
            if self.errors.get(loaf.name):
                raise self.errors[loaf.name].pop(0)
            if self.meanwhile:
                self.meanwhile.pop()()
            loaf.burn()

        @timers.when_due(drying, records=(RusksPacked,))
        def pack_what_is_dry(loaf_id: UUID, firing: Firing) -> None:
            rusks = firing.add(Rusks(firing.new_id(loaf_id, firing.due_at), firing.context))
            if self.meanwhile:
                self.meanwhile.pop()()
            rusks.record(RusksPacked, loaf=loaf_id)

        return timers

    def put_in(self, name: str = "rye", out_by: datetime = HALF_PAST_SIX, **context: Any) -> Loaf:
        """Bake something."""
        return self.oven.save(Loaf.put_in(self.because(**context), name, out_by))

    def person(self, loaf: Loaf, step: Callable[[Loaf], object], oven: Oven | None = None) -> None:
        """Let a person do something with a loaf."""
        oven = oven or self.oven
        found = oven.get(Loaf, loaf.id, self.because())
        step(found)
        oven.save(found)

    def because(self, **changed: Any) -> Context:
        """Give the context of a baker."""
        given = {"actor": BAKER, "now": self.clock(), "correlation_id": uuid4(), "causation_id": "request-1"}
        return Context(**{**given, **changed})

    def facts(self, kind: type[E]) -> list[E]:
        """List what was recorded of a kind, in the order of the log."""
        logged = self.oven.recorder.read(0, 10_000)
        facts = [self.oven.mapper.to_domain_event(each) for each in logged]
        return [fact for fact in facts if isinstance(fact, kind)]

    def burnt(self) -> list[UUID]:
        """List the loaves that burnt, in the order of the log."""
        return [fact.originator_id for fact in self.facts(LoafBurnt)]


def open_oven(url: str, clock: ShiftedClock) -> Oven:
    """Open the oven as a new process would."""
    return Oven(open_log(url, clock), CATALOGUE)


@contextmanager
def another(kitchen: Kitchen) -> Iterator[Oven]:
    """Open the same oven once more, as another process has it open at the same time."""
    opened = open_oven(kitchen.url, kitchen.clock)
    yield opened
    opened.close()
