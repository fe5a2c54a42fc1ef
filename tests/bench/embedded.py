"""The embedded suite as a process: how long until it is ready, and how much memory it holds; beside a bare one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.bench.measuring import Figure, compared
from tests.journeys.running import embedded, free_port

ROUNDS = 3
BARE = """
import sys
from flask import Flask
from gunicorn.app.base import BaseApplication

class Bare(BaseApplication):
    def load_config(self):
        for name, value in {"bind": sys.argv[1], "worker_class": "gthread", "control_socket_disable": True}.items():
            self.cfg.set(name, value)
    def load(self):
        app = Flask("bare")
        app.add_url_rule("/readyz", view_func=lambda: "ready")
        return app

Bare().run()
"""


class Measured:
    """A process that is started again and again; remembers what the last start took and held."""

    def __init__(self) -> None:
        self.memory: list[float] = []

    def until_ready(self, process: subprocess.Popen[bytes], address: str, path: str) -> float:
        """Wait until it answers; give the seconds, and note its memory."""
        started = time.perf_counter()
        while True:
            try:
                if httpx.get(f"{address}{path}", timeout=1).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.01)
        taken = time.perf_counter() - started
        self.memory.append(_resident(process.pid))
        return taken


def _resident(pid: int) -> float:
    """Give the megabytes held by a process and its children."""
    listed = subprocess.run(
        ["ps", "-o", "rss=", "--pid", str(pid), "--ppid", str(pid)], capture_output=True, text=True, check=True
    )
    return sum(map(int, listed.stdout.split())) / 1024


def figures(folder: Path) -> Iterator[Figure]:
    """Compare the suite's start and memory with one bare Flask route under the same gunicorn."""
    home = folder / "embedded"
    home.mkdir()
    suite = embedded(home)
    ours, bare = Measured(), Measured()

    def start_ours() -> float:
        process = suite.processes["suite"]
        process.start()
        assert process.running is not None
        taken = ours.until_ready(process.running, suite.addresses["history"], "/history/readyz")
        process.stop()
        return taken

    def start_bare() -> float:
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-c", BARE, f"127.0.0.1:{port}"], env=dict(os.environ), stderr=subprocess.DEVNULL
        )
        taken = bare.until_ready(process, f"http://127.0.0.1:{port}", "/readyz")
        process.terminate()
        process.wait()
        return taken

    of = "a bare Flask route under gunicorn"
    yield compared("start of the embedded suite", "s", start_ours, start_bare, of=of, higher=False, rounds=ROUNDS)
    mine, theirs = iter(ours.memory), iter(bare.memory)
    yield compared(
        "memory of the embedded suite",
        "MB",
        lambda: next(mine),
        lambda: next(theirs),
        of=of,
        higher=False,
        rounds=len(ours.memory) - 1,
    )
