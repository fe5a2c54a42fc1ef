"""How a log stands: what it holds, what of it is out, how far its service has come in others', and what waits there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, case, func, select

from shared.eventlog.recorder import LogRecorder
from shared.eventlog.tables import events, parked, positions, refused_reactions, relay_position


@dataclass(frozen=True)
class Standing:
    """How a service's log stands: what it holds, what of it was published, and how far its upstreams were taken."""

    heads: Sequence[int]
    positions: Sequence[RowMapping]
    published: int
    unpublished_since: datetime | None
    parked: Sequence[RowMapping]
    refused: int
    refused_since: datetime | None

    @property
    def unpublished(self) -> int:
        """Tell how many events wait for the relay."""
        return max(0, max(self.heads) - self.published)


def standing(recorder: LogRecorder) -> Standing:
    """Read how a log stands, by its indexes only; LogUnavailable if it does not answer."""
    with recorder.reading() as connection:
        published = connection.scalar(select(relay_position.c.position)) or 0
        next_out = select(events.c.recorded_at).where(events.c.position > published).order_by(events.c.position)
        groups = (parked.c.upstream, parked.c.waits)
        since = case((parked.c.safety == 1, parked.c.parked_at))
        safety = (func.count(since).label("safety"), func.min(since).label("safety_since"))
        waiting = select(*groups, func.count().label("number"), func.min(parked.c.parked_at).label("since"), *safety)
        refused = connection.execute(select(func.count(), func.min(refused_reactions.c.refused_at))).one()
        return Standing(
            heads=recorder.lane_heads(connection),
            positions=list(connection.execute(select(positions)).mappings()),
            published=published,
            unpublished_since=connection.scalar(next_out.limit(1)),
            parked=list(connection.execute(waiting.group_by(*groups)).mappings()),
            refused=refused[0],
            refused_since=refused[1],
        )
