"""Every error answer: problem+json (RFC 9457) that names what to mend and never what people wrote."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import marshmallow as ma
from flask import Flask, Response, json
from marshmallow import fields
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError

from shared.eventlog import KeyReused, LogUnavailable, NotFound, Refused, VersionConflict
from shared.http.doorkeeper import Forbidden, OutOfSight
from shared.http.visit import request_id
from shared.identity import KeysUnreachable, TokenRefused
from shared.logs import logger

CONTENT_TYPE = "application/problem+json"
LONGEST_NAME = 80
MOST_ERRORS = 50
NOTHING_HERE = "There is nothing at this address, or nothing that you may see."

log = logger(__name__)


class FieldError(ma.Schema):
    """One thing that is wrong with a request."""

    pointer = fields.String(metadata={"description": "JSON pointer into the body, as a fragment"})
    parameter = fields.String(metadata={"description": "Name of a query parameter"})
    header = fields.String(metadata={"description": "Name of a header"})
    detail = fields.String(required=True)


class ProblemView(ma.Schema):
    """Problem details (RFC 9457)."""

    type = fields.String(required=True, metadata={"format": "uri-reference"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    instance = fields.String(required=True, metadata={"description": "The request's id, as in our logs"})
    errors = fields.List(fields.Nested(FieldError))
    allowed = fields.List(fields.String(), metadata={"description": "Steps that the caller may take instead"})
    current_version = fields.Integer(metadata={"description": "The version to read before trying again"})


class Problem(Exception):
    """An answer that is not what the caller hoped for; raised anywhere below a route."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str = "",
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ):
        super().__init__(detail)
        self.status = HTTPStatus(status)
        self.detail = detail
        self.code = code or self.status.phrase.lower().replace(" ", "-")
        self.errors = errors
        self.headers = dict(headers or {})
        self.members = members

    def answer(self) -> Response:
        """Write the problem as a response."""
        body: dict[str, Any] = {
            "type": f"urn:caretrail:problem:{self.code}",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
            "instance": f"urn:uuid:{request_id()}",
        }
        if self.errors:
            body["errors"] = list(self.errors)
        return Response(json.dumps(body | self.members), self.status, self.headers, content_type=CONTENT_TYPE)


def invalid_body(messages: Any) -> Problem:
    """Tell which fields of a body are wrong: 422."""
    errors = [{"pointer": f"#{pointer}", "detail": detail} for pointer, detail in _flat(messages)]
    return Problem(422, "The body does not have the form that is asked for.", code="invalid-body", errors=errors)


def invalid_query(messages: Any) -> Problem:
    """Tell which query parameters are wrong: 400."""
    errors = [{"parameter": pointer.removeprefix("/"), "detail": detail} for pointer, detail in _flat(messages)]
    return Problem(400, "The query does not have the form that is asked for.", code="invalid-query", errors=errors)


def invalid_header(name: str, detail: str) -> Problem:
    """Tell which header is wrong or missing: 400."""
    return Problem(400, detail, code="invalid-header", errors=[{"header": name, "detail": detail}])


def _flat(messages: Any) -> list[tuple[str, str]]:
    return list(_walk(messages, ""))[:MOST_ERRORS]


def _walk(messages: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for name, below in messages.items():
            step = "" if name == ma.exceptions.SCHEMA else "/" + _escaped(str(name)[:LONGEST_NAME])
            yield from _walk(below, pointer + step)
    elif isinstance(messages, Iterable) and not isinstance(messages, str):
        for below in messages:
            yield from _walk(below, pointer)
    else:
        yield pointer, str(messages)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def not_found(_error: Exception) -> Problem:
    """Answer alike for what is not there and for what the caller may not see."""
    return Problem(404, NOTHING_HERE)


def _of_http(error: HTTPException) -> Problem:
    if isinstance(error, InternalServerError):
        return Problem(500, "Something went wrong on our side; it has been logged under this request's id.")
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    status = error.code or 500
    return not_found(error) if status == 404 else Problem(status, error.description or error.name, headers=headers)


def _refused(error: Refused) -> Problem:
    return Problem(409, str(error), code=error.code, allowed=list(error.allowed))


def _conflict(_error: VersionConflict) -> Problem:
    return Problem(409, "Somebody else changed this at the same moment; read it again.", code="changed-meanwhile")


def _key_reused(_error: KeyReused) -> Problem:
    return Problem(409, "A request with this key is being answered; try again.", headers={"Retry-After": "1"})


def unavailable(_error: Exception) -> Problem:
    """Answer while something that is needed does not answer: 503."""
    return Problem(503, "Not available at the moment; try again shortly.", headers={"Retry-After": "1"})


def unauthorized(error: TokenRefused) -> Problem:
    """Ask for a valid access token: 401."""
    log.info("token-refused", reason=str(error))
    challenge = 'Bearer realm="caretrail", error="invalid_token"'
    return Problem(401, "A valid access token is needed.", headers={"WWW-Authenticate": challenge})


def _forbidden(error: Forbidden) -> Problem:
    log.info("action-refused", reason=str(error))
    return Problem(403, "Your role does not allow this.")


ANSWERS: Mapping[type[Exception], Any] = {
    Refused: _refused,
    NotFound: not_found,
    OutOfSight: not_found,
    Forbidden: _forbidden,
    VersionConflict: _conflict,
    KeyReused: _key_reused,
    LogUnavailable: unavailable,
    KeysUnreachable: unavailable,
    OperationalError: unavailable,  # of tables beside a log: accounts, sessions
    TokenRefused: unauthorized,
    HTTPException: _of_http,
    Problem: lambda problem: problem,
}
"""Which problem answers which exception; anything else becomes a 500 without details."""


def answer_errors_with_problems(app: Flask) -> None:
    """Answer every error of this app with problem+json."""

    def answer_with(to_problem: Any) -> Any:
        return lambda error: to_problem(error).answer()

    for error_class, to_problem in ANSWERS.items():
        app.register_error_handler(error_class, answer_with(to_problem))
