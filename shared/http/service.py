"""A service's HTTP side, put together."""

import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from uuid import UUID

import structlog
from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue

from shared.clock import Clock, system_clock
from shared.eventlog import Application
from shared.http.documentation import api_of, docs_page
from shared.http.doorkeeper import Doorkeeper
from shared.http.guard import guard
from shared.http.health import ReadyCheck, health, log_check
from shared.http.parsing import Blueprint
from shared.http.problems import answer_errors_with_problems
from shared.http.visit import EXTENSION, Serving, visit
from shared.identity import Verifier
from shared.logs import described, logger
from shared.metrics import http_requests, http_seconds

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}

log = logger(__name__)


class ServiceApp(Flask):
    """A Flask app that logs failures by class and frames, never by message, path or body."""

    def log_exception(self, exc_info: Any) -> None:
        """Log what failed under the request's id."""
        log.error("request-failed", **described(exc_info[1]))


def service_app(
    name: str,
    title: str,
    blueprints: Sequence[Blueprint],
    *,
    application: Application | None,
    verifier: Verifier,
    access: Doorkeeper,
    secret: bytes,
    clock: Clock = system_clock,
    ready_checks: Mapping[str, ReadyCheck] | None = None,
    jwks: Mapping[str, Any] | None = None,
) -> Flask:
    """Put a service's HTTP side together: its blueprints under /v1, its documentation and its health.

    Every route of a blueprint passes the guard: a valid token, a row in the table of access, strict framing. `secret`
    signs cursors and must be the same in all processes of the service. `jwks` are the public keys that others verify
    this service's own tokens with.
    """
    checks = {"log": log_check(application)} if application else {}
    app = plain_app(name, {**checks, **(ready_checks or {})}, jwks)
    app.extensions[EXTENSION] = Serving(name, application, verifier, access, clock, secret)
    app.before_request(guard)
    api = api_of(app, title, package_version())
    for blueprint in blueprints:
        api.register_blueprint(blueprint, url_prefix="/v1")
    app.register_blueprint(docs_page(title))
    return app


def plain_app(name: str, checks: Mapping[str, ReadyCheck], jwks: Mapping[str, Any] | None = None) -> Flask:
    """Give an app with our errors, headers, logs and health, and without any guarded route."""
    app = ServiceApp(name, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.before_request(_begin)
    app.after_request(_finish)
    answer_errors_with_problems(app)
    app.register_blueprint(health(package_version(), checks, jwks))
    return app


def package_version() -> str:
    """Give the installed version, or 0 where CareTrail runs from its sources."""
    try:
        return version("caretrail")
    except PackageNotFoundError:
        return "0"


def _begin() -> None:
    here = visit()
    here.logged_before = structlog.contextvars.bind_contextvars(request_id=str(here.request_id))


def _finish(response: Response) -> ResponseReturnValue:
    here = visit()
    for header, value in SECURITY_HEADERS.items():
        response.headers.setdefault(header, value)
    response.headers["X-Request-ID"] = str(here.request_id)
    _count(response)
    # Services of one process enter each other's apps directly: the request outside goes on under its own id.
    structlog.contextvars.reset_contextvars(**here.logged_before)
    return response


def _count(response: Response) -> None:
    """Log and count the request by ids and names: no address, no query, no body."""
    here, name, endpoint = visit(), current_app.name, request.endpoint or "none"
    seconds = time.perf_counter() - here.began
    http_requests.labels(name, endpoint, str(response.status_code)).inc()
    http_seconds.labels(name, endpoint).observe(seconds)
    log.info(
        "request",
        service=name,
        method=request.method,
        endpoint=endpoint,
        ids=[str(value) for value in (request.view_args or {}).values() if isinstance(value, UUID)],
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
        subject=here.subject.id if here.subject else None,
        role=here.role,
    )
