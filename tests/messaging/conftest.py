"""What the tests of messaging share: a town of two services, a supervisor, and a broker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.messaging import Supervisor
from shared.messaging.broker import connect, queues
from tests.messaging.delivery import Town, town
from tests.servers import fresh_vhost


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Town]:
    """Both services on new SQLite files."""
    with town(tmp_path) as opened:
        yield opened


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    """A supervisor whose loops must all end when they are asked to."""
    watching = Supervisor(give_up=lambda: None)
    yield watching
    assert watching.stop() == []


@pytest.fixture(scope="package")
def rabbitmq_url(rabbitmq_account: str | None) -> Iterator[str]:
    """A virtual host for all tests here: making one takes seconds."""
    if rabbitmq_account is None:
        yield os.environ["CARETRAIL_TEST_AMQP_URL"]
        return
    with fresh_vhost(rabbitmq_account) as url:
        yield url


@pytest.fixture
def rabbitmq(rabbitmq_url: str) -> str:
    """The AMQP URL of a broker without shipping's queues."""
    with connect(rabbitmq_url) as connection:
        for each in queues(rabbitmq_url, "shipping", ["bakery"]):
            each(connection.default_channel).delete()
    return rabbitmq_url
