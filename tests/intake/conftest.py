"""Intake on a log of its own, opened anew for every test that asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from events.vocabulary import CATALOGUE
from services.intake.application import Intake
from services.intake.worklists import metadata
from shared.clock import ShiftedClock
from shared.eventlog import open_log
from tests.http.log import a_log
from tests.intake.given import NOW
from tests.intake.office import Office


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    """Intake on an empty SQLite log."""
    intake = Intake(open_log(a_log(tmp_path / "intake.sqlite", metadata), clock=lambda: NOW), CATALOGUE)
    yield intake
    intake.close()


@pytest.fixture
def office(intake: Intake, tmp_path: Path) -> Office:
    """Intake over HTTP."""
    return Office(intake, ShiftedClock(instant=NOW), tmp_path / "keys")
