"""What a fact leads to in this service: done, refused by a rule, run again after a conflict, or not now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import and_, select

from events.base import Event
from events.catalogue import Catalogue, Unreadable
from events.envelope import CloudEvent
from shared.eventlog import (
    Aggregate,
    Application,
    Interrupted,
    LogUnavailable,
    Move,
    NotFound,
    PositionMoved,
    Refused,
    Replace,
    VersionConflict,
)
from shared.messaging import points
from shared.messaging.policies import Policies, Policy
from shared.messaging.reaction import MOST_HOPS, Reaction
from shared.messaging.refusals import Refusal, refusal_id

TRIES = (0.0, 0.1, 0.5, 2.0, 5.0)
"""Seconds to wait before each try of an event that fails for an unexpected reason."""

ONE_TRY = (0.0,)
MOST_CONFLICTS = 20

log = structlog.get_logger(__name__)


class NotNow(Exception):
    """A reaction failed at every try for an unexpected reason, which is its cause; nothing of it was kept."""


class Undeclared(Exception):
    """A policy recorded what its declaration does not name: the graph of reactions would not be true."""


class Outcomes:
    """Brings about what one service does when a fact reaches it: its policies and projections, all or nothing.

    Counts the refused reactions that it recorded in `counts`. Used by one thread; `beat` is called at each attempt.
    """

    def __init__(
        self,
        application: Application,
        catalogue: Catalogue,
        policies: Policies,
        clock: Callable[[], datetime],
        pause: Callable[[float], None],
        counts: dict[str, int],
    ):
        self.beat: Callable[[], None] = lambda: None
        self._application = application
        self._catalogue = catalogue
        self._policies = policies
        self._clock = clock
        self._pause = pause
        self._counts = counts

    def read(self, event: CloudEvent) -> Event:
        """Decode the fact in an envelope, with its recorded time; Unreadable if this version cannot."""
        try:
            fact = self._catalogue.decode(event.type, bytes(event.data))
        except Unreadable:
            raise
        except Exception as error:
            raise Unreadable(f"reading a body of {event.type} failed with {type(error).__name__}") from error
        msgspec.structs.force_setattr(fact, "recorded_at", event.recordedtime)
        return fact

    def carry_out(
        self,
        fact: Event,
        moves: Sequence[Move] = (),
        rows: Sequence[Replace] = (),
        envelope: CloudEvent | None = None,
        tries: Sequence[float] = TRIES,
    ) -> None:
        """Run every policy and projection of a fact, and save what they did with moves and rows.

        PositionMoved if somebody else has carried it out, LogUnavailable if the log takes nothing now, NotNow if it
        failed at every try.
        """
        last: Exception | None = None
        for pause in tries:
            self._pause(pause)
            try:
                self._until_nobody_is_faster(fact, moves, rows, envelope)
                return
            except Interrupted as error:
                last = error
            except (PositionMoved, LogUnavailable):
                raise
            except Exception as error:
                log.warning("reaction-failed", event_id=fact.event_id, exc_info=True)
                last = error
        if isinstance(last, Interrupted):
            raise last
        raise NotNow(f"{fact.event_id} failed {len(tries)} times") from last

    def _until_nobody_is_faster(
        self, fact: Event, moves: Sequence[Move], rows: Sequence[Replace], envelope: CloudEvent | None
    ) -> None:
        last: VersionConflict | None = None
        for _ in range(MOST_CONFLICTS):
            try:
                self._attempt(fact, moves, rows, envelope)
                return
            except VersionConflict as error:
                self._must_still_be_ours(moves, rows)
                last = error
        raise last or VersionConflict("never tried")

    def _must_still_be_ours(self, moves: Sequence[Move], rows: Sequence[Replace]) -> None:
        """Tell a conflict with a person's command from one with another worker that did this very reaction."""
        for move in moves:
            if self._application.recorder.position(move.upstream, move.lane) != move.before:
                raise PositionMoved(f"{move.upstream}/{move.lane} has moved")
        for change in rows:
            matching = and_(*(change.table.c[name] == value for name, value in change.where.items()))
            if change.must_match and not self._application.query(select(change.table).where(matching).limit(1)):
                raise PositionMoved(f"a row of {change.table.name} was taken")

    def _attempt(
        self, fact: Event, moves: Sequence[Move], rows: Sequence[Replace], envelope: CloudEvent | None
    ) -> None:
        self.beat()
        projected = self._policies.project(fact, envelope)
        changed, refused = self._changes(fact)
        types = {self._catalogue.name_of(type(fact))}
        points.reached(points.BEFORE_APPEND, types)
        self._application.record([*changed, *refused], rows=[*projected.changes, *rows], moves=moves)
        points.reached(points.AFTER_APPEND, types)
        for refusal in refused:
            log.warning("reaction-refused", policy=refusal.policy, event_id=fact.event_id)
        self._counts["refused"] += len(refused)

    def _changes(self, fact: Event) -> tuple[list[Aggregate], list[Refusal]]:
        """Run the policies; when a rule refuses one, begin anew without it and record the refusal."""
        reasons: dict[str, str] = {}
        policies = () if fact.imported else self._policies.for_event(fact)
        while True:
            changed: list[Aggregate] = []
            for policy in policies:
                if policy.name in reasons:
                    continue
                try:
                    changed += self._act(policy, fact)
                except (Refused, NotFound) as refusal:
                    reasons[policy.name] = str(refusal)
                    break
            else:
                return changed, [*self._refusals(fact, policies, reasons)]

    def _act(self, policy: Policy, fact: Event) -> list[Aggregate]:
        reaction = self._reaction(policy, fact)
        if reaction.context.hops > MOST_HOPS:
            raise Refused(f"More than {MOST_HOPS} reactions caused one another: this looks like a loop.", code="hops")
        if reaction.context.now - fact.occurred_at > policy.within:
            raise Refused("The fact is too old to act by itself: a person must decide.", code="too-old")
        policy.act(fact, reaction)
        for aggregate in reaction.changed:
            for event in aggregate.pending:
                if not isinstance(event, policy.records):
                    raise Undeclared(f"{policy.name} recorded {type(event).__name__} without declaring it")
        return reaction.changed

    def _refusals(self, fact: Event, policies: Sequence[Policy], reasons: dict[str, str]) -> list[Refusal]:
        found = []
        for policy in policies:
            if policy.name in reasons and not self._application.find(Refusal, refusal_id(fact, policy.name)):
                context = self._reaction(policy, fact).context
                found.append(Refusal.of(context, fact, policy.name, self._policies.refused, reasons[policy.name]))
        return found

    def _reaction(self, policy: Policy, fact: Event) -> Reaction:
        return Reaction(self._application, self._policies.service, policy.name, fact, self._clock())
