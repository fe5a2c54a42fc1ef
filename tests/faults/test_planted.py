"""The harness can fail: bugs planted into the real processes are caught by name, and without them all is well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.directed import (
    Directed,
    dies_before_it_reacts,
    follows_a_restored_log,
    gets_a_message_late,
    is_killed_under_load,
    loses_a_message_and_gets_the_next,
    restored,
)
from tests.faults.outputs import blemishes
from tests.faults.walking import NEEDED
from tests.journeys.journey import Team
from tests.journeys.running import embedded

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(240)]

Scenario = Callable[[Directed], list[str]]

BUGS: dict[str, tuple[Scenario, str, str]] = {
    "position in another transaction": (dies_before_it_reacts, "I8", "led to 0 caretrail.referral.requested.v1"),
    "no gap check": (loses_a_message_and_gets_the_next, "I4", f"history has not taken intake/* {NEEDED}"),
    "stock tracking": (gets_a_message_late, "I4", f"history has not taken intake/* {NEEDED}"),
    "key in another transaction": (is_killed_under_load, "I1", "was accepted once and recorded at"),
}


@contextmanager
def directed(folder: Path, bug: str = "") -> Iterator[Directed]:
    """Prepare an embedded suite, perhaps with a bug planted in it."""
    suite = embedded(folder)
    Team.of(suite)
    try:
        found = Directed(suite, folder, bug)
        found.start()
        yield found
    finally:
        suite.stop()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directed]:
    with directed(tmp_path_factory.mktemp("sound")) as found:
        yield found
        assert blemishes(found.folder) == []


@pytest.mark.long
class TestAPlantedBug:
    @pytest.mark.parametrize("bug", BUGS)
    def test_is_caught_by_name(self, bug: str, tmp_path: Path):
        scenario, invariant, words = BUGS[bug]
        with directed(tmp_path, bug) as planted:
            found = scenario(planted)

        assert any(_is(violation, invariant, words) for violation in found), found

    def test_that_ignores_epochs_loses_in_silence_what_a_sound_suite_stops_at(self, tmp_path: Path):
        with directed(tmp_path) as each:
            restored(each)
            sound = follows_a_restored_log(each)
            each.bug = "epoch ignored"
            planted = follows_a_restored_log(each)

        assert not any(_is(violation, "I4", "history has not taken") for violation in sound), sound
        assert any(_is(violation, "I9", "which is another log's") for violation in sound), sound
        assert any(_is(violation, "I4", "history has not taken intake/") for violation in planted), planted


@pytest.mark.long
class TestTheSameFaultWithoutTheBug:
    @pytest.mark.parametrize("bug", BUGS)
    def test_does_no_harm(self, bug: str, sound: Directed):
        scenario, _, _ = BUGS[bug]

        assert scenario(sound) == []


def _is(violation: str, invariant: str, words: str) -> bool:
    """Tell whether a violation is of an invariant and says these words, of which `*` may be anything."""
    return violation.startswith(f"{invariant}: ") and all(part in violation for part in words.split("*"))
