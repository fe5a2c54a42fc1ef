"""Clients that register patients and fill care teams under load, and write down what they were told: plain httpx."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, TextIO

import httpx

Entry = dict[str, Any]

CLIENTS = 6
PAUSE = 0.05
PATIENTS = "/intake/v1/patients"


@dataclass
class Client:
    """One client with a file of its own. Every attempt is an entry: `ok`, `fail`, or `info` where nobody can tell.

    What is `info` is sent again under the same key until it is definite. A command's `mark` stands in what it records
    and nowhere else, so that a reader of the log can tell whose an event is.
    """

    name: str
    http: httpx.Client
    bearer: Callable[[], str]
    file: TextIO
    ended: threading.Event
    accepted: int = 0
    last: Entry = field(default_factory=dict)

    def run(self) -> None:
        """Send commands until told to end; the last one is brought to its end."""
        commands = self._commands()
        while not self.ended.is_set():
            next(commands)

    def _commands(self) -> Iterator[None]:
        person = {"given_name": "Ada", "birth_date": "1984-05-02", "time_zone": "Europe/Zurich"}
        for number in range(10**9):
            mark = f"{self.name}-{number}"
            yield self._post("register", f"{mark}a.", PATIENTS, {"family_name": f"{mark}a.", **person})
            patient = f"{PATIENTS}/{self.last['aggregate']}"
            for letter in "bc":
                member = {"member_id": f"{mark}{letter}.", "role": "physician"}
                yield self._post("join", f"{mark}{letter}.", f"{patient}/team-members", member)
                yield self._read(patient)
            yield self._post("join", f"{mark}c.", f"{patient}/team-members", member, key=self.last["key"])
            yield self._post("nonsense", f"{mark}d.", PATIENTS, {"family_name": f"{mark}d."})

    def _post(self, command: str, mark: str, path: str, body: Any, key: str = "") -> None:
        """Send a command until the answer is definite."""
        told: Entry = {"command": command, "mark": mark, "key": key or secrets.token_hex(8)}
        while True:
            entry = {**told, **self._asked("POST", path, json=body, headers={"Idempotency-Key": told["key"]})}
            self._write(entry)
            if entry["outcome"] == "ok":
                self.last, self.accepted = entry, self.accepted + 1
            if entry["outcome"] != "info":
                return
            self.ended.wait(PAUSE)

    def _read(self, path: str) -> None:
        """Ask the owner for what it accepted last."""
        entry = {"command": "read", "at_least": self.last["version"], **self._asked("GET", path, headers={})}
        self._write(entry)

    def _asked(self, method: str, path: str, *, headers: dict[str, str], json: Any = None) -> Entry:
        headers["Authorization"], begun = self.bearer(), monotonic()
        try:
            answer = self.http.request(method, path, json=json, headers=headers)
        except httpx.TransportError as error:
            return {"t0": begun, "t1": monotonic(), "outcome": "info", "error": type(error).__name__}
        entry: Entry = {"t0": begun, "t1": monotonic(), "status": answer.status_code}
        entry["outcome"] = "ok" if answer.is_success else "fail" if answer.is_client_error else "info"
        entry["retry_after"] = "Retry-After" in answer.headers
        if answer.is_success:
            found = answer.json()
            entry |= {"aggregate": found.get("patient_id") or found["id"], "version": found["version"]}
        return entry

    def _write(self, entry: Entry) -> None:
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())


@dataclass(frozen=True)
class Load:
    """All clients at work."""

    clients: list[Client]
    folder: Path

    def accepted(self) -> int:
        """Count what was accepted so far."""
        return sum(client.accepted for client in self.clients)

    def history(self) -> list[Entry]:
        """Give everything that was written down, each client's attempts in their order."""
        files = sorted(self.folder.glob("load-*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@contextmanager
def load(address: str, bearer: Callable[[], str], folder: Path) -> Iterator[Load]:
    """Keep all clients at work; at the end each brings what it has begun to a definite answer."""
    ended = threading.Event()
    files = [(folder / f"load-{number}.jsonl").open("a", encoding="utf-8") for number in range(CLIENTS)]
    with httpx.Client(base_url=address, timeout=10.0) as http, ThreadPoolExecutor(CLIENTS) as threads:
        clients = [Client(f"load-{number}", http, bearer, file, ended) for number, file in enumerate(files)]
        running: list[Future[None]] = [threads.submit(client.run) for client in clients]
        try:
            yield Load(clients, folder)
        finally:
            ended.set()
        for thread in running:
            thread.result()
    for file in files:
        file.close()
