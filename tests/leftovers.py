"""What killed runs have left on the servers: every name that a run gives there tells when it was given.

`python -m tests.leftovers` removes, before a run, all of it that nobody is connected to.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterable

import psycopg
from psycopg import sql

PREFIX = "ct_"
OLD = 2 * 3600.0
JUST_MADE = 900.0
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
PATIENCE = 60


def name_of_now(now: float | None = None) -> str:
    """Give a name that nobody else has, for a database, role, user or virtual host: `ct_`, the second, chance."""
    return f"{PREFIX}{_base36(int(time.time() if now is None else now))}_{secrets.token_hex(6)}"


def _base36(number: int) -> str:
    rest, digit = divmod(number, 36)
    return (_base36(rest) if rest else "") + DIGITS[digit]


def age(name: str) -> float | None:
    """Tell how many seconds ago a name was given; None where it does not say, or is none of ours."""
    born, told, _ = name.removeprefix(PREFIX).partition("_")
    if not name.startswith(PREFIX) or not told or len(born) > 7:
        return None
    try:
        return time.time() - int(born, 36)
    except ValueError:
        return None


def old(names: Iterable[str]) -> list[str]:
    """Pick the names of ours that are older than any run."""
    return [name for name in names if (age(name) or 0) > OLD]


def unused(names: Iterable[str], used: Collection[str]) -> list[str]:
    """Pick the names of ours that nobody uses, but for those that were just made."""
    ours = [name for name in names if name.startswith(PREFIX) and name not in used]
    return [name for name in ours if (age(name) or OLD) > JUST_MADE]


# PostgreSQL


def sweep_postgres(admin_url: str, *, only_unused: bool = False) -> list[str]:
    """Drop databases and then roles, the old ones or those that nobody uses; give what is gone."""
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=3) as admin:
        databases = _names(admin, "SELECT datname::text FROM pg_database")
        roles = _names(admin, "SELECT rolname::text FROM pg_roles")
        if only_unused:
            used = _names(admin, "SELECT unnest(ARRAY[datname, usename])::text FROM pg_stat_activity")
            return _drop(admin, unused(databases, used), unused(roles, used))
        return _drop(admin, old(databases), old(roles))


def _names(admin: psycopg.Connection, query: str) -> list[str]:
    return [name for (name,) in admin.execute(query.encode()) if name]


def _drop(admin: psycopg.Connection, databases: list[str], roles: list[str]) -> list[str]:
    drops = [("DROP DATABASE IF EXISTS {} WITH (FORCE)", name) for name in databases]
    drops += [("DROP ROLE IF EXISTS {}", name) for name in roles]
    gone = []
    for drop, name in drops:
        try:
            admin.execute(sql.SQL(drop).format(sql.Identifier(name)))
            gone.append(name)
        except psycopg.Error as error:  # another run is sweeping, too, or the role still owns something
            print(f"not swept: {name}: {error}", file=sys.stderr)
    return gone


# RabbitMQ


def sweep_rabbitmq(*, only_unused: bool = False) -> list[str]:
    """Delete virtual hosts and users, the old ones or those that nobody uses; give what is gone."""
    vhosts, users = _listed("list_vhosts"), _listed("list_users")
    if only_unused:
        used = _listed("list_connections", "vhost", "user")
        return _delete(unused(vhosts, used), unused(users, used))
    return _delete(old(vhosts), old(users))


def _delete(vhosts: list[str], users: list[str]) -> list[str]:
    for vhost in vhosts:
        _rabbitmqctl("delete_vhost", vhost)
    for user in users:
        _rabbitmqctl("delete_user", user)
    return [*vhosts, *users]


def _listed(*command: str) -> list[str]:
    return [word for line in _rabbitmqctl("-q", *command).splitlines() for word in line.split("\t")]


def _rabbitmqctl(*command: str) -> str:
    # One that fails has met another run that is sweeping, too.
    done = subprocess.run(["rabbitmqctl", *command], capture_output=True, text=True, timeout=PATIENCE, check=False)
    return done.stdout if done.returncode == 0 else ""


if __name__ == "__main__":
    from tests.servers import running_postgres

    admin_url = running_postgres()
    swept = sweep_postgres(admin_url, only_unused=True) if admin_url else []
    swept += sweep_rabbitmq(only_unused=True) if shutil.which("rabbitmqctl") else []
    print(f"swept {len(swept)} leftovers of killed runs: {' '.join(swept)}" if swept else "no leftovers of killed runs")
