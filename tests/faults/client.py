"""A client that writes down every attempt and what became of it: plain httpx and JSON, nothing of ours."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TextIO

import httpx

Entry = dict[str, Any]

PAUSE = 0.05
TIMEOUT = 10.0
FOLLOWS_WITHIN = 120.0
TOKEN_FOR = 20 * 60.0


class DidNotFollow(AssertionError):
    """What must follow by itself did not, for a long time."""


@dataclass
class Tokens:
    """Access tokens of the people whom all clients act for: one sign-in for all of them."""

    password: str
    door: threading.Lock = field(default_factory=threading.Lock)
    kept: dict[str, tuple[float, str]] = field(default_factory=dict)


@dataclass
class Client:
    """One client with a file of its own. Every attempt is an entry: `ok`, `fail`, or `info` where nobody can tell.

    What is `info` is sent again under the same key until it is definite. A command's `records` are the types of the
    events that it must record, its `mark` words that stand in one of them and nowhere else.
    """

    name: str
    addresses: Mapping[str, str]
    tokens: Tokens
    file: TextIO
    ended: threading.Event
    accepted: int = 0
    _clients: dict[str, httpx.Client] = field(default_factory=dict)

    def post(
        self,
        who: str,
        command: str,
        path: str,
        body: Any = None,
        *,
        records: tuple[str, ...] = (),
        mark: str = "",
        key: str = "",
        version: int | None = None,
        of: str = "id",
    ) -> Entry:
        """Send a command until the answer is definite, and give its last entry; `of` names the aggregate in it."""
        told: Entry = {"command": command, "mark": mark, "key": key or secrets.token_hex(8), "records": list(records)}
        headers = {"Idempotency-Key": told["key"]}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        while True:
            entry, found = self._asked("POST", who, path, headers, json=body)
            entry = {**told, **entry}
            if entry["outcome"] == "ok" and records:
                entry |= {"aggregate": found[of], "version": found["version"]}
                self.accepted += 1
            self._write(entry)
            if entry["outcome"] != "info":
                return entry
            self.ended.wait(PAUSE)

    def read(self, who: str, path: str, last: Entry) -> None:
        """Ask the owner for what it accepted last."""
        entry, found = self._asked("GET", who, path, {})
        told = {"command": "read", "at_least": last["version"], "aggregate": last["aggregate"]}
        if entry["outcome"] == "ok":
            told["version"] = found["version"]
        self._write({**told, **entry})

    def until(self, who: str, path: str, seen: Callable[[Any], Any], **asked: str) -> Iterator[None]:
        """Look again and again until something can be seen, and return it; colleagues may not be known there yet."""
        deadline = monotonic() + FOLLOWS_WITHIN
        while True:
            entry, answer = self._asked("GET", who, path, {}, params=asked)
            if entry["outcome"] != "ok":
                self._write({"command": "look", "path": path, **entry})
            elif found := seen(answer):
                return found
            if monotonic() > deadline:
                raise DidNotFollow(f"{self.name} waits in vain at {path}: {answer}")
            yield
            self.ended.wait(2 * PAUSE)

    def close(self) -> None:
        """Close its connections."""
        for client in self._clients.values():
            client.close()

    def _asked(self, method: str, who: str, path: str, headers: dict[str, str], **more: Any) -> tuple[Entry, Any]:
        headers = {**headers, "Authorization": f"Bearer {self._token(who)}"}
        return self._sent(method, path, headers=headers, **more)

    def _sent(self, method: str, path: str, **more: Any) -> tuple[Entry, Any]:
        begun = monotonic()
        try:
            answer = self._http(path).request(method, path, **more)
        except httpx.TransportError as error:
            return {"t0": begun, "t1": monotonic(), "outcome": "info", "error": type(error).__name__}, None
        entry: Entry = {"t0": begun, "t1": monotonic(), "status": answer.status_code}
        entry["outcome"] = "ok" if answer.is_success else "fail" if answer.is_client_error else "info"
        entry["retry_after"] = "Retry-After" in answer.headers
        if answer.is_client_error:
            entry["said"] = answer.text[:300]
        return entry, answer.json() if answer.is_success else None

    def _token(self, who: str) -> str:
        with self.tokens.door:
            since, token = self.tokens.kept.get(who, (0.0, ""))
            if not token or monotonic() - since > TOKEN_FOR:
                token = self._signed_in(who)
                self.tokens.kept[who] = (monotonic(), token)
            return token

    def _signed_in(self, who: str) -> str:
        form = {"grant_type": "password", "username": who, "password": self.tokens.password}
        while True:
            entry, found = self._sent("POST", "/identity/v1/token", data=form)
            self._write({"command": "sign-in", **entry})
            if entry["outcome"] == "ok":
                return str(found["access_token"])
            if entry["outcome"] == "fail" and entry["status"] != httpx.codes.TOO_MANY_REQUESTS:
                raise AssertionError(f"{who} cannot sign in: {entry}")
            self.ended.wait(PAUSE if entry["outcome"] == "info" else 1.0)

    def _http(self, path: str) -> httpx.Client:
        service = path.split("/")[1]
        if service not in self._clients:
            address = self.addresses.get(service) or self.addresses["portal"]
            self._clients[service] = httpx.Client(base_url=address, timeout=TIMEOUT)
        return self._clients[service]

    def _write(self, entry: Entry) -> None:
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())
