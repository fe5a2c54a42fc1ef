"""A commit is kept whole or not at all: events, worklist rows, positions and the request's key."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from shared.eventlog import KeyReused, Move, NotFound, Position, PositionMoved, Replace, StoredKey, VersionConflict
from tests.eventlog.bakery import FRIDAY, MORNING, Flour, Order, Oven, a_context, to_bake

EPOCH = UUID(int=1)
MILL = Position(EPOCH, 5, "5-1")


def move(before: Position | None, sequence: int, epoch: UUID = EPOCH) -> Move:
    return Move("mill", 3, before, Position(epoch, sequence, f"{sequence}-1"))


class TestSaving:
    def test_keeps_events_rows_position_and_key(self, shop):
        order = Order.place(a_context(key="k1"))
        order.add("rye bread")

        shop.save(order, moves=[move(None, 5)])

        assert [e.originator_version for e in shop.recorder.select_events(order.id)] == [1, 2]
        assert [(r["aggregate_id"], r["loaf"]) for r in shop.query(select(to_bake))] == [(order.id, "rye bread")]
        assert shop.recorder.position("mill", 3) == MILL
        assert shop.find_key("baker-1", "k1") == StoredKey("POST /orders", b"\x01", 201, order.id, 2, 1, 2)

    def test_gives_the_aggregate_with_its_recorded_times(self, shop):
        order = shop.save(Order.place(a_context()))
        (placed,) = shop.recorder.select_events(order.id)

        assert order.started_at == order.changed_at == placed.recorded_at
        assert order.pending == ()
        assert shop.get(Order, order.id).started_at == placed.recorded_at

    def test_goes_on_with_the_saved_aggregate(self, shop):
        order = shop.save(Order.place(a_context()))

        order.add("white bread")
        shop.save(order)

        assert shop.get(Order, order.id).version == 2

    def test_of_several_aggregates_is_one_commit_and_the_key_spans_it(self, shop):
        first, second = Order.place(a_context(key="k1")), Order.place(a_context())

        shop.save(first, second)

        stored = shop.find_key("baker-1", "k1")
        assert (stored.aggregate_id, stored.version) == (first.id, 1)
        assert (stored.first_position, stored.last_position) == (1, 2)

    def test_of_nothing_new_keeps_the_key(self, shop):
        order = shop.save(Order.place(a_context()))

        shop.save(shop.get(Order, order.id, a_context(key="k2")))

        stored = shop.find_key("baker-1", "k2")
        assert (stored.version, stored.first_position, stored.last_position) == (1, 0, 0)

    def test_of_a_position_alone_keeps_it(self, shop):
        shop.save(moves=[move(None, 5)])

        assert shop.recorder.positions("mill") == {3: MILL}


class TestWorklist:
    def test_replaces_the_rows_of_the_aggregate_alone(self, shop):
        kept, changed = Order.place(a_context()), Order.place(a_context())
        kept.add("pretzel")
        changed.add("rye bread", "white bread")
        shop.save(kept, changed)

        changed.bake()
        shop.save(changed)

        assert [row["loaf"] for row in shop.query(select(to_bake))] == ["pretzel"]

    def test_gives_back_what_its_columns_promise(self, shop):
        order = Order.place(a_context())
        order.add("rye bread")
        shop.save(order)

        (row,) = shop.query(select(to_bake))

        assert row["order_id"] == order.id
        assert row["flour"] == Flour.WHEAT
        assert row["noted_at"] == MORNING
        assert row["labels"] == {"price": "3.50", "seeds": None}

    def test_matches_rows_by_a_missing_value(self, shop):
        row = {"aggregate_id": uuid4(), "order_id": uuid4(), "place": 1, "loaf": "pretzel", "flour": "rye"}
        shop.save(rows=[Replace(to_bake, {"order_id": row["order_id"]}, [row])])

        shop.save(rows=[Replace(to_bake, {"noted_at": None}, [])])

        assert shop.query(select(to_bake)) == []


def a_twofold_row(order_id: UUID) -> Replace:
    row = {"aggregate_id": order_id, "order_id": order_id, "place": 1, "loaf": "pretzel", "flour": "rye"}
    return Replace(to_bake, {"order_id": order_id}, [row, row])


def a_row_without_zone(order_id: UUID) -> Replace:
    row = {"aggregate_id": order_id, "order_id": order_id, "place": 1, "loaf": "pretzel", "flour": "rye"}
    return Replace(to_bake, {"order_id": order_id}, [{**row, "noted_at": MORNING.replace(tzinfo=None)}])


class TestNothingIsKept:
    """Each of these saves fails in its last part; the event before it must go too."""

    @pytest.fixture
    def taken(self, shop):
        return shop.save(Order.place(a_context(key="k1")), moves=[move(None, 5)])

    def nothing_but(self, shop, taken, failed) -> bool:
        with pytest.raises(NotFound):
            shop.get(Order, failed.id)
        return shop.recorder.max_notification_id() == taken.version == 1 and shop.query(select(to_bake)) == []

    @pytest.mark.parametrize("rows", [a_twofold_row, a_row_without_zone])
    def test_of_a_worklist_row_that_fails(self, shop, taken, rows):
        order = Order.place(a_context())

        with pytest.raises(Exception, match=r"to_bake|zone"):
            shop.save(order, rows=[rows(order.id)])

        assert self.nothing_but(shop, taken, order)

    @pytest.mark.parametrize(
        "late",
        [move(None, 6), move(Position(EPOCH, 4, "4-1"), 6), move(Position(UUID(int=2), 5, "5-1"), 6)],
        ids=["thought to be new", "moved on", "another epoch"],
    )
    def test_of_a_position_that_has_moved(self, shop, taken, late):
        order = Order.place(a_context())

        with pytest.raises(PositionMoved):
            shop.save(order, moves=[late])

        assert self.nothing_but(shop, taken, order)
        assert shop.recorder.position("mill", 3) == MILL

    def test_of_rows_that_somebody_else_took(self, shop, taken):
        other = Order.place(a_context())
        row = {"aggregate_id": other.id, "order_id": other.id, "place": 1, "loaf": "pretzel", "flour": "rye"}
        taking = Replace(to_bake, {"order_id": other.id}, [], must_match=True)
        shop.save(rows=[Replace(to_bake, {"order_id": other.id}, [row])])
        shop.save(rows=[taking])

        with pytest.raises(PositionMoved):
            shop.save(other, rows=[taking])

        assert self.nothing_but(shop, taken, other)

    def test_of_a_key_used_again(self, shop, taken):
        order = Order.place(a_context(key="k1", body=b"\x02"))
        order.add("pretzel")

        with pytest.raises(KeyReused):
            shop.save(order)

        assert self.nothing_but(shop, taken, order)
        assert shop.find_key("baker-1", "k1") == StoredKey("POST /orders", b"\x01", 201, taken.id, 1, 1, 1)

    def test_of_a_version_that_is_taken(self, shop, taken):
        first, second = shop.get(Order, taken.id, a_context()), shop.get(Order, taken.id, a_context(key="k2"))
        other = Order.place(a_context())
        first.add("rye bread")
        second.add("pretzel")
        shop.save(first)

        with pytest.raises(VersionConflict):
            shop.save(other, second, moves=[move(MILL, 6)])

        assert [loaf.name for loaf in shop.get(Order, taken.id).loaves] == ["rye bread"]
        assert [row["loaf"] for row in shop.query(select(to_bake))] == ["rye bread"]
        assert shop.recorder.position("mill", 3) == MILL
        assert shop.find_key("baker-1", "k2") is None
        assert shop.find(Order, other.id) is None


class TestKey:
    def test_belongs_to_its_subject(self, shop):
        shop.save(Order.place(a_context(key="k1")))

        assert shop.find_key("baker-2", "k1") is None


class TestPosition:
    def test_moves_on_from_where_it_stands(self, shop):
        shop.save(moves=[move(None, 5)])

        shop.save(moves=[move(MILL, 9)])

        assert shop.recorder.position("mill", 3) == Position(EPOCH, 9, "9-1")

    def test_of_one_lane_leaves_the_others(self, shop):
        shop.save(moves=[move(None, 5)])

        assert shop.recorder.position("mill", 4) is None
        assert shop.recorder.positions("farm") == {}


class TestLoading:
    def test_of_an_unknown_id_finds_nothing(self, shop):
        with pytest.raises(NotFound, match="no Order"):
            shop.get(Order, uuid4())

    def test_of_another_kind_of_aggregate_finds_nothing(self, shop):
        order = shop.save(Order.place(a_context()))

        with pytest.raises(NotFound, match="no Oven"):
            shop.get(Oven, order.id)

    def test_as_it_was_at_a_version(self, shop):
        order = Order.place(a_context(), due=FRIDAY)
        order.add("rye bread", "white bread")
        shop.save(order)

        before = shop.at_version(order.id, 2)

        assert isinstance(before, Order)
        assert (before.version, [loaf.name for loaf in before.loaves]) == (2, ["rye bread"])
        assert shop.get(Order, order.id, version=3).version == 3

    @pytest.mark.parametrize("version", [0, 4])
    def test_at_a_version_that_never_was_finds_nothing(self, shop, version):
        order = shop.save(Order.place(a_context()))

        with pytest.raises(NotFound):
            shop.at_version(order.id, version)
        with pytest.raises(NotFound):
            shop.get(Order, order.id, version=version)
