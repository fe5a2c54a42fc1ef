"""Six bugs that an engine like this may have: each replaces one step of the real one, in a child process of a test."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from events.base import lane_of
from events.envelope import CloudEvent
from shared.eventlog import Commit, LogRecorder
from shared.messaging.inbox import Inbox
from shared.messaging.listener import Listener
from shared.messaging.outcomes import Outcomes

MOMENT = 0.2
"""Seconds between two transactions that should be one: a kill is sure to fall between some."""


def position_in_another_transaction() -> None:
    """The position moves first, and what the event leads to is recorded after it."""
    right = Outcomes.carry_out

    def carry_out(self: Outcomes, fact: Any, moves: Any = (), *rest: Any, **more: Any) -> None:
        if moves:
            self._application.record((), moves=moves)
        right(self, fact, (), *rest, **more)

    Outcomes.carry_out = carry_out  # type: ignore[method-assign]


class _Acknowledged:
    """A message that the broker has forgotten already."""

    def __init__(self, message: Any):
        self._message = message
        message.ack()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._message, name)

    def ack(self) -> None:
        """Do nothing: it was done too early."""

    reject = requeue = ack


def ack_before_commit() -> None:
    """A message is acknowledged when it arrives, before what it leads to is recorded."""
    right = Listener._on_message
    Listener._on_message = lambda self, message: right(self, _Acknowledged(message))  # type: ignore[method-assign]


def no_gap_check() -> None:
    """Whatever lies behind the position is taken as the next event, and nobody compares heads."""

    def take(self: Inbox, event: CloudEvent) -> None:
        lane = (event.service, lane_of(event.partitionkey))
        seen = self._seen_in(lane)
        if seen is None or event.position > seen.sequence:
            self._do(lane, event)

    Inbox.take = take  # type: ignore[method-assign]
    Inbox.poll = _nothing  # type: ignore[method-assign]


def stock_tracking() -> None:
    """Of each upstream only the highest position taken is known: what is below it counts as taken."""

    def take(self: Inbox, event: CloudEvent) -> None:
        lane = (event.service, lane_of(event.partitionkey))
        self._seen_in(lane)
        stored = self.recorder.positions(event.service).values()
        known = [seen for (upstream, _), seen in self._seen.items() if upstream == event.service and seen]
        if event.position > max((seen.sequence for seen in (*stored, *known)), default=0):
            self._do(lane, event)

    Inbox.take = take  # type: ignore[method-assign]
    Inbox.poll = _nothing  # type: ignore[method-assign]


def key_in_another_transaction() -> None:
    """The events of a command are recorded first, and its Idempotency-Key after them."""
    right = LogRecorder.write

    def write(self: LogRecorder, commit: Commit) -> Any:
        if commit.key is None or not commit.events:
            return right(self, commit)
        receipt = right(self, replace(commit, key=None))
        time.sleep(MOMENT)
        right(self, Commit(key=commit.key))
        return receipt

    LogRecorder.write = write  # type: ignore[method-assign]


def epoch_ignored() -> None:
    """A position is a number, whatever log it belongs to."""
    Inbox._must_go_on = Inbox._must_match = _nothing  # type: ignore[method-assign, assignment]
    Inbox._is_left_over = lambda *_: False  # type: ignore[method-assign]


def _nothing(*_: Any, **__: Any) -> None:
    pass


PLANT: dict[str, Callable[[], None]] = {
    bug.__name__.replace("_", " "): bug
    for bug in (
        position_in_another_transaction,
        ack_before_commit,
        no_gap_check,
        stock_tracking,
        key_in_another_transaction,
        epoch_ignored,
    )
}
