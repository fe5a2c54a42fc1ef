"""Copies of SQLite files: by SQLite's online backup, from a read transaction that stays open."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, cast
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from shared.eventlog.backup.copying import CannotCopy, Place, Snapshot, private_file, sync
from shared.eventlog.sqlite import exclusively

PAGES_AT_ONCE = 1000
BESIDE = ("-wal", "-shm", "-journal")


class SQLiteSnapshot(Snapshot):
    """A read transaction in write-ahead mode: writers go on, the file they write grows meanwhile."""

    suffix: ClassVar[str] = "sqlite"

    def __init__(self, url: str):
        self._path = Path(make_url(url).database or "")
        if not self._path.is_file():
            raise CannotCopy(f"there is no database {self._path}: `caretrail migrate` makes one")
        self._engine = _engine(self._path)
        self._connection: Connection | None = None

    def pin(self) -> None:
        """Begin a read transaction."""
        self.close()
        try:
            self._connection = self._engine.connect()
            _raw(self._connection).execute("BEGIN")
            self._connection.execute(text("SELECT count(*) FROM sqlite_master"))
        except (DBAPIError, sqlite3.Error) as error:
            raise CannotCopy(f"{self._path} cannot be read: {error}") from error

    def reading(self) -> Connection:
        """Give the connection of that transaction."""
        if self._connection is None:
            raise CannotCopy(f"{self._path} was not fixed before it is read")
        return self._connection

    def copy(self, target: Path) -> None:
        """Copy page by page into one whole file."""
        source = _raw(self.reading())
        with private_file(target):
            copied = sqlite3.connect(target, isolation_level=None)
            try:
                # In a row, without a pause: what was fixed does not change.
                source.backup(copied, pages=PAGES_AT_ONCE, sleep=0)
                copied.execute("PRAGMA journal_mode=DELETE")
            except sqlite3.Error as error:
                raise CannotCopy(f"{self._path} cannot be copied to {target}: {error}") from error
            finally:
                copied.close()

    def close(self) -> None:
        """End the transaction."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SQLitePlace(Place):
    """A file, and beside it, under other names, the copy that is brought in and what was there before."""

    def __init__(self, url: str, stamp: str):
        self._path = Path(make_url(url).database or "")
        self._staged = self._path.with_name(f"{self._path.name}.restoring")
        self._before = self._path.with_name(f"{self._path.name}.before-{stamp}")
        self._held: Connection | None = None

    def is_taken(self) -> bool:
        """Tell whether there is a file."""
        return self._path.exists()

    def keep_out(self) -> None:
        """Lock the file as a whole until this is closed, which nobody can while another has it open."""
        if not self.is_taken():
            return
        self._held = _engine(self._path, wait=0.5).connect()
        raw = _raw(self._held)
        try:
            # Brings what stands beside the file back into it, and succeeds only where nobody else has it open.
            raw.execute("PRAGMA journal_mode=DELETE")
            raw.execute("PRAGMA locking_mode=EXCLUSIVE")
            raw.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._let_in()
            raise CannotCopy(f"{self._path} is in use ({error}): stop the suite first") from error
        except sqlite3.DatabaseError:
            self._let_in()  # it is no database any more: a reason to restore, not against it

    def stage(self, copy: Path) -> None:
        """Copy the copy, and see that it is whole."""
        self._remove_staged()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with private_file(self._staged), copy.open("rb") as source, self._staged.open("wb") as target:
            while block := source.read(1 << 20):
                target.write(block)
        try:
            with self.staged() as connection:
                found = connection.execute(text("PRAGMA quick_check")).scalar_one()
        except (DBAPIError, sqlite3.Error) as error:
            raise CannotCopy(f"{copy} is no SQLite database: {error}") from error
        if found != "ok":
            raise CannotCopy(f"{copy} is damaged: {found}")

    @contextmanager
    def staged(self) -> Iterator[Connection]:
        """Open a transaction in the file that was brought in."""
        with _engine(self._staged).connect() as connection, exclusively(connection):
            yield connection

    @contextmanager
    def present(self) -> Iterator[Connection]:
        """Work in the file that is there; it stays locked."""
        if self._held is None:
            raise CannotCopy(f"{self._path} cannot be read")
        try:
            yield self._held
            _raw(self._held).execute("COMMIT")
        except (DBAPIError, sqlite3.Error) as error:
            raise CannotCopy(f"{self._path} cannot be read: {error}") from error

    def exchange(self) -> str | None:
        """Rename what is there, with what belongs to it, then what was brought in."""
        kept = self.is_taken()
        _rename_all(self._path, self._before)
        os.rename(self._staged, self._path)
        sync(self._path.parent)
        return str(self._before) if kept else None

    def change_back(self) -> None:
        """Rename them back."""
        os.rename(self._path, self._staged)
        _rename_all(self._before, self._path)

    def close(self) -> None:
        """Remove what was brought in and not used; unlock what was there."""
        self._remove_staged()
        self._let_in()

    def _remove_staged(self) -> None:
        for ending in ("", *BESIDE):
            self._staged.with_name(f"{self._staged.name}{ending}").unlink(missing_ok=True)

    def _let_in(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


def _engine(path: Path, wait: float = 5.0) -> Engine:
    # Without mode=rw SQLite would make an empty database where there is none.
    uri = f"file:{quote(str(path.absolute()))}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=wait, isolation_level=None)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _raw(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def _rename_all(path: Path, other: Path) -> None:
    for ending in ("", *BESIDE):
        here = path.with_name(f"{path.name}{ending}")
        if here.exists():
            os.rename(here, other.with_name(f"{other.name}{ending}"))
