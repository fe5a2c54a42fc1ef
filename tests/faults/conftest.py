"""The suite in its production shape, shared by all tests here: each brings patients of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.faults.insisting import insisting
from tests.faults.killing import spared
from tests.faults.logs import Broker, Databases
from tests.faults.outputs import blemishes
from tests.faults.walking import NEEDED
from tests.journeys.journey import Team
from tests.journeys.running import RunningSuite, production
from tests.servers import database_prefix, fresh_vhost

FATAL = {
    "intake": ("before-publish", "after-publish"),
    "referral": ("before-append", "after-append", "before-ack"),
}


@dataclass(frozen=True)
class Apart:
    """The production shape: a web and a worker process for each service."""

    suite: RunningSuite
    team: Team
    databases: Databases
    broker: Broker
    admin_url: str
    prefix: str


@pytest.fixture(scope="package")
def apart(
    postgres_admin_url: str, rabbitmq_account: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Apart]:
    """Start every process once, the workers with faults in them that are spared at first."""
    if rabbitmq_account is None:
        pytest.skip("NOT TESTED: faults of the broker need a virtual host of their own")
    with ExitStack() as at_end:
        prefix = at_end.enter_context(database_prefix(postgres_admin_url))
        broker_url = at_end.enter_context(fresh_vhost(rabbitmq_account))
        suite = production(tmp_path_factory.mktemp("apart"), postgres_admin_url, broker_url, prefix)
        at_end.callback(suite.stop)
        for service, points in FATAL.items():
            spared(suite.folder, points)
            faults = " ".join(f"{point}:{NEEDED}" for point in points)
            suite.add(f"{service}-worker", "worker", service, CARETRAIL_FAULT=faults)
        suite.start()
        yield Apart(suite, insisting(suite), Databases(suite), Broker(broker_url), postgres_admin_url, prefix)
        assert blemishes(suite.folder) == []
