"""Large saves go through on both databases, and those who work beside them are answered."""

from threading import Event, Thread
from time import monotonic

import pytest

from shared.eventlog import LogUnavailable, open_log
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context

EVENTS = 5_000
BODY = "x" * 4_000
PATIENCE = 60.0


def a_large_order() -> Order:
    """An order of 5,000 events and 20 MB."""
    order = Order.place(a_context(key="large"))
    order.add(*(f"{number} {BODY}" for number in range(EVENTS - 1)))
    return order


class TestALargeSave:
    @pytest.fixture
    def large(self, monkeypatch) -> Order:
        """Without rows in the worklist: its columns are short, and 5,000 of them are no one's day."""
        monkeypatch.setattr(Bakery, "worklists", ())
        return a_large_order()

    def test_goes_through_and_stalls_nobody_for_long(self, log_url, shop, large):
        neighbour = Bakery(open_log(log_url), CATALOGUE)
        done, waits, refused, kept = Event(), [], [], []

        def keep_saving(beside: Bakery) -> None:
            while not done.is_set():
                begun = monotonic()
                try:
                    kept.append(beside.save(Order.place(a_context())).id)
                except LogUnavailable as error:
                    refused.append(error)
                waits.append(monotonic() - begun)

        beside = [Thread(target=keep_saving, args=(each,)) for each in (shop, neighbour)]
        for thread in beside:
            thread.start()
        shop.save(large)
        done.set()
        for thread in beside:
            thread.join()

        stored = shop.recorder.select_events(large.id)
        assert [event.originator_version for event in stored] == list(range(1, EVENTS + 1))
        assert sum(len(event.state) for event in stored) > 20_000_000
        assert shop.find_key("baker-1", "large").version == EVENTS
        assert max(waits) < PATIENCE
        log = {event.originator_id for event in shop.recorder.read(limit=100_000)}
        assert log == {large.id, *kept}
        neighbour.close()
