"""What a run of the tests, or the demo, has started ends with it, even if it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.journey import eventually
from tests.journeys.running import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")

A_RUN = """
import sys, time
from pathlib import Path
from tests.journeys.running import embedded
suite = embedded(Path(sys.argv[1]))
suite.start()
print(suite.processes["suite"].running.pid, flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid: int) -> set[int]:
    return {int(child) for each in Path(f"/proc/{pid}/task").glob("*/children") for child in each.read_text().split()}


class TestAKilledRun:
    def test_leaves_no_suite_behind(self, tmp_path: Path):
        run = subprocess.Popen([sys.executable, "-c", A_RUN, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert run.stdout is not None
        suite = int(run.stdout.readline())
        family = {suite, *children_of(suite)}
        assert len(family) == 2, "gunicorn's master and its worker"

        run.kill()
        run.wait()

        eventually(lambda: not any(map(alive, family)), "nothing of the suite runs on")


class TestAKilledDemo:
    def test_leaves_no_suite_behind(self, tmp_path: Path):
        settings = {"CARETRAIL_HOME": str(tmp_path / "demo"), "CARETRAIL_BIND": f"127.0.0.1:{free_port()}"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CARETRAIL_")}
        demo = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "demo"],
            env={**kept, **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        suites = eventually(lambda: children_of(demo.pid), "the demo has started its suite")
        family = suites | eventually(lambda: children_of(*suites), "gunicorn has started its worker")

        demo.send_signal(signal.SIGKILL)
        demo.wait()

        eventually(lambda: not any(map(alive, family)), "nothing of the suite runs on")
