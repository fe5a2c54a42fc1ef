"""An ordeal: one fault after another falls into a steady load; then everything heals by itself, or it did not hold."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from tests.faults.checker import violations
from tests.faults.consequences import HEALS_WITHIN
from tests.faults.load import Load, Story, load
from tests.faults.observing import UPSTREAMS, behind, caught_up, heads, lane_heads, observed
from tests.faults.outputs import blemishes
from tests.journeys.journey import eventually
from tests.journeys.running import PASSWORD, RunningSuite

CLIENTS, PACE = 4, 0.1
"""A steady load that the embedded suite can bear on two busy cores: its listeners keep up with what is recorded."""

BETWEEN_FAULTS = 20
"""Commands that are accepted between one fault and the next."""


@dataclass(frozen=True)
class Fault:
    """Something that happens to the suite: `strike` does it, brings back what would not come back by itself, and
    gives the proof that it has happened.
    """

    kind: str
    strike: Callable[[], str]


@dataclass(frozen=True)
class Struck:
    """A fault that happened: when (monotonic seconds), its proof, and how long until all went on as before."""

    kind: str
    began: float
    ended: float
    proof: str
    healed_after: float


@dataclass(frozen=True)
class Ordeal:
    """What happened, what clients were told, and what the databases hold."""

    struck: list[Struck]
    history: list[dict[str, Any]]
    seen: dict[str, Any]
    blemishes: list[str]

    def violations(self) -> list[str]:
        """List everything that must not be."""
        return [*violations(self.history, self.seen), *self.blemishes, *self.misses()]

    def misses(self) -> list[str]:
        """List the faults that left no proof, and say if none at all fell into a command that was under way."""
        unproved = [f"nobody saw it happen: {fault}" for fault in self.struck if not fault.proof]
        return unproved if self.fell_into_commands() else [*unproved, "no fault fell into a command"]

    def fell_into_commands(self) -> int:
        """Count the faults during which some client was waiting for an answer."""
        return sum(map(self._fell_into_a_command, self.struck))

    def _fell_into_a_command(self, fault: Struck) -> bool:
        return any(entry["t0"] <= fault.ended and entry["t1"] >= fault.began for entry in self.history)

    def longest(self) -> float:
        """Give the longest time from a fault until all went on as before, in seconds."""
        return max(fault.healed_after for fault in self.struck)

    def without_answer(self) -> int:
        """Count the attempts of which nobody could tell at first what became of them."""
        return sum(entry["outcome"] == "info" for entry in self.history)


def urls_of(suite: RunningSuite) -> dict[str, str]:
    """Give the addresses of the services' databases."""
    home = suite.environment["CARETRAIL_HOME"]
    return {
        name: suite.environment.get(f"{name.upper()}_DATABASE_URL", f"sqlite:///{home}/{name}.sqlite")
        for name in UPSTREAMS
    }


def undergo(suite: RunningSuite, story: Story, faults: Iterable[Fault], folder: Path) -> Ordeal:
    """Let fault after fault fall into a load, each once the one before has healed; then see what is left of it all."""
    urls = urls_of(suite)
    since, struck = heads(urls), []
    with load(suite.addresses, PASSWORD, folder, story, CLIENTS, PACE) as work:
        for fault in faults:
            eventually(more(work, BETWEEN_FAULTS), "commands are accepted")
            struck.append(_strike(fault, work, urls))
        eventually(more(work, BETWEEN_FAULTS), "commands are accepted")
    healed = caught_up(urls, HEALS_WITHIN)
    return Ordeal(struck, work.history(), {**observed(urls, since), **healed}, blemishes(suite.folder))


def _strike(fault: Fault, work: Load, urls: Mapping[str, str]) -> Struck:
    began = monotonic()
    proof = fault.strike()
    ended, reached = monotonic(), lane_heads(urls)
    eventually(more(work, 1), f"the next command is accepted after {fault.kind}")
    eventually(lambda: not behind(urls, reached), f"everybody catches up after {fault.kind}")
    return Struck(fault.kind, began, ended, proof, monotonic() - began)


def more(work: Load, count: int) -> Callable[[], bool]:
    """Give the condition that so many more commands are accepted."""
    wanted = work.accepted() + count
    return lambda: work.accepted() >= wanted


def write_down(name: str, shape: str, result: dict[str, Any], folder: Path) -> None:
    """Leave a result, with the day and the commit that it belongs to."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    dated = {"date": datetime.now(UTC).date().isoformat(), "commit": commit, "shape": shape, **result}
    (folder / f"{name}-{shape}.json").write_text(json.dumps(dated, indent=2) + "\n", encoding="utf-8")


def summary(ordeal: Ordeal) -> dict[str, Any]:
    """Put an ordeal into figures."""
    commands = [entry for entry in ordeal.history if entry.get("records")]
    begun: dict[str, float] = {}
    for entry in commands:
        begun.setdefault(entry["key"], entry["t0"])
    return {
        "faults": dict(sorted(Counter(fault.kind for fault in ordeal.struck).items())),
        "fell_into_commands": ordeal.fell_into_commands(),
        "commands": dict(Counter(entry["outcome"] for entry in commands)),
        "events": sum(len(log) - ordeal.seen["since"][service] for service, log in ordeal.seen["logs"].items()),
        "violations": ordeal.violations(),
        "longest_until_definite_s": round(max(entry["t1"] - begun[entry["key"]] for entry in commands), 2),
        "longest_recovery_s": round(ordeal.longest(), 2),
        "healed_in_s": round(ordeal.seen["healed_in"], 2),
    }
