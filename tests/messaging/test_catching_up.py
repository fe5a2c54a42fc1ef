"""Catching up by the feed: from nothing, beside another worker, and with upstreams that are away or hang."""

from __future__ import annotations

import json
import resource
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select

from shared.messaging import FeedClient, FeedUnavailable, Listener, Page, Relay, Supervisor
from shared.messaging.feed import PAGE
from shared.messaging.others import LEFT_AFTER, OtherWorkers
from tests.messaging.delivery import Bread, Town, Upstream, shelf, until

MANY, EACH, AT_ONCE = 100_000, 5, 100


def fill(place: Town, events: int) -> int:
    """Record so many events in the bakery's log, a fifth of which shipping listens to; give how many those are."""
    loaves = events // EACH
    customers = [uuid4() for _ in range(200)]
    for start in range(0, loaves, AT_ONCE):
        breads = [Bread.bake(place.because(), "rye", customers[n % 200]) for n in range(start, start + AT_ONCE)]
        for bread in breads:
            for _ in range(EACH - 1):
                bread.clean()
        place.bakery.save(*breads)
    return loaves


@dataclass
class Meanwhile:
    """Commands that were given while a listener caught up: how long each took, and which loops seemed stuck."""

    seconds: list[float] = field(default_factory=list)
    stuck: set[str] = field(default_factory=set)


def caught_up_meanwhile(place: Town, supervisor: Supervisor, loaves: int) -> Meanwhile:
    """Start shipping's listener from nothing, and go on baking until it has taken all."""
    found = Meanwhile()
    supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, "memory://").run)
    supervisor.start("shipping-listener", Listener("shipping", place.inbox(), "memory://").run)

    def all_taken() -> bool:
        begun = time.monotonic()
        place.bake()
        found.seconds.append(time.monotonic() - begun)
        found.stuck.update(supervisor.stuck())
        return on_the_shelf(place) >= loaves + len(found.seconds) - 20

    until(all_taken, within=3000)
    until(lambda: on_the_shelf(place) == loaves + len(found.seconds))
    return found


def on_the_shelf(place: Town) -> int:
    """Count the bread that shipping knows."""
    return int(place.shipping.query(select(func.count().label("number")).select_from(shelf))[0]["number"])


class TestANewConsumer:
    def test_takes_a_long_log_by_pages_while_commands_go_on(self, place: Town, supervisor: Supervisor):
        loaves = fill(place, 3_000)
        pages = asked_for_pages(place.upstream)

        found = caught_up_meanwhile(place, supervisor, loaves)

        assert max(pages) <= PAGE
        assert len(pages) < 3_000 / PAGE + len(found.seconds) + 64
        assert found.stuck == set()
        assert supervisor.restarts == {"bakery-relay": 0, "shipping-listener": 0}

    @pytest.mark.long
    @pytest.mark.timeout(7200)
    def test_takes_100_000_events_in_bounded_memory(self, place: Town, supervisor: Supervisor, results_folder: Path):
        loaves = fill(place, MANY)
        pages = asked_for_pages(place.upstream)
        before, begun = most_memory(), time.monotonic()

        found = caught_up_meanwhile(place, supervisor, loaves)

        grown = most_memory() - before
        write_down(results_folder, found, time.monotonic() - begun, grown)
        assert max(pages) <= PAGE
        assert found.stuck == set()
        assert grown < 100


def asked_for_pages(upstream: Upstream) -> list[int]:
    """Give a list that will hold the length of every page that is read."""
    pages: list[int] = []

    def noted(page: Page) -> Page:
        pages.append(len(page.events))
        return page

    upstream.rewrite = noted
    return pages


def most_memory() -> float:
    """Give the most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_down(folder: Path, found: Meanwhile, seconds: float, grown: float) -> None:
    """Leave the result, with the day and the commit that it belongs to."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit,
        "events": MANY,
        "seconds": round(seconds, 1),
        "memory_grown_mb": round(grown, 1),
        "commands_meanwhile": len(found.seconds),
        "longest_command_s": round(max(found.seconds), 3),
    }
    (folder / "catching-up.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


class TestAnInboxFarBehind:
    def test_takes_a_turn_and_goes_on_with_another_lane(self, place: Town, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("shared.messaging.inbox.LONGEST_TURN", 0.0)
        customers = [uuid4(), uuid4()]
        for _ in range(3):
            for customer in customers:
                place.bake(customer=customer)
        inbox = place.inbox()
        inbox.poll()

        turns = []
        for _ in range(2 * 16):
            inbox.poll()
            turns.append(len(place.parcels()))

        assert turns[0] == 1
        assert turns[-1] == 6
        assert max(after - before for before, after in pairwise(turns)) <= 2


class TestTwoOnOneLane:
    def test_do_not_take_each_others_steps_for_a_hole(self, place: Town):
        customer = uuid4()
        breads = [place.bake(customer=customer).id for _ in range(20)]
        slow, fast = place.inbox(), place.inbox()

        def overtaken(page: Page) -> Page:
            place.upstream.rewrite = lambda same: same
            fast.take(place.messages()[-1])
            return page

        place.upstream.rewrite = overtaken
        slow.take(place.messages()[-1])

        assert place.parcels() == breads
        assert slow.stopped == {}


class TestAnUpstreamThatIsAway:
    def test_keeps_nobody_from_asking_the_others(self, place: Town):
        bread = place.bake()
        inbox = place.inbox()
        away = Upstream(place.bakery.recorder)
        away.away = True
        inbox.feeds = {"brewery": away, "bakery": place.upstream}  # type: ignore[dict-item]

        for _ in range(2):
            with pytest.raises(FeedUnavailable):
                inbox.poll()

        assert place.parcels() == [bread.id]

    def test_is_not_asked_again_at_once_when_it_hung(self):
        asked: list[str] = []

        def hang(request: httpx.Request) -> httpx.Response:
            asked.append(request.url.path)
            time.sleep(0.2)
            raise httpx.ReadTimeout("no answer")

        feed = FeedClient("bakery", httpx.Client(base_url="http://bakery", transport=httpx.MockTransport(hang)), str)
        for _ in range(10):
            with pytest.raises(FeedUnavailable):
                feed.heads()
        after_ten = len(asked)

        until(lambda: asks_again(feed, asked))
        assert after_ten == 1

    def test_answers_garbage_and_is_taken_for_away(self):
        garbage = httpx.MockTransport(lambda _: httpx.Response(200, text="<html>welcome</html>"))
        feed = FeedClient("bakery", httpx.Client(base_url="http://bakery", transport=garbage), str)

        with pytest.raises(FeedUnavailable, match="not one of ours"):
            feed.heads()


def asks_again(feed: FeedClient, asked: list[str]) -> bool:
    """Ask, and tell whether the upstream has heard of it."""
    with pytest.raises(FeedUnavailable):
        feed.heads()
    return len(asked) > 1


class TestALaneOfAnotherWorker:
    LANE = ("bakery", 3)

    def test_is_left_to_it_while_it_moves(self):
        now = [100.0]
        others = OtherWorkers(lambda: now[0])

        assert [others.left(self.LANE, reached, due=True) for reached in self._each_second(now, [1, 2, 3, 4, 5])] == [
            False
        ] * 5

    def test_is_taken_over_when_it_has_stood_still_for_long(self):
        now = [100.0]
        others = OtherWorkers(lambda: now[0])

        taken = [others.left(self.LANE, reached, due=True) for reached in self._each_second(now, [1] * 6)]

        assert taken == [second > LEFT_AFTER for second in range(6)]

    def test_that_was_idle_for_long_is_not_taken_over_at_its_next_event(self):
        now = [100.0]
        others = OtherWorkers(lambda: now[0])
        others.left(self.LANE, 1, due=True)
        now[0] += 1
        others.left(self.LANE, 1, due=False)
        now[0] += 3600

        assert not others.left(self.LANE, 1, due=True)

    def _each_second(self, now: list[float], positions: list[int]) -> Iterator[int]:
        for position in positions:
            yield position
            now[0] += 1
