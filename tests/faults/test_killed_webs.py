"""Web processes killed under load: what was accepted is in the log once, what was not is not there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.faults.checker import violations
from tests.faults.conftest import Apart
from tests.faults.insisting import insisting
from tests.faults.killing import kill_all, kill_worker
from tests.faults.load import Load, load
from tests.faults.logs import Databases
from tests.journeys.journey import Team, eventually
from tests.journeys.running import Process, RunningSuite, embedded

pytestmark = pytest.mark.xdist_group("faults")

BETWEEN_KILLS = 25
SOME, MANY = 5, 200


@dataclass(frozen=True)
class Target:
    """A process that serves intake, and somebody who may register patients there."""

    suite: RunningSuite
    process: Process
    team: Team
    folder: Path
    shape: str


@dataclass(frozen=True)
class Ordeal:
    """What happened: the load, the longest time from a kill to the next accepted command, the log written meanwhile."""

    kills: int
    work: Load
    longest: float
    log: list[dict[str, Any]]


@pytest.fixture(params=["embedded", pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.rabbitmq])])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    if request.param == "production":
        apart: Apart = request.getfixturevalue("apart")
        yield Target(apart.suite, apart.suite.processes["intake-web"], apart.team, tmp_path, request.param)
        return
    suite = embedded(tmp_path)
    suite.start()
    yield Target(suite, suite.processes["suite"], insisting(suite), tmp_path, request.param)
    suite.stop()


class TestAWebKilledUnderLoad:
    @pytest.mark.timeout(240)
    def test_loses_nothing_and_doubles_nothing(self, target: Target):
        ordeal = killed_under_load(target, SOME)

        history = ordeal.work.history()
        assert [entry for entry in history if entry["outcome"] == "info"], "the kills fell into commands under way"
        assert violations(history, ordeal.log) == []
        assert_caught_up(target)

    @pytest.mark.long
    @pytest.mark.timeout(7200)
    def test_many_times_loses_nothing_and_doubles_nothing(self, target: Target, results_folder: Path):
        ordeal = killed_under_load(target, MANY)

        found = violations(ordeal.work.history(), ordeal.log)
        write_down(ordeal, target.shape, found, results_folder)
        assert found == []
        assert_caught_up(target)


def assert_caught_up(target: Target) -> None:
    """Assert that all who listen to intake have soon taken everything, by themselves."""
    databases = Databases(target.suite)
    for listener in ("prescription", "referral", "monitoring", "history"):
        eventually(partial(databases.caught_up, listener, "intake"), f"{listener} has caught up")


def killed_under_load(target: Target, kills: int) -> Ordeal:
    """Kill the worker and the whole process in turn; each kill falls into whatever is under way."""
    suite, longest = target.suite, 0.0
    start = len(suite.log_of("intake"))
    with load(suite.addresses["intake"], target.team.anna.bearer, target.folder) as work:
        for number in range(kills):
            eventually(_more(work, BETWEEN_KILLS), "commands are accepted")
            _kill(target.process, whole=number % 2 == 1)
            begun = monotonic()
            eventually(_more(work, 1), "the next command is accepted")
            longest = max(longest, monotonic() - begun)
        eventually(_more(work, BETWEEN_KILLS), "commands are accepted")
    return Ordeal(kills, work, longest, suite.log_of("intake")[start:])


def _more(work: Load, count: int) -> Callable[[], bool]:
    wanted = work.accepted() + count
    return lambda: work.accepted() >= wanted


def _kill(process: Process, *, whole: bool) -> None:
    if whole:
        kill_all(process)
        process.start()
    else:
        kill_worker(process)


def write_down(ordeal: Ordeal, shape: str, found: list[str], folder: Path) -> None:
    """Leave the result, with the day and the commit that it belongs to."""
    history = [entry for entry in ordeal.work.history() if "key" in entry]
    begun: dict[str, float] = {}
    for entry in history:
        begun.setdefault(entry["key"], entry["t0"])
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit,
        "shape": shape,
        "kills": ordeal.kills,
        "attempts": len(history),
        "without_definite_answer": sum(entry["outcome"] == "info" for entry in history),
        "accepted": ordeal.work.accepted(),
        "events": len(ordeal.log),
        "violations": len(found),
        "longest_until_definite_s": round(max(entry["t1"] - begun[entry["key"]] for entry in history), 2),
        "longest_until_accepting_again_s": round(ordeal.longest, 2),
    }
    (folder / f"kills-{shape}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
