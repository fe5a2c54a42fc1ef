"""A running suite whose clock stands still on 2026-11-23, and people at terminals near it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Desk
from tests.journeys.running import Person, RunningSuite, embedded

TODAY = "2026-11-23T12:00:00Z"


@pytest.fixture(scope="module")
def clock_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the suite's clock follows."""
    file = tmp_path_factory.mktemp("clock") / "clock"
    file.write_text(TODAY, "ascii")
    return file


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory, clock_file: Path) -> Iterator[RunningSuite]:
    """The embedded suite as a process of its own."""
    running = embedded(tmp_path_factory.mktemp("suite"))
    running.add("suite", "up", CARETRAIL_CLOCK_FILE=str(clock_file))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def anna(suite: RunningSuite) -> Person:
    """A care coordinator who speaks HTTP herself."""
    return suite.person("anna", "care-coordinator")


@pytest.fixture(scope="module")
def annas_desk(anna: Person) -> Desk:
    """The same at a terminal."""
    return Desk(anna.suite, anna.username)
