"""For fault tests: a process that kills itself at a named point."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Collection
from pathlib import Path

from shared.messaging import points


def die_at(faults: str | None, home: Path) -> None:
    """Kill this process with SIGKILL at each of some points: `point`, `point:event-type` or `point:event-type:loop`.

    Each happens once: the file `hit-<point>` in `home` says that it did, and lets whoever starts after it live.
    """
    for fault in (faults or "").split():
        _die_at(fault, home)


def _die_at(fault: str, home: Path) -> None:
    wanted, _, rest = fault.partition(":")
    type_name, _, loop = rest.partition(":")

    def die(point: str, types: Collection[str]) -> None:
        here = point == wanted and (not type_name or type_name in types)
        if here and loop in ("", threading.current_thread().name) and _is_first(home / f"hit-{point}"):
            os.kill(os.getpid(), signal.SIGKILL)

    points.watch(die)


def _is_first(mark: Path) -> bool:
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
