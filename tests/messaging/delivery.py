"""A bakery that delivers: one service that bakes, one that sends parcels whenever the other has baked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from uuid import UUID, uuid4

from sqlalchemy import Column, Integer, MetaData, String, Table, Uuid

from events.base import Actor, Event, ReactionRefused, RefusalSettled
from events.catalogue import Catalogue
from events.envelope import CloudEvent
from shared.eventlog import Aggregate, Application, Context, LogRecorder, Refused, migrate, open_log, when
from shared.messaging import REFUSED_REACTIONS, HeadsView, Inbox, Page, Policies, Reaction, Refusal, Rows, heads, page
from shared.messaging.feed import FeedUnavailable
from tests.servers import database_name, fresh_database, url_as_role

MORNING = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
BAKER = Actor(id="baker-1", role="baker")


class BreadBaked(Event, frozen=True, kw_only=True, tag="caretrail.bakery.bread-baked.v1"):
    """Bread came out of the oven."""

    name: str


class OvenCleaned(Event, frozen=True, kw_only=True, tag="caretrail.bakery.oven-cleaned.v1"):
    """Nobody but the bakery cares about this."""


class ParcelSent(Event, frozen=True, kw_only=True, tag="caretrail.shipping.parcel-sent.v1"):
    """The bread is on its way."""

    bread: UUID


class ShippingReactionRefused(ReactionRefused, frozen=True, kw_only=True, tag="caretrail.shipping.reaction-refused.v1"):
    """Shipping could not do what was asked."""


class ShippingRefusalSettled(RefusalSettled, frozen=True, kw_only=True, tag="caretrail.shipping.refusal-settled.v1"):
    """Somebody dealt with it."""


CATALOGUE = Catalogue([BreadBaked, OvenCleaned, ParcelSent, ShippingReactionRefused, ShippingRefusalSettled])
WITHOUT_BREAD = Catalogue([OvenCleaned, ParcelSent, ShippingReactionRefused, ShippingRefusalSettled])

metadata = MetaData()
shelf = Table(
    "shelf",
    metadata,
    Column("bread", Uuid, primary_key=True),
    Column("name", String(100)),
    Column("put_there_by", Integer),
)


class Bread(Aggregate):
    """What the bakery makes."""

    @classmethod
    def bake(cls, context: Context, name: str, customer: UUID) -> Bread:
        """Bake for a customer."""
        bread = cls(uuid4(), context, customer)
        bread.record(BreadBaked, name=name)
        return bread

    def clean(self) -> None:
        """Clean the oven."""
        self.record(OvenCleaned)

    @when(BreadBaked)
    def _baked(self, event: BreadBaked) -> None:
        self.name = event.name


class Parcel(Aggregate):
    """What shipping sends."""

    @classmethod
    def send(cls, id: UUID, context: Context, customer: UUID | None, bread: UUID) -> Parcel:
        """Send bread."""
        parcel = cls(id, context, customer)
        parcel.record(ParcelSent, bread=bread)
        return parcel

    @when(ParcelSent)
    def _sent(self, event: ParcelSent) -> None:
        self.bread = event.bread


class Bakery(Application):
    """The upstream."""

    aggregates = (Bread,)


class Shipping(Application):
    """The service that reacts."""

    aggregates = (Parcel, Refusal)
    worklists = (REFUSED_REACTIONS,)


@dataclass
class Mood:
    """How shipping feels about a kind of bread: the error that its policy meets, how often."""

    errors: dict[str, list[Exception]] = field(default_factory=dict)


def shipping_policies(mood: Mood) -> Policies:
    """Declare what shipping does."""
    policies = Policies("shipping", refused=ShippingReactionRefused)

    @policies.whenever(BreadBaked, records=(ParcelSent,), within=timedelta(days=7))
    def send_a_parcel(event: BreadBaked, shipping: Reaction) -> None:
        if event.name == "stale":
            raise Refused("Stale bread is not sent.")
        if mood.errors.get(event.name):
            raise mood.errors[event.name].pop(0)
        parcel = shipping.new_id(event.originator_id, "parcel")
        shipping.add(Parcel.send(parcel, shipping.context, event.patient_id, event.originator_id))

    @policies.projects(BreadBaked)
    def keep_the_shelf(event: BreadBaked, rows: Rows) -> None:
        row = {"bread": event.originator_id, "name": event.name, "put_there_by": os.getpid()}
        rows.replace(shelf, {"bread": event.originator_id}, [row])

    return policies


class Upstream:
    """The bakery's feed, asked directly; `away` makes it unreachable, `rewrite` changes what it answers."""

    def __init__(self, recorder: LogRecorder):
        self.recorder = recorder
        self.away = False
        self.asked = 0
        self.rewrite: Callable[[Page], Page] = lambda found: found
        self.rewrite_heads: Callable[[HeadsView], HeadsView] = lambda found: found

    def read(self, after: int, lane: int | None = None, limit: int = 500) -> Page:
        """Read a page."""
        self._must_answer()
        return self.rewrite(page("bakery", self.recorder, after, limit, lane))

    def heads(self) -> HeadsView:
        """Read the heads."""
        self._must_answer()
        return self.rewrite_heads(heads(self.recorder))

    def _must_answer(self) -> None:
        self.asked += 1
        if self.away:
            raise FeedUnavailable("the bakery does not answer")


@dataclass
class Town:
    """Both services on logs of their own."""

    bakery: Bakery
    shipping: Shipping
    upstream: Upstream
    mood: Mood
    policies: Policies
    now: datetime = MORNING

    def inbox(self, catalogue: Catalogue = CATALOGUE) -> Inbox:
        """Open another inbox of shipping, as a new process would."""
        feeds = {"bakery": self.upstream}
        return Inbox(self.shipping, catalogue, self.policies, feeds, lambda: self.now, pause=lambda _: None)  # type: ignore[arg-type]

    def bake(self, name: str = "rye", customer: UUID | None = None, **context: object) -> Bread:
        """Record bread in the bakery's log."""
        bread = Bread.bake(self.because(**context), name, customer or uuid4())
        self.bakery.save(bread)
        return bread

    def because(self, **changed: object) -> Context:
        """Give the context of a baker."""
        given = {"actor": BAKER, "now": self.now, "correlation_id": uuid4(), "causation_id": "request-1", **changed}
        return Context(**given)  # type: ignore[arg-type]

    def messages(self, after: int = 0) -> Sequence[CloudEvent]:
        """Give the bakery's log as the broker would bring it."""
        return page("bakery", self.bakery.recorder, after, 1000).events

    def parcels(self) -> list[UUID]:
        """List the bread that was sent, in the order of shipping's log."""
        logged = self.shipping.recorder.read(0, 10_000)
        facts = [CATALOGUE.decode(event.topic, event.state) for event in logged]
        return [fact.bread for fact in facts if isinstance(fact, ParcelSent)]


@contextmanager
def town(folder: Path) -> Iterator[Town]:
    """Open both services on new SQLite files in a folder."""
    urls = {name: f"sqlite:///{folder / name}.sqlite" for name in ("bakery", "shipping")}
    for url in urls.values():
        migrate(url, None, metadata)
    with opened(urls) as place:
        yield place


@contextmanager
def town_on_postgres(admin_url: str) -> Iterator[tuple[Town, dict[str, str]]]:
    """Open both services on new PostgreSQL databases; with their URLs, for other processes of them."""
    with ExitStack() as at_end:
        urls = {}
        for name in ("bakery", "shipping"):
            superuser = at_end.enter_context(fresh_database(admin_url))
            urls[name] = url_as_role(superuser, f"{database_name(superuser)}_{name}", "sesame/1")
            migrate(urls[name], superuser, metadata)
        yield at_end.enter_context(opened(urls)), urls


@contextmanager
def opened(urls: Mapping[str, str]) -> Iterator[Town]:
    """Open both services on their logs."""
    logs = {name: open_log(url, lambda: datetime.now(UTC)) for name, url in urls.items()}
    mood = Mood()
    place = Town(
        Bakery(logs["bakery"], CATALOGUE),
        Shipping(logs["shipping"], CATALOGUE),
        Upstream(logs["bakery"]),
        mood,
        shipping_policies(mood),
        now=datetime.now(UTC),
    )
    yield place
    place.bakery.close()
    place.shipping.close()


def until(happened: Callable[[], object], within: float = 60.0) -> None:
    """Wait until something has happened; AssertionError if it does not in time."""
    deadline = monotonic() + within
    while not happened():
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.01)
