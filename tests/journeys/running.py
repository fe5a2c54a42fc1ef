"""The suite as real processes: all in one (embedded), or web and worker of each service apart (production)."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import httpx

from shared.clock import system_clock
from shared.identity import KeyFolder, ServiceTokens
from shared.identity.accounts import Accounts
from tests.servers import random_name

SERVICES = ("intake", "prescription", "referral", "monitoring", "history")
WEBS = (*SERVICES, "portal")
PASSWORD = "correct horse battery"
READY_WITHIN = 60.0


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


# The system kills a child when the thread that started it ends: this one ends with the process.
_starting = ThreadPoolExecutor(1, thread_name_prefix="starting")


def started(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a process that does not outlive this one, however this one ends (where there is util-linux's setpriv)."""
    setpriv = shutil.which("setpriv")
    with_us = [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else command
    return _starting.submit(subprocess.Popen, with_us, **options).result()


@dataclass
class Process:
    """One process of the suite; its output goes to a file that a failing test can show."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    output: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self, **more: str) -> None:
        """Start it, with more settings if given."""
        with self.output.open("ab") as out:
            self.running = started(
                [sys.executable, "-m", "services.cli", *self.command],
                env={**self.environment, **more},
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.running is not None
        self.running.send_signal(number)

    def ended(self, within: float = 30.0) -> int:
        """Wait for its end, and give its exit code (-9: killed)."""
        assert self.running is not None
        return self.running.wait(timeout=within)

    def stop(self) -> int:
        """Ask it to end as an operator would, and give its exit code."""
        if self.running is None or self.running.poll() is not None:
            return 0
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self.ended()
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            return self.ended()


@dataclass
class Person:
    """Somebody who signs in; speaks to every service with a token of their own."""

    suite: RunningSuite
    username: str
    id: str
    roles: tuple[str, ...]
    token: str = ""
    asked: list[str] = field(default_factory=list)

    def get(self, path: str, *, expect: int = 200, **params: Any) -> Any:
        """GET, expecting this status."""
        given = {name.replace("_", "-") if name == "as_of" else name: value for name, value in params.items()}
        return self._checked(self._client(path).get(path, params=given, headers=self._headers()), expect)

    def may(self, path: str) -> bool:
        """Tell whether this person is let in to something now."""
        return self._client(path).get(path, headers=self._headers()).status_code == 200

    def post(
        self, path: str, body: Any = None, *, expect: int = 200, key: str | None = None, version: int | None = None
    ) -> Any:
        """POST a command, expecting this status; a fresh Idempotency-Key unless one is given."""
        headers = {**self._headers(), "Idempotency-Key": key or random_name()}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self._checked(self._client(path).post(path, json=body, headers=headers), expect)

    def _headers(self) -> dict[str, str]:
        if not self.token:
            form = {"grant_type": "password", "username": self.username, "password": PASSWORD}
            answer = self._client("/identity/").post("/identity/v1/token", data=form)
            assert answer.status_code == 200, answer.text
            self.token = answer.json()["access_token"]
        return {"Authorization": f"Bearer {self.token}"}

    def _client(self, path: str) -> httpx.Client:
        return self.suite.client(path.split("/")[1])

    def _checked(self, answer: httpx.Response, expected: int) -> Any:
        assert answer.status_code == expected, f"{answer.request.method} {answer.request.url}: {answer.text}"
        return answer.json() if answer.content else None


class RunningSuite:
    """A suite of processes with people to act in it."""

    def __init__(self, folder: Path, environment: Mapping[str, str], identity_url: str):
        self.folder = folder
        self.keys = KeyFolder(Path(environment.get("CARETRAIL_KEYS", folder / "keys")))
        self.environment = {**_inherited(), "CARETRAIL_HOME": str(folder), **environment}
        self.processes: dict[str, Process] = {}
        self.addresses: dict[str, str] = {}
        self._accounts = Accounts(identity_url, system_clock)
        self._clients: dict[str, httpx.Client] = {}
        self._lock = threading.Lock()

    def person(self, username: str, *roles: str, patient_id: UUID | None = None) -> Person:
        """Make an account and give the person."""
        account = self._accounts.add(username, PASSWORD, roles, patient_id=patient_id)
        return Person(self, username, account.id, roles)

    def client(self, service: str) -> httpx.Client:
        """Give a client of the process that serves this path."""
        with self._lock:
            if service not in self._clients:
                address = self.addresses.get(service) or self.addresses["portal"]
                self._clients[service] = httpx.Client(base_url=address, timeout=30.0)
            return self._clients[service]

    def log_of(self, service: str) -> list[dict[str, Any]]:
        """Read a service's whole log by its feed, as another service would."""
        bearer = ServiceTokens("history", self.keys.signing_key("history"), "caretrail", system_clock).bearer()
        found: list[dict[str, Any]] = []
        while True:
            after = int(found[-1]["sequence"]) if found else 0
            answer = self.client(service).get(
                f"/{service}/v1/events",
                params={"after": after, "limit": 500},
                headers={"Authorization": f"Bearer {bearer}"},
            )
            assert answer.status_code == 200, answer.text
            found += answer.json()["events"]
            if not answer.json()["full"]:
                return found

    def start(self, names: Iterable[str] | None = None) -> None:
        """Start processes (all of them unless named) and wait until every web side is ready."""
        for name in self.processes if names is None else names:
            self.processes[name].start()
        deadline = monotonic() + READY_WITHIN
        for service in self.addresses:
            self._until_ready(service, deadline)

    def _until_ready(self, service: str, deadline: float) -> None:
        path = f"/{'identity' if service == 'portal' else service}/readyz"
        while True:
            with suppress(httpx.TransportError):
                if self.client(service).get(path).status_code == 200:
                    return
            assert monotonic() < deadline, f"{service} did not get ready:\n{self.last_words()}"
            sleep(0.1)

    def last_words(self) -> str:
        """Give the end of every process's output."""
        return "\n".join(
            f"== {p.name}\n{p.output.read_text()[-1500:]}" for p in self.processes.values() if p.output.exists()
        )

    def stop(self) -> dict[str, int]:
        """Stop everything; give the exit codes."""
        for process in self.processes.values():
            if process.running is not None and process.running.poll() is None:
                process.signal(signal.SIGCONT)
                process.signal(signal.SIGTERM)
        codes = {name: process.stop() for name, process in self.processes.items() if process.running is not None}
        for client in self._clients.values():
            client.close()
        self._accounts.close()
        return codes

    def halt(self) -> None:
        """Stop every process; people and clients wait for it to start again."""
        for process in self.processes.values():
            process.stop()
        self._accounts.close()

    def add(self, name: str, *command: str, **more: str) -> Process:
        """Prepare a process."""
        output = self.folder / f"{name}.log"
        self.processes[name] = Process(name, command, {**self.environment, **more}, output)
        return self.processes[name]

    def command(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one `caretrail` command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "services.cli", *words],
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def _inherited() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CARETRAIL_")}
    return {**kept, "CARETRAIL_LOG_LEVEL": "INFO"}


def embedded(folder: Path) -> RunningSuite:
    """Prepare the embedded suite: one process, SQLite, the broker inside."""
    port = free_port()
    suite = RunningSuite(folder, {"CARETRAIL_BIND": f"127.0.0.1:{port}"}, f"sqlite:///{folder / 'identity.sqlite'}")
    suite.add("suite", "up")
    suite.addresses = dict.fromkeys(WEBS, f"http://127.0.0.1:{port}")
    prepared = suite.command("migrate")
    assert prepared.returncode == 0, prepared.stderr
    return suite


def production(folder: Path, admin_url: str, broker_url: str, database_prefix: str) -> RunningSuite:
    """Prepare the production shape: PostgreSQL, RabbitMQ, web and worker of each service apart."""
    server = admin_url.rpartition("@")[2].rpartition("/")[0]
    databases = {
        name: f"postgresql://{database_prefix}_{name}:secret@{server}/{database_prefix}_{name}"
        for name in (*WEBS, "identity")
    }
    ports = {name: free_port() for name in WEBS}
    environment = {
        "CARETRAIL_MODE": "production",
        "CARETRAIL_KEYS": str(folder / "keys"),
        "CARETRAIL_BROKER_URL": broker_url,
        "IDENTITY_URL": f"http://127.0.0.1:{ports['portal']}/identity",
        **{f"{name.upper()}_DATABASE_URL": url for name, url in databases.items()},
        **{f"{name.upper()}_URL": f"http://127.0.0.1:{port}/{name}" for name, port in ports.items()},
    }
    suite = RunningSuite(folder, environment, databases["identity"])
    for name in WEBS:
        suite.add(f"{name}-web", "web", name, CARETRAIL_BIND=f"127.0.0.1:{ports[name]}")
    for name in SERVICES:
        suite.add(f"{name}-worker", "worker", name)
    suite.addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    prepared = suite.command("migrate", CARETRAIL_ADMIN_DATABASE_URL=admin_url)
    assert prepared.returncode == 0, prepared.stderr
    return suite
