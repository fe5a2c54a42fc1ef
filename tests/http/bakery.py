"""A small bakery on the shared mechanism: its orders belong to customers, who stand where patients stand."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Column, Integer, MetaData, Select, String, Table, Uuid, literal, select, union_all

from events.base import Event, Instant
from shared.access import AccessTable, Relation, Role, Rule, care_team_table
from shared.eventlog import (
    Aggregate,
    Application,
    Context,
    LogUnavailable,
    Refused,
    UtcDateTime,
    Worklist,
    when,
)
from shared.http import (
    Blueprint,
    Query,
    Strict,
    View,
    application,
    fields,
    lists,
    must_see,
    performs,
    reads,
    records,
    request_context,
)

NOW = datetime.fromisoformat("2026-11-23T09:00:00+00:00")
ANNA, BERT, CHLOE = "anna", "bert", "chloe"
CUSTOMER = UUID("11111111-1111-4111-8111-111111111111")
OTHER_CUSTOMER = UUID("22222222-2222-4222-8222-222222222222")


class Flour(StrEnum):
    RYE = "rye"
    WHEAT = "wheat"


class OrderTaken(Event, kw_only=True, frozen=True, tag="caretrail.bakery.order-taken.v1"):
    """Somebody wants bread."""

    loaves: int
    note: str | None = None
    organic: bool | None = None
    flour: Flour | None = None
    pick_up_at: Instant | None = None
    pick_up_on: date | None = None
    kilograms: Decimal | None = None
    toppings: tuple[str, ...] = ()


class OrderChanged(Event, kw_only=True, frozen=True, tag="caretrail.bakery.order-changed.v1"):
    """They want more, or less."""

    loaves: int


class OrderBaked(Event, kw_only=True, frozen=True, tag="caretrail.bakery.order-baked.v1"):
    """The bread is ready."""


class Order(Aggregate):
    """One order of bread."""

    loaves = 0
    note: str | None = None
    baked = False

    def take(self, **words: Any) -> None:
        self.record(OrderTaken, **words)

    def change(self, loaves: int) -> None:
        self._must_not_be_baked()
        self.record(OrderChanged, loaves=loaves)

    def bake(self) -> None:
        self._must_not_be_baked()
        self.record(OrderBaked)

    def _must_not_be_baked(self) -> None:
        if self.baked:
            raise Refused("The bread is baked.", allowed=("hand-over",), code="baked")

    @when(OrderTaken)
    def _taken(self, event: OrderTaken) -> None:
        self.loaves = event.loaves
        self.note = event.note

    @when(OrderChanged)
    def _changed(self, event: OrderChanged) -> None:
        self.loaves = event.loaves

    @when(OrderBaked)
    def _baked(self, _event: OrderBaked) -> None:
        self.baked = True


metadata = MetaData()
orders_table = Table(
    "orders",
    metadata,
    Column("aggregate_id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("taken_by", String, nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("loaves", Integer, nullable=False),
)
care_team = care_team_table(metadata)
flours = union_all(*(select(literal(str(flour)).label("flour")) for flour in Flour)).subquery()


class Bakery(Application):
    """Take, change and bake orders."""

    aggregates = (Order,)
    worklists = (
        Worklist(
            orders_table,
            of=Order,
            rows=lambda order: [
                {
                    "customer_id": order.patient_id,
                    "taken_by": order.context.actor.id,
                    "taken_at": order.context.now,
                    "loaves": order.loaves,
                }
            ],
        ),
    )
    unavailable = False

    def take(self, context: Context, patient_id: UUID, **words: Any) -> Order:
        order = Order(uuid4(), context, patient_id)
        order.take(**words)
        return self.save(order)

    def change(self, context: Context, order_id: UUID, version: int, loaves: int) -> Order:
        order = self.get(Order, order_id, context, version=version)
        order.change(loaves)
        return self.save(order)

    def bake(self, context: Context, order_id: UUID) -> Order:
        if self.unavailable:
            raise LogUnavailable("disk full")
        order = self.get(Order, order_id, context)
        order.bake()
        return self.save(order)


class TakeOrder(Strict):
    """Order bread."""

    patient_id = fields.UUID(required=True)
    loaves = fields.Integer(required=True, min=1, max=100)
    note = fields.String(max_length=100)
    organic = fields.Boolean()
    flour = fields.Enum(Flour)
    pick_up_at = fields.DateTime()
    pick_up_on = fields.Date()
    kilograms = fields.Decimal(min=0, max=50, decimals=2)
    toppings = fields.List(fields.String(max_length=20), max_length=10)


class ChangeOrder(Strict):
    """Order more, or less."""

    loaves = fields.Integer(required=True, min=1, max=100)


class OrderView(View):
    """An order."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    loaves = fields.Integer(required=True)
    note = fields.String(allow_none=True)
    baked = fields.Boolean(required=True)


class OrderRow(View):
    """A line of the order book."""

    aggregate_id = fields.UUID(required=True)
    customer_id = fields.UUID(required=True)
    loaves = fields.Integer(required=True)


class FlourRow(View):
    """A line of the pantry, which keeps plain words."""

    flour = fields.Enum(Flour, required=True)


class Which(Query):
    """Which orders."""

    loaves = fields.Integer(min=1)


class Recipe(Strict):
    """A recipe to try."""

    steps = fields.List(fields.String(max_length=500), required=True)


class Count(View):
    """How many."""

    steps = fields.Integer(required=True)


def bakery() -> Bakery:
    return application(Bakery)


def customer_of(order_id: UUID) -> UUID | None:
    return bakery().get(Order, order_id).patient_id


def routes() -> Blueprint:
    """The bakery's API."""
    blueprint = Blueprint("orders", __name__, description="Orders of bread")

    @records(blueprint, "/orders", TakeOrder, OrderView, status=201)
    def take_order(command: dict[str, Any]) -> Order:
        """Order bread."""
        must_see(command["patient_id"])
        return bakery().take(request_context(), **command)

    @records(
        blueprint, "/orders/<uuid:order_id>/change", ChangeOrder, OrderView, patient_of=customer_of, if_match=Order
    )
    def change_order(command: dict[str, Any], order_id: UUID, version: int) -> Order:
        """Change the number of loaves."""
        return bakery().change(request_context(), order_id, version, **command)

    @records(blueprint, "/orders/<uuid:order_id>/bake", None, OrderView, patient_of=customer_of)
    def bake_order(order_id: UUID) -> Order:
        """Bake it."""
        return bakery().bake(request_context(), order_id)

    @reads(blueprint, "/orders/<uuid:order_id>", OrderView, patient_of=customer_of)
    def order(order_id: UUID) -> Order:
        """One order."""
        return bakery().get(Order, order_id)

    by = (orders_table.c.taken_at, orders_table.c.aggregate_id)

    @lists(blueprint, "/orders", OrderRow, by=by, query=Which, patient=orders_table.c.customer_id)
    def order_book(loaves: int | None = None) -> Select[Any]:
        """The orders of the caller's customers."""
        book = select(orders_table)
        return book if loaves is None else book.where(orders_table.c.loaves == loaves)

    @lists(blueprint, "/flours", FlourRow, by=(flours.c.flour,))
    def flour_list() -> Select[Any]:
        """What there is to bake with."""
        return select(flours)

    @performs(blueprint, "/recipes", Recipe, Count, body_limit=1024 * 1024)
    def try_recipe(command: dict[str, Any]) -> dict[str, int]:
        """Count the steps of a recipe."""
        return {"steps": len(command["steps"])}

    @reads(blueprint, "/careless/<uuid:order_id>", OrderView)
    def careless(order_id: UUID) -> Order:
        """A route that looks at no customer although its row asks for one."""
        return bakery().get(Order, order_id)

    @reads(blueprint, "/broken", None)
    def broken() -> Any:
        """A route that fails."""
        raise KeyError("what Mrs Smith said")

    @reads(blueprint, "/heads", None)
    def heads() -> Any:
        """For other services."""
        return {"heads": []}

    @reads(blueprint, "/forgotten", None)
    def forgotten() -> Any:
        """A route without a row."""
        return {}

    return blueprint


BAKERS = {Role.CARE_COORDINATOR}
ACCESS: AccessTable = {
    "take_order": Rule(BAKERS, Relation.MEMBER),
    "change_order": Rule(BAKERS, Relation.MEMBER),
    "bake_order": Rule(BAKERS, Relation.MEMBER),
    "order": Rule(BAKERS | {Role.PATIENT}, Relation.MEMBER) | Rule({Role.AUDITOR}),
    "order_book": Rule(BAKERS | {Role.PATIENT}, Relation.MEMBER) | Rule({Role.AUDITOR}),
    "flour_list": Rule(BAKERS),
    "try_recipe": Rule(BAKERS),
    "careless": Rule(BAKERS, Relation.MEMBER),
    "broken": Rule(BAKERS),
    "heads": Rule({Role.SERVICE}),
}
