"""What the doctor examines: the settings, and the databases that they name, opened without changing anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, QueuePool, create_engine, inspect, literal, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from services.cli.checks.findings import Finding, error, fine
from services.suite import SERVICES
from shared.clock import Clock, clock_from, system_clock
from shared.databases import address
from shared.eventlog import LogRecorder, LogUnavailable, PostgresRecorder, SQLiteRecorder
from shared.eventlog.postgres import postgres_engine
from shared.eventlog.tables import log_state
from shared.service import Service
from shared.settings import Mode, Settings

CHECK = "databases"
PATIENCE = 5.0
MIGRATE = "run `caretrail migrate`"


class Installation:
    """One place with its settings; `logs` holds the logs that answer, by service, once `open` has run.

    `clock` is what the services go by, `machine` this machine's own.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None, machine: Clock = system_clock):
        self.settings = settings
        self.clock = clock or clock_from(settings.clock_file)
        self.machine = machine
        self.logs: dict[str, LogRecorder] = {}

    @property
    def embedded(self) -> bool:
        """Tell whether everything runs in one process here."""
        return self.settings.mode is Mode.EMBEDDED

    def services(self) -> Iterator[tuple[Service, LogRecorder]]:
        """Give the services whose logs answer."""
        for service in SERVICES:
            if service.name in self.logs:
                yield service, self.logs[service.name]

    def open(self) -> Iterator[Finding]:
        """Open the log of every service that the settings name."""
        named = [service.name for service in SERVICES if service.name in self.settings.database_urls]
        unnamed = [service.name for service in SERVICES if service.name not in named]
        if unnamed:
            yield fine(CHECK, f"not told here, so not looked at: the databases of {', '.join(unnamed)}")
        for name in named:
            yield self._open(name)

    def _open(self, name: str) -> Finding:
        url = self.settings.database_url(name)
        if (missing := _missing_file(url)) is not None:
            return error(CHECK, f"{name}: there is no file {missing}", MIGRATE)
        recorder = _recorder(url)
        try:
            recorder.query(select(literal(1)))
            migrated = inspect(recorder.engine).has_table(log_state.name)
        except (LogUnavailable, DBAPIError) as away:
            recorder.close()
            return error(CHECK, f"{name}: {place(url)} does not answer: {_reason(away)}", _start(url))
        if not migrated:
            recorder.close()
            return error(CHECK, f"{name}: there is no log in {place(url)}", MIGRATE)
        self.logs[name] = recorder
        return fine(CHECK, f"{name}: {place(url)} answers")

    def close(self) -> None:
        """Close what was opened."""
        for recorder in self.logs.values():
            recorder.close()


def place(url: str) -> str:
    """Name a database by its place, without name and password."""
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        return str(made.database)
    return f"{made.host or 'localhost'}:{made.port or 5432}/{made.database}"


def plain_engine(url: str) -> Engine:
    """Open a database without touching how it is set up; a SQLite file must be there."""
    made = make_url(url)
    if made.get_backend_name() != "sqlite":
        return create_engine(address(made), connect_args={"connect_timeout": int(PATIENCE)})
    file = f"file:{quote(str(Path(made.database or '').absolute()))}?mode=rw"

    def connect() -> sqlite3.Connection:
        opened = sqlite3.connect(file, uri=True, timeout=PATIENCE, check_same_thread=False, isolation_level=None)
        opened.execute("PRAGMA query_only=ON")
        return opened

    return create_engine("sqlite://", creator=connect, poolclass=QueuePool)


def _recorder(url: str) -> LogRecorder:
    if make_url(url).get_backend_name() == "sqlite":
        return SQLiteRecorder(plain_engine(url))
    return PostgresRecorder(postgres_engine(url, PATIENCE))


def _missing_file(url: str) -> str | None:
    made = make_url(url)
    if made.get_backend_name() == "sqlite" and not Path(made.database or "").exists():
        return made.database
    return None


def _reason(away: Exception) -> str:
    """Say what the database or its driver says: names of hosts, roles and databases, never a password."""
    cause = away if isinstance(away, DBAPIError) else away.__cause__
    said = str(cause.orig if isinstance(cause, DBAPIError) else cause or away)
    return said.strip().splitlines()[-1] if said.strip() else type(cause).__name__


def _start(url: str) -> str:
    if make_url(url).get_backend_name() == "sqlite":
        return "see that the file is a SQLite database that this user may read and write, and that its disk has room"
    return "start PostgreSQL there, or correct the service's ..._DATABASE_URL (host, database, role, password)"
