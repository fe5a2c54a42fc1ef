"""Copies of PostgreSQL databases: pg_dump from an exported snapshot, pg_restore into a database beside."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from shared.databases import address
from shared.eventlog.backup.copying import CannotCopy, Place, Snapshot, private_file
from shared.eventlog.migrate import create_empty, owner_of

LONGEST_NAME = 63
# Nobody ends what waits while another program copies, and nobody waits for ever for a server that is away.
FOR_LONG = {"connect_timeout": 5, "options": "-c idle_in_transaction_session_timeout=0 -c statement_timeout=0"}


class PostgresSnapshot(Snapshot):
    """A read-only transaction whose snapshot pg_dump reads; in the service's role, which may read all of it."""

    suffix: ClassVar[str] = "dump"

    def __init__(self, url: str):
        self._url = make_url(url)
        self._program = _program("pg_dump")
        self._engine = create_engine(address(url), poolclass=NullPool, connect_args=FOR_LONG)
        self._connection: Connection | None = None
        self._id = ""

    def pin(self) -> None:
        """Begin a transaction and export its snapshot; the connection is kept from one time to the next."""
        try:
            if self._connection is None:
                read_only = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
                self._connection = self._engine.connect().execution_options(**read_only)
            self._connection.rollback()
            self._id = self._connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        except DBAPIError as error:
            raise CannotCopy(f"the database {self._url.database} cannot be read: {error.orig}") from error

    def reading(self) -> Connection:
        """Give the connection of that transaction."""
        if self._connection is None:
            raise CannotCopy(f"the database {self._url.database} was not fixed before it is read")
        return self._connection

    def copy(self, target: Path) -> None:
        """Let pg_dump read the same snapshot."""
        with private_file(target), _signed_in(self._url) as connection:
            choices = ("--format=custom", f"--snapshot={self._id}", f"--file={target}", "--no-password")
            _run(self._program, *choices, f"--dbname={connection}")

    def close(self) -> None:
        """End the transaction."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresPlace(Place):
    """A database, and beside it, under other names, the copy that is brought in and what was there before."""

    def __init__(self, url: str, admin_url: str, stamp: str, *, of_a_log: bool):
        self._service, self._admin = make_url(url), make_url(admin_url)
        self._program = _program("pg_restore")
        self._of_a_log = of_a_log
        self._owner = owner_of(self._service) if of_a_log else self._service.username or ""
        self._name = self._service.database or ""
        self._staged = _named(self._name, "_restoring")
        self._before = _named(self._name, f"_before_{stamp.lower()}")

    def is_taken(self) -> bool:
        """Tell whether there is a database of that name."""
        return self._is_there(self._name)

    def keep_out(self) -> None:
        """Refuse while anybody is connected; who connects later makes the exchange fail, and all stays as it was."""
        asked = "SELECT usename, count(*) FROM pg_stat_activity WHERE datname = %s GROUP BY usename ORDER BY usename"
        with self._administration() as connection:
            found = connection.execute(asked, [self._name]).fetchall()
        if found:
            who = ", ".join(f"{role} ({count})" for role, count in found)
            raise CannotCopy(f"the database {self._name} is in use by {who}: stop the suite first")

    def stage(self, copy: Path) -> None:
        """Let pg_restore fill a new database, in which everything belongs to the owner of the place."""
        self._drop_staged()
        beside = self._service.set(database=self._staged)
        create_empty(beside, self._admin.render_as_string(hide_password=False), of_a_log=self._of_a_log)
        choices = ("--no-owner", "--no-privileges", "--exit-on-error", "--no-password", f"--role={self._owner}")
        with _signed_in(self._admin.set(database=self._staged)) as connection:
            _run(self._program, *choices, f"--dbname={connection}", str(copy))

    @contextmanager
    def staged(self) -> Iterator[Connection]:
        """Open a transaction in the database that was brought in, as its owner."""
        with self._inside(self._staged) as connection:
            yield connection

    @contextmanager
    def present(self) -> Iterator[Connection]:
        """Open a transaction in the database that is there, as its owner."""
        with self._inside(self._name) as connection:
            yield connection

    def exchange(self) -> str | None:
        """Rename what is there, then what was brought in; CannotCopy if somebody has connected meanwhile."""
        kept = self.is_taken()
        if kept:
            self._rename(self._name, self._before)
        try:
            self._rename(self._staged, self._name)
        except CannotCopy:
            if kept:
                self._rename(self._before, self._name)
            raise
        return self._before if kept else None

    def change_back(self) -> None:
        """Rename them back."""
        self._rename(self._name, self._staged)
        if self._is_there(self._before):
            self._rename(self._before, self._name)

    def close(self) -> None:
        """Drop what was brought in and not used."""
        self._drop_staged()

    @contextmanager
    def _inside(self, database: str) -> Iterator[Connection]:
        as_owner = {**FOR_LONG, "options": f"-c role={self._owner}"}
        engine = create_engine(address(self._admin.set(database=database)), poolclass=NullPool, connect_args=as_owner)
        try:
            with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise CannotCopy(f"the database {database} cannot be changed: {error.orig}") from error

    @contextmanager
    def _administration(self) -> Iterator[psycopg.Connection]:
        try:
            url = self._admin.set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
                yield connection
        except psycopg.Error as error:
            raise CannotCopy(f"the database {self._name} cannot be exchanged: {error}") from error

    def _is_there(self, name: str) -> bool:
        with self._administration() as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            return found.fetchone() is not None

    def _rename(self, name: str, other: str) -> None:
        names = sql.Identifier(name), sql.Identifier(other)
        with self._administration() as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))

    def _drop_staged(self) -> None:
        with self._administration() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(self._staged)))


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise CannotCopy(
            f"{name} was not found: install PostgreSQL's client programs (on Debian: postgresql-client), "
            "not older than the server"
        )
    return found


@contextmanager
def _signed_in(url: URL) -> Iterator[str]:
    """Give what to connect with; the password is in a file that only its owner reads, never in a command."""
    query = {name: value for name, value in url.query.items() if isinstance(value, str)}
    named = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database, **query}
    with TemporaryDirectory(prefix="caretrail-") as folder:
        password = str(url.password or "").replace("\\", "\\\\").replace(":", "\\:")
        file = Path(folder, "password")
        with private_file(file):
            file.write_text(f"*:*:*:*:{password}\n", "utf-8")
        yield make_conninfo("", **{name: value for name, value in named.items() if value}, passfile=str(file))


def _run(program: str, *choices: str) -> None:
    done = subprocess.run(  # noqa: S603 a program of PostgreSQL's, with words of ours
        [program, *choices], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = done.stderr.strip() or f"it ended with {done.returncode}"
        raise CannotCopy(f"{Path(program).name} failed: {said}")


def _named(name: str, ending: str) -> str:
    return f"{name[: LONGEST_NAME - len(ending)]}{ending}"
