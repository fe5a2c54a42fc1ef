"""The bakery when something goes wrong there: its oven burns, customers get gifts, and shipping cannot cope."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from events.base import Event, ParkedEventSkipped
from events.catalogue import Catalogue
from shared.eventlog import Application
from shared.messaging import Inbox, Policies, Reaction, Rows, points
from tests.messaging import delivery
from tests.messaging.delivery import Bread, BreadBaked, Mood, Parcel, ParcelSent, Town
from tests.servers import database_name, url_of_database

EMPTIED = """
ALTER TABLE events DISABLE TRIGGER events_never_change;
TRUNCATE events, positions, parked, begun, refused_reactions, shelf;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_never_change;
UPDATE log_state SET heads_at = NULL
"""


class OvenOnFire(Event, frozen=True, kw_only=True, tag="caretrail.bakery.oven-on-fire.v1"):
    """Whoever waits for help must not wait behind bread."""

    safety = True


class ShippingEventSkipped(ParkedEventSkipped, frozen=True, kw_only=True, tag="caretrail.shipping.event-skipped.v1"):
    """Shipping passed over something."""


CATALOGUE = Catalogue([*delivery.CATALOGUE, OvenOnFire, ShippingEventSkipped])
WITHOUT_BREAD = Catalogue([*delivery.WITHOUT_BREAD, OvenOnFire, ShippingEventSkipped])


def policies_of(mood: Mood) -> Policies:
    """Declare what shipping does: parcels for bread, a card with it for gifts, an engine to a fire."""
    policies = delivery.shipping_policies(mood)

    @policies.whenever(BreadBaked, records=(ParcelSent,))
    def send_a_card(event: BreadBaked, shipping: Reaction) -> None:
        if event.name.startswith("gift"):
            fail(mood, f"card for {event.name}")
            card = shipping.new_id(event.originator_id, "card")
            shipping.add(Parcel.send(card, shipping.context, event.patient_id, event.originator_id))

    @policies.projects(BreadBaked)
    def note_the_flour(event: BreadBaked, rows: Rows) -> None:
        fail(mood, f"flour of {event.name}")

    @policies.whenever(OvenOnFire, records=(ParcelSent,))
    def send_the_engine(event: OvenOnFire, shipping: Reaction) -> None:
        fail(mood, "engine")
        engine = shipping.new_id(event.originator_id, event.event_id)
        shipping.add(Parcel.send(engine, shipping.context, event.patient_id, event.originator_id))

    return policies


def fail(mood: Mood, what: str) -> None:
    """Meet the next of the errors that the mood has for something."""
    if mood.errors.get(what):
        raise mood.errors[what].pop(0)


class Street(Town):
    """The town with what may go wrong."""

    def inbox(self, catalogue: Catalogue = CATALOGUE) -> Inbox:
        """Open another inbox of shipping, as a new process would."""
        return super().inbox(catalogue)

    def burn(self, customer: UUID | None = None) -> Bread:
        """Record a fire in the bakery's log."""
        bread = Bread(uuid4(), self.because(), customer)
        bread.record(OvenOnFire)
        self.bakery.save(bread)
        return bread

    def sent(self) -> list[UUID]:
        """List what parcels were sent for, in the order of shipping's log."""
        return [fact.bread for fact in self.facts() if isinstance(fact, ParcelSent)]

    def facts(self) -> list[Event]:
        """List all that shipping recorded."""
        return [CATALOGUE.decode(each.topic, each.state) for each in self.shipping.recorder.read(0, 10_000)]

    def parked(self) -> list[tuple[str, str]]:
        """List event and kind of what is parked, in order."""
        return [(row["event_id"], row["kind"]) for row in self.shipping.recorder.parked()]

    def take_all(self, inbox: Inbox | None = None) -> Inbox:
        """Let an inbox take what the bakery has recorded."""
        taking = inbox or self.inbox()
        for message in self.messages():
            taking.take(message)
        return taking


def street(town: Town) -> Street:
    """Give a town's logs to services that know what may go wrong."""
    logs: tuple[Application, Application] = (
        delivery.Bakery(town.bakery.recorder, CATALOGUE),
        delivery.Shipping(town.shipping.recorder, CATALOGUE),
    )
    return Street(*logs, town.upstream, town.mood, policies_of(town.mood), now=town.now)  # type: ignore[arg-type]


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Street]:
    """Open it on new SQLite files."""
    with delivery.town(folder) as town:
        yield street(town)


@contextmanager
def on_postgres(admin_url: str) -> Iterator[Callable[[], Street]]:
    """Open it on new PostgreSQL databases; each call gives it anew, with empty logs."""
    with delivery.town_on_postgres(admin_url) as (town, urls):
        superusers = [url_of_database(admin_url, database_name(url)) for url in urls.values()]

        def emptied() -> Street:
            for superuser in superusers:
                with psycopg.connect(superuser, options="-c lock_timeout=10s") as connection:
                    connection.execute(EMPTIED)
            town.mood.errors.clear()
            return street(town)

        yield emptied


@contextmanager
def meanwhile(happens: Callable[[], object], at: str = points.BEFORE_APPEND) -> Iterator[None]:
    """Let something happen once, when a reaction comes to a point for the first time."""
    waiting = [happens]

    def watcher(point: str, types: Collection[str]) -> None:
        if point == at and waiting:
            waiting.pop()()

    points.watch(watcher)
    try:
        yield
    finally:
        points._watchers.remove(watcher)
    assert not waiting, "it never came to that point"
