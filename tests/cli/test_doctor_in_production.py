"""`caretrail doctor` in production: PostgreSQL and RabbitMQ, faults planted by a superuser, and mended as advised."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest
from kombu import Queue

from events.vocabulary import CATALOGUE
from services.cli.checks import broker, durability, progress, roles, schema
from services.cli.checks.findings import Finding, Level
from services.cli.checks.installation import Installation
from services.cli.doctor import CHECKS, Check
from services.suite import entering, mounted, service_named
from shared.clock import system_clock
from shared.messaging import Supervisor
from shared.messaging.broker import EXCHANGE, connect, queue
from shared.service import RunningService, prepare, verifier
from shared.settings import Mode, Settings
from tests.intake.given import a_context, an_identity
from tests.journeys.running import free_port
from tests.messaging.delivery import until
from tests.servers import database_prefix, fresh_vhost

TOLD = ("intake", "referral")
PASSWORD = "one-that-nobody-guesses"
AS_SUPERUSER = "as superuser: "


class Server(NamedTuple):
    """Two services' databases in production, and who may do everything there."""

    environment: dict[str, str]
    admin_url: str

    @property
    def settings(self) -> Settings:
        """Read the settings as a worker would."""
        return Settings.from_environ(self.environment)

    def look(self, *checks: Check) -> list[Finding]:
        """Let these checks look, and give what they found above ok."""
        with closing(Installation(self.settings)) as installation:
            list(installation.open())
            return [found for check in checks for found in check(installation) if found.level > Level.OK]

    def plant(self, statement: str, service: str = "intake") -> None:
        """Do to a service's database what nobody should; `ROLE` and `OWNER` stand for the two roles."""
        role = self.role(service)
        with psycopg.connect(f"{self.admin_url.rpartition('/')[0]}/{role}", autocommit=True) as connection:
            connection.execute(statement.replace("ROLE_OF_SERVICE", f'"{role}"').replace("OWNER", f'"{role}_owner"'))

    def role(self, service: str) -> str:
        """Give the name of a service's role, which is that of its database, too."""
        return urlsplit(self.settings.database_url(service)).path.removeprefix("/")

    def migrate(self, *names: str) -> None:
        """Follow the advice `caretrail migrate`, for services that need it."""
        given = Settings.from_environ({**self.environment, "CARETRAIL_ADMIN_DATABASE_URL": self.admin_url})
        for name in names or TOLD:
            prepare(service_named(name), given)

    def follow(self, advice: str) -> None:
        """Do what a finding says to do: as superuser, and with `caretrail migrate` where it says so."""
        if AS_SUPERUSER in advice:
            statement = advice.partition(AS_SUPERUSER)[2].partition("; then run")[0]
            if not statement.startswith("run"):
                self.plant(statement)
        if "caretrail migrate" in advice:
            self.migrate("intake")


@pytest.fixture(scope="module")
def server(postgres_admin_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with database_prefix(postgres_admin_url) as prefix:
        place = postgres_admin_url.rpartition("@")[2].rpartition("/")[0]
        nowhere = free_port()
        environment = {
            "CARETRAIL_HOME": str(tmp_path_factory.mktemp("home")),
            "CARETRAIL_MODE": "production",
            "CARETRAIL_WORKER_BIND": f"127.0.0.1:{nowhere}",
            "CARETRAIL_BROKER_URL": f"amqp://caretrail:{PASSWORD}@127.0.0.1:{nowhere}//",
            "IDENTITY_URL": f"http://127.0.0.1:{nowhere}/identity",
            **{
                f"{name.upper()}_DATABASE_URL": f"postgresql://{prefix}_{name}:{PASSWORD}@{place}/{prefix}_{name}"
                for name in TOLD
            },
            **{
                f"{name.upper()}_URL": f"http://127.0.0.1:{nowhere}/{name}"
                for name in ("intake", "prescription", "referral", "monitoring", "history", "portal")
            },
        }
        made = Server(environment, postgres_admin_url)
        made.migrate()
        yield made


def only(found: list[Finding]) -> Finding:
    """Give the one thing that was found."""
    (finding,) = found
    return finding


class TestADatabase:
    def test_as_migrated_has_nothing_to_find(self, server: Server):
        checks = (schema.schema, schema.triggers, roles.roles, durability.durability, durability.clock)

        assert server.look(*checks) == []

    def test_that_does_not_answer_is_told_without_its_password(self, server: Server):
        wrong = server.environment["INTAKE_DATABASE_URL"].replace(PASSWORD, "another-password")
        settings = Settings.from_environ({**server.environment, "INTAKE_DATABASE_URL": wrong + "-not-there"})

        with closing(Installation(settings)) as installation:
            found = only([finding for finding in installation.open() if finding.level > Level.OK])

        assert "does not answer" in found.seen
        assert "password" not in found.seen.replace("password authentication failed", "")

    @pytest.mark.parametrize(
        ("fault", "check", "seen"),
        [
            ("DROP TRIGGER events_never_change ON events", schema.triggers, "is missing"),
            ("ALTER TABLE events DISABLE TRIGGER events_never_change", schema.triggers, "is not always on"),
            ("ALTER TABLE events ENABLE TRIGGER events_never_change", schema.triggers, "is not always on"),
            ("ALTER TABLE refused_reactions DROP COLUMN patient_id", schema.schema, "no column patient_id"),
            ("DROP INDEX events_lane", schema.schema, "no index events_lane"),
            ("DROP FUNCTION move_position", schema.schema, "move_position() is missing"),
            ("ALTER FUNCTION append SECURITY INVOKER", schema.schema, "append() is another"),
            ("GRANT INSERT ON events TO ROLE_OF_SERVICE", roles.roles, "may INSERT on events"),
            ("GRANT UPDATE (state) ON events TO ROLE_OF_SERVICE", roles.roles, "may UPDATE on events"),
            ("GRANT DELETE ON events TO PUBLIC", roles.roles, "may DELETE on events"),
            ("GRANT UPDATE ON log_state TO ROLE_OF_SERVICE", roles.roles, "may UPDATE on log_state"),
            ("REVOKE EXECUTE ON FUNCTION append FROM ROLE_OF_SERVICE", roles.roles, "may not call append"),
            ("ALTER ROLE ROLE_OF_SERVICE SUPERUSER", roles.roles, "is a superuser"),
            ("ALTER ROLE ROLE_OF_SERVICE CREATEROLE", roles.roles, "may create roles"),
            ("ALTER ROLE OWNER LOGIN", roles.roles, "may log in"),
            ("GRANT OWNER TO ROLE_OF_SERVICE", roles.roles, "belongs to who does"),
            ("GRANT CREATE ON SCHEMA public TO ROLE_OF_SERVICE", roles.roles, "may create tables"),
        ],
        ids=lambda value: value if isinstance(value, str) and " " in value else "",
    )
    def test_with_a_fault_is_found_and_mended_as_advised(self, server: Server, fault: str, check: Check, seen: str):
        server.plant(fault)

        found = server.look(check)
        for finding in found:
            server.follow(finding.do)
        left = server.look(check)

        if left:
            server.migrate()
        assert any(seen in finding.seen and finding.level is Level.ERROR for finding in found), found
        assert left == []

    def test_that_answers_before_it_has_written_is_found(self, server: Server):
        server.plant("ALTER ROLE ROLE_OF_SERVICE SET synchronous_commit = off")

        try:
            found = only(server.look(durability.durability))
        finally:
            server.plant("ALTER ROLE ROLE_OF_SERVICE RESET synchronous_commit")

        assert "synchronous_commit is off" in found.seen
        assert "ALTER SYSTEM SET synchronous_commit = on" in found.do


@pytest.fixture(scope="module")
def vhost(rabbitmq_account: str | None) -> Iterator[str]:
    if rabbitmq_account is None:
        yield os.environ["CARETRAIL_TEST_AMQP_URL"]
        return
    with fresh_vhost(rabbitmq_account) as url:
        yield url


class TestTheSuite:
    @pytest.fixture
    def running(self, server: Server, vhost: str) -> Iterator[Server]:
        """Both services at work in this process, over the broker."""
        settings = Settings.from_environ({**server.environment, "CARETRAIL_BROKER_URL": vhost})
        supervisor, root = Supervisor(give_up=lambda: None), mounted({})
        reach = partial(entering, root)
        services = [RunningService(service_named(name), settings, CATALOGUE, system_clock, reach) for name in TOLD]
        recognise = verifier(replace(settings, mode=Mode.EMBEDDED), system_clock)
        root.mounts.update({f"/{service.service.name}": service.web(recognise) for service in services})
        for service in services:
            service.work(supervisor)
            until(service.listener.ready.is_set)
        services[0].application.register(a_context(now=system_clock()), an_identity())
        yield Server({**server.environment, "CARETRAIL_BROKER_URL": vhost}, server.admin_url)
        assert supervisor.stop() == []
        for service in services:
            service.close()

    def test_has_nothing_to_find_while_it_runs(self, running: Server):
        until(lambda: "referral has taken everything of intake" in _seen(running, progress.positions))

        seen = _seen(running, *CHECKS, most=Level.OK)

        assert "referral: its queues are there, of the right make, and read" in seen
        assert "intake: everything is published" in seen


def _seen(server: Server, *checks: Check, most: Level = Level.ERROR) -> list[str]:
    """Give all that is seen, and fail where it is worse than this."""
    with closing(Installation(server.settings)) as installation:
        opened = list(installation.open())
        found = [finding for check in checks if check is not Installation.open for finding in check(installation)]
    assert [finding for finding in opened + found if finding.level > most] == []
    return [finding.seen for finding in found]


class TestTheBroker:
    @pytest.fixture(autouse=True)
    def without_its_tool(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Spare the seconds that rabbitmqctl takes."""
        monkeypatch.setattr(broker.shutil, "which", lambda _: None)

    @pytest.fixture
    def quiet(self, server: Server, vhost: str) -> Server:
        """The exchange and every queue, with nobody who reads."""
        with connect(vhost) as connection:
            EXCHANGE(connection.default_channel).declare()
            for name in TOLD:
                for mine in broker.queues(vhost, name, list(service_named(name).upstreams)):
                    mine(connection.default_channel).declare()
        return Server({**server.environment, "CARETRAIL_BROKER_URL": vhost}, server.admin_url)

    def test_that_cannot_be_reached_is_told(self, server: Server):
        found = only(server.look(broker.broker))

        assert (found.level, "cannot be reached" in found.seen) == (Level.ERROR, True)
        assert PASSWORD not in found.seen + found.do

    def test_without_readers_is_warned_of(self, quiet: Server):
        found = quiet.look(broker.broker)

        assert [finding.level for finding in found] == [Level.WARNING, Level.WARNING]
        assert "16 queues are read by nobody" in found[0].seen
        assert "caretrail worker intake" in found[0].do

    def test_without_a_queue_or_with_a_wrong_one_is_found(self, quiet: Server, vhost: str):
        gone, wrong = queue("referral", "intake", 3), queue("referral", "intake", 4)
        with connect(vhost) as connection:
            gone(connection.default_channel).delete()
            wrong(connection.default_channel).delete()
            Queue(wrong.name, EXCHANGE, routing_key="intake.4", durable=True)(connection.default_channel).declare()

        try:
            found = [finding for finding in quiet.look(broker.broker) if finding.level is Level.ERROR]
        finally:
            with connect(vhost) as connection:
                wrong(connection.default_channel).delete()

        assert [gone.name in found[0].seen, wrong.name in found[1].seen] == [True, True]
        assert "are missing" in found[0].seen
        assert "caretrail worker referral" in found[0].do
        assert "no quorum queue" in found[1].seen
        assert f"rabbitmqctl delete_queue {wrong.name}" in found[1].do

    def test_without_its_exchange_is_found(self, quiet: Server, vhost: str):
        with connect(vhost) as connection:
            EXCHANGE(connection.default_channel).delete()

        assert any("caretrail.events is missing" in finding.seen for finding in quiet.look(broker.broker))

    def test_of_another_make_is_found(self, quiet: Server, vhost: str):
        with connect(vhost) as connection:
            channel = connection.default_channel
            EXCHANGE(channel).delete()
            channel.exchange_declare(EXCHANGE.name, "fanout", durable=True, auto_delete=False)

        try:
            assert any("of another make" in finding.seen for finding in quiet.look(broker.broker))
        finally:
            with connect(vhost) as connection:
                EXCHANGE(connection.default_channel).delete()


class TestPolicies:
    def test_that_change_our_queues_are_warned_of(self, server: Server, vhost: str, rabbitmq_account: str | None):
        if rabbitmq_account is None or shutil.which("rabbitmqctl") is None:
            pytest.skip("NOT TESTED: no rabbitmqctl beside this RabbitMQ")
        with connect(vhost) as connection:
            queue("referral", "intake", 0)(connection.default_channel).declare()
        given = ["--vhost", vhost.rpartition("/")[2], "short", "^referral", '{"max-length": 5}', "--apply-to", "queues"]
        subprocess.run(["rabbitmqctl", "set_policy", *given], check=True, capture_output=True, timeout=60)

        found = Server({**server.environment, "CARETRAIL_BROKER_URL": vhost}, server.admin_url).look(broker.broker)

        (told,) = [finding for finding in found if "policy" in finding.seen]
        assert "the policy short changes our queues: max-length" in told.seen
        assert "rabbitmqctl clear_policy short" in told.do
