"""What waits is written in one transaction; a command that fails never fails its neighbours."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread
from uuid import uuid4

import pytest

import shared.eventlog.writer
from events.catalogue import Unreadable
from shared.eventlog import (
    Commit,
    Interrupted,
    KeyReused,
    LogUnavailable,
    Move,
    NotFound,
    Position,
    PositionMoved,
    Receipt,
    Replace,
    VersionConflict,
)
from shared.eventlog.recorder import LogRecorder
from shared.eventlog.writer import GroupWriter
from tests.eventlog.bakery import Order, a_context, to_bake, until


@contextmanager
def a_held_writer(recorder: LogRecorder, batches: list[int]):
    """Hold the writer of a log in a first commit, so that what is saved meanwhile becomes one batch."""
    writer, transact = recorder._writer, recorder._transact
    entered, released = Event(), Event()

    def held(commits: Sequence[Commit]):
        batches.append(len(commits))
        entered.set()
        assert released.wait(timeout=30)
        return transact(commits)

    writer._transact = held
    first = Thread(target=recorder.write, args=(Commit(),))
    first.start()
    assert entered.wait(timeout=30)
    try:
        yield
    finally:
        released.set()
        first.join()


class TestBatch:
    """Eight commands wait while the writer is busy; some of them will fail."""

    @pytest.fixture
    def taken(self, shop):
        order = Order.place(a_context(key="k1"))
        order.add("rye bread")
        return shop.save(order, moves=[Move("mill", 3, None, Position(uuid4(), 5, "5-1"))])

    def save_together(self, shop, *saves: Callable[[], object]) -> list[BaseException | None]:
        batches: list[int] = []
        with ThreadPoolExecutor(len(saves)) as pool:
            with a_held_writer(shop.recorder, batches):
                answers = [pool.submit(save) for save in saves]
                until(lambda: shop.recorder._writer.waiting() == len(saves))
            outcomes = [answer.exception(timeout=30) for answer in answers]
        assert batches[:2] == [1, len(saves)], "the saves were not one batch"
        return outcomes

    def test_is_written_together(self, shop):
        orders = [Order.place(a_context(key=f"key {number}")) for number in range(8)]

        raised = self.save_together(shop, *(lambda order=order: shop.save(order) for order in orders))

        assert raised == [None] * 8
        log = shop.recorder.read()
        assert {event.originator_id for event in log} == {order.id for order in orders}
        positions = {event.originator_id: event.position for event in log}
        for number, order in enumerate(orders):
            stored = shop.find_key("baker-1", f"key {number}")
            assert (stored.aggregate_id, stored.first_position) == (order.id, positions[order.id])
            assert order.started_at == log[positions[order.id] - 1].recorded_at

    def test_lets_no_command_fail_its_neighbours(self, shop, taken):
        good = [Order.place(a_context()) for _ in range(3)]
        bad = [Order.place(a_context(key="k1")), Order.place(a_context()), Order.place(a_context())]
        stale = shop.get(Order, taken.id, a_context(), version=1)
        stale.add("white bread")
        row = {"aggregate_id": bad[1].id, "order_id": bad[1].id, "place": 1, "loaf": "pretzel", "flour": "rye"}

        raised = self.save_together(
            shop,
            lambda: shop.save(good[0]),
            lambda: shop.save(bad[0]),
            lambda: shop.save(good[1]),
            lambda: shop.save(bad[1], rows=[Replace(to_bake, {"order_id": bad[1].id}, [row, row])]),
            lambda: shop.save(stale),
            lambda: shop.save(bad[2], moves=[Move("mill", 3, None, Position(uuid4(), 6, "6-1"))]),
            lambda: shop.save(good[2]),
        )

        assert [raised[0], raised[2], raised[6]] == [None, None, None]
        assert [type(raised[1]), type(raised[4]), type(raised[5])] == [KeyReused, VersionConflict, PositionMoved]
        assert "to_bake" in str(raised[3])
        assert {event.originator_id for event in shop.recorder.read()} == {taken.id, *(order.id for order in good)}

    def test_keeps_the_first_of_two_with_one_key(self, shop):
        orders = [Order.place(a_context(key="k1")) for _ in range(2)]

        raised = self.save_together(shop, *(lambda order=order: shop.save(order) for order in orders))

        assert [type(error) for error in raised if error] == [KeyReused]
        (event,) = shop.recorder.read()
        assert shop.find_key("baker-1", "k1").aggregate_id == event.originator_id

    def test_keeps_the_first_of_two_for_one_version(self, shop, taken):
        loaded = [shop.get(Order, taken.id, a_context()) for _ in range(2)]
        for order in loaded:
            order.add("pretzel")

        raised = self.save_together(shop, *(lambda order=order: shop.save(order) for order in loaded))

        assert [type(error) for error in raised if error] == [VersionConflict]
        assert shop.get(Order, taken.id).version == 3


class TestUnreadableEvent:
    def test_never_reaches_the_writer(self, shop):
        order = Order.place(a_context(), due="some day")

        with pytest.raises(Unreadable):
            shop.save(order)

        assert shop.recorder.max_notification_id() is None
        with pytest.raises(NotFound):
            shop.get(Order, order.id)


def receipts(commits: Sequence[Commit]) -> list[Receipt]:
    return [Receipt() for _ in commits]


class Script:
    """A transaction that does what the script says at each call, and notes what it was given."""

    def __init__(self, *steps: Callable[[Sequence[Commit]], object] | BaseException):
        self.steps = list(steps)
        self.calls: list[list[Commit]] = []

    def __call__(self, commits: Sequence[Commit]):
        self.calls.append(list(commits))
        step = self.steps.pop(0) if self.steps else receipts
        if isinstance(step, BaseException):
            raise step
        return step(commits)


class TestWriter:
    def outcomes(self, script: Script, count: int) -> list[BaseException | None]:
        """Write `count` commits in one batch, after one that is held until they wait."""
        entered, released = Event(), Event()

        def hold(commits: Sequence[Commit]) -> list[Receipt]:
            entered.set()
            assert released.wait(timeout=30)
            return receipts(commits)

        script.steps.insert(0, hold)
        writer = GroupWriter(script, lambda: None)
        with ThreadPoolExecutor(count + 1) as pool:
            first = pool.submit(writer.write, Commit())
            assert entered.wait(timeout=30)
            answers = []
            for number in range(count):
                answers.append(pool.submit(writer.write, Commit()))
                until(lambda expected=number + 1: writer.waiting() == expected)
            released.set()
            first.result(timeout=30)
            found = [answer.exception(timeout=30) for answer in answers]
        writer.close()
        return found

    def test_tells_everyone_at_once_that_the_log_is_down(self):
        script = Script(LogUnavailable("down"))

        raised = self.outcomes(script, 3)

        assert [type(error) for error in raised] == [LogUnavailable] * 3
        assert [len(call) for call in script.calls] == [1, 3]

    def test_stops_writing_one_by_one_when_the_log_goes_down(self):
        script = Script(KeyReused(), receipts, LogUnavailable("down"))

        raised = self.outcomes(script, 4)

        assert [type(error) for error in raised] == [type(None)] + [LogUnavailable] * 3
        assert [len(call) for call in script.calls] == [1, 4, 1, 1]

    def test_goes_on_behind_a_command_that_was_broken_off(self):
        script = Script(Interrupted("too slow"), receipts, Interrupted("too slow"))

        raised = self.outcomes(script, 3)

        assert [type(error) for error in raised] == [type(None), Interrupted, type(None)]

    @pytest.mark.parametrize("steps", [[KeyboardInterrupt()], [KeyReused(), receipts, KeyboardInterrupt()]], ids=len)
    def test_tells_the_neighbours_of_a_thread_that_is_stopped_to_come_back(self, steps):
        script = Script(*steps)

        raised = self.outcomes(script, 4)

        assert [type(error) for error in raised] == [KeyboardInterrupt] + [LogUnavailable] * 3

    def test_gives_each_its_own_outcome_after_a_lost_answer(self):
        script = Script(lambda commits: [Receipt([7]), LogUnavailable("not found"), Receipt([8])])

        raised = self.outcomes(script, 3)

        assert [type(error) for error in raised] == [type(None), LogUnavailable, type(None)]

    def test_writes_what_waits_before_it_closes(self):
        script, closed = Script(), []
        writer = GroupWriter(script, lambda: closed.append(len(script.calls)))
        writer.write(Commit())

        writer.close()

        assert closed == [1]
        with pytest.raises(LogUnavailable, match="closed"):
            writer.write(Commit())

    def test_takes_a_limited_batch(self, monkeypatch):
        monkeypatch.setattr(shared.eventlog.writer, "BATCH_COMMITS", 2)
        script = Script()

        self.outcomes(script, 5)

        assert [len(call) for call in script.calls] == [1, 2, 2, 1]

    def test_gives_up_waiting_and_then_does_not_write_it(self, monkeypatch):
        monkeypatch.setattr(shared.eventlog.writer, "ANSWER_WITHIN", 0.05)
        entered, released = Event(), Event()

        def hold(commits: Sequence[Commit]) -> list[Receipt]:
            entered.set()
            assert released.wait(timeout=30)
            return receipts(commits)

        script = Script(hold)
        writer = GroupWriter(script, lambda: None)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(writer.write, Commit())
            assert entered.wait(timeout=30)
            with pytest.raises(LogUnavailable, match="did not answer in time"):
                writer.write(Commit())
            released.set()
            assert first.exception(timeout=30) is None
        monkeypatch.setattr(shared.eventlog.writer, "ANSWER_WITHIN", 30)
        writer.write(Commit())
        writer.close()

        assert [len(call) for call in script.calls] == [1, 1]
