"""`caretrail parked`: what an operator sees of parked events and does about them, where the databases are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from structlog.testing import capture_logs

from events.base import LANES, Event
from events.catalogue import Catalogue
from events.intake import ClearanceNeeded, MentalHealthReferralNeeded
from events.referral import ReferralParkedEventSkipped, ReferralReactionRefused, ReferralRequested
from events.vocabulary import CATALOGUE
from services.referral.policies import policies as real_policies
from services.suite import SERVICES, service_named
from shared.eventlog import Application, open_log
from shared.messaging import HeadsView, Inbox, Policies, Reaction, Rows
from tests.cli.terminal import caretrail
from tests.http.log import a_log
from tests.messaging.frozen import EPOCH, NOW, example

NEEDED = "caretrail.intake.clearance-needed.v1"
MENTAL_HEALTH = "caretrail.intake.mental-health-referral-needed.v1"
SECRET = "Ada Lovelace"


class Intake:
    """Intake's feed, as far as it is asked."""

    def heads(self) -> HeadsView:
        """Tell that both facts are there."""
        return HeadsView(epoch=EPOCH, lanes=(5,) * LANES, at=NOW)


class MachineRoom:
    """A home with the log of every service, and the command line beside it."""

    def __init__(self, folder: Path):
        self.home = folder / "home"
        self.home.mkdir()
        for service in SERVICES:
            a_log(self.home / f"{service.name}.sqlite", service.worklists)
        clock = folder / "clock"
        clock.write_text("2026-11-23T12:00:00Z", "ascii")
        self.environment = {"CARETRAIL_HOME": str(self.home), "CARETRAIL_CLOCK_FILE": str(clock)}

    def parked(self, *words: str) -> Result:
        """Run `caretrail parked`."""
        return caretrail("parked", *words, environment=self.environment)

    def listed(self, *words: str) -> list[dict[str, Any]]:
        """List as another program does."""
        found: list[dict[str, Any]] = json.loads(self.parked("list", *words, "--json").stdout)
        return found

    @contextmanager
    def referral(self) -> Iterator[Application]:
        """Open referral's log."""
        recorder = open_log(f"sqlite:///{self.home / 'referral.sqlite'}", lambda: NOW)
        application = service_named("referral").application(recorder, CATALOGUE)
        try:
            yield application
        finally:
            application.close()

    def facts(self) -> list[Event]:
        """Tell what referral recorded."""
        with self.referral() as application:
            return [CATALOGUE.decode(each.topic, each.state) for each in application.recorder.read()]

    def takes(self, catalogue: Catalogue = CATALOGUE, policies: Policies = real_policies) -> None:
        """Let referral take two facts of one patient."""
        with self.referral() as application, capture_logs():
            feeds = {"intake": Intake()}
            inbox = Inbox(application, catalogue, policies, feeds, lambda: NOW, pause=lambda _: None)  # type: ignore[arg-type]
            inbox.take(example(NEEDED, 3))
            inbox.take(example(MENTAL_HEALTH, 5, previous=3))


def older() -> Catalogue:
    """What an older version knew."""
    return Catalogue([cls for cls in CATALOGUE if cls is not ClearanceNeeded])


def broken() -> Policies:
    """A version with a fault."""
    policies = Policies("referral", refused=ReferralReactionRefused)

    @policies.whenever(ClearanceNeeded, records=(ReferralRequested,))
    def request_it(event: ClearanceNeeded, reaction: Reaction) -> None:
        raise KeyError(SECRET)

    @policies.projects(MentalHealthReferralNeeded)
    def keep_it(event: MentalHealthReferralNeeded, rows: Rows) -> None:
        """Listen, so that it waits."""

    return policies


@pytest.fixture
def room(tmp_path: Path) -> MachineRoom:
    return MachineRoom(tmp_path)


FIRST, SECOND = example(NEEDED, 3), example(MENTAL_HEALTH, 5)


class TestListing:
    def test_says_in_words_that_nothing_is_parked(self, room: MachineRoom):
        everywhere, here = room.parked("list"), room.parked("list", "referral")

        assert everywhere.stdout == "Nothing is parked in intake, prescription, referral, monitoring, history.\n"
        assert (here.exit_code, here.stdout) == (0, "Nothing is parked in referral.\n")

    def test_shows_what_why_since_when_and_how_many_wait(self, room: MachineRoom):
        room.takes(older())

        shown = room.parked("list").stdout

        for words in ("intake 3", f"{NEEDED} (SAFETY)", f"event {FIRST.id}", f"of {FIRST.partitionkey}"):
            assert words in shown
        assert "this version does not know its type" in " ".join(shown.split())
        assert "2026-11-23 09:00" in shown
        assert SECOND.id not in shown

    def test_gives_the_same_to_programs(self, room: MachineRoom):
        room.takes(older())

        assert room.listed("referral") == [
            {
                "service": "referral",
                "upstream": "intake",
                "position": 3,
                "event_id": FIRST.id,
                "type": NEEDED,
                "patient_id": str(FIRST.partitionkey),
                "since": "2026-11-23T09:00:00Z",
                "kind": "unknown-type",
                "reason": "this version does not know its type",
                "safety": True,
                "behind": 1,
            }
        ]
        assert room.listed("history") == []


class TestShowing:
    def test_tells_the_event_why_it_is_parked_and_what_waits_behind_it(self, room: MachineRoom):
        room.takes(policies=broken())

        shown = room.parked("show", "referral", FIRST.id).stdout

        for words in (
            f"{NEEDED}, a safety event",
            "from        intake, position 3",
            f"of          patient {FIRST.partitionkey}",
            "its reaction failed: KeyError in request_it (test_parked.py, line",
            "before_any: ",
            "behind it   1 that came later",
            f"  {SECOND.id}  {MENTAL_HEALTH}",
        ):
            assert words in shown

    def test_keeps_back_what_tells_of_the_patient_unless_asked(self, room: MachineRoom):
        room.takes(policies=broken())

        plain = room.parked("show", "referral", FIRST.id).stdout
        whole = room.parked("show", "referral", FIRST.id, "--with-body").stdout

        assert "reasons: (shown with --with-body)" in plain
        assert "error       KeyError: (shown with --with-body)" in plain
        assert SECRET not in plain
        assert f"error       KeyError: '{SECRET}'" in whole
        assert '"gate"' in whole

    def test_of_what_is_not_parked_says_so(self, room: MachineRoom):
        result = room.parked("show", "referral", FIRST.id)

        assert (result.exit_code, result.stderr) == (
            1,
            f"Error: referral has no parked event {FIRST.id}; see `caretrail parked list referral`\n",
        )


class TestRetrying:
    def test_takes_it_and_what_waits_behind_it_in_order(self, room: MachineRoom):
        room.takes(older())

        result = room.parked("retry", "referral")

        kinds = [fact.kind for fact in room.facts() if isinstance(fact, ReferralRequested)]
        assert (result.exit_code, result.stdout) == (0, "referral: 2 taken, 0 still parked\n")
        assert kinds == ["physician-clearance", "mental-health"]
        assert room.listed() == []

    def test_of_one_event_names_it(self, room: MachineRoom):
        room.takes(older())

        behind = room.parked("retry", "referral", SECOND.id)
        first = room.parked("retry", "referral", FIRST.id)

        assert (behind.exit_code, first.exit_code) == (1, 0)
        assert behind.stderr == f"Error: {SECOND.id} waits behind {FIRST.id}: see to that one first\n"

    def test_that_fails_says_why_and_exits_with_1(self, room: MachineRoom, monkeypatch: pytest.MonkeyPatch):
        room.takes(policies=broken())
        monkeypatch.setattr(real_policies, "_policies", list(broken()))

        result = room.parked("retry", "referral")

        assert (result.exit_code, result.stdout) == (1, "referral: 0 taken, 2 still parked\n")
        assert f"  {FIRST.id}: its reaction failed: KeyError in request_it" in result.stderr
        assert SECRET not in result.stderr

    def test_of_nothing_is_no_failure(self, room: MachineRoom):
        assert room.parked("retry", "referral").exit_code == 0


class TestSkipping:
    def test_is_recorded_and_lets_later_ones_follow(self, room: MachineRoom):
        room.takes(older())

        result = room.parked("skip", "referral", FIRST.id, "--reason", "Filed by hand.", "--as", "olga")

        (said,) = [fact for fact in room.facts() if isinstance(fact, ReferralParkedEventSkipped)]
        assert (said.actor.id, said.reason, said.cause) == ("operator:olga", "Filed by hand.", FIRST.id)
        assert result.exit_code == 0
        assert "1 later ones of that patient follow within seconds" in result.stdout
        assert [each["event_id"] for each in room.listed()] == [SECOND.id]
        assert room.parked("retry", "referral").exit_code == 0
        assert room.facts()[-1].kind == "mental-health"

    def test_is_done_by_the_account_on_this_machine_unless_told(self, room: MachineRoom):
        room.takes(older())

        room.parked("skip", "referral", FIRST.id, "--reason", "Filed by hand.")

        (said,) = [fact for fact in room.facts() if isinstance(fact, ReferralParkedEventSkipped)]
        assert said.actor.id.startswith("operator:")
        assert len(said.actor.id) > len("operator:")

    @pytest.mark.parametrize("words", [(), ("--reason", " ")])
    def test_needs_a_reason(self, room: MachineRoom, words: tuple[str, ...]):
        room.takes(older())

        assert room.parked("skip", "referral", FIRST.id, *words).exit_code == 2
        assert len(room.listed()) == 1

    def test_of_one_that_only_waits_is_refused(self, room: MachineRoom):
        room.takes(older())

        result = room.parked("skip", "referral", SECOND.id, "--reason", "Filed by hand.")

        assert (result.exit_code, "waits behind" in result.stderr) == (1, True)
        assert room.facts() == []
