"""Several workers of one service: they share its lanes, and none of them is needed for the rest to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from shared.messaging import Relay, Supervisor
from shared.messaging.leases import LANE
from tests.journeys.running import started
from tests.messaging.delivery import CATALOGUE, ParcelSent, Town, shelf, town_on_postgres, until

pytestmark = pytest.mark.timeout(300)

CUSTOMERS, EACH = 40, 3


@dataclass
class Company:
    """Shipping with several workers, and what the bakery has baked for whom."""

    place: Town
    urls: dict[str, str]
    broker: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    baked: dict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))

    def hire(self, count: int) -> None:
        """Start workers, and wait until every worker has its share of the lanes."""
        command = [sys.executable, "-m", "tests.messaging.worker", *self.urls.values(), self.broker]
        self.processes += [started(command, stdout=subprocess.DEVNULL, stderr=None) for _ in range(count)]
        self.shared_among(len(self.processes))

    def shared_among(self, workers: int) -> None:
        """Wait until so many workers have all lanes, none of them more than its share."""
        share = -(-16 // workers)
        until(lambda: sum(self.lanes()) == 16 and len(self.lanes()) == workers and max(self.lanes()) <= share)

    def lanes(self) -> list[int]:
        """Count the lanes of every worker, as the database knows them."""
        held = text(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = :lane AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY pid"
        )
        with self.place.shipping.recorder.reading() as connection:
            return sorted(connection.scalars(held, {"lane": LANE}))

    def bake(self) -> None:
        """Bake some bread for each of some new customers."""
        customers = [uuid4() for _ in range(CUSTOMERS)]
        for customer in customers * EACH:
            self.baked[customer].append(self.place.bake(customer=customer).id)

    def sent(self) -> dict[UUID, list[UUID]]:
        """List the parcels of every customer in the order of shipping's log."""
        found: dict[UUID, list[UUID]] = defaultdict(list)
        for event in self.place.shipping.recorder.read(0, 10_000):
            fact = CATALOGUE.decode(event.topic, event.state)
            if isinstance(fact, ParcelSent) and event.patient_id is not None:
                found[event.patient_id].append(fact.bread)
        return found

    def all_sent(self) -> bool:
        """Tell whether there are as many parcels as bread."""
        return sum(map(len, self.sent().values())) >= sum(map(len, self.baked.values()))

    def who(self) -> Counter[int]:
        """Count what each worker did, by process id."""
        done = select(shelf.c.put_there_by, func.count().label("number")).group_by(shelf.c.put_there_by)
        return Counter({row["put_there_by"]: row["number"] for row in self.place.shipping.query(done)})


@pytest.fixture
def company(postgres_admin_url: str, rabbitmq: str, supervisor: Supervisor) -> Iterator[Company]:
    with (
        town_on_postgres(postgres_admin_url) as (place, urls),
        workers_ended(Company(place, urls, rabbitmq)) as running,
    ):
        supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, rabbitmq).run)
        yield running
        supervisor.stop()


@contextmanager
def workers_ended(running: Company) -> Iterator[Company]:
    try:
        yield running
    finally:
        for process in running.processes:
            process.kill()
            process.wait()


class TestThreeWorkers:
    def test_share_the_lanes_and_keep_the_order_of_every_customer(self, company: Company):
        company.hire(3)

        company.bake()

        until(company.all_sent)
        assert company.sent() == company.baked
        assert company.lanes() == [4, 6, 6]
        assert set(company.who()) == {process.pid for process in company.processes}

    def test_go_on_when_one_is_killed_one_sleeps_and_another_comes(self, company: Company):
        company.hire(3)
        victim, sleeper, _ = company.processes

        os.kill(victim.pid, signal.SIGKILL)
        company.bake()
        until(company.all_sent)
        company.shared_among(2)
        os.kill(sleeper.pid, signal.SIGSTOP)
        company.bake()
        until(company.all_sent)
        by_the_sleeper = company.who()[sleeper.pid]
        os.kill(sleeper.pid, signal.SIGCONT)
        company.bake()
        until(lambda: company.all_sent() and company.who()[sleeper.pid] > by_the_sleeper)

        assert company.sent() == company.baked

    def test_end_when_asked_to_with_what_they_hold_done(self, company: Company):
        company.hire(2)
        company.bake()

        for process in company.processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(timeout=60) for process in company.processes]
        done = company.who().total()
        company.processes.clear()
        company.hire(1)

        until(company.all_sent)
        assert codes == [0, 0]
        assert done <= CUSTOMERS * EACH
        assert company.sent() == company.baked
