"""How a figure is taken: ours and the reference in turn, several times, and the median of the ratios of the pairs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

ROUNDS = 5

Measure = Callable[[], float]


@dataclass(frozen=True)
class Figure:
    """One row: `ratio` is the median of ours/reference over the pairs; `better` says which way is good."""

    name: str
    unit: str
    better: str
    ours: float
    reference: float
    ratio: float
    of: str

    def row(self) -> dict[str, Any]:
        """Give it for build/bench.json."""
        return asdict(self)

    def line(self) -> str:
        """Give it for the terminal."""
        return f"{self.name:<58} {self.ours:>11.1f} {self.reference:>11.1f} {self.ratio:>7.2f}  {self.unit}"


def compared(
    name: str, unit: str, ours: Measure, reference: Measure, *, of: str, higher: bool, rounds: int = ROUNDS
) -> Figure:
    """Measure both in turn after one warm-up of each."""
    ours()
    reference()
    pairs = [(ours(), reference()) for _ in range(rounds)]
    return Figure(
        name,
        unit,
        "higher" if higher else "lower",
        round(median(mine for mine, _ in pairs), 2),
        round(median(theirs for _, theirs in pairs), 2),
        round(median(mine / theirs for mine, theirs in pairs), 3),
        of,
    )


def rate(work: Callable[[], int]) -> float:
    """Give how many of something were done in a second."""
    started = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - started)
