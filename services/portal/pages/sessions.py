"""Who is signed in: sessions kept in the database, each sealed with the id that only the browser's cookie holds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SessionInterface, SessionMixin
from sqlalchemy import (
    Column,
    LargeBinary,
    MetaData,
    RowMapping,
    String,
    Table,
    create_engine,
    delete,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import OperationalError

from shared.clock import Clock
from shared.databases import address
from shared.eventlog import UtcDateTime

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=12)
TOUCHED_EVERY = timedelta(minutes=1)
LONGEST_ID = 64

metadata = MetaData()
sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    comment="who is signed in to the portal; neither ids nor tokens can be read from it",
)


@dataclass(frozen=True)
class Kept:
    """A session as the database keeps it."""

    begun_at: datetime
    seen_at: datetime
    values: dict[str, Any]


class Sessions:
    """The sessions in one database (SQLite or PostgreSQL), shared by every web process of the portal."""

    def __init__(self, url: str, clock: Clock):
        self._engine = create_engine(address(url))
        self._clock = clock

    def find(self, id: str) -> Kept | None:
        """Give the session of this id, unless it has ended: 15 minutes after its last use, 12 hours after sign-in."""
        with self._engine.connect() as connection:
            row = connection.execute(select(sessions).where(sessions.c.digest == _digest(id))).mappings().first()
        if row is None or self._is_over(row):
            return None
        values = _opened(id, row["sealed"])
        return None if values is None else Kept(row["begun_at"], row["seen_at"], values)

    def begin(self, id: str, values: dict[str, Any]) -> None:
        """Store a new session, and drop those that have ended."""
        now = self._clock()
        row = {"digest": _digest(id), "begun_at": now, "seen_at": now, "sealed": _sealed(id, values)}
        with self._engine.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.seen_at <= now - IDLE))
            connection.execute(insert(sessions).values(row))

    def go_on(self, id: str, values: dict[str, Any]) -> None:
        """Store what a session holds now; one that was ended meanwhile stays ended."""
        changed = {"seen_at": self._clock(), "sealed": _sealed(id, values)}
        with self._engine.begin() as connection:
            connection.execute(update(sessions).where(sessions.c.digest == _digest(id)).values(changed))

    def forget(self, id: str) -> None:
        """End a session at once, wherever its cookie still is."""
        with self._engine.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == _digest(id)))

    def check(self) -> str | None:
        """Tell in a few words what is wrong with the database, None if nothing."""
        try:
            with self._engine.connect() as connection:
                connection.execute(select(literal(1)))
        except OperationalError:
            return "the database does not answer"
        return None

    def now(self) -> datetime:
        """Give the present moment."""
        return self._clock()

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def _is_over(self, row: RowMapping) -> bool:
        now = self._clock()
        return now - row["seen_at"] >= IDLE or now - row["begun_at"] >= ABSOLUTE


class Session(SecureCookieSession):
    """One browser's session: a dict of plain values. `unreachable` says that the database did not answer."""

    def __init__(self, id: str = "", kept: Kept | None = None, *, unreachable: bool = False):
        super().__init__(kept.values if kept else None)
        self.id = id
        self.kept = kept
        self.unreachable = unreachable
        self.discarded: list[str] = []

    def renew(self) -> None:
        """Begin anew under an id that nobody knows yet, with nothing in it."""
        self.discarded += [self.id] if self.id else []
        self.id, self.kept = "", None
        self.clear()


class StoredSessions(SessionInterface):
    """Keeps Flask's `session` in the database; the cookie holds 256 random bits and nothing else."""

    def __init__(self, store: Sessions):
        self._store = store

    def open_session(self, app: Flask, request: Request) -> Session:
        """Give the browser's session, or an empty one without id: an id that we did not give is never taken on."""
        id = request.cookies.get(_cookie_name(request), "")
        if not 0 < len(id) <= LONGEST_ID:
            return Session()
        try:
            kept = self._store.find(id)
        except OperationalError:
            return Session(unreachable=True)
        return Session(id, kept) if kept else Session()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep what changed, move on the time of the last use, and set or clear the cookie."""
        if not isinstance(session, Session) or session.unreachable:
            return
        for id in session.discarded:
            self._store.forget(id)
        if session:
            self._keep(session, response)
        elif _cookie_name(request) in request.cookies:
            _set_cookie(response, "", max_age=0)

    def _keep(self, session: Session, response: Response) -> None:
        if session.kept is None:
            session.id = secrets.token_urlsafe(32)
            self._store.begin(session.id, dict(session))
            _set_cookie(response, session.id)
        elif session.modified or self._store.now() - session.kept.seen_at >= TOUCHED_EVERY:
            self._store.go_on(session.id, dict(session))


def _cookie_name(request: Request) -> str:
    """Browsers take a `__Host-` cookie only over https, from the host itself."""
    return "__Host-caretrail" if request.is_secure else "caretrail"


def _set_cookie(response: Response, value: str, max_age: int | None = None) -> None:
    secure = request.is_secure
    response.set_cookie(
        _cookie_name(request), value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="Lax"
    )


def _digest(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()


def _seal(id: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hmac.digest(id.encode(), b"caretrail portal session", "sha256")))


def _sealed(id: str, values: dict[str, Any]) -> bytes:
    return _seal(id).encrypt(msgspec.json.encode(values))


def _opened(id: str, sealed: bytes) -> dict[str, Any] | None:
    try:
        values: dict[str, Any] = msgspec.json.decode(_seal(id).decrypt(bytes(sealed)))
    except (InvalidToken, msgspec.DecodeError):
        return None
    return values
