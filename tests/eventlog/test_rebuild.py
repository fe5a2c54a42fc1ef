"""Worklists are what the log calls for, or are put right from it."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from events.base import lane_of
from events.catalogue import Unreadable
from shared.eventlog import Commit, Difference, Receipt, Replace, differences, rebuild
from shared.eventlog.commit import PlacedEvent
from tests.eventlog.bakery import MORNING, Bakery, Order, a_context, to_bake


@pytest.fixture
def order(shop: Bakery) -> Order:
    """An order of three loaves, beside another and one that is baked."""
    wanted, other, baked = (Order.place(a_context()) for _ in range(3))
    wanted.add("rye bread", "white bread", "pretzel")
    other.add("roll")
    baked.add("baguette")
    baked.bake()
    shop.save(wanted, other, baked)
    return wanted


def rows(shop: Bakery) -> list[tuple[UUID, int, str]]:
    return sorted((row["order_id"], row["place"], row["loaf"]) for row in shop.query(select(to_bake)))


def a_row(order_id: UUID, place: int, **changed: object) -> dict[str, object]:
    labels = {"price": "3.50", "seeds": None}
    row = {"aggregate_id": order_id, "order_id": order_id, "place": place, "loaf": "rye bread", "flour": "wheat"}
    return {**row, "noted_at": MORNING, "labels": labels, **changed}


def put(shop: Bakery, where: dict[str, object], *new: dict[str, object]) -> None:
    """Write rows past every aggregate."""
    shop.save(rows=[Replace(to_bake, where, new)])


def spoil(shop: Bakery, order: Order, way: str) -> Difference:
    """Make the worklist wrong; give what should be found."""
    first = {"order_id": order.id, "place": 0}
    stranger = uuid4()
    if way == "a row lacks":
        put(shop, first)
        return Difference("to_bake", order.id, 1, 0)
    if way == "a row is too much":
        put(shop, {"order_id": stranger}, a_row(order.id, 9))
        return Difference("to_bake", order.id, 0, 1)
    if way == "a word differs":
        put(shop, first, a_row(order.id, 0, loaf="cake"))
    if way == "a moment differs":
        put(shop, first, a_row(order.id, 0, noted_at=MORNING.replace(microsecond=1)))
    if way == "a part of a part differs":
        put(shop, first, a_row(order.id, 0, labels={"price": "3.50", "seeds": 1}))
    if way == "nothing is recorded of it":
        put(shop, {"order_id": stranger}, a_row(stranger, 0))
        return Difference("to_bake", stranger, 0, 1)
    return Difference("to_bake", order.id, 1, 1)


WAYS = [
    "a row lacks",
    "a row is too much",
    "a word differs",
    "a moment differs",
    "a part of a part differs",
    "nothing is recorded of it",
]


class TestDifferences:
    def test_are_none_in_what_was_saved(self, shop, order):
        assert list(differences(shop)) == []

    @pytest.mark.parametrize("way", WAYS)
    def test_are_found_and_put_right(self, shop, order, way):
        before = rows(shop)
        expected = spoil(shop, order, way)

        found = list(differences(shop))
        assert rebuild(shop) == found == [expected]

        assert rows(shop) == before
        assert list(differences(shop)) == []

    def test_are_only_told_and_not_put_right_by_looking(self, shop, order):
        spoil(shop, order, "a row lacks")
        before = rows(shop)

        list(differences(shop))

        assert rows(shop) == before

    def test_are_looked_for_in_the_worklists_named(self, shop, order):
        spoil(shop, order, "a row lacks")

        assert list(differences(shop, only=["another"])) == []
        assert [each.worklist for each in differences(shop, only=["to_bake"])] == ["to_bake"]


class TestRebuilding:
    def test_fills_an_emptied_worklist(self, shop, order):
        before = rows(shop)
        put(shop, {"flour": "wheat"})
        assert rows(shop) == []

        found = rebuild(shop)

        assert rows(shop) == before
        assert sum(each.missing for each in found) == 4

    def test_gives_a_unique_place_back_to_whose_it_is(self, shop, order):
        other = next(id for id, _, loaf in rows(shop) if loaf == "roll")
        put(shop, {"order_id": order.id, "place": 0}, a_row(order.id, 0, aggregate_id=other))

        rebuild(shop)

        assert list(differences(shop)) == []

    def test_leaves_the_log_as_it_is(self, shop, order):
        before = shop.recorder.read()
        put(shop, {"flour": "wheat"})

        rebuild(shop)

        assert shop.recorder.read() == before

    def test_stops_at_a_history_that_it_cannot_read(self, shop, order):
        lost = uuid4()
        shop.recorder.write(Commit([PlacedEvent(lost, 1, "caretrail.bakery.burnt.v1", b"{}", lane_of(lost), None)]))

        with pytest.raises(Unreadable, match="burnt"):
            rebuild(shop)

    def test_is_right_in_the_end_although_somebody_saves_between_its_look_and_its_writing(
        self, shop, order, monkeypatch
    ):
        put(shop, {"order_id": order.id, "place": 0})
        write, late = shop.recorder.write, ["baguette"]

        def write_after_a_save(commit: Commit) -> Receipt:
            if late and commit.rows and commit.rows[0].rows:
                meanwhile = shop.get(Order, order.id, a_context())
                meanwhile.add(late.pop())
                shop.save(meanwhile)
            return write(commit)

        monkeypatch.setattr(shop.recorder, "write", write_after_a_save)
        rebuild(shop)

        assert late == []
        assert "baguette" in [loaf for id, _, loaf in rows(shop) if id == order.id]
        assert list(differences(shop)) == []
