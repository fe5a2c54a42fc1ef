"""Embedded: the process of the whole suite is killed at each named point, alone or together with its parent."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.faults.insisting import insisting
from tests.faults.killing import KILLED, gone, hit, spared, worker_of
from tests.faults.logs import Databases
from tests.faults.outputs import blemishes
from tests.faults.walking import NEEDED, REQUESTED, assert_once, assert_whole, cleared, screened
from tests.journeys.journey import Steps, Team, eventually
from tests.journeys.running import Process, RunningSuite, embedded

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180)]

REACTING = {
    "before-append": "referral-listener",
    "after-append": "referral-listener",
    "before-publish": "intake-relay",
    "after-publish": "intake-relay",
    "before-ack": "referral-listener",
}


@dataclass(frozen=True)
class Together:
    """The embedded suite: gunicorn's master, and one worker in which everything runs."""

    suite: RunningSuite
    team: Team
    master: Process
    databases: Databases


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Together]:
    """Start the embedded suite with every fault in it, all of them spared at first."""
    suite = embedded(tmp_path_factory.mktemp("together"))
    spared(suite.folder, REACTING)
    master = suite.processes["suite"]
    master.start(CARETRAIL_FAULT=" ".join(f"{point}:{NEEDED}:{loop}" for point, loop in REACTING.items()))
    yield Together(suite, insisting(suite), master, Databases(suite))
    suite.stop()
    assert blemishes(suite.folder) == []


class TestTheEmbeddedSuiteKilled:
    @pytest.mark.parametrize("point", REACTING)
    def test_at_a_point_is_started_again_by_its_parent_and_goes_on(self, together: Together, point: str):
        with killed(together, point) as steps:
            stands_at(together.databases, point)
            together.master.signal(signal.SIGCONT)

        self._is_whole(together, steps)

    def test_with_its_parent_goes_on_when_it_is_started_again(self, together: Together):
        with killed(together, "after-append") as steps:
            stands_at(together.databases, "after-append")
            together.master.signal(signal.SIGKILL)
            assert together.master.ended() == KILLED
            together.master.start()

        self._is_whole(together, steps)

    def _is_whole(self, together: Together, steps: Steps) -> None:
        cleared(steps)
        assert_once(together.suite, steps)
        assert_whole(together.suite)
        last = together.databases.latest(NEEDED)
        eventually(lambda: together.databases.published(last), "the relay is past it and remembers that")


@contextmanager
def killed(together: Together, point: str) -> Iterator[Steps]:
    """Walk to the conclusion of a screening, of which the worker dies; its parent is stopped and cannot replace it."""
    steps = screened(together.team)
    worker = worker_of(together.master)
    together.master.signal(signal.SIGSTOP)
    with hit(together.suite.folder, point, steps.conclude):
        gone(together.master, worker)
        yield steps


def stands_at(databases: Databases, point: str) -> None:
    """Assert what the dead process has left in the logs."""
    needed = databases.latest(NEEDED)
    reacted = databases.count(REQUESTED) == databases.count(NEEDED)
    if REACTING[point] == "intake-relay":
        assert not databases.published(needed)
    elif point == "before-append":
        assert (reacted, databases.taken("referral", needed)) == (False, False)
    else:
        assert (reacted, databases.taken("referral", needed)) == (True, True)
