"""The order of a log: positions, times and lanes, under threads and under processes."""

import multiprocessing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Thread
from uuid import UUID

import pytest

from events.base import lane_of
from shared.clock import ShiftedClock
from shared.eventlog import LoggedEvent, LogRecorder, VersionConflict, open_log
from tests.eventlog.bakery import CATALOGUE, MORNING, Bakery, Order, a_context, at_once, until

MOMENT = timedelta(microseconds=1)


def the_order_is_kept(log: list[LoggedEvent]) -> None:
    """Check positions without gap, times that increase, and in each lane the right position before."""
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    assert all(earlier.recorded_at < later.recorded_at for earlier, later in pairwise(log))
    last = dict.fromkeys(range(16), 0)
    for event in log:
        assert event.lane == lane_of(event.patient_id or event.originator_id)
        assert event.previous == last[event.lane]
        last[event.lane] = event.position


def write_orders(shop: Bakery, saves: int, loaves: int) -> None:
    for number in range(saves):
        order = Order.place(a_context(), customer=UUID(int=number + 1) if number % 2 else None)
        order.add(*["rye bread"] * (loaves - 1))
        shop.save(order)


def write_in_a_process(url: str, saves: int) -> None:
    recorder = open_log(url)
    shop = Bakery(recorder, CATALOGUE)
    at_once(4, lambda _: write_orders(shop, saves, loaves=2))
    recorder.close()


def follow(recorder: LogRecorder, expected: int) -> list[LoggedEvent]:
    """Read the log behind the last position seen, as a relay does, until all is there."""
    seen: list[LoggedEvent] = []

    def all_there() -> bool:
        seen.extend(recorder.read(after=seen[-1].position if seen else 0, limit=50))
        return len(seen) >= expected

    until(all_there, within=60)
    return seen


class TestOrder:
    def test_is_kept_under_sixteen_threads_and_a_reader_misses_nothing(self, shop):
        writers = Thread(target=lambda: at_once(16, lambda _: write_orders(shop, saves=10, loaves=3)))

        writers.start()
        seen = follow(shop.recorder, expected=480)
        writers.join()

        the_order_is_kept(seen)
        assert len(seen) == 480
        assert seen == list(shop.recorder.read(limit=1000))

    def test_is_kept_under_processes_and_a_reader_misses_nothing(self, log_url, recorder):
        spawn = multiprocessing.get_context("spawn")
        writers = [spawn.Process(target=write_in_a_process, args=(log_url, 10)) for _ in range(2)]

        for writer in writers:
            writer.start()
        seen = follow(recorder, expected=160)
        for writer in writers:
            writer.join(timeout=30)

        assert [writer.exitcode for writer in writers] == [0, 0]
        the_order_is_kept(seen)
        assert len(seen) == 160

    def test_leaves_no_gap_behind_commands_that_failed(self, shop):
        order = Order.place(a_context())
        order.add("rye bread")
        shop.save(order)
        for _ in range(3):
            stale = shop.get(Order, order.id, a_context(), version=1)
            stale.add("white bread")
            with pytest.raises(VersionConflict):
                shop.save(Order.place(a_context()), stale)

        shop.save(Order.place(a_context()))

        log = list(shop.recorder.read())
        assert len(log) == 3
        the_order_is_kept(log)

    def test_within_one_commit_is_the_order_of_recording(self, shop):
        order = Order.place(a_context())
        order.add("rye bread", "white bread")
        shop.save(order)

        log = shop.recorder.read()

        assert [event.originator_version for event in log] == [1, 2, 3]
        assert log[2].recorded_at - log[0].recorded_at == 2 * MOMENT


class TestReading:
    @pytest.fixture
    def log(self, shop):
        for customer in (UUID(int=0), UUID(int=1), UUID(int=0)):
            order = Order.place(a_context(), customer=customer)
            order.add("rye bread")
            shop.save(order)
        return shop.recorder

    @pytest.mark.parametrize(
        ("asked", "positions"),
        [
            ({}, [1, 2, 3, 4, 5, 6]),
            ({"after": 4}, [5, 6]),
            ({"after": 1, "limit": 2}, [2, 3]),
            ({"until": 2}, [1, 2]),
            ({"lane": 5}, [1, 2, 5, 6]),
            ({"lane": 3}, [3, 4]),
            ({"lane": 5, "after": 2}, [5, 6]),
            ({"lane": 9}, []),
        ],
        ids=str,
    )
    def test_gives_the_part_asked_for(self, log, asked, positions):
        assert [event.position for event in log.read(**asked)] == positions

    @pytest.mark.parametrize(
        ("asked", "versions"),
        [
            ({}, [1, 2]),
            ({"gt": 1}, [2]),
            ({"lte": 1}, [1]),
            ({"desc": True}, [2, 1]),
            ({"desc": True, "limit": 1}, [2]),
        ],
        ids=str,
    )
    def test_gives_the_part_of_a_history_asked_for(self, log, asked, versions):
        first = log.read()[0].originator_id

        assert [event.originator_version for event in log.select_events(first, **asked)] == versions

    def test_gives_the_library_its_notifications(self, log):
        notifications = log.select_notifications(3, 2)

        assert [(n.id, n.topic) for n in notifications] == [
            (3, "caretrail.bakery.order-placed.v2"),
            (4, "caretrail.bakery.loaf-added.v1"),
        ]
        assert [n.id for n in log.select_notifications(3, 9, stop=5, inclusive_of_start=False)] == [4, 5]
        assert [n.id for n in log.select_notifications(1, 9, topics=["caretrail.bakery.loaf-added.v1"])] == [2, 4, 6]
        assert log.max_notification_id() == 6

    def test_of_an_empty_log_finds_nothing(self, recorder):
        assert recorder.read() == []
        assert recorder.max_notification_id() is None


class TestRecordedTime:
    def test_is_the_writers_clock(self, log_url):
        noon = datetime(2031, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
        recorder = open_log(log_url, ShiftedClock(instant=noon))
        shop = Bakery(recorder, CATALOGUE)

        order = shop.save(Order.place(a_context()))

        assert noon <= order.started_at < noon + timedelta(seconds=2)
        recorder.close()

    def test_increases_although_the_clock_goes_back(self, log_url):
        clock = ShiftedClock(instant=MORNING)
        recorder = open_log(log_url, clock)
        shop = Bakery(recorder, CATALOGUE)
        first = shop.save(Order.place(a_context()))

        clock.stand_at(MORNING - timedelta(hours=1))
        second = shop.save(Order.place(a_context()))

        assert second.started_at == first.started_at + MOMENT
        recorder.close()

    def test_is_never_before_that_of_its_cause(self, shop):
        cause = datetime.now(UTC) + timedelta(seconds=4)

        order = shop.save(Order.place(a_context(floor=cause)))

        assert order.started_at == cause + MOMENT
        assert shop.recorder.floors_ignored == 0

    def test_does_not_follow_a_cause_far_ahead_and_counts_it(self, shop):
        cause = datetime.now(UTC) + timedelta(seconds=8)

        order = shop.save(Order.place(a_context(floor=cause)))

        assert order.started_at < cause
        assert shop.recorder.floors_ignored == 1

    def test_of_a_cause_holds_for_all_aggregates_of_the_commit(self, shop):
        cause = datetime.now(UTC) + timedelta(seconds=4)

        first, second = Order.place(a_context()), Order.place(a_context(floor=cause))
        shop.save(first, second)

        assert first.started_at > cause


class TestHeads:
    def test_give_epoch_and_the_last_position_of_each_lane(self, shop):
        assert list(shop.recorder.heads().lanes) == [0] * 16
        for customer in (UUID(int=0), UUID(int=1), UUID(int=0)):
            shop.save(Order.place(a_context(), customer=customer))

        heads = shop.recorder.heads()

        assert list(heads.lanes) == [0, 0, 0, 2, 0, 3] + [0] * 10
        assert heads.epoch == shop.recorder.epoch()

    def test_promise_a_time_that_every_later_event_comes_after(self, shop):
        promises = []

        def promise(_: int) -> None:
            for _ in range(15):
                promises.append(shop.recorder.heads())

        raised = at_once(12, lambda n: promise(n) if n % 3 == 0 else write_orders(shop, saves=10, loaves=2))

        assert raised == [None] * 12
        log = shop.recorder.read(limit=1000)
        assert len(log) == 160
        assert len(promises) == 60
        for heads in promises:
            behind = [event for event in log if event.position > max(heads.lanes)]
            assert all(event.recorded_at > heads.at for event in behind)
            assert {event.position for event in log if event.recorded_at <= heads.at} <= set(
                range(max(heads.lanes) + 1)
            )

    def test_promise_it_for_writers_whose_clock_is_behind_too(self, log_url):
        ahead, behind = (open_log(log_url, ShiftedClock(offset=timedelta(seconds=s))) for s in (2, -2))

        heads = ahead.heads()
        order = Bakery(behind, CATALOGUE).save(Order.place(a_context()))

        assert order.started_at > heads.at
        assert behind.heads().at >= heads.at
        for recorder in (ahead, behind):
            recorder.close()

    def test_move_on_in_an_idle_log(self, shop):
        moments = [shop.recorder.heads().at for _ in range(20)]

        assert moments == sorted(set(moments))
        assert moments[-1] < datetime.now(UTC)


class TestLane:
    def test_is_that_of_the_customer_or_else_of_the_order(self, shop):
        with_customer = Order.place(a_context(), id=UUID(int=1), customer=UUID(int=0))
        without = Order.place(a_context(), id=UUID(int=1 << 100))
        shop.save(with_customer, without)

        lanes = {event.originator_id: event.lane for event in shop.recorder.read()}

        assert lanes == {with_customer.id: 5, without.id: lane_of(without.id)}
