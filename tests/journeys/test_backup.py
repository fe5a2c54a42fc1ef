"""Backup and restore of a suite that works: all of it, in both shapes, and one service of it alone."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from click.testing import Result

from tests.cli.terminal import caretrail
from tests.faults.insisting import Insistent, insisting
from tests.faults.logs import Databases
from tests.journeys.journey import Steps, Team, eventually
from tests.journeys.running import SERVICES, Person, RunningSuite, embedded, production
from tests.servers import database_prefix

Followers = Mapping[str, Sequence[str]]

NEEDED = "caretrail.intake.clearance-needed.v1"
REQUESTED = "caretrail.referral.requested.v1"
ALL: Followers = {
    "history": ("intake", "prescription", "referral", "monitoring"),
    "referral": ("intake", "monitoring"),
    "intake": ("referral",),
}
TWO: Followers = {"referral": ("intake",), "intake": ("referral",)}
PATIENT = {"family_name": "Marsh", "given_name": "Ada", "birth_date": "1984-05-02", "time_zone": "Europe/Zurich"}

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("backup")]


# What people and operators do


@contextmanager
def load(anna: Person) -> Iterator[None]:
    """Register patients from two threads meanwhile."""
    ended = threading.Event()

    def register() -> None:
        while not ended.is_set():
            anna.post("/intake/v1/patients", PATIENT, expect=201)

    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(register) for _ in range(2)]
        try:
            yield
        finally:
            ended.set()
        for thread in running:
            thread.result()


def some_more(suite: RunningSuite) -> None:
    """Wait until patients were registered."""
    before = len(facts(suite)["intake"])
    eventually(lambda: len(facts(suite)["intake"]) > before + 20, "patients are registered")


def concluded(team: Team) -> Steps:
    """Walk to where a referral has come by itself."""
    steps = Steps(team)
    steps.register()
    steps.screen()
    steps.conclude()
    steps.referral("physician-clearance")
    return steps


def cleared(steps: Steps) -> None:
    """Walk on from there, through every service that takes part."""
    paul = steps.team.paul
    steps.accept("physician-clearance", paul)
    steps.report("physician-clearance", paul, outcome="cleared", note="Nothing against it.")
    steps.permitted(paul)
    steps.record()


def operate(suite: RunningSuite, *words: str | Path, **more: str) -> Result:
    """Run a command where the suite's settings are."""
    return caretrail(*words, environment={**suite.environment, **more})


def done(suite: RunningSuite, *words: str | Path, **more: str) -> str:
    """Run a command that must succeed, and give what it says."""
    result = operate(suite, *words, **more)
    assert result.exit_code == 0, result.output
    return result.output


# What must be so


def facts(suite: RunningSuite) -> dict[str, list[Any]]:
    """Give the events of every log, as the databases hold them."""
    asked = "SELECT position, originator_id, originator_version, recorded_at, state FROM events ORDER BY position"
    return {name: Databases(suite).ask(name, asked) for name in SERVICES}


def epochs(suite: RunningSuite) -> dict[str, Any]:
    """Give every log's epoch."""
    return {name: Databases(suite).ask(name, "SELECT epoch FROM log_state")[0][0] for name in SERVICES}


def answers(suite: RunningSuite, service: str) -> int:
    """Ask a service whether it is ready; 0 if nobody answers."""
    try:
        return suite.client(service).get(f"/{service}/readyz").status_code
    except httpx.TransportError:
        return 0


def output(suite: RunningSuite) -> str:
    """Give everything that its processes have written."""
    return "".join(process.output.read_text() for process in suite.processes.values())


def of_type(suite: RunningSuite, steps: Steps, type_name: str) -> list[dict[str, Any]]:
    """List a patient's facts of a type in their service's log."""
    log = suite.log_of(type_name.split(".")[1])
    return [fact for fact in log if fact["type"] == type_name and fact["partitionkey"] == steps.ids["patient"]]


def assert_restored(suite: RunningSuite, before: Mapping[str, list[Any]], epochs_before: Mapping[str, Any]) -> None:
    """Assert that every log is a true beginning of what it was at the end, in a new epoch."""
    after = facts(suite)
    for name in SERVICES:
        assert after[name] == before[name][: len(after[name])], name
    assert 0 < len(after["intake"]) < len(before["intake"])
    assert not set(epochs_before.values()) & set(epochs(suite).values())


def assert_followed(suite: RunningSuite, followers: Followers) -> None:
    """Assert that everybody follows everybody to the end, in their present epochs."""
    databases, now = Databases(suite), epochs(suite)
    heads = "SELECT lane, max(position) FROM events GROUP BY lane ORDER BY lane"
    taken = "SELECT lane, sequence FROM positions WHERE upstream = :of ORDER BY lane"
    for consumer, upstreams in followers.items():
        for of in upstreams:
            eventually(
                lambda c=consumer, of=of: databases.ask(of, heads) == databases.ask(c, taken, of=of),
                f"{consumer} follows {of}",
            )
            found = databases.ask(consumer, "SELECT DISTINCT epoch FROM positions WHERE upstream = :of", of=of)
            assert set(found) <= {(now[of],)}, (consumer, of)
    assert databases.parked() == {}


# Embedded


@dataclass
class Moved:
    """A suite that was backed up while it worked, and restored elsewhere; its people, and one who waits since then."""

    suite: RunningSuite
    team: Team
    waiting: Steps
    backup: Path
    refused: Result
    before: Mapping[str, list[Any]]
    epochs_before: Mapping[str, Any]


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """Back up the embedded suite under load, and bring it up from the backup where nothing was."""
    folder = tmp_path_factory.mktemp("moved")
    with ExitStack() as at_end:
        (folder / "first").mkdir()
        suite = embedded(folder / "first")
        at_end.callback(suite.stop)
        suite.start()
        team = insisting(suite)
        waiting = concluded(team)
        with load(team.anna):
            some_more(suite)
            done(suite, "backup", folder / "backup")
            some_more(suite)
        refused = operate(suite, "restore", folder / "backup", "--replace")
        suite.halt()
        second = elsewhere(suite, folder / "second")
        at_end.callback(second.stop)
        done(second, "restore", folder / "backup")
        second.start()
        people = signed_in_at(second, team)
        yield Moved(second, people, Steps(people, waiting.ids), folder / "backup", refused, facts(suite), epochs(suite))


def elsewhere(suite: RunningSuite, folder: Path) -> RunningSuite:
    """Give the same settings another home, where nothing is installed."""
    settings = {"CARETRAIL_BIND": suite.environment["CARETRAIL_BIND"]}
    other = RunningSuite(folder, settings, f"sqlite:///{folder / 'identity.sqlite'}")
    other.add("suite", "up")
    other.addresses = suite.addresses
    return other


def signed_in_at(suite: RunningSuite, team: Team) -> Team:
    """Let the same people sign in to another suite, by the accounts that must be there."""
    return Team(**{name: Insistent(suite, who.username, who.id, who.roles) for name, who in vars(team).items()})


class TestTheWholeSuite:
    def test_is_not_restored_while_it_works(self, moved: Moved):
        assert moved.refused.exit_code == 1
        assert "stop the suite first" in moved.refused.stderr

    def test_goes_on_from_its_backup(self, moved: Moved):
        assert_restored(moved.suite, moved.before, moved.epochs_before)

        cleared(moved.waiting)

        assert_followed(moved.suite, ALL)


class TestOneServiceAlone:
    def test_stops_who_follows_it_until_they_are_reconciled(self, moved: Moved):
        suite, followers = moved.suite, [name for name in SERVICES if name != "intake"]
        lost = concluded(moved.team)
        assert_followed(suite, ALL)
        (needed,), (requested,) = of_type(suite, lost, NEEDED), of_type(suite, lost, REQUESTED)
        suite.halt()
        done(suite, "restore", moved.backup, "--only", "intake", "--replace")

        suite.processes["suite"].start()
        for name in followers:
            eventually(lambda name=name: answers(suite, name) == 503, f"{name} stops")
        told = done(suite, "reconcile", "referral", "intake")
        still = answers(suite, "referral")
        for name in followers:
            done(suite, "reconcile", name, "intake", "--yes", "--reason", "The disk was lost.")
        # The backup is of the suite's first home, where referral had another epoch, too.
        done(suite, "reconcile", "intake", "referral", "--yes", "--reason", "Both were restored.")

        assert f"{needed['id']}  {NEEDED}" in told
        assert f"led to {REQUESTED} {requested['id']}" in told
        assert "Nothing was changed" in told
        assert still == 503
        assert '"lane-stopped"' in output(suite)
        for name in SERVICES:
            eventually(lambda name=name: answers(suite, name) == 200, f"{name} goes on")
        assert len(of_type(suite, moved.waiting, REQUESTED)) == 1
        self.nothing_is_undone(suite, requested)
        self.lost_facts_are_kept_apart(suite, needed)
        cleared(concluded(moved.team))
        assert_followed(suite, ALL)

    def nothing_is_undone(self, suite: RunningSuite, requested: dict[str, Any]) -> None:
        log = suite.log_of("referral")
        assert requested["id"] in {fact["id"] for fact in log}
        decided = [fact["data"] for fact in log if fact["type"] == "caretrail.referral.upstream-reconciled.v1"]
        assert [(fact["upstream"], fact["actor"]["role"]) for fact in decided] == [("intake", "operator")]

    def lost_facts_are_kept_apart(self, suite: RunningSuite, needed: dict[str, Any]) -> None:
        databases, there = Databases(suite), {fact["id"] for fact in suite.log_of("intake")}
        shown = {row[0] for row in databases.ask("history", "SELECT event_id FROM timeline WHERE service = 'intake'")}
        apart = {row[0] for row in databases.ask("history", "SELECT event_id FROM lost_facts")}
        assert shown <= there
        assert needed["id"] in apart - shown


# Production


@pytest.mark.postgres
@pytest.mark.rabbitmq
class TestTheProductionShape:
    """Of intake and referral, which follow each other; the other services have databases, but no processes."""

    def test_is_backed_up_while_it_works_and_restored_over_what_came_later(
        self, postgres_admin_url: str, rabbitmq_vhost: str, tmp_path: Path
    ):
        admin = {"CARETRAIL_ADMIN_DATABASE_URL": postgres_admin_url}
        with ExitStack() as at_end:
            prefix = at_end.enter_context(database_prefix(postgres_admin_url))
            suite = self.of_two(production(tmp_path, postgres_admin_url, rabbitmq_vhost, prefix))
            at_end.callback(suite.stop)
            suite.start()
            team = insisting(suite)
            waiting = concluded(team)
            with load(team.anna):
                done(suite, "backup", tmp_path / "backup")
                # What the broker holds for it stays there, and is of the old epoch afterwards.
                suite.processes["referral-worker"].signal(signal.SIGSTOP)
                some_more(suite)
            refused = operate(suite, "restore", tmp_path / "backup", "--replace", **admin)
            before, epochs_before = facts(suite), epochs(suite)
            self.halt(suite, postgres_admin_url, prefix)

            said = done(suite, "restore", tmp_path / "backup", "--replace", **admin)
            suite.start()

            assert refused.exit_code == 1
            assert "is in use by" in refused.stderr
            assert said.count("_before_") == len((*SERVICES, "identity"))
            assert ":secret@" not in said
            assert_restored(suite, before, epochs_before)
            self.is_accepted(waiting)
            concluded(team)
            assert_followed(suite, TWO)
            assert '"lane-stopped"' not in output(suite)

    def of_two(self, suite: RunningSuite) -> RunningSuite:
        """Leave only the processes of two services, and the portal's, where people sign in."""
        kept = ("intake", "referral", "portal")
        suite.processes = {name: each for name, each in suite.processes.items() if name.startswith(kept)}
        suite.addresses = {name: each for name, each in suite.addresses.items() if name in kept}
        return suite

    def halt(self, suite: RunningSuite, admin_url: str, prefix: str) -> None:
        """Stop every process, and wait until the last session has ended."""
        suite.processes["referral-worker"].signal(signal.SIGKILL)
        suite.halt()
        asked = "SELECT 1 FROM pg_stat_activity WHERE starts_with(usename, %s)"
        with psycopg.connect(admin_url, autocommit=True) as admin:
            eventually(lambda: not admin.execute(asked, [prefix]).fetchall(), "all sessions end")

    def is_accepted(self, steps: Steps) -> None:
        """Paul accepts the referral that was there before, and is in the care team soon."""
        paul = steps.team.paul
        here = f"/referral/v1/referrals/{steps.ids['physician-clearance']}"
        paul.post(f"{here}/receive")
        paul.post(f"{here}/accept", {"first_visit_due": "2099-01-01"})
        eventually(lambda: steps.is_in_the_team(paul), "Paul joins the care team")
