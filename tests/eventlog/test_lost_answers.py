"""A COMMIT whose answer gets lost: the caller gets the first answer, never a false conflict, never a double."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest

from shared.eventlog import Commit, KeyReused, LogUnavailable, Move, Position, Replace, VersionConflict, open_log
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context, to_bake, until
from tests.eventlog.proxy import Cut, LossyProxy
from tests.eventlog.test_group_commit import a_held_writer

EPOCH = UUID(int=1)


@pytest.fixture
def proxy(postgres_url):
    opened = LossyProxy(postgres_url)
    yield opened
    opened.close()


@pytest.fixture
def shop(proxy):
    recorder = open_log(proxy.url)
    yield Bakery(recorder, CATALOGUE)
    recorder.close()


def move(lane: int, sequence: int = 5) -> Move:
    return Move("mill", lane, None, Position(EPOCH, sequence, f"{sequence}-1"))


def together(shop: Bakery, *commands) -> list[BaseException | None]:
    """Run commands so that they become one batch; give what each raised."""
    batches: list[int] = []
    with ThreadPoolExecutor(len(commands)) as pool:
        with a_held_writer(shop.recorder, batches):
            answers = [pool.submit(command) for command in commands]
            until(lambda: shop.recorder._writer.waiting() == len(commands))
        raised = [answer.exception(timeout=30) for answer in answers]
    assert batches[1] == len(commands), "the commands were not one batch"
    return raised


class TestLostAnswer:
    def test_of_one_command_is_looked_up(self, shop, proxy):
        proxy.cut_next(Cut.BEFORE_THE_ANSWER)
        order = Order.place(a_context(key="k1"))
        order.add("rye bread")

        shop.save(order, moves=[move(3)])

        log = shop.recorder.read()
        assert proxy.cuts == 1
        assert [(event.position, event.originator_id) for event in log] == [(1, order.id), (2, order.id)]
        assert (order.started_at, order.changed_at) == (log[0].recorded_at, log[1].recorded_at)
        assert shop.find_key("baker-1", "k1").last_position == 2

    def test_of_a_batch_is_looked_up_for_each_command(self, shop, proxy):
        orders = [Order.place(a_context(key=f"key {number}")) for number in range(4)]
        pair = [Order.place(a_context()), Order.place(a_context())]
        pair[0].add("pretzel")
        known = shop.save(Order.place(a_context()))
        reloaded = shop.get(Order, known.id, a_context(key="nothing new"))
        proxy.cut_next(Cut.BEFORE_THE_ANSWER)

        raised = together(
            shop,
            *(lambda order=order: shop.save(order) for order in orders),
            lambda: shop.save(*pair),
            lambda: shop.save(moves=[move(3), move(4)]),
            lambda: shop.save(reloaded),
        )

        assert proxy.cuts == 1
        assert raised == [None] * 7
        log = shop.recorder.read()
        recorded = [(event.originator_id, event.originator_version) for event in log]
        assert len(recorded) == len(set(recorded)) == 1 + 4 + 3
        for order in (*orders, *pair):
            assert order.changed_at == max(e.recorded_at for e in log if e.originator_id == order.id)
        assert set(shop.recorder.positions("mill")) == {3, 4}

    def test_of_a_command_without_trace_is_not_called_a_success(self, shop, proxy):
        row = {"aggregate_id": uuid4(), "order_id": uuid4(), "place": 1, "loaf": "pretzel", "flour": "rye"}
        orders = [Order.place(a_context())]
        proxy.cut_next(Cut.BEFORE_THE_ANSWER)

        raised = together(
            shop,
            lambda: shop.save(orders[0]),
            lambda: shop.save(rows=[Replace(to_bake, {"order_id": row["order_id"]}, [row])]),
        )

        assert raised[0] is None
        assert isinstance(raised[1], LogUnavailable)

    def test_of_a_refused_batch_fails_the_refused_command_alone(self, shop, proxy):
        taken = shop.save(Order.place(a_context(key="k1")))
        good, bad = Order.place(a_context()), Order.place(a_context(key="k1"))
        proxy.cut_next(Cut.BEFORE_THE_ANSWER)

        raised = together(shop, lambda: shop.save(good), lambda: shop.save(bad))

        assert proxy.cuts == 1
        assert [type(error) for error in raised] == [type(None), KeyReused]
        assert [event.originator_id for event in shop.recorder.read()] == [taken.id, good.id]

    def test_of_a_command_that_came_too_late_is_no_success(self, shop, proxy):
        placed = shop.save(Order.place(a_context()))
        first, second = (shop.get(Order, placed.id, a_context()) for _ in range(2))
        first.add("rye bread")
        second.add("pretzel")
        shop.save(first)
        proxy.cut_next(Cut.BEFORE_THE_ANSWER)

        with pytest.raises(VersionConflict):
            shop.save(second)

        assert proxy.cuts == 1
        assert [loaf.name for loaf in shop.get(Order, placed.id).loaves] == ["rye bread"]

    def test_of_a_repeated_command_beside_a_refused_batch_is_told_apart(self, shop, proxy):
        """One command repeats what stands in the log already, so the batch fails; its neighbour must not pass."""
        placed = Order.place(a_context())
        stored = shop.mapper.to_stored_event(placed.pending[0])
        shop.save(placed)
        good = Order.place(a_context())
        proxy.cut_next(Cut.BEFORE_THE_ANSWER)

        raised = together(shop, lambda: shop.recorder.write(Commit([stored])), lambda: shop.save(good))

        assert raised[0] is None
        assert isinstance(raised[1], LogUnavailable)
        assert shop.find(Order, good.id) is None


class TestLostBatch:
    def test_is_written_once_more(self, shop, proxy):
        proxy.cut_next(Cut.BEFORE_THE_BATCH)
        orders = [Order.place(a_context(key=f"key {number}")) for number in range(3)]

        raised = together(shop, *(lambda order=order: shop.save(order) for order in orders))

        assert (proxy.cuts, raised) == (1, [None] * 3)
        assert {event.originator_id for event in shop.recorder.read()} == {order.id for order in orders}
        assert len(shop.recorder.read()) == 3

    def test_twice_in_a_row_is_kept_nowhere_and_can_be_repeated(self, shop, proxy):
        proxy.cut_next(Cut.BEFORE_THE_BATCH, Cut.BEFORE_THE_BATCH)
        order = Order.place(a_context(key="k1"))

        with pytest.raises(LogUnavailable):
            shop.save(order)

        assert (proxy.cuts, shop.recorder.read()) == (2, [])
        shop.save(Order.place(a_context(key="k1"), id=order.id))
        assert len(shop.recorder.read()) == 1


class TestBatchUnderWay:
    """The batch waits for the append lock when its connection is cut, and would be written long after."""

    @pytest.fixture
    def locked(self, postgres_log, shop):
        shop.save(Order.place(a_context()))
        with psycopg.connect(postgres_log.superuser) as other:
            other.execute("SELECT * FROM log_state FOR UPDATE")
            yield other

    def test_is_written_once_when_the_lock_is_free(self, shop, proxy, postgres_log, locked):
        proxy.cut_next(Cut.WHILE_UNDER_WAY)
        order = Order.place(a_context(key="k1"))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
        database = locked.info.dbname

        with ThreadPoolExecutor(1) as pool, psycopg.connect(postgres_log.superuser, autocommit=True) as watch:
            answer = pool.submit(shop.save, order)
            until(lambda: proxy.cuts == 1 and watch.execute(waiting, [database]).fetchone() == (1,))
            locked.rollback()
            assert answer.result(timeout=30) is order

        assert [event.originator_id for event in shop.recorder.read(after=1)] == [order.id]

    def test_never_lands_after_its_command_was_told_to_come_back(self, shop, proxy, locked):
        proxy.cut_next(Cut.WHILE_UNDER_WAY, Cut.WHILE_UNDER_WAY)
        order = Order.place(a_context(key="k1"))

        with pytest.raises(LogUnavailable):
            shop.save(order)
        locked.rollback()

        assert (proxy.cuts, sum(shop.recorder.heads().lanes)) == (2, 1)
        shop.save(Order.place(a_context(key="k1"), id=order.id))
        assert [event.originator_id for event in shop.recorder.read(after=1)] == [order.id]
