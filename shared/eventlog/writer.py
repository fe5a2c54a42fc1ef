"""Group commit: what waits is written in one transaction, and no command fails because of its neighbours."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from shared.eventlog.commit import Commit, Interrupted, LogUnavailable, Receipt

BATCH_COMMITS = 128
BATCH_BYTES = 4_000_000
ANSWER_WITHIN = 30.0
CLOSING_LOOKS_EVERY = 0.005
NOT_NOW = "the log cannot be written now; repeat with the same Idempotency-Key"

Outcome = Receipt | LogUnavailable


class _Entry:
    """A commit that waits, what became of it, and whether its thread is to write the next batch."""

    def __init__(self, commit: Commit):
        self.commit = commit
        self.outcome: Receipt | BaseException | None = None
        self.leads = False
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def wait(self, within: float) -> bool:
        """Wait until there is an outcome, or the lead; False if neither came in time."""
        return self._asleep.acquire(timeout=within)

    def lead(self) -> None:
        """Let its thread write the next batch."""
        self.leads = True
        self._asleep.release()

    def set_result(self, outcome: Outcome) -> None:
        """Hand over what became of it."""
        self.outcome = outcome
        if not self.leads:
            self._asleep.release()

    def set_exception(self, error: BaseException) -> None:
        """Hand over what kept it out."""
        self.outcome = error
        if not self.leads:
            self._asleep.release()


class GroupWriter:
    """Queues commits of many threads and writes them in the order of their arrival, one batch at a time.

    Who finds nobody writing writes all that waits, its own commit and its neighbours', and then gives the lead to the
    first of those that came meanwhile. So a single writer is not slowed by another thread, and many share one
    transaction. `transact` writes all commits that it is given, or raises and has written none; an outcome is a
    LogUnavailable where an answer was lost and the commit was not found in the log. If it raises a LogUnavailable,
    everyone who waits is told at once, so that waits do not add up; at any other error each commit of the batch is
    written by itself. `close_connection` runs at the end.
    """

    def __init__(self, transact: Callable[[Sequence[Commit]], Sequence[Outcome]], close_connection: Callable[[], None]):
        self._transact = transact
        self._close_connection = close_connection
        self._waiting: deque[_Entry] = deque()
        self._door = threading.Lock()
        self._leading = False
        self._closed = False

    def write(self, commit: Commit) -> Receipt:
        """Put one commit into the log and wait until it is durable; raises what kept it out."""
        entry = _Entry(commit)
        with self._door:
            if self._closed:
                raise LogUnavailable("this log is closed")
            self._waiting.append(entry)
            if not self._leading:
                self._leading = entry.leads = True
        if not entry.leads and not entry.wait(ANSWER_WITHIN):
            self._withdraw(entry)
        if entry.leads:
            self._lead()
        return _result(entry)

    def close(self) -> None:
        """Let what waits be written, then close the connection."""
        with self._door:
            self._closed = True
        end = time.monotonic() + ANSWER_WITHIN
        while self._leading and time.monotonic() < end:
            time.sleep(CLOSING_LOOKS_EVERY)
        if not self._leading:
            self._close_connection()

    def waiting(self) -> int:
        """Tell how many commits wait for the next batch."""
        return len(self._waiting)

    def _lead(self) -> None:
        """Write one batch (the leader's own commit is its first), then pass the lead on."""
        batch = self._next_batch()
        try:
            self._write(batch)
        finally:
            # Only where the leading thread was stopped in the middle: its neighbours must not wait for it.
            for entry in batch:
                if entry.outcome is None:
                    entry.set_exception(LogUnavailable(NOT_NOW))
            with self._door:
                if self._waiting:
                    self._waiting[0].lead()
                else:
                    self._leading = False

    def _withdraw(self, entry: _Entry) -> None:
        """Take back what has waited too long; if it is being written right now, nobody knows how that ends."""
        with self._door:
            if entry in self._waiting and not entry.leads:
                self._waiting.remove(entry)
            if entry.outcome is None and not entry.leads:
                entry.outcome = LogUnavailable("the log did not answer in time; repeat with the same Idempotency-Key")

    def _next_batch(self) -> list[_Entry]:
        batch: list[_Entry] = []
        size = 0
        with self._door:
            while self._waiting and len(batch) < BATCH_COMMITS and size < BATCH_BYTES:
                batch.append(self._waiting.popleft())
                size += batch[-1].commit.size
        return batch

    def _write(self, batch: Sequence[_Entry]) -> bool:
        """Write a batch together or, if one of it is refused, each by itself; False if the log takes nothing now."""
        try:
            outcomes = self._transact([entry.commit for entry in batch])
        except Exception as error:  # raised again in the threads that wait
            down = isinstance(error, LogUnavailable) and not isinstance(error, Interrupted)
            if len(batch) > 1 and not down:
                return self._write_each(batch)
            for entry in batch:
                entry.set_exception(error)
            return not down
        for entry, outcome in zip(batch, outcomes, strict=True):
            entry.set_result(outcome)
        return True

    def _write_each(self, batch: Sequence[_Entry]) -> bool:
        for place, entry in enumerate(batch, start=1):
            if not self._write([entry]):
                for left in batch[place:]:
                    left.set_exception(LogUnavailable(NOT_NOW))
                return False
        return True


def _result(entry: _Entry) -> Receipt:
    if isinstance(entry.outcome, Receipt):
        return entry.outcome
    raise entry.outcome or RuntimeError("a commit has no outcome")
