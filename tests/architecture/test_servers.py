"""The fixtures of real servers give out what they promise and leave nothing behind."""

import os
import subprocess
from urllib.parse import urlsplit

import kombu
import psycopg
import pytest

from tests.servers import (
    database_name,
    fresh_broker_account,
    fresh_database,
    fresh_vhost,
    missing_server,
    url_as_role,
    url_of_database,
)


def names(admin_url: str, query: str) -> list[str]:
    with psycopg.connect(admin_url) as connection:
        return [name for (name,) in connection.execute(query)]


def broker_names(command: str) -> list[str]:
    listing = subprocess.run(["rabbitmqctl", "-q", command], capture_output=True, text=True, check=True)
    return [line.split("\t")[0] for line in listing.stdout.splitlines()]


class TestDatabase:
    def test_is_empty_and_belongs_to_this_test(self, postgres_database):
        tables = names(postgres_database, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")

        assert database_name(postgres_database).startswith("ct_")
        assert tables == []

    def test_lets_a_role_of_its_own_sign_in(self, postgres_database):
        role = f"{database_name(postgres_database)}_intake"
        with psycopg.connect(postgres_database) as connection:
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'p@ss/word'")

        signed_in = names(url_as_role(postgres_database, role, "p@ss/word"), "SELECT current_user::text")

        assert signed_in == [role]

    def test_is_gone_afterwards_with_its_roles(self, postgres_admin_url):
        with fresh_database(postgres_admin_url) as url:
            name = database_name(url)
            with psycopg.connect(url) as connection:
                connection.execute(f"CREATE ROLE {name}_intake LOGIN")
                connection.execute(f"CREATE TABLE trail (); ALTER TABLE trail OWNER TO {name}_intake")
            assert name in names(postgres_admin_url, "SELECT datname::text FROM pg_database")
            assert f"{name}_intake" in names(postgres_admin_url, "SELECT rolname::text FROM pg_roles")

        assert name not in names(postgres_admin_url, "SELECT datname::text FROM pg_database")
        assert f"{name}_intake" not in names(postgres_admin_url, "SELECT rolname::text FROM pg_roles")

    def test_is_gone_even_while_someone_is_connected(self, postgres_admin_url):
        with fresh_database(postgres_admin_url) as url:
            forgotten = psycopg.connect(url)

        forgotten.close()
        assert database_name(url) not in names(postgres_admin_url, "SELECT datname::text FROM pg_database")


class TestDatabaseUrl:
    def test_is_turned_to_another_database(self):
        url = url_of_database("postgresql://root:secret@127.0.0.1:5433/postgres?sslmode=disable", "ct_1")

        assert url == "postgresql://root:secret@127.0.0.1:5433/ct_1?sslmode=disable"

    def test_is_turned_to_another_role(self):
        url = url_as_role("postgresql://root:secret@127.0.0.1:5433/ct_1", "ct_1_intake", "a/b")

        assert url == "postgresql://ct_1_intake:a%2Fb@127.0.0.1:5433/ct_1"


class TestVirtualHost:
    def test_carries_a_message(self, rabbitmq_vhost):
        with kombu.Connection(rabbitmq_vhost) as connection:
            queue = connection.SimpleQueue("trail")
            queue.put({"step": 1})
            message = queue.get(timeout=10)
            message.ack()
            queue.close()

        assert message.payload == {"step": 1}

    def test_is_gone_afterwards_with_its_user(self, rabbitmq_account):
        if rabbitmq_account is None:
            pytest.skip("a virtual host that was given is not ours to delete")

        with fresh_broker_account() as account, fresh_vhost(account) as url:
            vhost, user = urlsplit(url).path.removeprefix("/"), urlsplit(url).username
            assert vhost in broker_names("list_vhosts")
            assert user in broker_names("list_users")

        assert vhost not in broker_names("list_vhosts")
        assert user not in broker_names("list_users")


class TestMissingServer:
    def test_skips_the_test(self, monkeypatch):
        monkeypatch.delenv("CARETRAIL_REQUIRE_SERVERS", raising=False)

        with pytest.raises(pytest.skip.Exception, match="NOT TESTED: no broker"):
            missing_server("no broker")

    def test_fails_it_where_servers_are_required(self, monkeypatch):
        monkeypatch.setenv("CARETRAIL_REQUIRE_SERVERS", "1")

        with pytest.raises(pytest.fail.Exception, match="no broker"):
            missing_server("no broker")


class TestHome:
    def test_is_an_empty_folder_of_this_test(self, caretrail_home):
        assert os.environ["CARETRAIL_HOME"] == str(caretrail_home)
        assert list(caretrail_home.iterdir()) == []


class TestMarks:
    def test_follow_the_fixtures(self, request, postgres_database):
        assert request.node.get_closest_marker("postgres") is not None
        assert request.node.get_closest_marker("rabbitmq") is None
