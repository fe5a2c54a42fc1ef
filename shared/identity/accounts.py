"""Accounts of the embedded mode: names, roles and argon2 password hashes, with a back-off against guessing."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    MetaData,
    RowMapping,
    String,
    Table,
    Uuid,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from shared.clock import Clock
from shared.databases import address

WINDOW = timedelta(minutes=15)
ATTEMPTS_PER_ACCOUNT = 5
ATTEMPTS_PER_ADDRESS = 20
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
ROLE = re.compile(r"[a-z]+(-[a-z]+)*")

metadata = MetaData()
accounts = Table(
    "accounts",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("username", String(100), nullable=False, unique=True),
    Column("password_hash", String(200), nullable=False),
    Column("roles", JSON, nullable=False),
    Column("name", String(200)),
    Column("patient_id", Uuid),
    Column("disabled", Boolean, nullable=False, default=False),
)
attempts = Table(
    "attempts", metadata, Column("source", String(300), nullable=False), Column("at", Float, nullable=False)
)
Index("attempts_of", attempts.c.source, attempts.c.at)


class AccountRefused(Exception):
    """An account cannot be made or changed so; the message says why."""


class SignInRefused(Exception):
    """Name or password are wrong, or the account is disabled: which of them is not told."""


class TooManyAttempts(Exception):
    """Too many wrong passwords in 15 minutes."""

    def __init__(self, retry_after: int):
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Account:
    """A person who signs in here; `id` is the subject of their tokens."""

    id: str
    username: str
    roles: frozenset[str]
    name: str | None = None
    patient_id: UUID | None = None
    disabled: bool = False


class Accounts:
    """The accounts in one database (SQLite or PostgreSQL)."""

    def __init__(self, url: str, clock: Clock, hasher: PasswordHasher | None = None):
        self._engine = _engine(url)
        self._clock = clock
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash("nobody has this password")

    def prepare(self) -> None:
        """Create the tables that are missing, and the folder of an SQLite file."""
        if self._engine.dialect.name == "sqlite" and self._engine.url.database:
            Path(self._engine.url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        metadata.create_all(self._engine)

    def add(
        self,
        username: str,
        password: str,
        roles: Iterable[str],
        *,
        name: str | None = None,
        patient_id: UUID | None = None,
        id: str | None = None,
    ) -> Account:
        """Make an account; AccountRefused if the name is taken, a role is no word, or the password too short."""
        account = Account(id or str(uuid4()), _known_as(username), _words(roles), name, patient_id)
        row = {**vars(account), "roles": sorted(account.roles), "password_hash": self._hashed(password)}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(accounts).values(row))
        except IntegrityError as error:
            raise AccountRefused(f"the name {account.username} is taken") from error
        return account

    def find(self, username: str) -> Account | None:
        """Give the account of this name."""
        row = self._row(username)
        return _account(row) if row else None

    def all(self) -> list[Account]:
        """List every account by name."""
        with self._engine.connect() as connection:
            return [_account(row) for row in connection.execute(select(accounts).order_by("username")).mappings()]

    def give_roles(self, username: str, roles: Iterable[str]) -> None:
        """Set the roles of an account, in place of those it had; tokens already given keep theirs until they end."""
        self._change(username, roles=sorted(_words(roles)))

    def disable(self, username: str) -> None:
        """Let nobody sign in to this account any more."""
        self._change(username, disabled=True)

    def reset(self, username: str, password: str) -> None:
        """Set a new password, and let the account sign in again at once."""
        self._change(username, password_hash=self._hashed(password), disabled=False)
        with self._engine.begin() as connection:
            connection.execute(delete(attempts).where(attempts.c.source == _source_of(username)))

    def sign_in(self, username: str, password: str, address: str) -> Account:
        """Give the account whose password this is; SignInRefused, or TooManyAttempts for account or address.

        An unknown name takes as long as a wrong password. An attempt is counted before the password is looked at, so
        that many at once are no way around.
        """
        sources = {_source_of(username): ATTEMPTS_PER_ACCOUNT, f"address {address}": ATTEMPTS_PER_ADDRESS}
        with self._engine.begin() as connection:
            self._count(connection, sources)
        row = self._row(username)
        right = self._is(password, row["password_hash"] if row else self._nobody)
        if row is None or not right or row["disabled"]:
            raise SignInRefused
        with self._engine.begin() as connection:
            connection.execute(delete(attempts).where(attempts.c.source.in_(sources)))
        if self._hasher.check_needs_rehash(row["password_hash"]):
            self._change(username, password_hash=self._hasher.hash(password))
        return _account(row)

    def check(self) -> str | None:
        """Tell in a few words what is wrong with the database, None if nothing."""
        with self._engine.connect() as connection:
            connection.execute(select(func.count()).select_from(accounts))
        return None

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def _row(self, username: str) -> RowMapping | None:
        mine = select(accounts).where(accounts.c.username == _folded(username))
        with self._engine.connect() as connection:
            return connection.execute(mine).mappings().first()

    def _change(self, username: str, **values: Any) -> None:
        with self._engine.begin() as connection:
            mine = update(accounts).where(accounts.c.username == _folded(username)).values(values)
            if connection.execute(mine).rowcount == 0:
                raise AccountRefused(f"there is no account {_folded(username)}")

    def _count(self, connection: Connection, sources: dict[str, int]) -> None:
        now = self._clock().timestamp()
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("LOCK TABLE attempts IN EXCLUSIVE MODE")
        connection.execute(delete(attempts).where(attempts.c.at <= now - WINDOW.total_seconds()))
        connection.execute(insert(attempts), [{"source": source, "at": now} for source in sources])
        for source, limit in sources.items():
            latest_first = select(attempts.c.at).where(attempts.c.source == source).order_by(attempts.c.at.desc())
            times = connection.execute(latest_first).scalars().all()
            if len(times) > limit:
                connection.rollback()
                raise TooManyAttempts(int(times[limit] + WINDOW.total_seconds() - now) + 1)

    def _hashed(self, password: str) -> str:
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise AccountRefused(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
        return self._hasher.hash(_normal(password))

    def _is(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _normal(password[: LONGEST_PASSWORD + 1]))
        except (VerificationError, InvalidHashError):
            return False


def _engine(url: str) -> Engine:
    engine = create_engine(address(url))
    if engine.dialect.name == "sqlite":
        # Attempts are counted and read in one transaction: it must hold the write lock from its beginning.
        event.listen(engine, "connect", _without_its_own_transactions)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _without_its_own_transactions(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")


def _account(row: RowMapping) -> Account:
    return Account(row["id"], row["username"], frozenset(row["roles"]), row["name"], row["patient_id"], row["disabled"])


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _folded(username: str) -> str:
    return _normal(username.strip()).casefold()


def _known_as(username: str) -> str:
    folded = _folded(username)
    if not (0 < len(folded) <= 100 and folded.isprintable()):
        raise AccountRefused("a name has 1 to 100 printable characters")
    return folded


def _source_of(username: str) -> str:
    return f"account {_folded(username)[:200]}"


def _words(roles: Iterable[str]) -> frozenset[str]:
    words: Collection[str] = frozenset(str(role) for role in roles)
    if not words or not all(ROLE.fullmatch(word) for word in words):
        raise AccountRefused("an account has at least one role, in lower-case words joined by hyphens")
    return frozenset(words)
