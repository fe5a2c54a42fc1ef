"""Messages that are lost, doubled and late: what our inbox makes of them, and, as a control, the library's tracking."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID, uuid4

from tests.messaging.delivery import town
from tests.messaging.stock import sent_by_stock

EVENTS = 60

Deliver = Callable[[int, Sequence[int]], tuple[list[UUID], list[UUID]]]
"""Bakes so many, delivers by places in the log, catches up as it can, and gives what was baked and what was sent."""


def disturbed(number: int, *, lose: float = 0.0, double: float = 0.0, delay: float = 0.0) -> list[int]:
    """Give the places of messages in the order in which a bad broker delivers them."""
    arrivals: list[tuple[float, int]] = []
    for place in range(number):
        if random.random() < lose:
            continue
        arrivals.append((place + (random.uniform(2, 20) if random.random() < delay else 0), place))
        if random.random() < double:
            arrivals.append((place + random.uniform(0, 20), place))
    return [place for _, place in sorted(arrivals)]


def shipped(folder: Path) -> Deliver:
    """Deliver to our inbox, which then asks the feed as an idle listener does."""

    def deliver(number: int, order: Sequence[int]) -> tuple[list[UUID], list[UUID]]:
        with town(folder) as place:
            customer = uuid4()
            baked = [place.bake(customer=customer).id for _ in range(number)]
            messages, inbox = place.messages(), place.inbox()
            for each in order:
                inbox.take(messages[each])
            inbox.poll()
            inbox.poll()
            return baked, place.parcels()

    return deliver


class TestOurInbox:
    def test_makes_each_event_happen_once_and_in_order(self, tmp_path: Path):
        baked, sent = shipped(tmp_path)(EVENTS, disturbed(EVENTS, lose=0.05, double=0.1, delay=0.2))

        assert sent == baked


class TestTheLibrarysTracking:
    """The control: where these hold no longer, the test above proves nothing."""

    def test_takes_all_that_comes_in_order_even_doubled(self):
        baked, sent = sent_by_stock(EVENTS, disturbed(EVENTS, double=0.5))

        assert sent == baked

    def test_takes_an_event_that_is_late_for_a_duplicate_and_loses_it(self):
        late = [0, 2, 1, *range(3, EVENTS)]

        baked, sent = sent_by_stock(EVENTS, late)

        assert sent == [baked[0], *baked[2:]]

    def test_jumps_over_an_event_that_was_lost_and_never_asks_for_it(self):
        with_a_gap = [0, *range(2, EVENTS)]

        baked, sent = sent_by_stock(EVENTS, with_a_gap)

        assert sent == [baked[0], *baked[2:]]

    def test_loses_events_where_our_inbox_loses_none(self):
        order = disturbed(EVENTS, lose=0.05, double=0.1, delay=0.2)

        baked, sent = sent_by_stock(EVENTS, order)

        above = [place for at, place in enumerate(order) if place > max(order[:at], default=-1)]
        pulled = range(max(order) + 1, EVENTS)
        assert sent == [baked[place] for place in (*above, *pulled)]
        assert len(sent) < len(baked)
