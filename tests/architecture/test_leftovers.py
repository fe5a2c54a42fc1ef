"""What a killed run left behind is swept by a later one, and what a run is using is not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from psycopg import sql

from tests.leftovers import age, name_of_now, old, sweep_postgres, sweep_rabbitmq, unused

THREE_HOURS = 3 * 3600


class TestAName:
    def test_tells_when_it_was_given(self):
        name = name_of_now(time.time() - THREE_HOURS)

        assert age(name) == pytest.approx(THREE_HOURS, abs=60)
        assert age(f"{name}_intake") == pytest.approx(THREE_HOURS, abs=60)

    def test_of_somebody_else_tells_nothing(self):
        assert [age(name) for name in ("postgres", "ct_0a1b2c3d4e5f", "ct_0a1b2c3d4e5f_intake", "ct_!_1")] == [None] * 4


class TestASweep:
    def test_takes_names_that_are_older_than_any_run(self):
        ancient, recent = name_of_now(time.time() - THREE_HOURS), name_of_now()

        assert old(["postgres", "ct_0a1b2c3d4e5f", recent, ancient]) == [ancient]

    def test_before_the_only_run_takes_all_that_nobody_uses(self):
        ancient, used, recent = name_of_now(time.time() - THREE_HOURS), name_of_now(0), name_of_now()

        assert unused(["postgres", "ct_0a1b2c3d4e5f", ancient, used, recent], [used]) == ["ct_0a1b2c3d4e5f", ancient]

    def test_drops_an_old_database_with_its_role_and_no_young_one(self, old_and_young: tuple[str, str, str]):
        admin_url, ancient, young = old_and_young

        sweep_postgres(admin_url)

        with psycopg.connect(admin_url) as admin:
            databases = {name for (name,) in admin.execute("SELECT datname::text FROM pg_database")}
            roles = {name for (name,) in admin.execute("SELECT rolname::text FROM pg_roles")}
        assert young in databases & roles
        assert ancient not in databases | roles


@pytest.fixture
def old_and_young(postgres_admin_url: str) -> Iterator[tuple[str, str, str]]:
    names = [name_of_now(time.time() - THREE_HOURS), name_of_now()]
    with psycopg.connect(postgres_admin_url, autocommit=True) as admin:
        for name in map(sql.Identifier, names):
            admin.execute(sql.SQL("CREATE ROLE {}").format(name))
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
        yield postgres_admin_url, *names
        for kind in ("DATABASE", "ROLE"):
            for name in map(sql.Identifier, names):
                with suppress(psycopg.Error):
                    admin.execute(sql.SQL(f"DROP {kind} {{}}").format(name))


class TestASweepOfTheBroker:
    def test_deletes_old_virtual_hosts_and_users_only(self, monkeypatch: pytest.MonkeyPatch):
        ancient, young = name_of_now(time.time() - THREE_HOURS), name_of_now()
        listing = {"list_vhosts": f"name\n/\n{ancient}\n{young}\n", "list_users": f"guest\t[]\n{ancient}\t[]\n"}
        commands: list[tuple[str, ...]] = []

        def rabbitmqctl(*command: str) -> str:
            commands.append(command)
            return listing.get(command[-1], "")

        monkeypatch.setattr("tests.leftovers._rabbitmqctl", rabbitmqctl)

        swept = sweep_rabbitmq()

        assert swept == [ancient, ancient]
        assert commands[2:] == [("delete_vhost", ancient), ("delete_user", ancient)]
