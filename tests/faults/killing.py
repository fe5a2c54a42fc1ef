"""Processes that were killed: whose children they are, where it hit them, how they ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.journeys.journey import eventually
from tests.journeys.running import Process

KILLED = -signal.SIGKILL


def pid_of(process: Process) -> int:
    """Give the process id."""
    assert process.running is not None
    return process.running.pid


def children_of(process: Process) -> set[int]:
    """Give the process ids of a process's living children: gunicorn's workers."""
    parent = pid_of(process)
    return {int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _parent_in(stat) == parent}


def _parent_in(stat: Path) -> int | None:
    """Read the parent in /proc/<pid>/stat (proc(5): field 4, behind the name in parentheses); None for a zombie."""
    try:
        state, parent, *_ = stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(parent) if state != "Z" else None


def worker_of(process: Process) -> int:
    """Give gunicorn's only worker, once it is there."""
    return int(eventually(lambda: children_of(process), "a worker of gunicorn").pop())


def gone(process: Process, child: int) -> None:
    """Wait until a process has lost a child."""
    eventually(lambda: child not in children_of(process), "a killed process is gone")


def kill_worker(process: Process) -> None:
    """Kill gunicorn's worker; its master starts another."""
    os.kill(worker_of(process), signal.SIGKILL)


def kill_all(process: Process) -> None:
    """Kill gunicorn's master and its worker."""
    worker = worker_of(process)
    process.signal(signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    assert process.ended() == KILLED


def spared(home: Path, points: Iterable[str]) -> None:
    """Let nobody be killed at these points for now."""
    for point in points:
        (home / f"hit-{point}").touch()


@contextmanager
def hit(home: Path, point: str, did: Callable[[], object]) -> Iterator[None]:
    """Do something of which a process kills itself; its answer, which may be lost for now, must be there at the end."""
    mark = home / f"hit-{point}"
    mark.unlink()
    with ThreadPoolExecutor(1) as beside:
        doing = beside.submit(did)
        eventually(mark.exists, f"a process comes to {point}")
        yield
        doing.result()
