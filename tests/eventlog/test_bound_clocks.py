"""On PostgreSQL a service cannot move its log's time at will: its clock is held against the database's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from services.intake.service import SERVICE as INTAKE
from shared.clock import ShiftedClock
from shared.eventlog import LogUnavailable, migrate, open_log
from shared.service import prepare
from shared.settings import Settings
from tests.eventlog import bakery
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context
from tests.eventlog.conftest import PostgresLog, service_url

APPEND = """
SELECT new_recorded_at FROM append(
    ARRAY[gen_random_uuid()], ARRAY[1]::bigint[], ARRAY['t'], ARRAY['\\x00']::bytea[], ARRAY[3]::smallint[],
    ARRAY[NULL]::uuid[], {clock}, {floor}
)
"""
PRESENT = "clock_timestamp()"
OFF = [
    f"{PRESENT} + interval '7 s'",
    f"{PRESENT} - interval '7 s'",
    f"{PRESENT} + interval '10 years'",
    "'2020-01-01T00:00:00Z'",
    "'infinity'",
    "'-infinity'",
    "NULL",
]


@pytest.fixture(scope="module", autouse=True)
def _bound(migrated_postgres: PostgresLog) -> None:
    """Migrate the module's log as the suite does: writers' clocks are compared."""
    migrate(migrated_postgres.service, migrated_postgres.superuser, bakery.metadata, bound_clocks=True)


@pytest.fixture
def service(postgres_log: PostgresLog) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_log.service, autocommit=True) as connection:
        yield connection


class TestAppending:
    @pytest.mark.parametrize("clock", OFF)
    def test_with_a_clock_that_is_off_is_refused(self, service, clock):
        with pytest.raises(psycopg.Error) as refused:
            service.execute(APPEND.format(clock=clock, floor="NULL"))

        assert refused.value.sqlstate == "CT003"
        assert service.execute("SELECT count(*) FROM events").fetchone() == (0,)

    @pytest.mark.parametrize("floor", [f"{PRESENT} + interval '12 s'", "'2126-01-01T00:00:00Z'", "'infinity'"])
    def test_because_of_what_is_yet_to_come_is_refused(self, service, floor):
        with pytest.raises(psycopg.Error) as refused:
            service.execute(APPEND.format(clock=PRESENT, floor=floor))

        assert refused.value.sqlstate == "CT003"

    @pytest.mark.parametrize("off", ["+ interval '4 s'", "- interval '4 s'"])
    def test_with_a_clock_nearby_is_taken(self, service, off):
        service.execute(APPEND.format(clock=f"{PRESENT} {off}", floor=f"{PRESENT} + interval '9 s'"))

        assert service.execute("SELECT count(*) FROM events").fetchone() == (1,)

    def test_in_a_transaction_that_was_opened_before_is_not_dated_back(self, service):
        with service.transaction():
            (begun,) = service.execute(f"SELECT {PRESENT}").fetchone()
            service.execute("SELECT pg_sleep(0.3)")
            (recorded,) = service.execute(APPEND.format(clock="transaction_timestamp()", floor="NULL")).fetchone()

        assert recorded > begun + timedelta(seconds=0.2)


class TestHeads:
    @pytest.mark.parametrize("clock", OFF)
    def test_promise_no_time_that_the_database_does_not_know(self, service, clock):
        with pytest.raises(psycopg.Error) as refused:
            service.execute(f"SELECT * FROM heads({clock})")

        assert refused.value.sqlstate == "CT003"
        assert service.execute("SELECT heads_at FROM log_state").fetchone() == (None,)


class TestService:
    @pytest.fixture
    def shop(self, postgres_log: PostgresLog) -> Iterator[Bakery]:
        self.clock = ShiftedClock(offset=timedelta(seconds=30))
        opened = Bakery(open_log(postgres_log.service, self.clock), CATALOGUE)
        yield opened
        opened.close()

    def test_whose_clock_is_off_is_told_so_and_nothing_is_kept(self, shop):
        with pytest.raises(LogUnavailable, match="clock is more than 5 s off"):
            shop.save(Order.place(a_context()))
        with pytest.raises(LogUnavailable):
            shop.recorder.heads()

        assert shop.recorder.read() == []

    def test_works_again_once_its_clock_was_set_right(self, shop):
        with pytest.raises(LogUnavailable):
            shop.save(Order.place(a_context()))
        self.clock.forward(timedelta(seconds=-30))

        order = shop.save(Order.place(a_context()))

        assert abs(order.started_at - datetime.now(UTC)) < timedelta(minutes=2)

    def test_may_not_free_itself_of_the_bound(self, service):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute("UPDATE log_state SET clock_within = NULL")


class TestTheSuite:
    @pytest.mark.parametrize(("more", "bound"), [({}, 5), ({"CARETRAIL_CLOCK_FILE": "/nowhere/clock"}, None)], ids=str)
    def test_bounds_clocks_unless_a_file_moves_them(self, postgres_database, more, bound):
        environment = {
            "CARETRAIL_MODE": "production",
            "CARETRAIL_ADMIN_DATABASE_URL": postgres_database,
            "INTAKE_DATABASE_URL": service_url(postgres_database),
        }

        prepare(INTAKE, Settings.from_environ({**environment, **more}))

        with psycopg.connect(postgres_database) as superuser:
            assert superuser.execute("SELECT clock_within FROM log_state").fetchone() == (bound,)
