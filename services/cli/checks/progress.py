"""How far events have come: what is not published, what was not taken, which lanes cannot go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from events.base import LANES
from events.catalogue import Unreadable
from services.cli.checks.findings import Finding, error, fine, moment, overdue, warning
from services.cli.checks.installation import Installation
from shared.clock import Clock
from shared.eventlog import LogRecorder, Position
from shared.eventlog.standing import standing
from shared.eventlog.tables import events
from shared.identity import KeyFolder, ServiceTokens
from shared.messaging import FeedClient, FeedUnavailable, HeadsView, Page, page
from shared.messaging.epochs import Stands, standing_of, what_to_do
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
class Opened:
    """An upstream's log that is opened here: looked at without the promise that heads otherwise make."""

    upstream: str
    recorder: LogRecorder
    clock: Clock

    def heads(self) -> HeadsView:
        """Give its heads."""
        lanes = tuple(standing(self.recorder).heads)
        return HeadsView(epoch=self.recorder.epoch(), lanes=lanes, at=self.clock())

    def read(self, after: int, lane: int | None = None, limit: int = 500) -> Page:
        """Give a page of it."""
        return page(self.upstream, self.recorder, after, limit, lane)


def positions(installation: Installation) -> Iterator[Finding]:
    """Compare how far every consumer has come in every lane with what its upstreams hold."""
    for service, recorder in installation.services():
        for name in service.upstreams:
            taken = recorder.positions(name)
            try:
                with _followed(installation, service.name, name) as upstream:
                    findings = list(_stopped(service.name, upstream, taken))
                    yield from findings or [_lag(installation, service.name, upstream, taken)]
            except (FeedUnavailable, Unreadable):
                yield fine(POSITIONS, f"{service.name}: {name} cannot be asked from here how far it is")


@contextmanager
def _followed(installation: Installation, consumer: str, name: str) -> Iterator[Opened | FeedClient]:
    """Open the upstream's log or, where its database is not told here, ask its feed as the consumer."""
    if name in installation.logs:
        yield Opened(name, installation.logs[name], installation.clock)
        return
    given = installation.settings
    if not (given.keys / f"{consumer}.jwk").exists():
        raise FeedUnavailable(f"{consumer} has no key here to ask {name} with")
    key = KeyFolder(given.keys).signing_key(consumer)
    with clients(given)(name) as client:
        yield FeedClient(name, client, ServiceTokens(consumer, key, given.audience, installation.clock).bearer)


def _stopped(consumer: str, upstream: Opened | FeedClient, taken: Mapping[int, Position]) -> Iterator[Finding]:
    """Find positions that no event of the upstream leads on from: it was restored, or is another log."""
    lanes: dict[Stands, list[int]] = {}
    for lane, stands in standing_of(taken, upstream).items():
        lanes.setdefault(stands, []).append(lane)
    for stands, found in lanes.items():
        if stands is not Stands.FINE:
            seen = f"{consumer} cannot go on in {len(found)} of {LANES} lanes of {upstream.upstream}: {stands}"
            yield error(POSITIONS, seen, what_to_do(consumer, upstream.upstream, stands))


def _lag(
    installation: Installation, consumer: str, upstream: Opened | FeedClient, taken: Mapping[int, Position]
) -> Finding:
    heads, name = upstream.heads().lanes, upstream.upstream
    behind = {lane: at for lane in range(LANES) if (at := _sequence(taken, lane)) < heads[lane]}
    if not behind:
        return fine(POSITIONS, f"{consumer} has taken everything of {name}")
    do = f"start {_works(installation, consumer)}; if it runs, see its log, and whether {name} answers"
    if isinstance(upstream, FeedClient):
        return warning(POSITIONS, f"{consumer} is behind {name} in {len(behind)} lanes", do)
    number, since = _waiting(upstream.recorder, behind)
    seen = f"{consumer} is {number} events behind {name}, in {len(behind)} lanes, since {moment(since)}"
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
