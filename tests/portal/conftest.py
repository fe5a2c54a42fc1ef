"""The portal with stubbed neighbours, and a browser that keeps cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from services.portal.pages.sessions import metadata
from services.portal.service import portal_app
from shared.clock import ShiftedClock
from shared.eventlog.migrate import migrate_tables
from shared.identity import LOCAL_ISSUER, KeyFolder, LocalIssuer
from shared.service import verifier
from shared.settings import Settings
from tests.portal.neighbours import PASSWORD, Neighbours

MONDAY_MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class Browser:
    """Goes through the pages as a browser without scripts would."""

    def __init__(self, app: Any):
        self.client = Client(app)

    def get(self, path: str, **said: Any) -> TestResponse:
        return self.client.get(path, **said)

    def post(self, path: str, **said: Any) -> TestResponse:
        return self.client.post(path, **said)

    def csrf_token(self, path: str = "/portal/sign-in") -> str:
        """The token in the forms of a page."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(path).text)
        assert found
        return found[1]

    def sign_in(self, name: str = "mara.lindt", password: str = PASSWORD, **more: str) -> TestResponse:
        form = {"csrf_token": self.csrf_token(), "username": name, "password": password, **more}
        return self.post("/portal/sign-in", data=form)

    def session_id(self) -> str | None:
        cookie = self.client.get_cookie("caretrail")
        return cookie.value if cookie else None


def words_in(response: TestResponse) -> str:
    """The text of a page without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock(instant=MONDAY_MORNING)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environ({"CARETRAIL_HOME": str(tmp_path)})


@pytest.fixture
def neighbours(settings: Settings, clock: ShiftedClock) -> Neighbours:
    key = KeyFolder(settings.keys).signing_key("identity")
    return Neighbours(LocalIssuer(LOCAL_ISSUER, key, settings.audience, clock), clock)


@pytest.fixture
def app(settings: Settings, clock: ShiftedClock, neighbours: Neighbours) -> Iterator[Flask]:
    migrate_tables(settings.database_url("portal"), None, metadata)
    made = portal_app(settings, clock, verifier(settings, clock), neighbours.client)
    yield made
    made.extensions["caretrail-portal"].charts.close()


@pytest.fixture
def mounted(app: Flask) -> Any:
    """The portal at its own path, as the suite mounts it."""
    return DispatcherMiddleware(Flask("front", static_folder=None), {"/portal": app})


@pytest.fixture
def visitor(mounted: Any) -> Browser:
    return Browser(mounted)


@pytest.fixture
def mara(visitor: Browser) -> Browser:
    """A care coordinator who has signed in."""
    visitor.sign_in("mara.lindt")
    return visitor
