"""History's routes: the timeline, and the record as of a moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from sqlalchemy import RowMapping, Select

from services.history.application import History, RecordAsOf
from services.history.domain import title_of
from services.history.worklists import timeline
from shared.http import Blueprint, Problem, Query, View, application, fields, lists, reads

blueprint = Blueprint("history", __name__, description="What happened to a patient, and why, in every service")


def history() -> History:
    """Give the application."""
    return application(History)


class Span(Query):
    """Which facts."""

    as_of = fields.DateTime(data_key="as-of", metadata={"description": "Only facts recorded up to this moment"})
    service = fields.String(max_length=40, metadata={"description": "Only facts of this service"})


class ActorView(View):
    """Who did it: a person in a role, or a policy on behalf of one."""

    id = fields.String(required=True, attribute="actor_id")
    role = fields.String(required=True, attribute="actor_role")
    on_behalf_of = fields.String(allow_none=True)


class TimelineRow(View):
    """One recorded fact."""

    event_id = fields.String(required=True)
    service = fields.String(required=True)
    position = fields.Integer(required=True)
    type = fields.String(required=True)
    title = fields.Function(lambda row: title_of(row["type"]), metadata={"type": "string"})
    meaning = fields.Function(lambda row: history().meaning(row["type"]))
    occurred_at = fields.DateTime(required=True)
    recorded_at = fields.DateTime(required=True)
    actor = fields.Function(ActorView().dump)
    reason = fields.Function(lambda row: _reason(history().says(row)))
    caused_by = fields.String(required=True, attribute="causation_id")
    correlation_id = fields.UUID(required=True)
    says = fields.Function(lambda row: history().says(row))


@lists(
    blueprint,
    "/patients/<uuid:patient_id>/timeline",
    TimelineRow,
    by=(timeline.c.recorded_at, timeline.c.service, timeline.c.position),
    query=Span,
    patient_of="patient_id",
)
def patient_timeline(patient_id: UUID, as_of: datetime | None = None, service: str | None = None) -> Select[Any]:
    """Every fact of every service about a patient, in the order recorded."""
    found = history().timeline(patient_id, as_of)
    return found if service is None else found.where(timeline.c.service == service)


class At(Query):
    """As of which moment, or by which vector of an earlier answer."""

    as_of = fields.DateTime(data_key="as-of", metadata={"description": "The record as it was then; now if not given"})
    vector = fields.String(max_length=400, metadata={"description": "The vector of an earlier answer, to repeat it"})


@reads(blueprint, "/patients/<uuid:patient_id>/record", None, query=At, patient_of="patient_id")
def patient_record(patient_id: UUID, as_of: datetime | None = None, vector: str | None = None) -> Response:
    """The whole patient as recorded up to a moment."""
    if vector is None:
        return _answer(history().record_as_of(patient_id, as_of))
    if as_of is not None:
        raise Problem(400, "Give either as-of or vector.")
    return _answer(history().record_at(patient_id, vector))


def _answer(found: RecordAsOf) -> Response:
    head = {"as_of": found.as_of.isoformat().replace("+00:00", "Z"), "vector": found.vector}
    return jsonify({**head, "complete": found.complete, "behind": list(found.behind), **found.record})


def _reason(says: RowMapping | dict[str, Any]) -> str | None:
    for name in ("reason", "note", "resolution", "assessment"):
        if isinstance(says.get(name), str):
            return str(says[name])
    return None
