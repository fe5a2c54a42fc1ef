"""What every request passes before its route runs: token, role, framing, relation."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask, Request, current_app, request

from shared.eventlog import Aggregate
from shared.http.doorkeeper import Forbidden
from shared.http.problems import Problem, invalid_header
from shared.http.visit import EXTENSION, Resolver, must_see, serving, visit
from shared.identity import Subject, TokenRefused

JSON = "application/json"
BODY_LIMIT = 256 * 1024
KEY = re.compile(r"[\x21-\x7e]{1,200}")
VERSION = re.compile(r'"([0-9]{1,15})"')


@dataclass(frozen=True)
class Route:
    """What the guard must know about a route; the decorators in routes.py attach it to the view."""

    action: str
    patient_of: str | Resolver | None = None
    takes_body: bool = False
    body_optional: bool = False
    body_limit: int = BODY_LIMIT
    needs_key: bool = False
    if_match: type[Aggregate] | None = None
    produces: str = JSON


def open_to_all(view: Any) -> Any:
    """Mark a view that asks for no token: health, metrics, documentation."""
    view.open_to_all = True
    return view


def route_of(view: Any, endpoint: str) -> Route:
    """Give what is known of a view; one that was registered without our decorators is guarded like any other."""
    route: Route = getattr(view, "route", None) or Route(action=endpoint.rpartition(".")[2])
    return route


def guard() -> None:
    """Let the request on to its route, or raise the answer that it gets instead."""
    if request.endpoint is None:
        return
    view = current_app.view_functions[request.endpoint]
    if getattr(view, "open_to_all", False):
        return
    route = route_of(view, request.endpoint)
    here = visit()
    here.action, here.body_optional = route.action, route.body_optional
    here.subject = _subject(request)
    if not serving().access.knows(route.action):
        raise Forbidden(f"no row for {route.action}")
    here.role = serving().access.admit(here.subject, route.action)
    here.correlation_id = _correlation_id(request) or here.correlation_id
    _check_framing(request, route)
    if here.role is None and route.patient_of is not None:
        must_see(_resource(route.patient_of))


def _subject(request: Request) -> Subject:
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if "," in bearer:
        raise invalid_header("Authorization", "Send one Authorization header.")
    if not bearer and not scheme:
        raise Problem(401, "An access token is needed.", headers={"WWW-Authenticate": 'Bearer realm="caretrail"'})
    if scheme.lower() != "bearer" or not bearer:
        raise TokenRefused("no bearer token")
    return serving().verifier.verify(bearer.strip())


def _correlation_id(request: Request) -> UUID | None:
    given = request.headers.get("X-Correlation-ID")
    try:
        return UUID(given) if given else None
    except ValueError as error:
        raise invalid_header("X-Correlation-ID", "The correlation id must be a UUID.") from error


def _check_framing(request: Request, route: Route) -> None:
    _check_accept(request, route)
    if route.needs_key and not KEY.fullmatch(request.headers.get("Idempotency-Key", "")):
        raise invalid_header("Idempotency-Key", "Send an Idempotency-Key of 1 to 200 visible ASCII characters.")
    if not route.takes_body:
        return
    if "Transfer-Encoding" in request.headers:
        raise Problem(411, "Send the body with its Content-Length.")
    if (request.content_length or 0) > route.body_limit:
        raise Problem(413, f"The body may have {route.body_limit} bytes.")
    request.max_content_length = route.body_limit
    if request.content_length:
        _check_content(request)


def _check_accept(request: Request, route: Route) -> None:
    accepted = request.accept_mimetypes
    if accepted and not accepted.quality(route.produces):
        raise Problem(406, f"This answers with {route.produces}.")


def _check_content(request: Request) -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != JSON or charset != "utf-8":
        raise Problem(415, f"Send {JSON} in UTF-8.", headers={"Accept": JSON})
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem(415, "Send the body without a Content-Encoding.", headers={"Accept-Encoding": "identity"})


def _resource(patient_of: str | Resolver) -> Any:
    arguments = request.view_args or {}
    return arguments[patient_of] if isinstance(patient_of, str) else patient_of(**arguments)


def expected_version(route: Route) -> int | None:
    """Check If-Match against the aggregate as it is now, and give its version; 428 if missing, 412 if stale.

    The version goes on to the application, which loads the aggregate as it was then: so a change in between is
    found when it saves.
    """
    if route.if_match is None:
        return None
    given = request.headers.get("If-Match")
    if given is None:
        raise Problem(428, 'Send If-Match with the version that you have read, like "3".')
    current = current_version(route.if_match)
    stated = VERSION.fullmatch(given.strip())
    if stated is None or int(stated[1]) != current:
        raise stale(current)
    return current


def current_version(cls: type[Aggregate]) -> int:
    """Give the present version of the aggregate that the path names last."""
    application = serving().application
    ids = [value for value in (request.view_args or {}).values() if isinstance(value, UUID)]
    if application is None or not ids:
        raise RuntimeError("If-Match needs an application, and the aggregate's id in the path")
    return application.get(cls, ids[-1]).version


def stale(current: int) -> Problem:
    """Tell that the caller decided on an old version: 412."""
    detail = f"This is now at version {current}; read it again."
    return Problem(412, detail, headers={"ETag": f'"{current}"'}, code="stale", current_version=current)


def routes_without_row(app: Flask) -> list[str]:
    """List the routes that the table of access does not know, for a test: `assert routes_without_row(app) == []`."""
    access = app.extensions[EXTENSION].access
    views = [(rule, app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()]
    return [
        f"{rule.rule} ({route_of(view, rule.endpoint).action})"
        for rule, view in views
        if not getattr(view, "open_to_all", False) and not access.knows(route_of(view, rule.endpoint).action)
    ]
