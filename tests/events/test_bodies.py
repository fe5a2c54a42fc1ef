"""Stored bodies: what goes in is what comes out, and what could not come out never goes in."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.base import UNSET, Actor, Category, Event, Instant, Sensitive, event_id, lane_of, utc
from events.catalogue import Catalogue, UnknownType, Unreadable

ORDER = "caretrail.bakery.order-placed.v1"
PAID = "caretrail.bakery.order-paid.v1"
NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Flour(StrEnum):
    """What a loaf is made of."""

    WHEAT = "wheat"
    RYE = "rye"


class Loaf(msgspec.Struct, frozen=True):
    """One loaf of an order."""

    name: str
    price: Decimal


class OrderPlaced(Event, frozen=True, kw_only=True, tag=ORDER):
    """Somebody ordered bread."""

    due: date
    flour: Flour
    loaves: tuple[Loaf, ...]
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    rating: float | None = None
    customer: Sensitive[str, Category.IDENTITY] = UNSET
    born: Sensitive[date | None, Category.IDENTITY] = UNSET
    wish: Sensitive[str, Category.NOTES] = UNSET
    called_at: Sensitive[Instant, Category.NOTES] = UNSET


class OrderPaid(Event, frozen=True, kw_only=True, tag=PAID):
    """The customer paid; nothing of it is about a person."""

    amount: Decimal
    paid_at: Instant


CATALOGUE = Catalogue([OrderPlaced, OrderPaid])
FRAME = {
    "originator_id": UUID(int=1),
    "originator_version": 3,
    "occurred_at": NINE,
    "patient_id": None,
    "actor": Actor(id="baker-1", role="baker"),
    "correlation_id": UUID(int=2),
    "causation_id": "request-1",
}
FRAME_AS_STORED = {
    "originator_id": "00000000-0000-0000-0000-000000000001",
    "originator_version": 3,
    "occurred_at": "2026-11-23T09:00:00Z",
    "patient_id": None,
    "actor": {"id": "baker-1", "role": "baker", "on_behalf_of": None},
    "correlation_id": "00000000-0000-0000-0000-000000000002",
    "causation_id": "request-1",
    "hops": 0,
    "imported": False,
}
ORDER_AS_STORED = {
    "type": ORDER,
    **FRAME_AS_STORED,
    "due": "2026-11-27",
    "flour": "rye",
    "loaves": [{"name": "dark", "price": "3.50"}],
    "counts": {"dark": 2},
    "rating": 4.5,
    "sealed": {
        "identity": {"open": {"customer": "Ada", "born": "1815-12-10"}},
        "notes": {"open": {"wish": "well done", "called_at": "2026-11-23T09:00:00Z"}},
    },
}


def an_order(**fields) -> OrderPlaced:
    given = {
        "due": date(2026, 11, 27),
        "flour": Flour.RYE,
        "loaves": (Loaf("dark", Decimal("3.50")),),
        "counts": {"dark": 2},
        "rating": 4.5,
        "customer": "Ada",
        "born": date(1815, 12, 10),
        "wish": "well done",
        "called_at": NINE,
    }
    return OrderPlaced(**{**FRAME, **given, **fields})


def a_payment(**fields) -> OrderPaid:
    return OrderPaid(**{**FRAME, "amount": Decimal("7.00"), "paid_at": NINE, **fields})


def stored(**changes) -> bytes:
    return json.dumps({**ORDER_AS_STORED, **changes}).encode()


class TestEncoding:
    def test_writes_clear_fields_and_one_open_entry_per_category(self):
        assert json.loads(CATALOGUE.encode(an_order())) == ORDER_AS_STORED

    def test_writes_no_sealed_part_where_nothing_is_sensitive(self):
        body = json.loads(CATALOGUE.encode(a_payment()))

        assert body == {
            "type": PAID,
            **FRAME_AS_STORED,
            "amount": "7.00",
            "paid_at": "2026-11-23T09:00:00Z",
        }

    def test_leaves_out_entries_without_a_value(self):
        body = json.loads(CATALOGUE.encode(an_order(wish=UNSET, called_at=UNSET, born=None)))

        assert body["sealed"] == {"identity": {"open": {"customer": "Ada", "born": None}}}

    @pytest.mark.parametrize("event", [an_order(), a_payment()], ids=["sealed", "clear"])
    def test_leaves_out_the_recorded_time(self, event):
        recorded = msgspec.structs.replace(event, recorded_at=NINE)

        assert CATALOGUE.encode(recorded) == CATALOGUE.encode(event)

    @pytest.mark.parametrize("event", [an_order(), a_payment()], ids=["sealed", "clear"])
    def test_is_undone_by_decoding(self, event):
        name = CATALOGUE.name_of(type(event))

        assert CATALOGUE.decode(name, CATALOGUE.encode(event)) == event

    def test_keeps_a_local_time_of_the_hour_that_comes_twice(self):
        second_half_past_two = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
        order = an_order(occurred_at=second_half_past_two, called_at=second_half_past_two)

        read = CATALOGUE.decode(ORDER, CATALOGUE.encode(order))

        assert read.occurred_at.astimezone(UTC) == read.called_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    @given(
        wish=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        moment=st.datetimes(min_value=datetime(1980, 1, 1), timezones=st.timezones()),  # noqa: DTZ001 zones follow
    )
    def test_is_undone_by_decoding_for_any_words_and_zone(self, wish, moment):
        order = an_order(wish=wish, occurred_at=moment)

        read = CATALOGUE.decode(ORDER, CATALOGUE.encode(order))

        assert (read.wish, read.occurred_at) == (wish, moment.astimezone(UTC))


class TestWhatCannotBeRead:
    @pytest.mark.parametrize(
        "fields",
        [
            {"occurred_at": NINE.replace(tzinfo=None)},
            {"called_at": NINE.replace(tzinfo=None)},
            {"due": NINE},
            {"due": "on Friday"},
            {"due": UNSET},
            {"flour": "spelt"},
            {"loaves": None},
            {"loaves": (Loaf("dark", "cheap"),)},
            {"loaves": (Loaf(UNSET, Decimal(1)),)},
            {"loaves": [Loaf("dark", Decimal(1))]},
            {"counts": {"dark": "two"}},
            {"counts": {1: 2}},
            {"counts": {"dark": 1.5}},
            {"rating": float("nan")},
            {"rating": float("inf")},
            {"customer": 7},
            {"customer": None},
            {"customer": "\ud800"},
            {"customer": "Ada\0"},
            {"wish": "\0"},
            {"counts": {"dark\0": 2}},
            {"counts": {"dark": 2**63}},
            {"counts": {"dark": -(2**63)}},
            {"counts": {"dark": 10**30}},
            {"born": "1815-12-10"},
            {"wish": {"a set"}},
            {"wish": b"bytes"},
            {"originator_id": "00000000-0000-0000-0000-000000000001"},
            {"originator_version": "3"},
            {"patient_id": "unknown"},
            {"patient_id": UNSET},
            {"actor": UNSET},
            {"actor": {"id": "baker-1", "role": "baker"}},
            {"causation_id": "\udfff"},
            {"hops": True},
        ],
        ids=lambda fields: ", ".join(f"{name}={value!r}"[:40] for name, value in fields.items()),
    )
    def test_is_never_written(self, fields):
        with pytest.raises(Unreadable, match=r"caretrail\.bakery\.order-placed\.v1 would not"):
            CATALOGUE.encode(an_order(**fields))

    @pytest.mark.parametrize(
        "fields", [{"paid_at": NINE.replace(tzinfo=None)}, {"amount": "seven"}, {"amount": UNSET}, {"amount": 0.1}]
    )
    def test_is_never_written_without_sensitive_fields_either(self, fields):
        with pytest.raises(Unreadable, match=r"caretrail\.bakery\.order-paid\.v1 would not"):
            CATALOGUE.encode(a_payment(**fields))

    def test_is_named_by_its_fields_and_without_their_values(self):
        with pytest.raises(Unreadable, match=r"would not read back as it is: loaves, born$"):
            CATALOGUE.encode(an_order(born="1815-12-10", loaves=[Loaf("dark", Decimal("3.50"))]))

    @pytest.mark.parametrize(
        "fields", [{"wish": "\\u0000"}, {"wish": "4" * 40}, {"counts": {"dark": 2**63 - 1}}, {"wish": "\\\\u0000"}]
    )
    def test_is_not_confused_with_words_that_look_alike(self, fields):
        order = an_order(**fields)

        assert CATALOGUE.decode(ORDER, CATALOGUE.encode(order)) == order

    def test_of_an_unknown_class_is_never_written(self):
        class OrderLost(Event, frozen=True, kw_only=True, tag="caretrail.bakery.order-lost.v1"):
            """Nobody listed this one."""

        with pytest.raises(UnknownType):
            CATALOGUE.encode(OrderLost(**FRAME))

    def test_of_a_class_that_borrows_a_name_is_never_written(self):
        class OrderPaidTwice(Event, frozen=True, kw_only=True, tag=PAID):
            """Not the class of this name."""

            amount: Decimal
            paid_at: Instant

        with pytest.raises(Unreadable, match="would not read back"):
            CATALOGUE.encode(OrderPaidTwice(**FRAME, amount=Decimal(7), paid_at=NINE))


class TestDecoding:
    @pytest.mark.parametrize(
        "sealed",
        [
            {},
            {"identity": {}, "notes": {}},
            {"identity": {"key": "k1", "box": "c2VjcmV0"}, "notes": {"key": "k1", "box": "c2VjcmV0"}},
        ],
        ids=["no entry", "emptied", "encrypted"],
    )
    def test_leaves_what_cannot_be_opened_unset(self, sealed):
        order = CATALOGUE.decode(ORDER, stored(sealed=sealed))

        assert (order.customer, order.born, order.wish, order.called_at) == (UNSET, UNSET, UNSET, UNSET)
        assert order.due == date(2026, 11, 27)

    def test_leaves_what_cannot_be_opened_unset_where_the_sealed_part_is_gone(self):
        body = {name: value for name, value in ORDER_AS_STORED.items() if name != "sealed"}

        assert CATALOGUE.decode(ORDER, json.dumps(body).encode()).customer is UNSET

    def test_opens_one_category_without_the_other(self):
        order = CATALOGUE.decode(ORDER, stored(sealed={"notes": {"open": {"wish": "well done"}}}))

        assert (order.customer, order.wish) == (UNSET, "well done")

    def test_lets_no_sealed_entry_replace_a_clear_field(self):
        order = CATALOGUE.decode(ORDER, stored(sealed={"notes": {"open": {"due": "1999-01-01", "type": PAID}}}))

        assert order.due == date(2026, 11, 27)

    def test_ignores_additional_fields(self):
        body = stored(
            colour="blue",
            loaves=[{"name": "dark", "price": "3.50", "seeds": True}],
            sealed={"notes": {"open": {"wish": "well done", "mood": "good"}}, "mood": {"open": {"joy": 7}}},
        )

        order = CATALOGUE.decode(ORDER, body)

        assert (order.wish, order.loaves) == ("well done", (Loaf("dark", Decimal("3.50")),))

    @pytest.mark.parametrize("name", ["caretrail.bakery.order-placed.v2", "caretrail.bakery.oven-lit.v1", ""])
    def test_of_an_unknown_type_says_so(self, name):
        with pytest.raises(UnknownType):
            CATALOGUE.decode(name, stored())

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"7",
            b"[]",
            b"null",
            b'"\xff"',
            b'{"type":"caretrail.bakery.order-placed.v1"}',
            stored(type=PAID),
            stored(due="soon"),
            stored(occurred_at="2026-11-23T09:00:00"),
            stored(sealed=[]),
            stored(sealed={"notes": 7}),
            stored(sealed={"notes": {"open": {"wish": 7}}}),
            stored(sealed={"notes": {"open": {"called_at": "2026-11-23T09:00:00"}}}),
        ],
        ids=repr,
    )
    def test_of_a_wrong_body_says_so(self, body):
        with pytest.raises(Unreadable) as caught:
            CATALOGUE.decode(ORDER, body)

        assert not isinstance(caught.value, UnknownType)


class TestEvent:
    def test_is_named_by_its_place(self):
        assert an_order().event_id == "00000000-0000-0000-0000-000000000001-3"
        assert event_id(UUID(int=1), 3) == "00000000-0000-0000-0000-000000000001-3"

    @pytest.mark.parametrize(
        ("key", "lane"),
        [
            ("00000000-0000-0000-0000-000000000000", 5),
            ("00000000-0000-0000-0000-000000000001", 3),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", 10),
        ],
    )
    def test_keeps_its_lane_for_ever(self, key, lane):
        assert lane_of(UUID(key)) == lane

    def test_has_its_time_in_utc(self):
        local = datetime(2026, 11, 23, 10, tzinfo=timezone(timedelta(hours=1)))

        assert utc(local).isoformat() == "2026-11-23T09:00:00+00:00"
