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
LOOK_EVERY = 1.0
MOST_LOOKS = 60

Run = Callable[[threading.Event, Callable[[], None]], None]

log = structlog.get_logger(__name__)


def leave() -> None:
    """Leave the process at once, for its parent to start it anew."""
    os._exit(EXIT_CODE)


class Supervisor:
    """Runs named loops in threads of their own.

    A loop that ends with an error is started again after a growing pause; five unexpected deaths of one loop within
    a minute call `give_up`. A loop that has not called its `beat` for ten seconds is reported by `stuck`; one that
    has not for a minute is held in a call that nobody can break off, and calls `give_up`, too.
    """

    def __init__(self, give_up: Callable[[], None] = leave, look_every: float = LOOK_EVERY):
        self.restarts: dict[str, int] = {}
        self._give_up = give_up
        self._look_every = look_every
        self._stop = threading.Event()
        self._runs: dict[str, Run] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._beats: dict[str, float] = {}
        self._watching: threading.Thread | None = None

    def start(self, name: str, run: Run) -> None:
        """Start a loop."""
        self.restarts[name] = 0
        self._beats[name] = time.monotonic()
        self._runs[name] = run
        self._threads[name] = self._started(name)
        if self._watching is None:
            self._watching = threading.Thread(target=self._watch, name="supervisor", daemon=True)
            self._watching.start()

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
        return [name for name, beat in list(self._beats.items()) if now - beat > STUCK_AFTER]

    def _started(self, name: str) -> threading.Thread:
        thread = threading.Thread(target=self._keep_running, args=(name,), name=name, daemon=True)
        thread.start()
        return thread

    def _keep_running(self, name: str) -> None:
        deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        pause = 0.1
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._runs[name](self._stop, lambda: self._beat(name))
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

    # Over the threads

    def _watch(self) -> None:
        """Start threads again that are gone, and give up with one that is held.

        What counts are looks, not seconds: a process that itself slept has not looked meanwhile.
        """
        looks: dict[str, int] = {}
        seen: dict[str, float] = {}
        while not self._stop.wait(self._look_every):
            for name, thread in list(self._threads.items()):
                beat = self._beats[name]
                looks[name] = looks.get(name, 0) + 1 if seen.get(name) == beat else 0
                seen[name] = beat
                if not thread.is_alive():
                    self._replace(name)
                elif looks[name] == MOST_LOOKS:
                    log.error("loop-held", loop=name)
                    self._give_up()

    def _replace(self, name: str) -> None:
        """Start a loop whose thread is gone: even its last words failed, as on a full disk."""
        if not self._stop.is_set():
            self.restarts[name] += 1
            self._threads[name] = self._started(name)
