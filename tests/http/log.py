"""Migrated logs for tests of HTTP."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from sqlalchemy import MetaData

from shared.eventlog import migrate
from shared.eventlog.sqlite import sqlite_engine
from tests.servers import database_name, fresh_database, url_as_role

EMPTIED = """
ALTER TABLE events DISABLE TRIGGER events_never_change;
TRUNCATE events, idempotency_keys, orders, care_team;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_never_change;
UPDATE log_state SET heads_at = NULL
"""


def a_log(file: Path, metadata: MetaData) -> str:
    """Give the URL of a migrated SQLite log; its schema is created once and copied, for that takes most of the time."""
    file.write_bytes(_migrated(metadata))
    return f"sqlite:///{file}"


@cache
def _migrated(metadata: MetaData) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log.sqlite"
        migrate(f"sqlite:///{file}", None, metadata)
        # The last connection that closes a file brings its write-ahead log into it.
        engine = sqlite_engine(str(file))
        engine.connect().close()
        engine.dispose()
        return file.read_bytes()


class PostgresLog:
    """A migrated log in a PostgreSQL database, emptied between tests."""

    def __init__(self, service: str, superuser: str):
        self.service = service
        self._superuser = superuser

    def emptied(self) -> str:
        """Give the service's URL of the log, empty."""
        with psycopg.connect(self._superuser, options="-c lock_timeout=10s") as connection:
            connection.execute(EMPTIED)
        return self.service


@contextmanager
def a_postgres_log(admin_url: str, metadata: MetaData) -> Iterator[PostgresLog]:
    """Migrate a log in a database of its own."""
    with fresh_database(admin_url) as superuser:
        service = url_as_role(superuser, f"{database_name(superuser)}_bakery", "sesame")
        migrate(service, superuser, metadata)
        yield PostgresLog(service, superuser)
