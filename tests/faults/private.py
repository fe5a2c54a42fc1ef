"""Servers of a test's own, which it may stop, kill and wipe: PostgreSQL and RabbitMQ, never those that others use."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import psycopg
from kombu import Connection

from tests.servers import AdministrationFailed, _free_port, _run, missing_server, postgres_programs, random_name

STARTS_WITHIN = 120.0
POSTGRES_USER = "postgres"


class PrivatePostgres:
    """A server with a data folder of its own; its superuser is `postgres`, and everybody is let in."""

    def __init__(self, folder: Path, programs: Path):
        self.log = folder / "log"
        self._data, self._programs, self._port = folder / "data", programs, _free_port()
        self.url = f"postgresql://{POSTGRES_USER}@127.0.0.1:{self._port}/postgres"
        self._run("initdb", "-D", self._data, "-U", POSTGRES_USER, "-E", "UTF8", "-A", "trust", "--no-sync")

    def start(self) -> None:
        """Start it, and wait until it answers; after a crash it first recovers."""
        options = (
            f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=300"
            " -c lc_messages=C"
        )
        self._run("pg_ctl", "start", "-w", "-t", "60", "-D", self._data, "-l", self.log, "-o", options)

    def crash(self) -> str:
        """Stop it as a power cut would, as far as its processes know; give what its log says about that."""
        self._run("pg_ctl", "stop", "-w", "-D", self._data, "-m", "immediate")
        return self._says("received immediate shutdown request")

    def recovered(self) -> str:
        """Give what its log says about coming back."""
        return self._says("database system was not properly shut down")

    def terminate_backends(self) -> int:
        """End every session of others; give how many there were."""
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        with psycopg.connect(self.url, autocommit=True) as admin:
            return len(admin.execute(f"SELECT pg_terminate_backend(pid) {others}".encode()).fetchall())

    def _says(self, words: str) -> str:
        lines = [line for line in self.log.read_text(encoding="utf-8").splitlines() if words in line]
        return lines[-1] if lines else ""

    def _run(self, program: str, *options: str | Path) -> None:
        # PostgreSQL refuses to run as root.
        as_another = ["runuser", "-u", POSTGRES_USER, "--"] if os.geteuid() == 0 else []
        _run(*as_another, self._programs / program, *options)


@contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """Start a server, and remove every trace of it afterwards."""
    programs = postgres_programs()
    if programs is None:
        missing_server("no programs of PostgreSQL are here to start a private server that may be stopped")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        missing_server("PostgreSQL refuses to run as root, and there is no runuser")
    with TemporaryDirectory(prefix="ct-pg-") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, POSTGRES_USER)
        server = PrivatePostgres(Path(folder), programs)
        server.start()
        try:
            yield server
        finally:
            server.crash()


class PrivateBroker:
    """A RabbitMQ node under a name, ports, folders and a name server (epmd) of its own."""

    def __init__(self, folder: Path):
        self.name = f"{random_name()}@localhost"
        self._folder, self._port, self._epmd_port = folder, _free_port(), _free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}//"
        self._node: subprocess.Popen[bytes] | None = None
        nothing = folder / "nothing"
        nothing.touch()
        configuration = folder / "node.conf"
        configuration.write_text(f"listeners.tcp.local = 127.0.0.1:{self._port}\n")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")},
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_FLAGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(_free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_CONFIG_FILE": str(configuration.with_suffix("")),
            "RABBITMQ_CONF_ENV_FILE": str(nothing),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(nothing),
            # So the script becomes the node itself, and its process id is the node's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def start(self) -> None:
        """Start the node, and wait until it takes connections."""
        with (self._folder / "output").open("ab") as output:
            self._node = subprocess.Popen(
                [_rabbitmq_program("rabbitmq-server")],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._await()

    def kill(self) -> int:
        """Kill the node; give how it ended."""
        assert self._node is not None
        self._node.send_signal(signal.SIGKILL)
        return self._node.wait(timeout=30)

    def stop_application(self) -> bool:
        """Stop the broker inside the running node; tell whether it takes no connections any more."""
        self._control("stop_app")
        return not self._takes_connections()

    def start_application(self) -> None:
        """Start the broker again."""
        self._control("start_app")
        self._await()

    def delete_queues(self, names: Sequence[str]) -> list[str]:
        """Delete queues with all that is in them; give the names of those that were there."""
        deleted = []
        with Connection(self.url, connect_timeout=30) as connection:
            for name in names:
                with connection.channel() as channel:
                    channel.queue_declare(name, passive=True)
                    channel.queue_delete(name)
                    deleted.append(name)
        return deleted

    def queues(self) -> list[str]:
        """List the names of its queues."""
        return self._control("-q", "list_queues", "--no-table-headers", "name").split()

    def stop(self) -> None:
        """End the node and its name server."""
        if self._node is not None and self._node.poll() is None:
            self.kill()
        epmd = shutil.which("epmd")
        if epmd is not None:
            subprocess.run([epmd, "-port", str(self._epmd_port), "-kill"], capture_output=True, timeout=30, check=False)

    def _control(self, *command: str) -> str:
        done = subprocess.run(
            [_rabbitmq_program("rabbitmqctl"), "-n", self.name, *command],
            env=self._environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=STARTS_WITHIN,
            check=False,
        )
        if done.returncode != 0:
            raise AdministrationFailed(f"rabbitmqctl {command[0]}: {done.stderr.strip()}")
        return done.stdout

    def _await(self) -> None:
        deadline = monotonic() + STARTS_WITHIN
        while not self._takes_connections():
            assert monotonic() < deadline, (self._folder / "output").read_text(encoding="utf-8")[-2000:]
            assert self._node is not None
            if self._node.poll() is not None:
                raise AdministrationFailed(f"the node ended with {self._node.returncode}")
            sleep(0.1)

    def _takes_connections(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as probe:
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(probe.recv(1))
        except OSError:
            return False


def _rabbitmq_program(name: str) -> str:
    """Find the program itself: what is on Debian's PATH is a wrapper that runs as another user."""
    found = sorted(Path("/usr/lib/rabbitmq/lib").glob(f"rabbitmq_server-*/sbin/{name}"))
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        missing_server("no RabbitMQ is here to start a private node that may be killed")
    return program


@contextmanager
def private_broker() -> Iterator[PrivateBroker]:
    """Start a node, and remove every trace of it afterwards."""
    _rabbitmq_program("rabbitmq-server")
    with TemporaryDirectory(prefix="ct-mq-", ignore_cleanup_errors=True) as folder:
        node = PrivateBroker(Path(folder))
        try:
            _start_or_skip(node)
            yield node
        finally:
            node.stop()


def _start_or_skip(node: PrivateBroker) -> None:
    try:
        node.start()
    except AdministrationFailed as refusal:
        missing_server(f"a private RabbitMQ node does not start here: {refusal}")
