"""Whatever any service records, history keeps."""

from __future__ import annotations

from events.base import Event, lane_of
from events.history import HistoryReactionRefused
from services.history.worklists import care_team, timeline
from shared.access import keep_care_team
from shared.messaging import Policies, Rows

policies = Policies("history", refused=HistoryReactionRefused)

keep_care_team(policies, care_team)


@policies.projects(Event)
def keep_every_fact(event: Event, rows: Rows) -> None:
    """Keep the fact with its stored bytes under its place in its log."""
    envelope = rows.envelope
    if envelope is None:
        raise ValueError("history keeps only what came in an envelope")
    place = {"service": envelope.service, "position": envelope.position}
    row = {
        **place,
        "epoch": envelope.epoch,
        "lane": lane_of(envelope.partitionkey),
        "event_id": envelope.id,
        "patient_id": event.patient_id,
        "subject": event.originator_id,
        "type": envelope.type,
        "occurred_at": event.occurred_at,
        "recorded_at": envelope.recordedtime,
        "actor_id": event.actor.id,
        "actor_role": event.actor.role,
        "on_behalf_of": event.actor.on_behalf_of,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "body": bytes(envelope.data),
    }
    rows.replace(timeline, place, [row])
