"""A reader meets what a newer version recorded: it is parked, and taken as soon as the reader is as new."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from events.base import Event
from events.catalogue import Body, Catalogue
from shared.messaging import Policies, Reaction
from tests.messaging import delivery
from tests.messaging.delivery import Bread, OvenCleaned, Parcel, ParcelSent, ShippingReactionRefused, Town, town

V1, V2 = "caretrail.bakery.bread-baked.v1", "caretrail.bakery.bread-baked.v2"


class BreadBakedBetter(Event, frozen=True, kw_only=True, tag=V2):
    """Bread came out of the oven; since version 2 with its weight."""

    name: str
    grams: int


class BreadSliced(Event, frozen=True, kw_only=True, tag="caretrail.bakery.bread-sliced.v1"):
    """A type that no older version knows."""


def with_a_weight(body: Body) -> Body:
    """Bring version 1 up: bread had a kilogram then."""
    return {**body, "grams": 1000}


NEWER = Catalogue(
    [BreadBakedBetter, BreadSliced, OvenCleaned, ParcelSent, ShippingReactionRefused, delivery.ShippingRefusalSettled],
    {V1: (V2, with_a_weight)},
)


def newer_policies() -> Policies:
    """Declare what the newer version of shipping does with the same bread."""
    policies = Policies("shipping", refused=ShippingReactionRefused)

    @policies.whenever(BreadBakedBetter, records=(ParcelSent,), within=timedelta(days=7))
    def send_a_parcel(event: BreadBakedBetter, shipping: Reaction) -> None:
        parcel = shipping.new_id(event.originator_id, "parcel")
        shipping.add(Parcel.send(parcel, shipping.context, event.patient_id, event.originator_id))

    return policies


@contextmanager
def the_newer_shipping(streets: Town):
    """Open shipping's log with the newer version of the program."""
    shipping = delivery.Shipping(streets.shipping.recorder, NEWER)
    older, older_policies = streets.shipping, streets.policies
    streets.shipping, streets.policies = shipping, newer_policies()
    yield streets.inbox(NEWER)
    streets.shipping, streets.policies = older, older_policies


@pytest.fixture
def streets(tmp_path: Path) -> Iterator[Town]:
    """A bakery of the newer version, and shipping of the older."""
    with town(tmp_path) as opened:
        opened.bakery = delivery.Bakery(opened.bakery.recorder, Catalogue([*delivery.CATALOGUE, *newer_classes()]))
        yield opened


def newer_classes() -> list[type[Event]]:
    return [BreadBakedBetter, BreadSliced]


def bake(streets: Town, newer: type[Event], customer, **fields) -> Bread:
    """Record a fact of a newer class."""
    bread = Bread(uuid4(), streets.because(), customer)
    bread.record(newer, **fields)
    streets.bakery.save(bread)
    return bread


def taken(streets: Town, inbox) -> None:
    for message in streets.messages():
        inbox.take(message)


class TestAnOlderReader:
    @pytest.mark.parametrize(
        ("newer", "fields"), [(BreadBakedBetter, {"name": "rye", "grams": 750}), (BreadSliced, {})]
    )
    def test_parks_what_it_does_not_know_and_lets_other_patients_pass(self, streets, newer, fields):
        anna, bert = uuid4(), uuid4()
        bake(streets, newer, anna, **fields)
        later = streets.bake(customer=anna)
        others = streets.bake(customer=bert)

        taken(streets, streets.inbox())

        assert streets.parcels() == [others.id]
        parked = streets.shipping.recorder.parked()
        assert sorted((row["event_type"], bool(row["waits"])) for row in parked) == sorted(
            [(newer.__struct_config__.tag, False), (V1, True)]
        )
        assert later.id not in streets.parcels()

    def test_still_parks_it_when_it_starts_again(self, streets):
        bake(streets, BreadBakedBetter, uuid4(), name="rye", grams=750)
        taken(streets, streets.inbox())

        assert streets.inbox().retry_parked() == 0

        assert len(streets.shipping.recorder.parked()) == 1


class TestAReaderThatWasBroughtUp:
    def test_takes_what_was_parked_in_its_order_and_the_older_version_too(self, streets):
        anna = uuid4()
        first = bake(streets, BreadBakedBetter, anna, name="rye", grams=750)
        second = streets.bake(customer=anna)
        taken(streets, streets.inbox())
        assert streets.parcels() == []

        with the_newer_shipping(streets) as inbox:
            assert inbox.retry_parked() == 2

        assert streets.parcels() == [first.id, second.id]
        assert streets.shipping.recorder.parked() == []

    def test_goes_on_from_where_the_older_one_stood(self, streets):
        before = streets.bake()
        taken(streets, streets.inbox())

        with the_newer_shipping(streets) as inbox:
            after = bake(streets, BreadBakedBetter, uuid4(), name="rye", grams=750)
            taken(streets, inbox)

        assert streets.parcels() == [before.id, after.id]
