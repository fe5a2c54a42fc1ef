"""Two services whose clocks are two seconds apart: no cut in time over their logs shows an effect without its cause."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from shared.clock import ShiftedClock
from shared.eventlog import Heads, LoggedEvent, LogRecorder, migrate, open_log
from tests.eventlog import bakery
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context, at_once
from tests.messaging.delivery import town

ROUNDS = 12


class Fact(NamedTuple):
    """Where an event stands, and when it was recorded."""

    service: str
    position: int
    recorded_at: datetime


@pytest.fixture
def services(log_url: str, tmp_path: Path) -> Iterator[dict[str, Bakery]]:
    """Two services: one second ahead on each database in turn, and one second behind on SQLite."""
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    migrate(other, None, bakery.metadata)
    with ExitStack() as opened:
        shops = {}
        for name, url, seconds in (("ahead", log_url, 1), ("behind", other, -1)):
            recorder = open_log(url, ShiftedClock(offset=timedelta(seconds=seconds)))
            opened.callback(recorder.close)
            shops[name] = Bakery(recorder, CATALOGUE)
        yield shops


def record(services: dict[str, Bakery], name: str, cause: Fact | None = None) -> Fact:
    """Record something in a service, because of something in another."""
    order = Order.place(a_context(floor=cause.recorded_at if cause else None))
    recorder = services[name].recorder
    services[name].save(order)
    (stored,) = recorder.select_events(order.id)
    return Fact(name, stored.position, stored.recorded_at)


def a_conversation(services: dict[str, Bakery]) -> list[tuple[Fact, Fact]]:
    """Let four at a time cause one another to and fro; give each cause with its effect."""
    pairs: list[tuple[Fact, Fact]] = []

    def talk(number: int) -> None:
        speakers = ("ahead", "behind") if number % 2 else ("behind", "ahead")
        cause = record(services, speakers[0])
        for turn in range(ROUNDS):
            effect = record(services, speakers[(turn + 1) % 2], cause)
            pairs.append((cause, effect))
            cause = effect

    assert at_once(4, talk) == [None] * 4
    return pairs


class TestACutInTime:
    def test_shows_no_effect_without_its_cause(self, services):
        pairs = a_conversation(services)

        moments = sorted({fact.recorded_at for pair in pairs for fact in pair})
        for moment in moments:
            seen = {fact for pair in pairs for fact in pair if fact.recorded_at <= moment}
            assert [effect for cause, effect in pairs if effect in seen and cause not in seen] == []
        assert services["ahead"].recorder.floors_ignored == services["behind"].recorder.floors_ignored == 0

    def test_up_to_the_heads_of_both_is_never_added_to(self, services):
        cuts: list[dict[str, Heads]] = []

        def cut(_: int) -> None:
            for _ in range(ROUNDS):
                cuts.append({name: shop.recorder.heads() for name, shop in services.items()})

        work = {0: lambda: a_conversation(services), 1: lambda: cut(0)}
        assert at_once(2, lambda number: work[number]()) == [None, None]

        whole = {name: shop.recorder.read(limit=10_000) for name, shop in services.items()}
        for heads in cuts:
            until = min(head.at for head in heads.values())
            for name, head in heads.items():
                assert later_than(whole[name], head, until) == []


def later_than(log: list[LoggedEvent], heads: Heads, until: datetime) -> list[LoggedEvent]:
    """Find what was recorded up to a moment, but came in behind the heads that promised it."""
    return [event for event in log if event.recorded_at <= until and event.position > heads.lanes[event.lane]]


class TestAReaction:
    def test_is_recorded_after_what_it_reacts_to_although_its_clock_is_behind(self, tmp_path):
        with town(tmp_path) as streets:
            set_apart(streets.bakery.recorder, streets.shipping.recorder)
            baked = [streets.bake() for _ in range(5)]

            inbox = streets.inbox()
            for message in streets.messages():
                inbox.take(message)

            parcels = streets.shipping.recorder.read()
            causes = {bread.id: bread.started_at for bread in baked}
            assert streets.parcels() == [bread.id for bread in baked]
            for bread, parcel in zip(streets.parcels(), parcels, strict=True):
                assert parcel.recorded_at > causes[bread]


def set_apart(ahead: LogRecorder, behind: LogRecorder) -> None:
    """Let two services' clocks be two seconds apart."""
    ahead.clock = ShiftedClock(offset=timedelta(seconds=1))
    behind.clock = ShiftedClock(offset=timedelta(seconds=-1))
