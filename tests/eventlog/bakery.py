"""A bakery: a vocabulary, an aggregate and a worklist that know nothing of health care."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from threading import Thread
from time import monotonic, sleep
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import Column, Integer, MetaData, String, Table, Uuid

from events.base import UNSET, Actor, Category, Event, Instant, Sensitive
from events.catalogue import Body, Catalogue
from shared.eventlog import Aggregate, Application, Context, Json, Refused, RequestKey, UtcDateTime, Worklist, when

MORNING = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
FRIDAY = date(2026, 11, 27)
BAKER = Actor(id="baker-1", role="baker")


class Flour(StrEnum):
    """What a loaf is made of."""

    WHEAT = "wheat"
    RYE = "rye"


class Loaf(msgspec.Struct, frozen=True, kw_only=True):
    """One loaf of an order."""

    name: str
    price: Decimal
    flour: Flour = Flour.WHEAT


class OrderPlaced(Event, frozen=True, kw_only=True, tag="caretrail.bakery.order-placed.v2"):
    """Somebody ordered bread; version 1 had one loaf only, as text."""

    due: date
    loaves: tuple[Loaf, ...] = ()
    customer: Sensitive[str, Category.IDENTITY] = UNSET
    wish: Sensitive[str | None, Category.NOTES] = UNSET


class LoafAdded(Event, frozen=True, kw_only=True, tag="caretrail.bakery.loaf-added.v1"):
    """The customer wants another loaf."""

    loaf: Loaf


class OrderBaked(Event, frozen=True, kw_only=True, tag="caretrail.bakery.order-baked.v1"):
    """The bread came out of the oven."""

    out_at: Instant


def from_one_loaf_to_many(body: Body) -> Body:
    """Bring an order of version 1 up to version 2."""
    return {**body, "loaves": [{"name": body.pop("loaf"), "price": "3.50"}]}


CATALOGUE = Catalogue(
    [OrderPlaced, LoafAdded, OrderBaked],
    {"caretrail.bakery.order-placed.v1": ("caretrail.bakery.order-placed.v2", from_one_loaf_to_many)},
)


class Order(Aggregate):
    """Bread for one customer on one day."""

    due: date
    loaves: tuple[Loaf, ...]
    baked = False

    @classmethod
    def place(cls, context: Context, due: date = FRIDAY, id: UUID | None = None, customer: UUID | None = None) -> Order:
        order = cls(id or uuid4(), context, customer)
        order.record(OrderPlaced, due=due, customer="Ada")
        return order

    def add(self, *names: str) -> None:
        if self.baked:
            raise Refused("this order is baked", allowed=("place",))
        for name in names:
            self.record(LoafAdded, loaf=Loaf(name=name, price=Decimal("3.50")))

    def bake(self) -> None:
        self.record(OrderBaked, out_at=self.context.now)

    @when(OrderPlaced)
    def _placed(self, event: OrderPlaced) -> None:
        self.due = event.due
        self.customer = event.customer
        self.loaves = event.loaves

    @when(LoafAdded)
    def _added(self, event: LoafAdded) -> None:
        self.loaves = (*self.loaves, event.loaf)

    @when(OrderBaked)
    def _baked(self, event: OrderBaked) -> None:
        self.baked = True


class Oven(Aggregate):
    """Another kind of aggregate, which nothing ever happens to."""


metadata = MetaData()
to_bake = Table(
    "to_bake",
    metadata,
    Column("aggregate_id", Uuid, nullable=False),
    Column("loaf", String(20), nullable=False),
    Column("flour", String(10), nullable=False),
    Column("place", Integer, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("noted_at", UtcDateTime),
    Column("labels", Json),
)


def loaves_to_bake(order: Order) -> list[dict[str, object]]:
    """Give a row per loaf that is not baked yet."""
    if order.baked:
        return []
    return [
        {
            "order_id": order.id,
            "place": place,
            "loaf": loaf.name,
            "flour": loaf.flour,
            "noted_at": MORNING,
            "labels": {"price": str(loaf.price), "seeds": None},
        }
        for place, loaf in enumerate(order.loaves)
    ]


class Bakery(Application):
    """The bakery's use cases."""

    aggregates = (Order, Oven)
    worklists = (Worklist(to_bake, of=Order, rows=loaves_to_bake),)


def a_context(
    key: str | None = None, body: bytes = b"\x01", floor: datetime | None = None, now: datetime = MORNING
) -> Context:
    """Stand for a request of the baker."""
    return Context(
        actor=BAKER,
        now=now,
        correlation_id=UUID(int=7),
        causation_id="request-1",
        floor=floor,
        key=RequestKey(key, "baker-1", "POST /orders", body, 201) if key else None,
    )


def at_once(count: int, work: Callable[[int], object]) -> list[BaseException | None]:
    """Run `work(0..count-1)` in as many threads; give what each raised."""
    raised: list[BaseException | None] = [None] * count

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            raised[number] = error

    threads = [Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def until(condition: Callable[[], bool], within: float = 10.0) -> None:
    """Wait for what another thread or server is about to do."""
    end = monotonic() + within
    while not condition():
        assert monotonic() < end, "it did not happen in time"
        sleep(0.005)
