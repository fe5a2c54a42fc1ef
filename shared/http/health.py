"""How a service is: /livez, /readyz, /metrics, /version, and its public keys."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify
from sqlalchemy import literal, select

from shared import metrics
from shared.eventlog import Application, LogUnavailable
from shared.http.guard import open_to_all

ReadyCheck = Callable[[], str | None]
"""Gives None if all is well, otherwise what is wrong in a few words without addresses or secrets."""


def log_check(application: Application) -> ReadyCheck:
    """Check that the service's log can be read."""

    def check() -> str | None:
        try:
            application.query(select(literal(1)))
        except LogUnavailable:
            return "the log does not answer"
        return None

    return check


def health(version: str, checks: Mapping[str, ReadyCheck], jwks: Mapping[str, Any] | None) -> Blueprint:
    """Give the routes that need no token."""
    routes = Blueprint("health", __name__)

    @routes.get("/livez")
    @open_to_all
    def livez() -> Response:
        return jsonify({"status": "alive"})

    @routes.get("/readyz")
    @open_to_all
    def readyz() -> Response:
        found = {name: check() or "ok" for name, check in checks.items()}
        ready = all(answer == "ok" for answer in found.values())
        response = jsonify({"status": "ready" if ready else "not ready", "checks": found})
        response.status_code = 200 if ready else 503
        return response

    @routes.get("/metrics")
    @open_to_all
    def metrics_page() -> Response:
        return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE_LATEST)

    @routes.get("/version")
    @open_to_all
    def version_page() -> Response:
        return jsonify({"version": version})

    if jwks is not None:

        @routes.get("/jwks.json")
        @open_to_all
        def public_keys() -> Response:
            return jsonify(jwks)

    return routes
