"""The inbox: takes what other services recorded, in order, each event once, whatever the broker did to it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

import structlog

from events.base import LANES, Event, lane_of
from events.catalogue import Catalogue, Unreadable
from events.envelope import CloudEvent
from shared.eventlog import Application, LogRecorder, Move, Position, PositionMoved
from shared.messaging.alarm import SafetyWaiting, safety_waiting
from shared.messaging.beginnings import Beginnings
from shared.messaging.feed import FeedClient, FeedUnavailable
from shared.messaging.others import OtherWorkers
from shared.messaging.outcomes import NotNow, Outcomes
from shared.messaging.parking import Kind, Parking, PlaceTaken, kind_of
from shared.messaging.policies import Policies

Lane = tuple[str, int]

LONGEST_TURN = 1.0

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
        self.counts = {"taken": 0, "repeated": 0, "left-over": 0, "caught-up": 0, "refused": 0, "parked": 0}
        self._application = application
        self._catalogue = catalogue
        self._policies = policies
        self._outcomes = Outcomes(application, catalogue, policies, clock, pause, self.counts)
        self._outcomes.beat = lambda: self.beat()
        self.parking = Parking(application, catalogue, policies.service, self._outcomes, clock)
        self._beginnings = Beginnings(application, clock)
        self._stored: dict[Lane, Position | None] = {}
        self._seen: dict[Lane, Position | None] = {}
        self._stopped_at: dict[Lane, Position | None] = {}
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
        if lane not in self.stopped and self._is_left_over(event, seen):
            self.counts["left-over"] += 1
            return
        self._must_go_on(lane, event, seen)
        if seen is not None and event.position <= seen.sequence:
            self.counts["repeated"] += 1
        elif event.position_before == (seen.sequence if seen else 0):
            self._do(lane, event)
        else:
            self.catch_up(lane)

    def catch_up(self, lane: Lane) -> None:
        """Read a page of the upstream's feed from the position on; FeedUnavailable if it does not answer.

        `behind` tells whether there is more, or was no time for all of it: the next poll goes on.
        """
        upstream, number = lane
        seen = self._seen_in(lane)
        page = self.feeds[upstream].read(seen.sequence if seen else 0, number)
        until = time.monotonic() + LONGEST_TURN
        for taken, event in enumerate(page.events, start=1):
            self._take_next(lane, event)
            if taken < len(page.events) and time.monotonic() > until:
                self.behind = True
                break
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
        for upstream in random.sample(list(self.feeds), len(self.feeds)):
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
        for number in random.sample(range(LANES), LANES):
            try:
                self._follow_lane((upstream, number), heads.epoch, heads.lanes[number], number in mine)
            except LaneStopped as error:
                stopped = error
        if stopped is not None:
            raise stopped

    def _follow_lane(self, lane: Lane, epoch: UUID, head: int, mine: bool) -> None:
        if lane in self.stopped and not self._was_reconciled(lane):
            return
        seen = self._seen_in(lane)
        self._must_match(lane, epoch, head, seen)
        reached = seen.sequence if seen else 0
        due = self._heads.get(lane, 0) > reached
        self._heads[lane] = head
        left = due if mine else self._others.left(lane, reached, due)
        # Whoever polls has a broker to answer, too: one long turn at a time, and nobody always last.
        if left and not self.behind:
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

    def _is_left_over(self, event: CloudEvent, seen: Position | None) -> bool:
        """Tell whether the broker has kept a message from before its upstream's log was restored."""
        known = seen is not None and event.epoch == seen.epoch
        return not known and event.epoch != self.feeds[event.service].heads().epoch

    def _was_reconciled(self, lane: Lane) -> bool:
        """Let a stopped lane go on whose position an operator has moved; tell whether there was one."""
        if self._application.recorder.position(*lane) == self._stopped_at[lane]:
            return False
        del self.stopped[lane]
        self._forget([lane])
        log.info("lane-goes-on", upstream=lane[0], lane=lane[1])
        return True

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
        self._stopped_at[lane] = self._application.recorder.position(*lane)
        log.critical("lane-stopped", upstream=lane[0], lane=lane[1], reason=reason, do="caretrail doctor")
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
            if not self._policies.concern(self._catalogue.class_of(event.type)):
                self._seen[lane] = after
                return
            fact = self._outcomes.read(event)
        except Unreadable as error:
            self._park(lane, event, after, kind_of(error), error)
            return
        if self.parking.holds_up(event):
            self._park(lane, event, after, Kind.WAITS)
        elif self._beginnings.ended_too_often(lane, event.position):
            self._park(lane, event, after, Kind.ENDED_PROCESS)
        else:
            self._react(lane, event, fact, after)

    def _react(self, lane: Lane, event: CloudEvent, fact: Event, after: Position) -> None:
        try:
            self._outcomes.carry_out(fact, moves=[Move(*lane, self._stored[lane], after)], envelope=event)
        except NotNow as error:
            self._park(lane, event, after, kind_of(error), error)
            return
        self._stored[lane] = self._seen[lane] = after
        self.counts["taken"] += 1

    def _park(self, lane: Lane, event: CloudEvent, after: Position, kind: Kind, error: Exception | None = None) -> None:
        try:
            self.parking.park(event, Move(*lane, self._stored[lane], after), kind, error)
        except PlaceTaken as taken:
            self._stop(lane, f"{taken}: see to that one first (`caretrail parked`), then start again")
        self._stored[lane] = self._seen[lane] = after
        self.counts["parked"] += 1

    def carry_out(self, fact: Event) -> None:
        """Do at once what a fact leads to here, wherever it stands in its log; NotNow if it failed five times."""
        self._outcomes.carry_out(fact)

    def retry_parked(self) -> int:
        """Try parked events again, as after a start: an upgrade may read or do what could not be done before."""
        return self.parking.retry_all()

    def retry_freed(self) -> int:
        """Try what waits behind an event that somebody has taken or skipped meanwhile."""
        return self.parking.retry_freed()

    def safety_waiting(self) -> SafetyWaiting:
        """Count the safety events that are parked here, or wait behind parked ones."""
        return safety_waiting(self._application.recorder)


__all__ = ["FeedUnavailable", "Inbox", "LaneStopped"]
