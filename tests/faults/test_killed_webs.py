"""Web processes killed under load: what was accepted is in the log once, what was not is not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.faults.checker import violations
from tests.faults.conftest import Apart
from tests.faults.consequences import HEALS_WITHIN
from tests.faults.killing import kill_all, kill_worker
from tests.faults.load import load
from tests.faults.observing import caught_up, heads, observed
from tests.faults.ordeal import more, urls_of, write_down
from tests.faults.outputs import blemishes
from tests.faults.stories import care_teams
from tests.journeys.journey import Team, eventually
from tests.journeys.running import PASSWORD, Process, RunningSuite, embedded

pytestmark = pytest.mark.xdist_group("faults")

BETWEEN_KILLS = 25
SOME, MANY = 5, 200
PACE = 0.02
"""Seconds that each client rests between commands, so that those who listen are not left ever further behind."""


@dataclass(frozen=True)
class Target:
    """A process that serves intake, where somebody may register patients."""

    suite: RunningSuite
    process: Process
    folder: Path
    shape: str


@dataclass(frozen=True)
class Killed:
    """What happened: what clients were told, what stands in the databases, what the processes have said.

    `longest` is the longest time from a kill to the next accepted command, in seconds.
    """

    kills: int
    history: list[dict[str, Any]]
    seen: dict[str, Any]
    blemishes: list[str]
    longest: float

    def violations(self) -> list[str]:
        """List everything that must not be."""
        return [*violations(self.history, self.seen), *self.blemishes]

    def figures(self) -> dict[str, Any]:
        """Put it into figures."""
        commands = [entry for entry in self.history if "key" in entry]
        begun: dict[str, float] = {}
        for entry in commands:
            begun.setdefault(entry["key"], entry["t0"])
        return {
            "kills": self.kills,
            "attempts": len(commands),
            "without_definite_answer": sum(entry["outcome"] == "info" for entry in commands),
            "accepted": sum(entry["outcome"] == "ok" for entry in commands),
            "events": len(self.seen["logs"]["intake"]) - self.seen["since"]["intake"],
            "violations": len(self.violations()),
            "longest_until_definite_s": round(max(entry["t1"] - begun[entry["key"]] for entry in commands), 2),
            "longest_until_accepting_again_s": round(self.longest, 2),
        }


@pytest.fixture(params=["embedded", pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.rabbitmq])])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    if request.param == "production":
        apart: Apart = request.getfixturevalue("apart")
        yield Target(apart.suite, apart.suite.processes["intake-web"], tmp_path, request.param)
        return
    suite = embedded(tmp_path)
    suite.start()
    Team.of(suite)
    yield Target(suite, suite.processes["suite"], tmp_path, request.param)
    suite.stop()


class TestAWebKilledUnderLoad:
    @pytest.mark.timeout(240)
    def test_loses_nothing_and_doubles_nothing(self, target: Target):
        killed = killed_under_load(target, SOME)

        assert [entry for entry in killed.history if entry["outcome"] == "info"], "kills fell into commands under way"
        assert killed.violations() == []

    @pytest.mark.long
    @pytest.mark.timeout(7200)
    def test_many_times_loses_nothing_and_doubles_nothing(self, target: Target, results_folder: Path):
        killed = killed_under_load(target, MANY)

        write_down("kills", target.shape, killed.figures(), results_folder)
        assert killed.violations() == []


def killed_under_load(target: Target, kills: int) -> Killed:
    """Kill the worker and the whole process in turn; each kill falls into whatever is under way."""
    suite, longest, urls = target.suite, 0.0, urls_of(target.suite)
    since = heads(urls)
    with load(suite.addresses, PASSWORD, target.folder, care_teams, pace=PACE) as work:
        for number in range(kills):
            eventually(more(work, BETWEEN_KILLS), "commands are accepted")
            _kill(target.process, whole=number % 2 == 1)
            begun = monotonic()
            eventually(more(work, 1), "the next command is accepted")
            longest = max(longest, monotonic() - begun)
        eventually(more(work, BETWEEN_KILLS), "commands are accepted")
    healed = caught_up(urls, HEALS_WITHIN)
    return Killed(kills, work.history(), {**observed(urls, since), **healed}, blemishes(suite.folder), longest)


def _kill(process: Process, *, whole: bool) -> None:
    if whole:
        kill_all(process)
        process.start()
    else:
        kill_worker(process)
