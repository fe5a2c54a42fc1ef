"""Production shape: a worker is killed at each named point on the way of one fact, and started again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.conftest import Apart
from tests.faults.killing import KILLED, hit
from tests.faults.walking import NEEDED, REQUESTED, assert_once, assert_whole, cleared, facts, screened
from tests.journeys.journey import Steps

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
            assert apart.databases.published(needed)
            assert (before, overheard.times(needed)) == times

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
