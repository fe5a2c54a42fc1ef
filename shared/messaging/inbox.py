"""The inbox: takes what other services recorded, in order, each event once, whatever the broker did to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import RowMapping

from events.base import LANES, Event, lane_of
from events.catalogue import Catalogue, Unreadable
from events.envelope import CloudEvent, unwrap
from shared.eventlog import (
    Aggregate,
    Application,
    LogRecorder,
    LogUnavailable,
    Move,
    NotFound,
    Position,
    PositionMoved,
    Refused,
    Replace,
    VersionConflict,
)
from shared.messaging import points
from shared.messaging.feed import FeedClient, FeedUnavailable
from shared.messaging.others import OtherWorkers
from shared.messaging.parking import gone, parked_row, waits_behind
from shared.messaging.policies import Policies, Policy
from shared.messaging.reaction import MOST_HOPS, Reaction, Rows
from shared.messaging.refusals import Refusal, refusal_id

Lane = tuple[str, int]

TRIES = (0.0, 0.1, 0.5, 2.0, 5.0)
MOST_CONFLICTS = 20

log = structlog.get_logger(__name__)


class LaneStopped(Exception):
    """A lane cannot go on by itself: its upstream was restored or rewritten. `caretrail doctor` says how to go on."""


class Inbox:
    """One service's side of every upstream: positions, gaps, policies, parking.

    A position moves by compare-and-set in the transaction of what the event led to. An event at or below it was
    taken before; one that follows it directly is taken now; anything else is a gap, and the upstream's feed is read.
    Used by one thread; `beat` is called at each reaction.
    """

    def __init__(
        self,
        application: Application,
        catalogue: Catalogue,
        policies: Policies,
        feeds: Mapping[str, FeedClient],
        clock: Callable[[], datetime],
        pause: Callable[[float], None] = time.sleep,
    ):
        self.feeds = feeds
        self.stopped: dict[Lane, str] = {}
        self.behind = False
        self.beat: Callable[[], None] = lambda: None
        self.counts = {"taken": 0, "repeated": 0, "caught-up": 0, "refused": 0, "parked": 0}
        self._application = application
        self._catalogue = catalogue
        self._policies = policies
        self._clock = clock
        self._pause = pause
        self._stored: dict[Lane, Position | None] = {}
        self._seen: dict[Lane, Position | None] = {}
        self._heads: dict[Lane, int] = {}
        self._others = OtherWorkers()

    @property
    def recorder(self) -> LogRecorder:
        """The own log."""
        return self._application.recorder

    # Order

    def take(self, event: CloudEvent) -> None:
        """Take one event as it came from the broker; when this returns it needs no second delivery.

        LaneStopped if the lane cannot go on; LogUnavailable if it should be delivered again.
        """
        lane = (event.service, lane_of(event.partitionkey))
        if event.service not in self.feeds:
            raise Unreadable(f"{event.service} is no upstream of {self._policies.service}")
        seen = self._seen_in(lane)
        self._must_go_on(lane, event, seen)
        if seen is not None and event.position <= seen.sequence:
            self.counts["repeated"] += 1
        elif event.position_before == (seen.sequence if seen else 0):
            self._do(lane, event)
        else:
            self.catch_up(lane)

    def catch_up(self, lane: Lane) -> None:
        """Read a page of the upstream's feed from the position on; FeedUnavailable if it does not answer.

        `behind` tells whether there is more: the next poll goes on.
        """
        upstream, number = lane
        seen = self._seen_in(lane)
        page = self.feeds[upstream].read(seen.sequence if seen else 0, number)
        for event in page.events:
            self._take_next(lane, event)
        self.flush()
        self.behind = self.behind or page.full

    def _take_next(self, lane: Lane, event: CloudEvent) -> None:
        seen = self._seen_in(lane)
        self._must_go_on(lane, event, seen)
        if seen and event.position <= seen.sequence:
            return  # another worker was faster
        if event.position_before != (seen.sequence if seen else 0):
            self._stop(lane, f"the feed has a hole before {event.position}")
        self._do(lane, event)
        self.counts["caught-up"] += 1

    def poll(self, mine: Collection[int] = range(LANES)) -> None:
        """Ask every upstream for its heads; catch up where a head seen at the last poll was not reached since.

        Lanes that are not `mine` are another worker's, and left to it as long as it moves them. FeedUnavailable or
        LaneStopped when all upstreams were asked.
        """
        self.behind = False
        trouble: Exception | None = None
        for upstream in self.feeds:
            try:
                self._follow(upstream, mine)
            except (FeedUnavailable, LaneStopped) as error:
                trouble = error
        if trouble is not None:
            raise trouble

    def _follow(self, upstream: str, mine: Collection[int]) -> None:
        heads = self.feeds[upstream].heads()
        self._look_again(upstream, set(range(LANES)).difference(mine))
        stopped: LaneStopped | None = None
        for number, head in enumerate(heads.lanes):
            try:
                self._follow_lane((upstream, number), heads.epoch, head, number in mine)
            except LaneStopped as error:
                stopped = error
        if stopped is not None:
            raise stopped

    def _follow_lane(self, lane: Lane, epoch: UUID, head: int, mine: bool) -> None:
        if lane in self.stopped:
            return
        seen = self._seen_in(lane)
        self._must_match(lane, epoch, head, seen)
        reached = seen.sequence if seen else 0
        due = self._heads.get(lane, 0) > reached
        self._heads[lane] = head
        if due if mine else self._others.left(lane, reached, due):
            self.catch_up(lane)
            self._others.moved_by_us(lane, self._seen_in(lane))

    def _look_again(self, upstream: str, others: Collection[int]) -> None:
        """Forget what is remembered of other workers' lanes."""
        if others:
            self.flush()
            stored = self._application.recorder.positions(upstream)
            for number in others:
                self._stored[upstream, number] = self._seen[upstream, number] = stored.get(number)

    def flush(self) -> None:
        """Store the positions of events that nothing here listens to."""
        ahead = {lane: seen for lane, seen in self._seen.items() if seen and seen != self._stored.get(lane)}
        if not ahead:
            return
        moves = [Move(*lane, self._stored[lane], seen) for lane, seen in ahead.items()]
        try:
            self._application.record((), moves=moves)
        except PositionMoved:
            self._forget(ahead)
            return
        self._stored.update(ahead)

    def _seen_in(self, lane: Lane) -> Position | None:
        if lane not in self._stored:
            self._stored[lane] = self._seen[lane] = self._application.recorder.position(*lane)
        return self._seen[lane]

    def _forget(self, lanes: Iterable[Lane]) -> None:
        for lane in lanes:
            self._stored.pop(lane, None)
            self._seen.pop(lane, None)

    def _must_go_on(self, lane: Lane, event: CloudEvent, seen: Position | None) -> None:
        if lane in self.stopped:
            raise LaneStopped(self.stopped[lane])
        if seen is None:
            return
        if event.epoch != seen.epoch:
            self._stop(lane, f"its log has another epoch than before (position {seen.sequence})")
        if event.position == seen.sequence and event.id != seen.event_id:
            self._stop(lane, f"another event stands at position {seen.sequence} than the one taken")

    def _must_match(self, lane: Lane, epoch: object, head: int, seen: Position | None) -> None:
        if seen is None:
            return
        if epoch != seen.epoch:
            self._stop(lane, f"its log has another epoch than before (position {seen.sequence})")
        if head < seen.sequence:
            self._stop(lane, f"its head {head} is below the position {seen.sequence} taken")

    def _stop(self, lane: Lane, reason: str) -> None:
        self.stopped[lane] = f"{lane[0]}/{lane[1]}: {reason}"
        log.error("lane-stopped", upstream=lane[0], lane=lane[1], reason=reason)
        raise LaneStopped(self.stopped[lane])

    # Reactions

    def _do(self, lane: Lane, event: CloudEvent) -> None:
        try:
            self._decide(lane, event)
        except PositionMoved:
            self._forget([lane])
            self.take(event)

    def _decide(self, lane: Lane, event: CloudEvent) -> None:
        after = Position(event.epoch, event.position, event.id)
        try:
            known = self._catalogue.class_of(event.type)
            if not self._policies.concern(known):
                self._seen[lane] = after
                return
            fact = self.read(event)
        except Unreadable as error:
            self._park(lane, event, after, str(error))
            return
        if waits_behind(self._application, event):
            self._park(lane, event, after, "waits behind an earlier event of the same patient", waits=True)
            return
        self._react(lane, event, fact, after)
        self.counts["taken"] += 1

    def read(self, event: CloudEvent) -> Event:
        """Decode the fact in an envelope, with its recorded time; Unreadable if this version cannot."""
        fact = self._catalogue.decode(event.type, bytes(event.data))
        msgspec.structs.force_setattr(fact, "recorded_at", event.recordedtime)
        return fact

    def _react(self, lane: Lane, event: CloudEvent, fact: Event, after: Position) -> None:
        move = Move(*lane, self._stored[lane], after)
        try:
            self.carry_out(fact, moves=[move], envelope=event)
        except _NotNow as error:
            self._park(lane, event, after, str(error))
            return
        self._stored[lane] = self._seen[lane] = after

    def carry_out(
        self,
        fact: Event,
        moves: Sequence[Move] = (),
        rows: Sequence[Replace] = (),
        envelope: CloudEvent | None = None,
    ) -> None:
        """Run every policy and projection of a fact and save what they did with the position; five tries."""
        last: Exception | None = None
        conflicts = 0
        tries = iter(TRIES)
        for pause in tries:
            self._pause(pause)
            while True:
                try:
                    self._attempt(fact, moves, rows, envelope)
                    return
                except (PositionMoved, LogUnavailable):
                    raise
                except VersionConflict as error:
                    self._must_not_have_moved(moves)
                    conflicts, last = conflicts + 1, error
                    if conflicts > MOST_CONFLICTS:
                        break
                except Exception as error:
                    log.warning("reaction-failed", event_id=fact.event_id, error=type(error).__name__, exc_info=True)
                    last = error
                    break
        raise _NotNow(f"{type(last).__name__}: {last}") from last

    def _must_not_have_moved(self, moves: Sequence[Move]) -> None:
        """Tell a conflict with a person's command from one with another listener that did this very reaction."""
        for move in moves:
            if self._application.recorder.position(move.upstream, move.lane) != move.before:
                raise PositionMoved(f"{move.upstream}/{move.lane} has moved")

    def retry_parked(self) -> int:
        """Try parked events again, in order, each patient's up to the first that fails; give how many went."""
        failed: set[tuple[str, UUID]] = set()
        done = 0
        for row in self._application.recorder.parked():
            patient = (row["upstream"], row["partition"])
            if patient not in failed and self._unpark(row):
                done += 1
            else:
                failed.add(patient)
        return done

    def _unpark(self, row: RowMapping) -> bool:
        event = unwrap(bytes(row["message"]))
        try:
            self.carry_out(self.read(event), rows=[gone(row["upstream"], row["lane"], row["sequence"])], envelope=event)
        except (Unreadable, _NotNow) as error:
            log.warning("still-parked", event_id=event.id, error=str(error))
            return False
        return True

    def _attempt(
        self, fact: Event, moves: Sequence[Move], rows: Sequence[Replace], envelope: CloudEvent | None
    ) -> None:
        self.beat()
        projected = self._policies.project(fact, envelope)
        changed = self._changes(fact)
        types = {self._catalogue.name_of(type(fact))}
        points.reached(points.BEFORE_APPEND, types)
        self._application.record(changed, rows=[*projected.changes, *rows], moves=moves)
        points.reached(points.AFTER_APPEND, types)

    def _changes(self, fact: Event) -> list[Aggregate]:
        """Run the policies; when a rule refuses one, begin anew without it and record the refusal."""
        refusals: dict[str, str] = {}
        while True:
            changed: list[Aggregate] = []
            for policy in () if fact.imported else self._policies.for_event(fact):
                reaction = Reaction(self._application, self._policies.service, policy.name, fact, self._clock())
                if policy.name in refusals:
                    changed += self._refusal(reaction, fact, policy, refusals[policy.name])
                    continue
                try:
                    self._act(policy, fact, reaction)
                except (Refused, NotFound) as refusal:
                    refusals[policy.name] = str(refusal)
                    break
                changed += reaction.changed
            else:
                return changed

    def _act(self, policy: Policy, fact: Event, reaction: Reaction) -> None:
        if reaction.context.hops > MOST_HOPS:
            raise Refused(f"More than {MOST_HOPS} reactions caused one another: this looks like a loop.", code="hops")
        if reaction.context.now - fact.occurred_at > policy.within:
            raise Refused("The fact is too old to act by itself: a person must decide.", code="too-old")
        policy.act(fact, reaction)

    def _refusal(self, reaction: Reaction, fact: Event, policy: Policy, reason: str) -> list[Aggregate]:
        self.counts["refused"] += 1
        log.warning("reaction-refused", policy=policy.name, event_id=fact.event_id)
        if self._application.find(Refusal, refusal_id(fact, policy.name)) is not None:
            return []
        return [Refusal.of(reaction.context, fact, policy.name, self._policies.refused, reason)]

    def _park(self, lane: Lane, event: CloudEvent, after: Position, reason: str, waits: bool = False) -> None:
        log.error("parked", upstream=lane[0], lane=lane[1], event_id=event.id, type=event.type, waits=waits)
        row = parked_row(lane, event, reason, waits, self._clock())
        self._application.record((), rows=[row], moves=[Move(*lane, self._stored[lane], after)])
        self._stored[lane] = self._seen[lane] = after
        self.counts["parked"] += 1


class _NotNow(Exception):
    """A reaction failed five times for an unexpected reason."""


__all__ = ["FeedUnavailable", "Inbox", "LaneStopped", "Rows"]
