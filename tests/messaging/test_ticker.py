"""Timers: each fires once when its time has passed, whoever else is there, and whatever went wrong before."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

from events.base import Event
from shared.clock import FileClock, ShiftedClock
from shared.eventlog import LogUnavailable, Replace, migrate
from shared.eventlog.tables import refused_reactions
from shared.messaging import Supervisor, Ticker, points
from tests.messaging.delivery import until
from tests.messaging.oven import (
    HALF_PAST_SIX,
    SIX,
    Kitchen,
    Loaf,
    LoafBurnt,
    LoafTakenOut,
    Oven,
    OvenReactionRefused,
    RusksPacked,
    another,
    baking,
    metadata,
    open_oven,
)
from tests.servers import database_name, url_as_role

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'oven.sqlite'}"
    migrate(url, None, metadata)
    return url


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    url = url_as_role(postgres_database, f"{database_name(postgres_database)}_oven", "secret")
    migrate(url, postgres_database, metadata)
    return url


def kitchen_at(url: str) -> Iterator[Kitchen]:
    clock = ShiftedClock(instant=SIX)
    opened = Kitchen(open_oven(url, clock), url, clock)
    yield opened
    opened.oven.close()


@pytest.fixture
def kitchen(sqlite_url: str) -> Iterator[Kitchen]:
    yield from kitchen_at(sqlite_url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_kitchen(request: pytest.FixtureRequest) -> Iterator[Kitchen]:
    yield from kitchen_at(request.getfixturevalue(f"{request.param}_url"))


def all_fired(ticker: Ticker) -> int:
    """Fire all that is due, and give how many turns that took."""
    turns = 0
    while ticker.fire_next():
        turns += 1
    return turns


class TestATimer:
    def test_fires_once_when_its_time_has_come(self, any_kitchen: Kitchen):
        loaf, ticker = any_kitchen.put_in(), any_kitchen.ticker()
        any_kitchen.clock.stand_at(HALF_PAST_SIX)

        assert [ticker.fire_next() for _ in range(3)] == [True, False, False]

        assert any_kitchen.burnt() == [loaf.id]
        assert ticker.fired == {"burn_what_nobody_took_out": 1, "pack_what_is_dry": 0}

    def test_does_not_fire_before(self, any_kitchen: Kitchen):
        any_kitchen.put_in()
        any_kitchen.clock.stand_at(HALF_PAST_SIX - timedelta(microseconds=1))

        assert any_kitchen.ticker().fire_next() is False

        assert any_kitchen.burnt() == []

    def test_acts_now_for_nobody_because_of_what_set_it_as_of_its_time(self, kitchen: Kitchen):
        loaf = kitchen.put_in(hops=3)
        kitchen.person(loaf, Loaf.turn)
        kitchen.clock.stand_at(HALF_PAST_SIX + A_MINUTE)

        kitchen.ticker().fire_next()

        put_in, _, burnt = kitchen.facts(Event)
        assert (burnt.actor.id, burnt.actor.role) == ("timer:oven.burn_what_nobody_took_out", "service")
        assert burnt.actor.on_behalf_of is None
        assert (burnt.causation_id, burnt.correlation_id) == (put_in.event_id, put_in.correlation_id)
        assert (burnt.hops, burnt.patient_id) == (0, put_in.patient_id)
        assert (burnt.occurred_at, burnt.recorded_at) == (HALF_PAST_SIX, HALF_PAST_SIX + A_MINUTE)

    def test_that_was_called_off_does_not_fire(self, kitchen: Kitchen):
        kitchen.person(kitchen.put_in(), Loaf.take_out)
        kitchen.clock.stand_at(HALF_PAST_SIX)

        assert kitchen.ticker().fire_next() is False

        assert kitchen.burnt() == []

    def test_that_was_set_anew_fires_at_its_new_time_alone(self, kitchen: Kitchen):
        loaf, ticker = kitchen.put_in(), kitchen.ticker()
        kitchen.person(loaf, lambda loaf: loaf.turn(HALF_PAST_SIX + A_MINUTE))

        kitchen.clock.stand_at(HALF_PAST_SIX)
        early = all_fired(ticker)
        kitchen.clock.forward(A_MINUTE)
        late = all_fired(ticker)

        assert (early, late) == (0, 1)
        (burnt,) = kitchen.facts(LoafBurnt)
        assert (burnt.occurred_at, burnt.causation_id) == (HALF_PAST_SIX + A_MINUTE, f"{loaf.id}-2")

    def test_counts_as_late_more_than_a_minute_after_its_time(self, kitchen: Kitchen):
        ticker = kitchen.ticker()
        for late in (A_MINUTE, A_MINUTE + timedelta(seconds=1)):
            kitchen.put_in(out_by=kitchen.clock())
            kitchen.clock.forward(late)
            all_fired(ticker)

        assert ticker.fired["burn_what_nobody_took_out"] == 2
        assert ticker.late["burn_what_nobody_took_out"] == 1

    def test_whose_row_was_left_behind_is_dropped(self, kitchen: Kitchen):
        loaf, ticker = kitchen.put_in(), kitchen.ticker()
        kitchen.person(loaf, Loaf.take_out)
        row = {"aggregate_id": loaf.id, "due_at": HALF_PAST_SIX, "set_by": f"{loaf.id}-1"}
        kitchen.oven.record((), rows=[Replace(baking, {"aggregate_id": loaf.id}, [row])])
        kitchen.clock.stand_at(HALF_PAST_SIX)

        assert all_fired(ticker) == 1

        assert kitchen.burnt() == []
        assert ticker.dropped["burn_what_nobody_took_out"] == 1


class TestAClockThatJumps:
    def test_over_several_times_fires_each_in_the_order_of_their_times(self, kitchen: Kitchen):
        third, first, second = (
            kitchen.put_in(name, HALF_PAST_SIX + minutes * A_MINUTE)
            for name, minutes in (("rye", 2), ("rye", 0), ("rusk", 1))
        )
        later = kitchen.put_in(out_by=HALF_PAST_SIX + timedelta(days=2))
        kitchen.clock.forward(timedelta(days=1))

        all_fired(kitchen.ticker())

        happened = [fact for fact in kitchen.facts(Event) if isinstance(fact, (LoafBurnt, RusksPacked))]
        assert [getattr(fact, "loaf", fact.originator_id) for fact in happened] == [first.id, second.id, third.id]
        assert later.id not in kitchen.burnt()

    def test_back_fires_nothing_again(self, kitchen: Kitchen):
        loaf, ticker = kitchen.put_in(), kitchen.ticker()
        kitchen.clock.stand_at(HALF_PAST_SIX)
        all_fired(ticker)

        kitchen.clock.stand_at(SIX)
        all_fired(ticker)
        kitchen.clock.stand_at(HALF_PAST_SIX)

        assert all_fired(ticker) == 0
        assert kitchen.burnt() == [loaf.id]


class TestAfterARestart:
    def test_what_fired_does_not_fire_again_and_what_is_due_does(self, any_kitchen: Kitchen):
        before = any_kitchen.put_in()
        meanwhile = any_kitchen.put_in(out_by=HALF_PAST_SIX + A_MINUTE)
        any_kitchen.clock.stand_at(HALF_PAST_SIX)
        all_fired(any_kitchen.ticker())

        any_kitchen.clock.forward(timedelta(hours=8))
        with another(any_kitchen) as oven:
            fired = all_fired(any_kitchen.ticker(oven))

        assert fired == 1
        assert any_kitchen.burnt() == [before.id, meanwhile.id]


class TestTwoTickers:
    def test_at_once_fire_each_timer_once(self, any_kitchen: Kitchen):
        loaves = [any_kitchen.put_in("rusk" if number % 2 else "rye").id for number in range(24)]
        any_kitchen.clock.stand_at(HALF_PAST_SIX)
        ready = threading.Barrier(2)

        def fire(oven: Oven, tickers: list[Ticker]) -> None:
            tickers.append(any_kitchen.ticker(oven))
            ready.wait()
            all_fired(tickers[-1])

        tickers: list[Ticker] = []
        with another(any_kitchen) as oven:
            threads = [threading.Thread(target=fire, args=(each, tickers)) for each in (any_kitchen.oven, oven)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        packed = [fact.loaf for fact in any_kitchen.facts(RusksPacked)]
        assert sorted([*any_kitchen.burnt(), *packed]) == sorted(loaves)
        assert sum(sum(ticker.fired.values()) for ticker in tickers) == len(loaves)
        assert [sum(ticker.failed.values()) for ticker in tickers] == [0, 0]

    @pytest.mark.parametrize("name", ["rye", "rusk"])
    def test_of_which_one_is_slow_fire_once(self, any_kitchen: Kitchen, name: str):
        any_kitchen.put_in(name)
        any_kitchen.clock.stand_at(HALF_PAST_SIX)
        with another(any_kitchen) as oven:
            quick, slow = any_kitchen.ticker(oven), any_kitchen.ticker()
            any_kitchen.meanwhile.append(quick.fire_next)

            all_fired(slow)

        assert len(any_kitchen.facts((LoafBurnt, RusksPacked))) == 1
        assert (sum(quick.fired.values()), sum(slow.fired.values())) == (1, 0)

    @pytest.mark.parametrize("name", ["rye", "rusk"])
    def test_of_which_one_waits_just_before_it_records_fire_once(
        self, any_kitchen: Kitchen, name: str, monkeypatch: pytest.MonkeyPatch
    ):
        any_kitchen.put_in(name)
        any_kitchen.clock.stand_at(HALF_PAST_SIX)
        with another(any_kitchen) as oven:
            quick, slow = any_kitchen.ticker(oven), any_kitchen.ticker()
            at_the_point(points.TIMER_DUE, quick.fire_next, monkeypatch)

            all_fired(slow)

        assert len(any_kitchen.facts((LoafBurnt, RusksPacked))) == 1
        assert (sum(quick.fired.values()), sum(slow.fired.values())) == (1, 0)


class TestAPersonAtTheSameMoment:
    """A person acts once the timer has loaded the loaf and decided, and before it records."""

    def test_who_calls_the_timer_off_is_the_one_who_was_there_first(
        self, any_kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
    ):
        loaf, ticker = any_kitchen.put_in(), any_kitchen.ticker()
        any_kitchen.clock.stand_at(HALF_PAST_SIX)
        at_the_point(points.TIMER_DUE, lambda: any_kitchen.person(loaf, Loaf.take_out), monkeypatch)

        all_fired(ticker)

        assert any_kitchen.burnt() == []
        assert len(any_kitchen.facts(LoafTakenOut)) == 1
        assert (ticker.fired["burn_what_nobody_took_out"], ticker.failed["burn_what_nobody_took_out"]) == (0, 0)

    def test_who_does_something_else_is_followed_by_the_timer(
        self, any_kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
    ):
        loaf, ticker = any_kitchen.put_in(), any_kitchen.ticker()
        any_kitchen.clock.stand_at(HALF_PAST_SIX)
        at_the_point(points.TIMER_DUE, lambda: any_kitchen.person(loaf, Loaf.turn), monkeypatch)

        all_fired(ticker)

        (burnt,) = any_kitchen.facts(LoafBurnt)
        assert (burnt.originator_version, burnt.causation_id) == (3, f"{loaf.id}-1")


class TestARefusal:
    def test_is_recorded_once_and_stands_on_the_coordinators_list(self, kitchen: Kitchen):
        stone, ticker = kitchen.put_in("stone"), kitchen.ticker()
        kitchen.clock.stand_at(HALF_PAST_SIX + A_MINUTE)

        assert all_fired(ticker) == 1

        (refused,) = kitchen.facts(OvenReactionRefused)
        assert (refused.policy, refused.reason) == ("burn_what_nobody_took_out", "Stones do not burn.")
        assert (refused.cause, refused.cause_type) == (f"{stone.id}-1", "caretrail.oven.loaf-put-in.v1")
        assert (refused.patient_id, refused.occurred_at) == (stone.patient_id, kitchen.clock())
        (row,) = kitchen.oven.query(select(refused_reactions))
        assert (row["aggregate_id"], row["policy"]) == (refused.originator_id, refused.policy)
        assert (ticker.refused["burn_what_nobody_took_out"], ticker.fired["burn_what_nobody_took_out"]) == (1, 0)

    def test_is_recorded_where_two_tickers_meet_it(self, any_kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch):
        any_kitchen.put_in("stone")
        any_kitchen.clock.stand_at(HALF_PAST_SIX)
        with another(any_kitchen) as oven:
            quick, slow = any_kitchen.ticker(oven), any_kitchen.ticker()
            at_the_point(points.TIMER_DUE, quick.fire_next, monkeypatch)

            all_fired(slow)

        assert len(any_kitchen.facts(OvenReactionRefused)) == 1


class TestAFailure:
    def test_holds_up_no_other_timer(self, kitchen: Kitchen):
        kitchen.errors["odd"] = [RuntimeError("smoke")] * 3
        odd = [kitchen.put_in("odd", HALF_PAST_SIX - A_MINUTE).id for _ in range(3)]
        good = [kitchen.put_in().id for _ in range(3)]
        rusk = kitchen.put_in("rusk", HALF_PAST_SIX + A_MINUTE)
        ticker = kitchen.ticker()
        kitchen.clock.stand_at(HALF_PAST_SIX + A_MINUTE)

        all_fired(ticker)

        assert sorted(kitchen.burnt()) == sorted(good)
        assert [fact.loaf for fact in kitchen.facts(RusksPacked)] == [rusk.id]
        assert ticker.failed == {"burn_what_nobody_took_out": len(odd), "pack_what_is_dry": 0}

    def test_is_tried_again_after_a_pause_that_grows_up_to_a_minute(self, kitchen: Kitchen):
        kitchen.errors["odd"] = [RuntimeError("smoke")] * 9
        odd, ticker = kitchen.put_in("odd"), kitchen.ticker()
        kitchen.clock.stand_at(HALF_PAST_SIX)
        tried_at = []

        while not kitchen.burnt():
            if ticker.fire_next():
                tried_at.append(kitchen.seconds)
            kitchen.seconds += 1

        pauses = [after - before for before, after in pairwise(tried_at)]
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert kitchen.burnt() == [odd.id]
        assert (ticker.failed["burn_what_nobody_took_out"], ticker.fired["burn_what_nobody_took_out"]) == (9, 1)

    def test_is_tried_again_by_a_ticker_that_starts(self, kitchen: Kitchen):
        kitchen.errors["odd"] = [RuntimeError("smoke")]
        odd = kitchen.put_in("odd")
        kitchen.clock.stand_at(HALF_PAST_SIX)
        all_fired(kitchen.ticker())

        all_fired(kitchen.ticker())

        assert kitchen.burnt() == [odd.id]

    def test_of_which_a_person_takes_care_leaves_nothing_to_try(self, kitchen: Kitchen):
        kitchen.errors["odd"] = [RuntimeError("smoke")] * 2
        odd, ticker = kitchen.put_in("odd"), kitchen.ticker()
        kitchen.clock.stand_at(HALF_PAST_SIX)
        all_fired(ticker)

        kitchen.person(odd, Loaf.take_out)
        kitchen.seconds += 60

        assert all_fired(ticker) == 0
        assert ticker.overdue() == timedelta(0)

    def test_of_the_log_itself_ends_the_loop(self, kitchen: Kitchen):
        kitchen.errors["odd"] = [LogUnavailable("the disk is full")]
        odd, ticker = kitchen.put_in("odd"), kitchen.ticker()
        kitchen.clock.stand_at(HALF_PAST_SIX)

        with pytest.raises(LogUnavailable):
            ticker.fire_next()

        assert all_fired(ticker) == 1
        assert kitchen.burnt() == [odd.id]
        assert ticker.failed["burn_what_nobody_took_out"] == 0


class TestTheTickerTells:
    def test_how_long_the_oldest_timer_has_been_due(self, any_kitchen: Kitchen):
        ticker = any_kitchen.ticker()
        empty = ticker.overdue()
        any_kitchen.put_in(out_by=HALF_PAST_SIX)
        any_kitchen.put_in("rusk", out_by=HALF_PAST_SIX + A_MINUTE)
        not_yet = ticker.overdue()

        any_kitchen.clock.stand_at(HALF_PAST_SIX + 3 * A_MINUTE)
        both = ticker.overdue()
        ticker.fire_next()

        assert (empty, not_yet, both) == (timedelta(0), timedelta(0), 3 * A_MINUTE)
        assert ticker.overdue() == 2 * A_MINUTE


class TestTheRunningTicker:
    def test_fires_when_a_file_moves_its_clock_and_stops_when_told(self, kitchen: Kitchen, tmp_path: Path):
        file = tmp_path / "clock"
        say(file, SIX)
        kitchen.clock = FileClock(file)  # type: ignore[assignment]
        loaf, supervisor = kitchen.put_in(), Supervisor()
        supervisor.start("oven-ticker", kitchen.ticker().run)

        say(file, HALF_PAST_SIX)
        until(kitchen.burnt)
        late = supervisor.stop()

        assert (kitchen.burnt(), late) == ([loaf.id], [])
        assert supervisor.restarts == {"oven-ticker": 0}

    def test_is_started_anew_after_the_log_was_away(self, kitchen: Kitchen):
        kitchen.errors["odd"] = [LogUnavailable("the disk is full")]
        odd, supervisor = kitchen.put_in("odd"), Supervisor()
        kitchen.clock.stand_at(HALF_PAST_SIX)

        supervisor.start("oven-ticker", kitchen.ticker().run)
        until(kitchen.burnt)
        supervisor.stop()

        assert kitchen.burnt() == [odd.id]
        assert supervisor.restarts == {"oven-ticker": 1}


def say(file: Path, moment: datetime) -> None:
    """Move the clock that follows a file, which is never seen half written."""
    fresh = file.with_name("fresh")
    fresh.write_text(moment.isoformat())
    fresh.replace(file)


def at_the_point(point: str, do: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something once when a ticker comes to a named point."""
    waiting = [do]

    def watcher(reached: str, types: Collection[str]) -> None:
        if reached == point and waiting:
            waiting.pop()()  # type: ignore[operator]

    monkeypatch.setattr(points, "_watchers", [watcher])
