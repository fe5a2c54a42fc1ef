"""How far events have come: what is not published, what was not taken, which lanes cannot go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from events.base import LANES, event_id
from events.catalogue import Unreadable
from services.cli.checks.findings import Finding, error, fine, moment, overdue, warning
from services.cli.checks.installation import Installation
from shared.eventlog import LogRecorder, Position
from shared.eventlog.standing import standing
from shared.eventlog.tables import events
from shared.identity import KeyFolder, ServiceTokens
from shared.messaging import FeedClient, FeedUnavailable
from shared.service import clients

PUBLISHING, TIMERS, POSITIONS = "publishing", "timers", "positions"


def publishing(installation: Installation) -> Iterator[Finding]:
    """See whether relays publish what their services record."""
    for service, recorder in installation.services():
        stands = standing(recorder)
        if stands.unpublished_since is None:
            yield fine(PUBLISHING, f"{service.name}: everything is published")
            continue
        yield overdue(
            PUBLISHING,
            f"{service.name}: {stands.unpublished} events are unpublished, since {moment(stands.unpublished_since)}",
            f"start {_works(installation, service.name)}, and see that the broker answers; until then the others read "
            "these events from the feed",
            installation.clock() - stands.unpublished_since,
        )


def timers(installation: Installation) -> Iterator[Finding]:
    """See whether what is due is done."""
    for service, recorder in installation.services():
        for timer in service.timers or ():
            now = installation.clock()
            due = select(func.count().label("number"), func.min(timer.table.c.due_at).label("since"))
            (row,) = recorder.query(due.where(timer.table.c.due_at <= now))
            if not row["number"]:
                yield fine(TIMERS, f"{service.name}: {timer.name}: nothing is due")
                continue
            yield overdue(
                TIMERS,
                f"{service.name}: {timer.name}: {row['number']} are due, since {moment(row['since'])}",
                f"start {_works(installation, service.name)}; if it runs, its log says at `timer-failed` why",
                now - row["since"],
            )


@dataclass(frozen=True)
class Upstream:
    """What is known of an upstream's log: its epoch, its heads, and, if it can be read from here, the log itself."""

    name: str
    epoch: UUID
    heads: Sequence[int]
    log: LogRecorder | None


def positions(installation: Installation) -> Iterator[Finding]:
    """Compare how far every consumer has come in every lane with what its upstreams hold."""
    for service, recorder in installation.services():
        for name in service.upstreams:
            upstream = _upstream(installation, service.name, name)
            if upstream is None:
                yield fine(POSITIONS, f"{service.name}: {name} cannot be asked from here how far it is")
                continue
            taken = recorder.positions(name)
            stopped = list(_stopped(service.name, upstream, taken))
            yield from stopped or [_lag(installation, service.name, upstream, taken)]


def _upstream(installation: Installation, consumer: str, name: str) -> Upstream | None:
    """Look into the upstream's log or, where its database is not told here, ask its feed as the consumer."""
    log = installation.logs.get(name)
    if log is not None:
        return Upstream(name, log.epoch(), standing(log).heads, log)
    folder = installation.settings.keys
    if not (folder / f"{consumer}.jwk").exists():
        return None
    key = KeyFolder(folder).signing_key(consumer)
    tokens = ServiceTokens(consumer, key, installation.settings.audience, installation.clock)
    with clients(installation.settings)(name) as client:
        try:
            told = FeedClient(name, client, tokens.bearer).heads()
        except (FeedUnavailable, Unreadable):
            return None
    return Upstream(name, told.epoch, told.lanes, None)


def _stopped(consumer: str, upstream: Upstream, taken: Mapping[int, Position]) -> Iterator[Finding]:
    """Find positions that no event of the upstream leads on from: it was restored, or is another log."""
    reasons: dict[str, list[int]] = {}
    for lane, position in taken.items():
        if reason := _why_stopped(upstream, lane, position):
            reasons.setdefault(reason, []).append(lane)
    for reason, lanes in reasons.items():
        yield error(
            POSITIONS,
            f"{consumer} cannot go on in {len(lanes)} of {LANES} lanes of {upstream.name}: {reason}",
            f"find out whether {upstream.name} was restored from a backup; then run "
            f"`caretrail reconcile {consumer} {upstream.name}` (docs/operations.md, restore)",
        )


def _why_stopped(upstream: Upstream, lane: int, position: Position) -> str | None:
    if position.epoch != upstream.epoch:
        return "its log has another epoch than the one they were taken from"
    if position.sequence > upstream.heads[lane]:
        return "more was taken than its log holds"
    if upstream.log is not None and _event_at(upstream.log, position.sequence) != position.event_id:
        return "another event stands where the last one was taken"
    return None


def _event_at(log: LogRecorder, sequence: int) -> str | None:
    for found in log.read(after=sequence - 1, limit=1):
        return event_id(found.originator_id, found.originator_version)
    return None


def _lag(installation: Installation, consumer: str, upstream: Upstream, taken: Mapping[int, Position]) -> Finding:
    behind = {lane: at for lane in range(LANES) if (at := _sequence(taken, lane)) < upstream.heads[lane]}
    if not behind:
        return fine(POSITIONS, f"{consumer} has taken everything of {upstream.name}")
    do = f"start {_works(installation, consumer)}; if it runs, see its log, and whether {upstream.name} answers"
    if upstream.log is None:
        return warning(POSITIONS, f"{consumer} is behind {upstream.name} in {len(behind)} lanes", do)
    number, since = _waiting(upstream.log, behind)
    seen = f"{consumer} is {number} events behind {upstream.name}, in {len(behind)} lanes, since {moment(since)}"
    return overdue(POSITIONS, seen, do, installation.clock() - since)


def _sequence(taken: Mapping[int, Position], lane: int) -> int:
    return taken[lane].sequence if lane in taken else 0


def _waiting(log: LogRecorder, behind: Mapping[int, int]) -> tuple[int, datetime]:
    """Count what lies beyond these positions, and say when the first of it was recorded."""
    number, firsts = 0, []
    for lane, position in behind.items():
        beyond = (events.c.lane == lane, events.c.position > position)
        (row,) = log.query(
            select(func.count().label("number"), func.min(events.c.recorded_at).label("first")).where(*beyond)
        )
        number += row["number"]
        firsts += [row["first"]] if row["first"] else []
    return number, min(firsts)


def _works(installation: Installation, service: str) -> str:
    return "the suite (`caretrail up`)" if installation.embedded else f"`caretrail worker {service}`"
