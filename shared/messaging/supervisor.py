"""Supervision of background threads: restart with back-off, notice who is stuck, give up in a way that is seen."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable

import structlog

from shared.eventlog import LogUnavailable

STUCK_AFTER = 10.0
LONGEST_PAUSE = 10.0
MOST_DEATHS = 5
WITHIN = 60.0
EXIT_CODE = 70

Run = Callable[[threading.Event, Callable[[], None]], None]

log = structlog.get_logger(__name__)


def leave() -> None:
    """Leave the process at once, for its parent to start it anew."""
    os._exit(EXIT_CODE)


class Supervisor:
    """Runs named loops in threads of their own.

    A loop that ends with an error is started again after a growing pause; five unexpected deaths of one loop within
    a minute call `give_up`. A loop that has not called its `beat` for ten seconds is reported by `stuck`.
    """

    def __init__(self, give_up: Callable[[], None] = leave):
        self.restarts: dict[str, int] = {}
        self._give_up = give_up
        self._stop = threading.Event()
        self._threads: dict[str, threading.Thread] = {}
        self._beats: dict[str, float] = {}

    def start(self, name: str, run: Run) -> None:
        """Start a loop."""
        self.restarts[name] = 0
        self._beats[name] = time.monotonic()
        self._threads[name] = threading.Thread(target=self._keep_running, args=(name, run), name=name, daemon=True)
        self._threads[name].start()

    def stop(self, within: float = 20.0) -> list[str]:
        """Ask every loop to finish what it holds; give the names of those that did not in time."""
        self._stop.set()
        deadline = time.monotonic() + within
        for thread in self._threads.values():
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        return [name for name, thread in self._threads.items() if thread.is_alive()]

    def stuck(self) -> list[str]:
        """List loops without progress for ten seconds."""
        now = time.monotonic()
        return [name for name, beat in self._beats.items() if now - beat > STUCK_AFTER]

    def _keep_running(self, name: str, run: Run) -> None:
        deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        pause = 0.1
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                run(self._stop, lambda: self._beat(name))
            except LogUnavailable as error:
                log.warning("loop-waits", loop=name, error=str(error))
            except Exception:
                log.exception("loop-died", loop=name)
                deaths.append(time.monotonic())
                if len(deaths) == MOST_DEATHS and deaths[-1] - deaths[0] < WITHIN:
                    self._give_up()
            if self._stop.is_set():
                return
            self.restarts[name] += 1
            pause = 0.1 if time.monotonic() - started > WITHIN else min(pause * 2, LONGEST_PAUSE)
            self._stop.wait(pause)

    def _beat(self, name: str) -> None:
        self._beats[name] = time.monotonic()
