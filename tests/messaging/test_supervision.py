"""Supervision: what becomes of loops that die, are gone, or hang, and of the process that they live in."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from shared.messaging import Supervisor
from shared.messaging.supervisor import EXIT_CODE, MOST_LOOKS
from tests.journeys.running import started
from tests.messaging.delivery import until

LOOK = 0.01

DYING = """
import time
from shared.messaging import Supervisor, supervisor

supervisor.LONGEST_PAUSE = 0.01

def dies(stop, beat):
    raise RuntimeError("dead")

Supervisor().start("loop", dies)
time.sleep(60)
"""


class TestSupervision:
    def test_a_loop_that_dies_is_started_again(self, supervisor: Supervisor):
        runs: list[int] = []

        def dies_twice(stop: threading.Event, beat: object) -> None:
            runs.append(1)
            if len(runs) < 3:
                raise RuntimeError("dead")
            stop.wait()

        supervisor.start("loop", dies_twice)  # type: ignore[arg-type]

        until(lambda: len(runs) == 3)
        assert supervisor.restarts["loop"] == 2

    def test_five_deaths_in_a_minute_are_given_up(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("shared.messaging.supervisor.LONGEST_PAUSE", 0.01)
        gave_up = threading.Event()
        watching = Supervisor(give_up=gave_up.set)

        def dies(stop: threading.Event, beat: object) -> None:
            raise RuntimeError("dead")

        watching.start("loop", dies)  # type: ignore[arg-type]

        until(gave_up.is_set)
        watching.stop()

    def test_a_loop_without_a_beat_for_ten_seconds_is_stuck(self, monkeypatch: pytest.MonkeyPatch):
        now = [1000.0]
        monkeypatch.setattr("shared.messaging.supervisor.time.monotonic", lambda: now[0])
        watching = Supervisor(give_up=lambda: None)
        began = threading.Event()

        def sleeps(stop: threading.Event, beat: object) -> None:
            began.set()
            stop.wait()

        watching.start("loop", sleeps)  # type: ignore[arg-type]
        began.wait()
        now[0] += 9.0
        before = watching.stuck()
        now[0] += 2.0

        assert (before, watching.stuck()) == ([], ["loop"])
        watching.stop()

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_a_loop_whose_thread_is_gone_is_started_again(self):
        watching = Supervisor(give_up=lambda: None, look_every=0.01)
        runs: list[int] = []

        def leaves_its_thread_once(stop: threading.Event, beat: object) -> None:
            runs.append(1)
            if len(runs) == 1:
                raise SystemExit
            stop.wait()

        watching.start("loop", leaves_its_thread_once)  # type: ignore[arg-type]

        until(lambda: len(runs) == 2)
        assert watching.restarts["loop"] == 1
        assert watching.stop() == []

    def test_a_loop_that_is_only_being_started_ends_no_supervision(self, monkeypatch: pytest.MonkeyPatch):
        watching = Supervisor(look_every=LOOK)
        started_at_once = watching._started

        def started_slowly(name: str) -> threading.Thread:
            threading.Event().wait(10 * LOOK)
            return started_at_once(name)

        watching.start("first", lambda stop, beat: stop.wait() and None)
        monkeypatch.setattr(watching, "_started", started_slowly)
        watching.start("second", lambda stop, beat: stop.wait() and None)

        assert watching._watching is not None
        assert watching._watching.is_alive()
        watching.stop()

    def test_a_loop_that_is_held_for_long_is_given_up_and_one_that_turns_is_not(self):
        gave_up = threading.Event()
        watching = Supervisor(give_up=gave_up.set, look_every=LOOK)
        turns = threading.Event()

        def turning(stop: threading.Event, beat: Callable[[], None]) -> None:
            while not stop.wait(0.001):
                beat()
                turns.set()

        watching.start("turning", turning)
        until(turns.is_set)
        # Looks more often than it would take to give up a loop that is held.
        gave_up_too_early = gave_up.wait(MOST_LOOKS * LOOK * 2)
        held = threading.Event()
        watching.start("held", lambda stop, beat: held.wait() and None)

        until(gave_up.is_set)
        held.set()
        assert not gave_up_too_early
        assert watching.stop() == []

    def test_asked_to_end_it_names_the_loops_that_do_not(self):
        watching = Supervisor(give_up=lambda: None)
        held = threading.Event()
        watching.start("held", lambda stop, beat: held.wait() and None)

        late = watching.stop(within=0.1)

        held.set()
        assert late == ["held"]

    def test_a_process_that_gives_up_ends_for_its_parent_to_start_it_again(self):
        done = subprocess.run([sys.executable, "-c", DYING], timeout=60, check=False)

        assert done.returncode == EXIT_CODE


HELD = """
import sys
import threading
import services.cli
from shared.messaging import Supervisor

class Running:
    def close(self):
        threading.Event().wait()

def worker_of(service, settings):
    loops = Supervisor()
    loops.start("intake-relay", lambda stop, beat: threading.Event().wait())
    print("running", flush=True)
    return Running(), loops

command_line = sys.modules["services.cli.main"]
command_line.worker_of, command_line.GRACE = worker_of, 0.2
command_line.health_of = lambda running, loops: None
command_line.worker(["intake"], obj=command_line.Settings.from_environ({}))
"""


class TestAWorkerAskedToEnd:
    def test_ends_with_an_error_in_time_though_a_loop_and_its_log_are_held(self):
        worker = started([sys.executable, "-c", HELD], stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "running\n"

        worker.send_signal(signal.SIGTERM)

        assert worker.wait(timeout=60) == 1
