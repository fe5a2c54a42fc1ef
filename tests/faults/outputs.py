"""What processes have written while they ran: nothing there may tell of an error, whatever happened to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

BAD = frozenset({"error", "critical"})
NEVER = frozenset({"loop-died", "lane-stopped", "parked", "reaction-refused", "reaction-failed", "foreign-message"})
OF_A_KILL = "was sent SIGKILL"
"""What gunicorn's master says about a worker that was killed."""


def blemishes(folder: Path) -> list[str]:
    """List every line that tells of an error: a traceback, a 500, a loop that died, a lane that stopped."""
    return [f"{file.stem}: {line}" for file in sorted(folder.glob("*.log")) for line in _bad_lines(file)]


def _bad_lines(file: Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        said = _said(line)
        if said is None:
            if "Traceback" in line or "Error" in line:
                yield line
        elif _is_bad(said):
            yield line


def _said(line: str) -> Mapping[str, Any] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _is_bad(said: Mapping[str, Any]) -> bool:
    if said.get("level") in BAD:
        return OF_A_KILL not in str(said.get("event"))
    status = said.get("status")
    return said.get("event") in NEVER or (isinstance(status, int) and status >= 500 and status != 503)


def count_of(file: Path, event: str) -> int:
    """Count how often a process has said something."""
    return file.read_text(encoding="utf-8", errors="replace").count(f'"{event}"') if file.exists() else 0


def stopped_lanes(file: Path, since: int = 0) -> list[list[Any]]:
    """List the lanes, as [upstream, lane], that a process has said to stop, since a place in its output."""
    lines = file.read_text(encoding="utf-8", errors="replace")[since:].splitlines()
    said = [found for line in lines if (found := _said(line)) is not None]
    return [[one["upstream"], one["lane"]] for one in said if one.get("event") == "lane-stopped"]
