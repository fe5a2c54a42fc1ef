"""The command line as a person meets it: as a process of its own, or faster in this one."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from click.testing import CliRunner, Result

from services.cli import main
from tests.journeys.running import PASSWORD, RunningSuite

PATIENCE = 120


@contextmanager
def own_logs() -> Iterator[None]:
    """Let a command lead this process's logs where it likes, and lead them back afterwards."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = [*root.handlers], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**configured)


def caretrail(*words: str | Path, environment: Mapping[str, str], typed: str | None = None) -> Result:
    """Run a command to its end, in this process."""
    with own_logs():
        return CliRunner().invoke(main, [*map(str, words)], input=typed, env=environment, prog_name="caretrail")


@dataclass
class Desk:
    """Somebody at a terminal near a running suite; their password lies in a file."""

    suite: RunningSuite
    username: str

    @property
    def password_file(self) -> Path:
        """Where the password of everybody in these tests stands."""
        file = self.suite.folder / "password"
        file.write_text(f"{PASSWORD}\n")
        return file

    def signed(self, *words: str | Path) -> tuple[str | Path, ...]:
        """Add who it is to the words of a command."""
        return (*words, "--user", self.username, "--password-file", self.password_file)

    def run(self, *words: str | Path, **changed: str) -> Result:
        """Run a command as this person, in this process."""
        return caretrail(*self.signed(*words), environment={**self.suite.environment, **changed})

    def trail(self, patient: str) -> list[dict[str, Any]]:
        """Give a patient's timeline, as far as history knows it by now."""
        found = self.run("history", patient, "--json")
        return list(json.loads(found.stdout)["timeline"]) if found.exit_code == 0 else []

    def run_on_a_screen(self, *words: str | Path) -> tuple[str, str]:
        """Run a command whose messages go to a screen and whose output to a pipe; give output and screen."""
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "services.cli", *map(str, self.signed(*words))]
        environment = {**self.suite.environment, "TERM": "xterm"}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
            os.close(theirs)
            screen = b"".join(iter(lambda: _read(ours), b""))
            output, _ = process.communicate(timeout=PATIENCE)
        os.close(ours)
        return output, screen.decode()

    def type_the_password(self, *words: str) -> str:
        """Run a command at a terminal of its own, type the password when it is asked for, and give the screen."""
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "services.cli", *words, "--user", self.username]
        with subprocess.Popen(
            command,
            env=self.suite.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        ) as process:
            os.close(theirs)
            screen = b""
            while b"Password: " not in screen and process.poll() is None:
                screen += _read(ours)
            os.write(ours, f"{PASSWORD}\n".encode())
            screen += b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
        return screen.decode()


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 65536)
    except OSError:  # Linux says so when the last writer has left
        return b""
