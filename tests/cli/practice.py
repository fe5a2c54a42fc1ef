"""The demo as a newcomer starts it: a process whose words are read, and people who sign in to it over HTTP."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from tests.journeys.running import free_port

PASSWORD = re.compile(r"Open (?P<url>http://\S+)/portal/ and sign in with the password (?P<password>\S+)")
PATIENT = re.compile(r"^  (?P<name>[A-Z]\w+) .*\n +caretrail history (?P<id>\S+) --user anna$", re.MULTILINE)


@dataclass
class Demo:
    """One start of `caretrail demo` in a home of its own."""

    home: Path
    bind: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    words: tuple[str, ...] = ()
    output: str = ""
    began_at: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        """Start it."""
        environment = {"CARETRAIL_HOME": str(self.home), "CARETRAIL_BIND": self.bind, "PATH": "/usr/bin:/bin"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "demo", *self.words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def until(self, words: str) -> Demo:
        """Read what it says until these words."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if words in line:
                return self
        raise AssertionError(f"the demo ended ({self.process.wait()}) before it said {words!r}:\n{self.output}")

    def stop(self, by: signal.Signals = signal.SIGINT) -> tuple[int, float]:
        """Stop it as Ctrl-C does; give its exit code and the seconds that it took."""
        asked_at = monotonic()
        self.process.send_signal(by)
        self.output += self.process.communicate(timeout=60)[0]
        return self.process.returncode, monotonic() - asked_at

    @property
    def password(self) -> str:
        """Give the password that it printed."""
        return PASSWORD.search(self.output)["password"]

    @property
    def patients(self) -> dict[str, str]:
        """Name -> id, as printed."""
        return {found["name"].lower(): found["id"] for found in PATIENT.finditer(self.output)}

    def visit(self, username: str) -> httpx.Client:
        """Sign in as somebody of the practice."""
        url = f"http://{self.bind}"
        form = {"grant_type": "password", "username": username, "password": self.password}
        token = httpx.post(f"{url}/identity/v1/token", data=form).raise_for_status().json()["access_token"]
        return httpx.Client(base_url=url, timeout=30.0, headers={"Authorization": f"Bearer {token}"})

    def end(self) -> None:
        """Let nothing of it go on, whatever became of the test."""
        if self.process.poll() is None:
            self.stop(signal.SIGTERM)


def timeline(client: httpx.Client, patient: str) -> list[dict[str, Any]]:
    """Give a patient's facts."""
    answer = client.get(f"/history/v1/patients/{patient}/timeline", params={"limit": 200}).raise_for_status().json()
    assert answer["next"] is None
    return list(answer["items"])
