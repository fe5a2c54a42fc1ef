"""The feed's routes: for services only, a log as it is."""

from __future__ import annotations

import msgspec
from flask import Response

from events.base import LANES
from shared.eventlog import Application
from shared.http import Blueprint, Query, application, fields, reads
from shared.messaging.feed import PAGE, heads, page

MOST = 1000
FOREVER = "private, max-age=31536000, immutable"


class Which(Query):
    """Which part of the log."""

    after = fields.Integer(load_default=0, min=0, metadata={"description": "Position to read on from."})
    limit = fields.Integer(load_default=PAGE, min=1, max=MOST, metadata={"description": "Events at most."})
    lane = fields.Integer(min=0, max=LANES - 1, metadata={"description": "One lane only."})


def feed_blueprint(service: str) -> Blueprint:
    """Give the routes of one service's feed."""
    blueprint = Blueprint("feed", __name__, description="The event log itself, for the other services")

    @reads(blueprint, "/events", None, query=Which)
    def events_feed(after: int, limit: int, lane: int | None = None) -> Response:
        """Events behind a position, in order; a full page never changes."""
        found = page(service, application(Application).recorder, after, limit, lane)
        answer = Response(msgspec.json.encode(found), content_type="application/json")
        if found.full:
            answer.headers["Cache-Control"] = FOREVER
            answer.set_etag(f"{found.epoch}-{after}-{limit}-{lane}")
        return answer

    @reads(blueprint, "/events/heads", None)
    def feed_heads() -> Response:
        """The last position of every lane."""
        found = heads(application(Application).recorder)
        return Response(msgspec.json.encode(found), content_type="application/json")

    return blueprint
