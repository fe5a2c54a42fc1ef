"""What callers hear while a log cannot be used: 503 with Retry-After, soon; and all is well again by itself."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url
from werkzeug.test import TestResponse

import tests.http.shop
from shared.eventlog import open_log
from tests.eventlog.conftest import DATABASES
from tests.http.bakery import ANNA, CUSTOMER, metadata
from tests.http.log import a_log, a_postgres_log
from tests.http.shop import Shop
from tests.servers import database_name, url_of_database

ORDER = {"patient_id": str(CUSTOMER), "loaves": 2}
MOST_READERS = 15


@pytest.fixture(scope="module")
def postgres_log(postgres_admin_url: str) -> Iterator:
    with a_postgres_log(postgres_admin_url, metadata) as log:
        yield log


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated and empty log, on each database in turn."""
    if request.param == "sqlite":
        return a_log(tmp_path / "bakery.sqlite", metadata)
    return request.getfixturevalue("postgres_log").emptied()


@pytest.fixture
def shop(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The bakery open for business; its log waits half a second for others."""
    monkeypatch.setattr(tests.http.shop, "open_log", partial(open_log, lock_timeout=0.5))
    opened = Shop(tmp_path, log_url=url)
    opened.let_into_the_team(ANNA, CUSTOMER)
    yield opened
    opened.bakery.close()


def superuser_of(url: str, admin_url: str) -> str:
    return url_of_database(admin_url, database_name(url))


@contextmanager
def locked(url: str, request: pytest.FixtureRequest) -> Iterator[None]:
    """Let somebody else hold the lock of the log."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(make_url(url).database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
        return
    with psycopg.connect(superuser_of(url, request.getfixturevalue("postgres_admin_url"))) as other:
        other.execute("SELECT * FROM log_state FOR UPDATE")
        yield
        other.rollback()


def says_come_back(answer: TestResponse) -> bool:
    return (answer.status_code, answer.headers.get("Retry-After")) == (503, "1")


class TestALockedLog:
    def test_answers_a_command_503_and_takes_it_afterwards(self, shop, url, request):
        with locked(url, request):
            refused = shop.post("/v1/orders", ORDER, key="k1")
        taken = shop.post("/v1/orders", ORDER, key="k1")

        assert says_come_back(refused)
        assert refused.get_json()["type"] == "urn:caretrail:problem:service-unavailable"
        assert (taken.status_code, shop.events()) == (201, 1)

    def test_can_be_read(self, shop, url, request):
        order = shop.an_order()

        with locked(url, request):
            answer = shop.get(f"/v1/orders/{order['id']}")

        assert answer.status_code == 200


class TestALogThatTooManyRead:
    def test_answers_503_until_one_of_them_goes(self, shop):
        order = shop.an_order()

        with ExitStack() as readers:
            free = free_places(shop)
            for _ in range(free):
                readers.enter_context(shop.bakery.recorder.reading())
            asked_at = monotonic()
            refused = shop.get(f"/v1/orders/{order['id']}")
            waited = monotonic() - asked_at
        answered = shop.get(f"/v1/orders/{order['id']}")

        assert says_come_back(refused)
        assert waited < 15, "it waited for half a minute, not for half a second"
        assert answered.status_code == 200


def free_places(shop: Shop) -> int:
    """How many more may read at once; SQLite's writer has one of the places."""
    return MOST_READERS - shop.bakery.recorder.engine.pool.checkedout()


@contextmanager
def gone(url: str, admin_url: str) -> Iterator[Callable[[], None]]:
    """Take a PostgreSQL database away: nobody is let in, and who is in is put out."""
    name = database_name(url)
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        try:
            admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
        finally:
            admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


class TestADatabaseThatIsGone:
    @pytest.mark.parametrize("url", DATABASES[1:], indirect=True)
    def test_answers_503_until_it_is_back(self, shop, url, postgres_admin_url):
        order = shop.an_order()

        with gone(url, postgres_admin_url):
            refused = [shop.post("/v1/orders", ORDER, key="k1"), shop.get(f"/v1/orders/{order['id']}")]
        answered = [shop.post("/v1/orders", ORDER, key="k1"), shop.get(f"/v1/orders/{order['id']}")]

        assert list(map(says_come_back, refused)) == [True, True]
        assert [answer.status_code for answer in answered] == [201, 200]
        assert shop.events() == 2
