"""The suite under faults: killed, stopped and wiped under a load of journeys, it loses nothing and doubles nothing."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from tests.faults.killing import spared
from tests.faults.ordeal import Fault, summary, undergo, write_down
from tests.faults.private import private_broker, private_postgres
from tests.faults.stories import journey
from tests.faults.striking import (
    POINTS,
    add_faults,
    drawn,
    faults_at_points,
    faults_of_broker,
    faults_of_embedded,
    faults_of_postgres,
    faults_of_webs,
    faults_of_workers,
)
from tests.journeys.journey import Team
from tests.journeys.running import RunningSuite, embedded, production

pytestmark = pytest.mark.xdist_group("faults")

MINUTES = float(os.environ.get("CARETRAIL_TEST_MINUTES", "30"))
"""How long the long form runs, both shapes together."""


@dataclass(frozen=True)
class Stage:
    """A running suite, everything that can happen to it, and a sample of that."""

    shape: str
    suite: RunningSuite
    faults: list[Fault]
    sample: Callable[[], Iterator[Fault]]


def _embedded(folder: Path, at_end: ExitStack) -> Stage:
    suite = embedded(folder)
    at_end.callback(suite.stop)
    spared(suite.folder, POINTS)
    master = suite.processes["suite"]
    suite.add("suite", *master.command, CARETRAIL_FAULT=" ".join(POINTS))
    faults = faults_of_embedded(suite)
    return Stage("embedded", suite, faults, lambda: drawn((faults[:2], 2), (faults[2:], 3)))


def _production(folder: Path, at_end: ExitStack) -> Stage:
    database, broker = at_end.enter_context(private_postgres()), at_end.enter_context(private_broker())
    suite = production(folder, database.url, broker.url, "caretrail")
    at_end.callback(suite.stop)
    add_faults(suite)
    of_database, of_broker = faults_of_postgres(database), faults_of_broker(broker, suite)
    webs, workers, points = faults_of_webs(suite), faults_of_workers(suite), faults_at_points(suite)

    def sample() -> Iterator[Fault]:
        return drawn((of_database[:1], 1), (of_broker, 2), (webs, 2), (workers, 1), (points, 2))

    return Stage("production", suite, [*of_database, *of_broker, *webs, *workers, *points], sample)


SHAPES = {"embedded": _embedded, "production": _production}


@pytest.fixture(params=["embedded", pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.rabbitmq])])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as at_end:
        found = SHAPES[request.param](tmp_path, at_end)
        found.suite.start()
        Team.of(found.suite)
        yield found


class TestTheSuiteUnderFaults:
    @pytest.mark.long
    @pytest.mark.timeout(400)
    def test_loses_nothing_doubles_nothing_and_heals_by_itself(self, stage: Stage, tmp_path: Path):
        ordeal = undergo(stage.suite, journey, stage.sample(), _histories(tmp_path))

        assert ordeal.without_answer() > 0, "faults fell into commands under way"
        assert ordeal.violations() == []

    @pytest.mark.long
    @pytest.mark.timeout(7200)
    def test_for_a_long_time_holds_too(self, stage: Stage, tmp_path: Path, results_folder: Path):
        ordeal = undergo(stage.suite, journey, _rotation(stage.faults, MINUTES / len(SHAPES)), _histories(tmp_path))

        write_down("faults", stage.shape, {"minutes": MINUTES / len(SHAPES), **summary(ordeal)}, results_folder)
        assert ordeal.violations() == []


def _histories(folder: Path) -> Path:
    histories = folder / "histories"
    histories.mkdir()
    return histories


def _rotation(faults: list[Fault], minutes: float) -> Iterator[Fault]:
    """Give every fault in turn, in another order each time, until the time is over."""
    until = monotonic() + minutes * 60
    while True:
        for fault in random.sample(faults, len(faults)):
            if monotonic() > until:
                return
            yield fault
