"""Judges what clients were told by what stands in the databases: I1-I6 and I8-I11, each by itself.

It knows JSON only and nothing of how the suite works. `history` is what clients wrote down (see client.py), `seen`
what the databases hold (see observing.py). Each invariant is a function that names what violates it, with ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tests.faults.answers import (
    each_accepted_command_is_recorded_once,
    nothing_is_recorded_that_nobody_asked_for,
    only_expected_answers_are_given,
    what_was_accepted_can_be_read,
)
from tests.faults.consequences import (
    each_occasion_has_one_consequence,
    effects_follow_in_the_order_of_their_causes,
    everybody_takes_the_whole_log,
    everything_heals_by_itself,
    histories_have_no_gap,
    projections_are_what_the_log_says,
)

Entry = dict[str, Any]
Seen = dict[str, Any]
Invariant = Callable[[Sequence[Entry], Seen], Iterator[str]]

INVARIANTS: dict[str, Invariant] = {
    "I1": each_accepted_command_is_recorded_once,
    "I2": nothing_is_recorded_that_nobody_asked_for,
    "I3": histories_have_no_gap,
    "I4": everybody_takes_the_whole_log,
    "I5": effects_follow_in_the_order_of_their_causes,
    "I6": projections_are_what_the_log_says,
    "I8": each_occasion_has_one_consequence,
    "I9": everything_heals_by_itself,
    "I10": only_expected_answers_are_given,
    "I11": what_was_accepted_can_be_read,
}


def violations(history: Sequence[Entry], seen: Seen) -> list[str]:
    """List everything that must not be, each with the name of its invariant, the first violation first."""
    return [f"{name}: {found}" for name, invariant in INVARIANTS.items() for found in invariant(history, seen)]


def named(found: Iterable[str]) -> list[str]:
    """Give the names of the invariants that are violated."""
    return sorted({violation.partition(":")[0] for violation in found}, key=list(INVARIANTS).index)
