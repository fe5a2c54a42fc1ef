"""Timers: killed between due and recorded, and after it, alone and beside another worker; each happens once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

import pytest

from events.terms import AlertLevel
from events.vocabulary import CATALOGUE
from services.monitoring.application import Monitoring
from services.monitoring.domain import Alert, Concern
from services.monitoring.worklists import metadata
from shared.eventlog import migrate, open_log
from shared.messaging.ticker import POLL_EVERY
from tests.faults.insisting import Insistent, insisting
from tests.faults.killing import KILLED, gone, hit, spared, worker_of
from tests.faults.logs import Databases
from tests.journeys.journey import Steps, Team, eventually
from tests.journeys.running import Process, RunningSuite, embedded, free_port
from tests.monitoring.given import context
from tests.servers import database_prefix, fresh_vhost, url_as_role, url_of_database

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180)]

OVERDUE = "caretrail.monitoring.alert-overdue.v1"
POINTS = {"timer-due": 0, "timer-recorded": 1}
"""Where the process is killed, and how many facts it leaves."""
TO_TAKE_WITHIN = timedelta(minutes=15)
RUNNING = "SELECT count(*) FROM alerts_to_acknowledge WHERE due_at <= :now"


@dataclass
class MovedClock:
    """The clock of all processes that follow its file: so far ahead of this machine's."""

    file: Path
    ahead: timedelta = timedelta(0)

    def forward(self, by: timedelta) -> None:
        """Move it on; the file is never seen half written."""
        self.ahead += by
        fresh = self.file.with_name("clock.new")
        fresh.write_text(f"+{self.ahead.total_seconds()}", "ascii")
        fresh.replace(self.file)

    def now(self) -> datetime:
        """Tell what it shows."""
        return datetime.now(UTC) + self.ahead


# Embedded


@dataclass
class Together:
    """The embedded suite with one patient whose program runs."""

    master: Process
    databases: Databases
    clock: MovedClock
    steps: Steps

    def time_passes(self) -> None:
        """Let the time go by within which an emergency must be taken; people sign in again after that."""
        self.clock.forward(TO_TAKE_WITHIN)
        for person in vars(self.steps.team).values():
            assert isinstance(person, Insistent)
            person.renew_at = 0.0


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Together]:
    """Start the embedded suite with a clock to move, and with faults in it that are spared at first."""
    suite = embedded(tmp_path_factory.mktemp("together"))
    clock = MovedClock(suite.folder / "clock")
    spared(suite.folder, POINTS)
    master = suite.add("suite", "up", **faults("monitoring-ticker", clock))
    try:
        suite.start()
        yield Together(master, Databases(suite), clock, watched(insisting(suite)))
    finally:
        suite.stop()


def faults(loop: str, clock: MovedClock) -> dict[str, str]:
    """Give the settings of a process that dies at the points of a timer, and follows a clock."""
    wanted = " ".join(f"{point}:{OVERDUE}:{loop}" for point in POINTS)
    return {"CARETRAIL_FAULT": wanted, "CARETRAIL_CLOCK_FILE": str(clock.file)}


def watched(team: Team) -> Steps:
    """Walk to the program of a patient that needs no clearance."""
    steps = Steps(team)
    steps.register()
    steps.screen(diabetes=False)
    steps.conclude()
    asked = {"patient_id": steps.ids["patient"], "kind": "exercise-physiologist", "reason": "A first program"}
    steps.ids["exercise-physiologist"] = team.anna.post("/referral/v1/referrals", asked, expect=201)["id"]
    steps.accept("exercise-physiologist", team.erika)
    steps.permitted(team.erika)
    steps.draft(team.erika)
    steps.activate(team.erika)
    return steps


class TestTheEmbeddedSuiteKilledByItsTimer:
    def test_between_due_and_recorded_has_recorded_nothing_and_fires_once_when_it_is_started_again(
        self, together: Together
    ):
        self._killed(together, "timer-due", {"symptoms": ["RF_CHEST"]})

        together.master.signal(signal.SIGCONT)

        self._is_overdue_once(together, "EMERGENCY_SIGN")

    def test_after_it_recorded_does_not_fire_again_when_all_is_started_anew(self, together: Together):
        self._killed(together, "timer-recorded", {"feels_unsafe": True})

        together.master.signal(signal.SIGKILL)
        assert together.master.ended() == KILLED
        together.master.start()

        self._is_overdue_once(together, "CRISIS_SELF_REPORT")

    def _killed(self, together: Together, point: str, told: dict[str, Any]) -> None:
        """Let nobody take an alert in time; the process dies of the timer, and its parent is stopped."""
        together.steps.check_in(**told)
        before, worker = together.databases.count(OVERDUE), worker_of(together.master)
        together.master.signal(signal.SIGSTOP)
        with hit(together.clock.file.parent, point, together.time_passes):
            gone(together.master, worker)
            assert together.databases.count(OVERDUE) - before == POINTS[point]
            assert running(together) == 1 - POINTS[point]

    def _is_overdue_once(self, together: Together, trigger: str) -> None:
        steps = together.steps
        eventually(lambda: running(together) == 0, "no timer is left")
        (alert,) = [alert for alert in steps.alerts() if alert["trigger"] == trigger]
        assert (alert["standing"], alert["late"]) == ("overdue", True)
        told = eventually(lambda: overdue_facts(steps, alert["id"]), "history has the fact")
        assert [(fact["title"], fact["caused_by"]) for fact in told] == [("Alert overdue", f"{alert['id']}-1")]
        assert [fact["event_id"] for fact in told] == [f"{alert['id']}-2"]
        assert together.databases.count(OVERDUE) == len([each for each in steps.alerts() if each["late"]])


def running(together: Together) -> int:
    """Count the timers whose time has passed and that have not fired."""
    due = f"{together.clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    ((count,),) = together.databases.ask("monitoring", RUNNING, now=due)
    return int(count)


def overdue_facts(steps: Steps, alert_id: str) -> list[dict[str, Any]]:
    """List history's facts of an alert that was overdue."""
    return [fact for fact in steps.timeline() if fact["type"] == OVERDUE and fact["event_id"].startswith(alert_id)]


# Two workers


@dataclass
class TwoWorkers:
    """Two workers of monitoring on one PostgreSQL log, and the log, to put alerts into it."""

    workers: tuple[Process, Process]
    databases: Databases
    clock: MovedClock
    monitoring: Monitoring

    def alerts(self, number: int) -> None:
        """Raise emergencies that nobody will look at."""
        concern = Concern(
            trigger="EMERGENCY_SIGN",
            signs=("RF_CHEST",),
            level=AlertLevel.E0,
            acknowledge_within=TO_TAKE_WITHIN,
            review_within=timedelta(0),
            crisis_card=True,
        )
        for _ in range(number):
            plan = uuid4()
            self.monitoring.save(Alert.over(concern, f"{plan}-2", plan, context(now=self.clock.now()), uuid4()))

    def each_overdue_once(self) -> bool:
        """Tell whether every alert is overdue; AssertionError if one is twice."""
        asked = "SELECT count(*), count(DISTINCT originator_id) FROM events WHERE topic = :topic"
        ((facts, alerts),) = self.databases.ask("monitoring", asked, topic=OVERDUE)
        ((raised,),) = self.databases.ask("monitoring", "SELECT count(*) FROM alerts")
        assert facts == alerts
        return bool(alerts == raised)


@pytest.fixture(scope="module")
def two_workers(
    postgres_admin_url: str, rabbitmq_account: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoWorkers]:
    """Start two workers; nothing else runs, since timers need nobody else."""
    if rabbitmq_account is None:
        pytest.skip("NOT TESTED: workers need a virtual host of their own")
    with ExitStack() as at_end:
        prefix = at_end.enter_context(database_prefix(postgres_admin_url))
        broker_url = at_end.enter_context(fresh_vhost(rabbitmq_account))
        folder = tmp_path_factory.mktemp("workers")
        url = url_as_role(url_of_database(postgres_admin_url, f"{prefix}_monitoring"), f"{prefix}_monitoring", "secret")
        migrate(url, postgres_admin_url, metadata, bound_clocks=False)
        clock = MovedClock(folder / "clock")
        monitoring = Monitoring(open_log(url, clock.now), CATALOGUE)
        at_end.callback(monitoring.close)
        suite = RunningSuite(folder, alone(folder, url, broker_url), f"sqlite:///{folder / 'identity.sqlite'}")
        at_end.callback(suite.stop)
        spared(suite.folder, POINTS)
        names = ("monitoring-worker", "monitoring-worker-2")
        first, second = (suite.add(n, "worker", "monitoring", **faults("monitoring-ticker", clock)) for n in names)
        for worker in (first, second):
            worker.start()
        yield TwoWorkers((first, second), Databases(suite), clock, monitoring)


def alone(folder: Path, url: str, broker_url: str) -> dict[str, str]:
    """Give the settings of workers whose upstreams nobody has started."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    return {
        "CARETRAIL_MODE": "production",
        "CARETRAIL_KEYS": str(folder / "keys"),
        "CARETRAIL_BROKER_URL": broker_url,
        "MONITORING_DATABASE_URL": url,
        "INTAKE_URL": nowhere,
        "PRESCRIPTION_URL": nowhere,
    }


class TestTwoWorkers:
    @pytest.mark.parametrize("point", POINTS)
    def test_of_which_one_is_killed_by_a_timer_fire_it_once(self, two_workers: TwoWorkers, point: str):
        two_workers.alerts(1)
        with hit(two_workers.clock.file.parent, point, lambda: two_workers.clock.forward(TO_TAKE_WITHIN)):
            dead = eventually(lambda: ended(two_workers), "a worker was killed")
        eventually(two_workers.each_overdue_once, "the other worker has done it")
        assert [worker.ended() for worker in dead] == [KILLED]

        dead[0].start()
        assert ended(two_workers) == []

    def test_that_wake_at_the_same_moment_fire_each_timer_once(self, two_workers: TwoWorkers):
        two_workers.alerts(30)
        for worker in two_workers.workers:
            worker.signal(signal.SIGSTOP)
        two_workers.clock.forward(TO_TAKE_WITHIN)
        sleep(POLL_EVERY)
        for worker in two_workers.workers:
            worker.signal(signal.SIGCONT)

        eventually(two_workers.each_overdue_once, "every alert is overdue")


def ended(two_workers: TwoWorkers) -> list[Process]:
    """List the workers that do not run any more."""
    return [each for each in two_workers.workers if each.running is not None and each.running.poll() is not None]
