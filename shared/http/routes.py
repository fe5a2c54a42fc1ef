"""The four kinds of routes: `reads`, `records`, `lists` and `performs`; each one decorator."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

import marshmallow as ma
from flask import Response, jsonify, request
from sqlalchemy import ColumnElement, Select

from shared.eventlog import Aggregate
from shared.http import fields
from shared.http.commands import Answering, recording
from shared.http.documentation import ETAG, LINK, LOCATION, described
from shared.http.guard import BODY_LIMIT, JSON, Route
from shared.http.paging import PageQuery, Pages, address_of_next, read_cursor, write_cursor
from shared.http.parsing import Blueprint
from shared.http.schemas import Nothing, Query, Strict, View
from shared.http.visit import Resolver, admitted_role, caller, serving, visit

F = TypeVar("F", bound=Callable[..., Any])
PatientOf = str | Resolver


def records(
    blueprint: Blueprint,
    rule: str,
    command: type[Strict] | None,
    view: type[View],
    *,
    status: int = 200,
    if_match: type[Aggregate] | None = None,
    patient_of: PatientOf | None = None,
    body_limit: int = BODY_LIMIT,
    location: str | None = None,
    action: str = "",
) -> Callable[[F], F]:
    """POST that records events. The view gets the command as a dict (nothing if `command` is None) and the path's
    arguments, calls the application with `request_context()`, and returns the first aggregate that was saved.

    Idempotency-Key is required; a repeat is answered from that aggregate at that version. With status 201 the answer
    has a Location: `<path>/<id>`, or `location` below /v1 (like "/programs/{id}"). `if_match` names the class of the
    aggregate whose id comes last in the path: the caller must send its version in If-Match, and the view gets it as
    `version`, to hand on to `Application.get(..., version=version)`.
    """

    def decorate(function: F) -> F:
        route = Route(
            action=action or function.__name__,
            patient_of=patient_of,
            takes_body=True,
            body_optional=command is None,
            body_limit=body_limit,
            needs_key=True,
            if_match=if_match,
        )
        answer = _recorded(function, Answering(route, view(), status, location), with_words=command is not None)
        headers = ETAG | (LOCATION if status == 201 else {})
        answer = blueprint.response(status, view, headers=headers)(answer)
        answer = blueprint.arguments(command or Nothing, required=command is not None)(answer)
        _register(blueprint, rule, "POST", answer, route)
        return function

    return decorate


def _recorded(function: Callable[..., Any], answering: Answering, *, with_words: bool) -> Callable[..., Any]:
    @wraps(function)
    def answer(*args: Any, **kwargs: Any) -> Response:
        return answering.record(function, args if with_words else args[1:], kwargs)

    return answer


def performs(
    blueprint: Blueprint,
    rule: str,
    command: type[Strict],
    view: type[View] | None,
    *,
    status: int = 200,
    patient_of: PatientOf | None = None,
    body_limit: int = BODY_LIMIT,
    action: str = "",
) -> Callable[[F], F]:
    """POST whose repeat does no harm by itself (an import that skips what it has, a search): no key is asked for.

    The view gets the command as a dict and returns what the view schema writes, or a Response.
    """

    def decorate(function: F) -> F:
        route = Route(action or function.__name__, patient_of, takes_body=True, body_limit=body_limit)
        answer = blueprint.response(status, view)(_admitted(function))
        answer = blueprint.arguments(command)(answer)
        _register(blueprint, rule, "POST", answer, route)
        return function

    return decorate


def reads(
    blueprint: Blueprint,
    rule: str,
    view: type[View] | ma.Schema | None,
    *,
    query: type[Query] = Query,
    patient_of: PatientOf | None = None,
    produces: str = JSON,
    action: str = "",
) -> Callable[[F], F]:
    """GET of one thing. The view gets the path's arguments and the query's parameters by name, and returns an
    aggregate (its version becomes the ETag; If-None-Match is answered 304), anything else that the view schema
    writes, or a Response.
    """

    def decorate(function: F) -> F:
        route = Route(action or function.__name__, patient_of, produces=produces)

        @wraps(function)
        def answer(*args: Any, **kwargs: Any) -> Response:
            return _written(_admitted(function)(*args, **kwargs), view() if isinstance(view, type) else view)

        answer = blueprint.response(200, view, content_type=produces)(answer)
        _register(blueprint, rule, "GET", _asked(blueprint, query, answer), route)
        return function

    return decorate


def _asked(blueprint: Blueprint, query: type[Query], answer: Callable[..., Any]) -> Any:
    return blueprint.arguments(query, location="query", as_kwargs=True, error_status_code=400)(answer)


def _written(found: Any, view: ma.Schema | None) -> Response:
    response = found if isinstance(found, Response) else jsonify(view.dump(found) if view else found)
    if isinstance(found, Aggregate):
        response.set_etag(str(found.version))
    if "ETag" in response.headers:
        response.make_conditional(request)
    return response


def lists(
    blueprint: Blueprint,
    rule: str,
    row: type[View],
    *,
    by: Sequence[ColumnElement[Any]],
    descending: bool = False,
    query: type[Query] = Query,
    patient: ColumnElement[Any] | None = None,
    addressed: Sequence[ColumnElement[Any]] = (),
    patient_of: PatientOf | None = None,
    action: str = "",
) -> Callable[[F], F]:
    """GET of a worklist. The view gets the path's arguments and the query's parameters by name, and returns a Select.

    The select must give the columns `by`: the order, unique together and never null. `patient` (and `addressed`) name
    the columns by which rows are left to those whom the caller may see; where the row of access asks for a relation,
    one of `patient`, `addressed` and `patient_of` must be given. Answers `{"items": [...], "next": address or null}`
    with a Link; `limit` is 1 to 200, `after` the cursor.
    """
    pages = Pages(by, descending=descending)

    def decorate(function: F) -> F:
        route = Route(action or function.__name__, patient_of)

        @wraps(function)
        def answer(limit: int, after: str | None, **kwargs: Any) -> Response:
            filters = {**(request.view_args or {}), **kwargs}
            start = read_cursor(after, filters) if after else None
            select = _narrowed(function(**kwargs), route, patient, addressed)
            found = recording().query(pages.cut(select, limit, start))
            cursor = write_cursor(pages.key_of(found[limit - 1]), filters) if len(found) > limit else None
            return _page(row(many=True).dump(found[:limit]), cursor)

        answer = blueprint.response(200, _page_of(row), headers=LINK)(answer)
        _register(blueprint, rule, "GET", _asked(blueprint, _paged(query), answer), route)
        return function

    return decorate


def _narrowed(
    select: Select[Any], route: Route, patient: ColumnElement[Any] | None, addressed: Sequence[ColumnElement[Any]]
) -> Select[Any]:
    if visit().role is not None:
        return select
    if patient is None and not addressed:
        raise RuntimeError(f"{route.action} asks for a relation: name the column of the patient, or patient_of")
    visit().role, condition = serving().access.narrow(caller(), route.action, patient, addressed)
    return select.where(condition)


def _page(items: list[Any], cursor: str | None) -> Response:
    following = address_of_next(cursor) if cursor else None
    response = jsonify({"items": items, "next": following})
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


def _paged(query: type[Query]) -> type[Query]:
    return PageQuery if query is Query else type(f"{query.__name__}Page", (query, PageQuery), {})


def _page_of(row: type[View]) -> type[View]:
    members = {
        "items": fields.List(fields.Nested(row), required=True),
        "next": fields.String(required=True, allow_none=True, metadata={"description": "Address of the next page"}),
    }
    return type(f"{row.__name__}Page", (View,), members)


def _admitted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Fail closed: whoever wrote a route that looked at no resource, though its row asks for one, must see it fail."""

    @wraps(function)
    def answer(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        admitted_role()
        return found

    return answer


def _register(blueprint: Blueprint, rule: str, method: str, answer: Any, route: Route) -> None:
    answer = described(blueprint, answer, route)
    answer.route = route
    blueprint.add_url_rule(rule, view_func=answer, methods=[method])
