"""The bakery, opened anew for every test that asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.bakery import ANNA, CUSTOMER, metadata
from tests.http.log import PostgresLog, a_postgres_log
from tests.http.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A bakery whose Anna serves one customer."""
    yield from _open(Shop(tmp_path))


@pytest.fixture(scope="module")
def postgres_log(postgres_admin_url: str) -> Iterator[PostgresLog]:
    """A log in PostgreSQL that the tests of a module share, one after the other."""
    with a_postgres_log(postgres_admin_url, metadata) as log:
        yield log


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shop_on_either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """The same bakery on each database in turn."""
    url = request.getfixturevalue("postgres_log").emptied() if request.param == "postgres" else None
    yield from _open(Shop(tmp_path, log_url=url))


def _open(shop: Shop) -> Iterator[Shop]:
    shop.let_into_the_team(ANNA, CUSTOMER)
    yield shop
    shop.bakery.close()
