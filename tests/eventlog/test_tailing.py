"""Readers that follow a log while sixteen write to it miss nothing: by position, by lane, and up to its heads."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from time import monotonic

import pytest

from events.base import LANES
from shared.eventlog import LoggedEvent, open_log
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context, at_once
from tests.eventlog.results import write_down

WRITERS, THREADS = 4, 4
EVENTS_OF_A_SAVE = 5
PAGE = 200
PATIENCE = 900.0

Follower = Callable[[str, int], Sequence[LoggedEvent]]


def write(url: str, saves: int) -> list[BaseException | None]:
    """Write with four threads on a connection of their own; give what each raised."""
    recorder = open_log(url, lock_timeout=60)
    shop = Bakery(recorder, CATALOGUE)

    def work(_: int) -> None:
        for _ in range(saves):
            order = Order.place(a_context())
            order.add(*["rye bread"] * (EVENTS_OF_A_SAVE - 1))
            shop.save(order)

    raised = at_once(THREADS, work)
    recorder.close()
    return raised


def by_position(url: str, expected: int) -> list[LoggedEvent]:
    """Follow as a relay does."""
    seen: list[LoggedEvent] = []
    with closing(open_log(url)) as log:
        while_patient(
            lambda: seen.extend(log.read(after=seen[-1].position if seen else 0, limit=PAGE)),
            until=lambda: len(seen) >= expected,
        )
    return seen


def by_lane(url: str, expected: int) -> list[LoggedEvent]:
    """Follow as listeners do: each lane from its own position."""
    seen: list[list[LoggedEvent]] = [[] for _ in range(LANES)]
    with closing(open_log(url)) as log:

        def once() -> None:
            for lane, mine in enumerate(seen):
                mine.extend(log.read(after=mine[-1].position if mine else 0, limit=PAGE, lane=lane))

        while_patient(once, until=lambda: sum(map(len, seen)) >= expected)
    for mine in seen:
        assert [event.previous for event in mine] == [0, *(event.position for event in mine)][:-1]
    return sorted((event for mine in seen for event in mine), key=lambda event: event.position)


def up_to_heads(url: str, expected: int) -> list[LoggedEvent]:
    """Follow as one who asks for the heads and then reads up to there, trusting that nothing comes in before."""
    seen: list[LoggedEvent] = []
    with closing(open_log(url, lock_timeout=60)) as log:

        def once() -> None:
            heads = log.heads()
            behind = seen[-1].position if seen else 0
            found = log.read(after=behind, limit=expected, until=max(heads.lanes))
            assert {event.lane: event.position for event in found}.items() <= set(enumerate(heads.lanes))
            assert not seen or not found or found[0].recorded_at > promised[-1], "an event came in before a promise"
            promised.append(heads.at)
            seen.extend(found)

        promised: list = []
        while_patient(once, until=lambda: len(seen) >= expected)
    return seen


def while_patient(once: Callable[[], None], until: Callable[[], bool]) -> None:
    """Do something again and again until a condition holds."""
    end = monotonic() + PATIENCE
    while not until():
        assert monotonic() < end, "the reader never saw everything"
        once()


def follow(url: str, saves: int, writers: Executor) -> dict[str, int]:
    """Let sixteen write and three follow; give how many events each reader missed."""
    expected = WRITERS * THREADS * saves * EVENTS_OF_A_SAVE
    followers: dict[str, Follower] = {"position": by_position, "lane": by_lane, "heads": up_to_heads}
    with ThreadPoolExecutor(len(followers)) as pool, writers:
        answers = {name: pool.submit(each, url, expected) for name, each in followers.items()}
        written = [writers.submit(write, url, saves) for _ in range(WRITERS)]
        raised = [each.result() for each in written]
        seen = {name: answer.result() for name, answer in answers.items()}
    assert raised == [[None] * THREADS] * WRITERS
    with closing(open_log(url)) as log:
        whole = log.read(limit=expected + 1)
    assert [event.position for event in whole] == list(range(1, expected + 1))
    assert all(earlier.recorded_at < later.recorded_at for earlier, later in pairwise(whole))
    for name, found in seen.items():
        assert list(found) == list(whole), f"the reader by {name} saw something else than the log holds"
    return {name: expected - len(found) for name, found in seen.items()}


class TestFollowing:
    def test_a_log_that_sixteen_write_misses_nothing(self, log_url):
        assert follow(log_url, 8, ThreadPoolExecutor(WRITERS)) == {"position": 0, "lane": 0, "heads": 0}

    @pytest.mark.long
    @pytest.mark.timeout(1200)
    def test_fifty_thousand_events_of_sixteen_writers_misses_nothing(self, log_url, results_folder: Path):
        spawn = multiprocessing.get_context("spawn")
        missed = follow(log_url, 625, ProcessPoolExecutor(WRITERS, spawn))

        database = log_url.partition(":")[0]
        write_down(results_folder, f"tailing-{database}", database=database, events=50_000, writers=16, missed=missed)
        assert missed == {"position": 0, "lane": 0, "heads": 0}
