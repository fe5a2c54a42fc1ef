"""Names for the databases, and a virtual host, of the containers of docker-compose.yml."""

import os
from collections.abc import Iterator

import pytest

from tests import servers
from tests.servers import fresh_vhost


@pytest.fixture(scope="module")
def database_prefix(postgres_admin_url: str) -> Iterator[str]:
    """A prefix for names of databases and roles; all that bear it are dropped afterwards."""
    with servers.database_prefix(postgres_admin_url) as prefix:
        yield prefix


@pytest.fixture(scope="module")
def virtual_host(rabbitmq_account: str | None) -> Iterator[str]:
    """The AMQP URL of an empty virtual host of this module; a virtual host that was given is used as it is."""
    if rabbitmq_account is None:
        yield os.environ["CARETRAIL_TEST_AMQP_URL"]
        return
    with fresh_vhost(rabbitmq_account) as url:
        yield url
