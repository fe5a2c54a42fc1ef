"""Going on behind an upstream whose log was restored: an operator decides, and it is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import RowMapping

from events.base import Actor, ReconciledLane, UpstreamReconciled
from shared.eventlog import Aggregate, Application, Context, LogRecorder, Move, Replace, when
from shared.eventlog.tables import positions
from shared.messaging.epochs import Step
from shared.messaging.parking import gone


class Reconciliation(Aggregate):
    """That a service goes on behind a restored upstream."""

    @when(UpstreamReconciled)
    def _reconciled(self, event: UpstreamReconciled) -> None:
        self.upstream = event.upstream


def go_on(
    application: Application,
    upstream: str,
    epoch: UUID,
    steps: Sequence[Step],
    recorded_as: type[UpstreamReconciled],
    *,
    operator: str,
    reason: str,
    now: datetime,
    rows: Sequence[Replace] = (),
) -> None:
    """Move a consumer's positions to the last common events, and record that in the same transaction.

    What is parked beyond them is no fact any more and leaves the parking. What was taken is not undone, and not done
    again when it comes again. PositionMoved if somebody has moved a position meanwhile: then nothing was changed.
    """
    made = Reconciliation(uuid4(), _context(operator, now))
    lanes = tuple(_recorded(step) for step in steps)
    made.record(recorded_as, upstream=upstream, epoch=epoch, lanes=lanes, reason=reason)
    moves = [Move(upstream, step.lane, step.before, step.after) for step in steps if step.after]
    anew = [_forgotten(upstream, step) for step in steps if step.after is None]
    unparked = [gone(row) for row in parked_beyond(application.recorder, upstream, steps)]
    application.save(made, moves=moves, rows=[*anew, *unparked, *rows])


def parked_beyond(recorder: LogRecorder, upstream: str, steps: Sequence[Step]) -> list[RowMapping]:
    """List parked events of an upstream that its restored log no longer holds."""
    behind = {step.lane: step.behind for step in steps}
    mine = [row for row in recorder.parked() if row["upstream"] == upstream and row["lane"] in behind]
    return [row for row in mine if row["sequence"] > behind[row["lane"]]]


def _context(operator: str, now: datetime) -> Context:
    return Context(
        actor=Actor(id=f"operator:{operator}", role="operator"),
        now=now,
        correlation_id=uuid4(),
        causation_id="caretrail reconcile",
    )


def _recorded(step: Step) -> ReconciledLane:
    before = step.before
    return ReconciledLane(
        lane=step.lane,
        epoch=before.epoch,
        taken=before.sequence,
        taken_id=before.event_id,
        goes_on_behind=step.behind,
    )


def _forgotten(upstream: str, step: Step) -> Replace:
    before = step.before
    place = {"upstream": upstream, "lane": step.lane, "epoch": before.epoch, "sequence": before.sequence}
    return Replace(positions, place, [], must_match=True)
