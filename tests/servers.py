"""Real PostgreSQL and RabbitMQ for tests: found or started, given out under random names, and left as they were."""

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests.leftovers import name_of_now, sweep_postgres, sweep_rabbitmq

POSTGRES_CANDIDATES = (
    "postgresql://root@127.0.0.1:5432/postgres",
    "postgresql://postgres@127.0.0.1:5432/postgres",
    "postgresql:///postgres",
)
RABBITMQ_ADDRESS = ("127.0.0.1", 5672)
MARKS_BY_FIXTURE = {"postgres_admin_url": "postgres", "rabbitmq_account": "rabbitmq", "page": "browser"}
PATIENCE = 60  # seconds that a server may take to answer a request of administration


def pytest_report_header() -> list[str]:
    """Say which servers this run uses."""
    required = os.environ.get("CARETRAIL_REQUIRE_SERVERS") == "1"
    without = "NOT FOUND: tests that need it " + ("FAIL" if required else "are SKIPPED")
    private = "a private server, started for this run" if may_start_postgres() else without
    return [
        f"PostgreSQL: {_without_password(running_postgres()) or private}",
        f"RabbitMQ: {_without_password(running_rabbitmq()) or without}",
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the servers that their fixtures reach, so that `-m 'not postgres'` cannot miss one."""
    for item in items:
        for fixture, mark in MARKS_BY_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


def _without_password(url: str | None) -> str | None:
    if url is None:
        return None
    scheme, _, address = url.partition("://")
    return f"{scheme}://{address.rpartition('@')[2]}"


def random_name() -> str:
    """A name for a database, role, user or virtual host that nobody else has, and that tells when it was given."""
    return name_of_now()


def missing_server(reason: str) -> NoReturn:
    """Skip the test, or fail it where CARETRAIL_REQUIRE_SERVERS=1 says that the servers must be there."""
    if os.environ.get("CARETRAIL_REQUIRE_SERVERS") == "1":
        pytest.fail(f"CARETRAIL_REQUIRE_SERVERS=1, but {reason}", pytrace=False)
    pytest.skip(f"NOT TESTED: {reason}")


# PostgreSQL


def database_name(url: str) -> str:
    """The name of the database that a PostgreSQL URL leads to."""
    return urlsplit(url).path.removeprefix("/")


def url_of_database(url: str, database: str) -> str:
    """The same server, role and password, but another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def url_as_role(url: str, role: str, password: str) -> str:
    """The same server and database, but signed in as another role."""
    address = urlsplit(url).netloc.rpartition("@")[2]
    return urlunsplit(urlsplit(url)._replace(netloc=f"{quote(role)}:{quote(password, safe='')}@{address}"))


@cache
def running_postgres() -> str | None:
    """The URL of a superuser on a server that answers, or None; CARETRAIL_TEST_POSTGRES_URL is taken at its word."""
    given = os.environ.get("CARETRAIL_TEST_POSTGRES_URL")
    return given or next((url for url in POSTGRES_CANDIDATES if _gives_roles_a_way_in(url)), None)


def _gives_roles_a_way_in(url: str) -> bool:
    """Whether a role made there can sign in by password, as the roles of the services have to."""
    role, password = random_name(), secrets.token_hex(8)
    try:
        with _administration(url) as admin:
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), password))
            try:
                psycopg.connect(url_as_role(url, role, password), connect_timeout=3).close()
                (superuser,) = admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
            finally:
                admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    except psycopg.Error:
        return False
    return superuser


def _administration(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=3)


def postgres_programs() -> Path | None:
    """The folder of initdb and pg_ctl, from PATH or from where Debian keeps them."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def may_start_postgres() -> bool:
    """Whether a private server could be started: PostgreSQL refuses to run as root."""
    return os.geteuid() != 0 and postgres_programs() is not None


@contextmanager
def private_postgres() -> Iterator[str]:
    """Start a server on a free port, give the URL of its superuser, and remove every trace of it."""
    programs, password = postgres_programs(), secrets.token_hex(16)
    with TemporaryDirectory(prefix="ct-pg-") as folder:
        data, log, port = Path(folder, "data"), Path(folder, "log"), _free_port()
        secret = Path(folder, "password")
        secret.write_text(password)
        _run(programs / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "-A", "scram-sha-256", "--no-sync",
             f"--pwfile={secret}")  # fmt: skip
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        _run(programs / "pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", options)
        try:
            yield f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
        finally:
            _run(programs / "pg_ctl", "stop", "-w", "-D", data, "-m", "immediate")


@contextmanager
def fresh_database(admin_url: str) -> Iterator[str]:
    """Make a database, give its URL, and drop it together with all roles whose names begin with its name."""
    name = random_name()
    with _administration(admin_url) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield url_of_database(admin_url, name)
    finally:
        with _administration(admin_url) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            for (role,) in admin.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [name]):
                admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@contextmanager
def database_prefix(admin_url: str) -> Iterator[str]:
    """Give a prefix for names of databases and roles, and drop all that bear it afterwards."""
    prefix = random_name()
    try:
        yield prefix
    finally:
        with _administration(admin_url) as admin:
            databases = admin.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
            for (name,) in databases.fetchall():
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            roles = admin.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [prefix])
            for (name,) in roles.fetchall():
                admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def postgres_admin_url() -> Iterator[str]:
    """The URL of a PostgreSQL superuser: CARETRAIL_TEST_POSTGRES_URL, a local server, or a private one."""
    running = running_postgres()
    if running:
        sweep_postgres(running)
        yield running
    elif may_start_postgres():
        with private_postgres() as url:
            yield url
    else:
        missing_server("no PostgreSQL answers with a superuser; CARETRAIL_TEST_POSTGRES_URL can name one")


@pytest.fixture
def postgres_database(postgres_admin_url: str) -> Iterator[str]:
    """The superuser's URL of an empty database of this test; roles named `<database>...` go away with it."""
    with fresh_database(postgres_admin_url) as url:
        yield url


# RabbitMQ


class AdministrationFailed(Exception):
    """A server's own program of administration refused; the text is what it printed."""


@cache
def running_rabbitmq() -> str | None:
    """The AMQP URL named by CARETRAIL_TEST_AMQP_URL, or that of a local broker which answers, or None."""
    given = os.environ.get("CARETRAIL_TEST_AMQP_URL")
    if given:
        return given
    host, port = RABBITMQ_ADDRESS
    with socket.socket() as probe:
        probe.settimeout(3)
        answers = probe.connect_ex((host, port)) == 0
    return f"amqp://{host}:{port}/" if answers and shutil.which("rabbitmqctl") else None


@contextmanager
def fresh_broker_account() -> Iterator[str]:
    """Make a user of the local broker, give the AMQP URL without a virtual host, and delete the user."""
    user, password = random_name(), secrets.token_hex(16)
    _run("rabbitmqctl", "add_user", user, password)
    try:
        yield f"amqp://{user}:{password}@{RABBITMQ_ADDRESS[0]}:{RABBITMQ_ADDRESS[1]}"
    finally:
        _run("rabbitmqctl", "delete_user", user)


@contextmanager
def fresh_vhost(account_url: str) -> Iterator[str]:
    """Make a virtual host in which the account may do everything, give its AMQP URL, and delete it with its queues."""
    vhost = random_name()
    _run("rabbitmqctl", "add_vhost", vhost)
    try:
        _run("rabbitmqctl", "set_permissions", "-p", vhost, urlsplit(account_url).username, ".*", ".*", ".*")
        yield f"{account_url}/{vhost}"
    finally:
        _run("rabbitmqctl", "delete_vhost", vhost)


@pytest.fixture(scope="session")
def rabbitmq_account() -> Iterator[str | None]:
    """The AMQP URL of a broker user made for this run, or None where CARETRAIL_TEST_AMQP_URL names a virtual host."""
    if os.environ.get("CARETRAIL_TEST_AMQP_URL"):
        yield None
        return
    if running_rabbitmq() is None:
        missing_server("no RabbitMQ with rabbitmqctl is here; CARETRAIL_TEST_AMQP_URL can name a virtual host")
    sweep_rabbitmq()
    with ExitStack() as account:
        try:
            url = account.enter_context(fresh_broker_account())
        except AdministrationFailed as refusal:
            missing_server(f"RabbitMQ lets nobody be added: {refusal}")
        yield url


@pytest.fixture
def rabbitmq_vhost(rabbitmq_account: str | None) -> Iterator[str]:
    """The AMQP URL of an empty virtual host of this test; a virtual host that was given is used as it is."""
    if rabbitmq_account is None:
        yield os.environ["CARETRAIL_TEST_AMQP_URL"]
        return
    with fresh_vhost(rabbitmq_account) as url:
        yield url


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def _run(*command: str | Path) -> str:
    # Output goes through a file: a server that pg_ctl leaves running would hold a pipe open for ever.
    with TemporaryDirectory(prefix="ct-run-") as folder, Path(folder, "output").open("w+") as output:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=PATIENCE, check=False
        )
        output.seek(0)
        text = output.read()
    if done.returncode != 0:
        raise AdministrationFailed(f"{Path(command[0]).name} {command[1]}: {text.strip()}")
    return text
