"""Logs for tests: a bakery's, on each database, migrated and empty."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from shared.eventlog import LogRecorder, migrate, open_log
from tests.eventlog import bakery
from tests.servers import database_name, fresh_database, url_as_role

DATABASES = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))
EMPTIED = """
ALTER TABLE events DISABLE TRIGGER events_never_change;
TRUNCATE events, positions, idempotency_keys, relay_position, parked, to_bake;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_never_change;
UPDATE log_state SET heads_at = NULL
"""


class PostgresLog(NamedTuple):
    """A migrated database: the URLs of the service and of a superuser."""

    service: str
    superuser: str


def service_url(superuser_url: str) -> str:
    """Name the bakery's role and password in a database."""
    return url_as_role(superuser_url, f"{database_name(superuser_url)}_bakery", "sesame/1")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a migrated log in a file."""
    url = f"sqlite:///{tmp_path / 'bakery.db'}"
    migrate(url, None, bakery.metadata)
    return url


@pytest.fixture(scope="module")
def migrated_postgres(postgres_admin_url: str) -> Iterator[PostgresLog]:
    """A PostgreSQL database that the tests of a module share, one after the other."""
    with fresh_database(postgres_admin_url) as superuser:
        log = PostgresLog(service_url(superuser), superuser)
        migrate(log.service, superuser, bakery.metadata)
        yield log


@pytest.fixture
def postgres_log(migrated_postgres: PostgresLog) -> PostgresLog:
    """A migrated and empty log, with the URLs of the service and of a superuser."""
    with psycopg.connect(migrated_postgres.superuser, options="-c lock_timeout=10s") as connection:
        connection.execute(EMPTIED)
    return migrated_postgres


@pytest.fixture
def postgres_url(postgres_log: PostgresLog) -> str:
    """The service's URL of a migrated and empty log in a PostgreSQL database."""
    return postgres_log.service


@pytest.fixture(params=DATABASES)
def log_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated log, on each database in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def recorder(log_url: str) -> Iterator[LogRecorder]:
    """An open log, on each database in turn."""
    opened = open_log(log_url)
    yield opened
    opened.close()


@pytest.fixture
def shop(recorder: LogRecorder) -> bakery.Bakery:
    """The bakery on an open log, on each database in turn."""
    return bakery.Bakery(recorder, bakery.CATALOGUE)
