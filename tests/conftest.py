"""What every test gets: a seed that repeats the run, real servers on request, and a home of its own."""

import os
import random
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ["tests.servers"]

SEED = "CARETRAIL_TEST_SEED"

# A shared machine pauses a process for longer than any deadline for one example.
hypothesis.settings.register_profile("caretrail", deadline=None)
hypothesis.settings.load_profile("caretrail")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed before hypothesis reads its own, and before workers of xdist inherit the environment."""
    seed = os.environ.setdefault(SEED, str(random.SystemRandom().randrange(1_000_000)))
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = seed


def pytest_report_header() -> str:
    """Say how to repeat this run."""
    return f"seed: {os.environ[SEED]} (repeat with {SEED}={os.environ[SEED]})"


@pytest.fixture(scope="session")
def seed() -> int:
    """The number that this run can be repeated with."""
    return int(os.environ[SEED])


@pytest.fixture(autouse=True)
def _repeatable_randomness(request: pytest.FixtureRequest, seed: int) -> None:
    random.seed(f"{seed} {request.node.nodeid}")


@pytest.fixture
def caretrail_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that CARETRAIL_HOME points to, for this test and the processes that it starts."""
    monkeypatch.setenv("CARETRAIL_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def results_folder() -> Path:
    """Where a measurement leaves its result: docs/results in `make long`, otherwise build/results."""
    folder = Path(os.environ.get("CARETRAIL_TEST_RESULTS", "build/results"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
