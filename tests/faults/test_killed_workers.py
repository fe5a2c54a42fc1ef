"""Production shape: a worker is killed at each named point on the way of one fact, and started again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.conftest import Apart
from tests.faults.directed import PLANTED
from tests.faults.killing import KILLED, hit
from tests.faults.walking import NEEDED, REQUESTED, assert_once, assert_whole, cleared, facts, screened
from tests.journeys.journey import Steps, eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180)]


class TestAWorkerKilled:
    """The fact is intake's `clearance-needed`: intake's relay publishes it, referral's listener reacts to it."""

    def test_before_its_append_has_done_nothing_and_reacts_after_its_restart(self, apart: Apart):
        with killed(apart, "referral-worker", "before-append") as steps:
            (needed,) = facts(apart.suite, steps, NEEDED)
            assert facts(apart.suite, steps, REQUESTED) == []
            assert not apart.databases.taken("referral", needed)

        self._is_whole(apart, steps)

    @pytest.mark.parametrize("point", ["after-append", "before-ack"])
    def test_after_its_append_has_reacted_and_does_not_react_again(self, apart: Apart, point: str):
        with killed(apart, "referral-worker", point) as steps:
            (needed,) = facts(apart.suite, steps, NEEDED)
            (requested,) = facts(apart.suite, steps, REQUESTED)
            assert apart.databases.taken("referral", needed)
            # Not acknowledged: it will be delivered again.
            assert apart.broker.waiting("referral", needed, apart.databases.lane(needed)) > 0

        self._is_whole(apart, steps)
        assert facts(apart.suite, steps, REQUESTED) == [requested]

    @pytest.mark.parametrize(("point", "times"), [("before-publish", (0, 1)), ("after-publish", (1, 2))])
    def test_at_its_publishing_repeats_rather_than_loses(self, apart: Apart, point: str, times: tuple[int, int]):
        with apart.broker.overhearing("intake") as overheard:
            with killed(apart, "intake-worker", point) as steps:
                (needed,) = facts(apart.suite, steps, NEEDED)
                assert not apart.databases.published(needed)
                before = overheard.times(needed)

            self._is_whole(apart, steps)
            eventually(lambda: apart.databases.published(needed), "the relay is past it and remembers that")
            assert (before, overheard.times(needed)) == times

    def test_that_acknowledges_before_it_commits_would_leave_nothing_to_come_again(self, apart: Apart):
        planted = {"CARETRAIL_TEST_PLANTED": "ack before commit", "PYTHONPATH": str(PLANTED)}

        assert acknowledged_too_early(apart, **planted) != []
        assert acknowledged_too_early(apart) == []

    def _is_whole(self, apart: Apart, steps: Steps) -> None:
        cleared(steps)
        assert_once(apart.suite, steps)
        assert_whole(apart.suite)


@contextmanager
def killed(apart: Apart, worker: str, point: str) -> Iterator[Steps]:
    """Walk to the conclusion of a screening with a worker that kills itself on the way; start it again at the end."""
    process = apart.suite.processes[worker]
    steps = screened(apart.team)
    with hit(apart.suite.folder, point, steps.conclude):
        assert process.ended() == KILLED
    yield steps
    process.start()


def acknowledged_too_early(apart: Apart, **settings: str) -> list[str]:
    """Kill referral's worker before it appends its reaction; list what the broker does not hold for it any more."""
    worker = apart.suite.processes["referral-worker"]
    worker.stop()
    worker.start(**settings)
    steps = screened(apart.team)
    with hit(apart.suite.folder, "before-append", steps.conclude):
        assert worker.ended() == KILLED
    (needed,) = facts(apart.suite, steps, NEEDED)
    assert not apart.databases.taken("referral", needed)
    held = _is_held(apart, needed)
    worker.start()
    cleared(steps)
    return [] if held else [f"I4: {needed['id']} was acknowledged before it was taken"]


def _is_held(apart: Apart, needed: dict[str, str]) -> bool:
    """Tell whether a message waits for its consumer again; the broker notices after a moment that it is gone."""
    lane = apart.databases.lane(needed)
    try:
        eventually(lambda: apart.broker.waiting("referral", needed, lane) > 0, "the message is back", within=5.0)
    except AssertionError:
        return False
    return True
