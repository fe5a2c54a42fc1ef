"""Refused reactions over HTTP: what waits for a coordinator, and how it was dealt with."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from events.base import RefusalSettled
from shared.eventlog import Application
from shared.eventlog.tables import refused_reactions
from shared.http import Blueprint, Query, Strict, View, application, fields, lists, records, request_context
from shared.messaging.refusals import Refusal, settle


class SettleRefusedReaction(Strict):
    """Say how a refused reaction was dealt with."""

    resolution = fields.String(required=True, max_length=2000, lines=True)


class RefusedReactionRow(View):
    """A reaction that a rule refused: a person must decide."""

    id = fields.UUID(required=True, attribute="aggregate_id")
    patient_id = fields.UUID(required=True, allow_none=True)
    policy = fields.String(required=True)
    cause = fields.String(required=True, metadata={"description": "The event that asked for it"})
    reason = fields.String(required=True)
    refused_at = fields.DateTime(required=True)


class RefusedReactionView(View):
    """A refused reaction."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    policy = fields.String(required=True)
    cause = fields.String(required=True)
    reason = fields.String(required=True)
    settled = fields.Boolean(required=True)


class WhichRefused(Query):
    """Which refused reactions."""

    patient_id = fields.UUID()


def refusals_blueprint(settled: type[RefusalSettled]) -> Blueprint:
    """Give the routes of one service's refused reactions; `settled` is its own event of one that was dealt with."""
    blueprint = Blueprint("refused_reactions", __name__, description="Reactions that a rule refused: somebody must act")

    @lists(
        blueprint,
        "/refused-reactions",
        RefusedReactionRow,
        by=(refused_reactions.c.refused_at, refused_reactions.c.aggregate_id),
        query=WhichRefused,
    )
    def refused_reaction_list(patient_id: UUID | None = None) -> Select[Any]:
        """Reactions that a rule refused and nobody has dealt with, the oldest first."""
        found = select(refused_reactions)
        return found if patient_id is None else found.where(refused_reactions.c.patient_id == patient_id)

    @records(blueprint, "/refused-reactions/<uuid:refusal_id>/settle", SettleRefusedReaction, RefusedReactionView)
    def settle_refused_reaction(command: dict[str, Any], refusal_id: UUID) -> Refusal:
        """Say how a refused reaction was dealt with."""
        return settle(application(Application), request_context(), refusal_id, settled, **command)

    return blueprint
