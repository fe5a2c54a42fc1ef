"""Parked events over HTTP: what a service could not take, so that a coordinator learns what does not happen."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from shared.eventlog.tables import parked
from shared.http import Blueprint, Query, View, fields, lists
from shared.messaging.parking import MEANINGS, Kind, kind_in


class ParkedEventRow(View):
    """An event that this service has not taken: its reactions do not happen until an operator has seen to it."""

    event_id = fields.String(required=True)
    upstream = fields.String(required=True, metadata={"description": "The service that recorded it"})
    position = fields.Integer(required=True, attribute="sequence")
    type = fields.String(required=True, attribute="event_type")
    patient_id = fields.UUID(
        required=True,
        attribute="partition",
        metadata={"description": "The patient; of an event without one, its aggregate"},
    )
    parked_at = fields.DateTime(required=True)
    kind = fields.Function(
        kind_in, metadata={"type": "string", "enum": [str(kind) for kind in Kind], "description": "Why"}
    )
    meaning = fields.Function(lambda row: MEANINGS[kind_in(row)], metadata={"type": "string"})
    safety = fields.Function(
        lambda row: bool(row["safety"]), metadata={"type": "boolean", "description": "Whether a delay may cost a life"}
    )


class WhichParked(Query):
    """Which parked events."""

    patient_id = fields.UUID()


def parked_blueprint() -> Blueprint:
    """Give the route of one service's parked events."""
    blueprint = Blueprint("parked_events", __name__, description="Events that could not be taken: an operator must act")

    @lists(
        blueprint,
        "/parked-events",
        ParkedEventRow,
        by=(parked.c.parked_at, parked.c.upstream, parked.c.sequence),
        query=WhichParked,
    )
    def parked_event_list(patient_id: UUID | None = None) -> Select[Any]:
        """Events that this service could not take, and those that wait behind them, the oldest first."""
        found = select(*(column for column in parked.c if column is not parked.c.message))
        return found if patient_id is None else found.where(parked.c.partition == patient_id)

    return blueprint
