"""OpenAPI of a service, and the page that shows it without any foreign address."""

import http
from typing import Any

import flask_smorest
import flask_swagger_ui.flask_swagger_ui as swagger_ui
from flask import Blueprint as PlainBlueprint
from flask import Flask, Response, jsonify, request, send_from_directory, url_for
from flask_smorest.utils import prepare_response

from shared.http.guard import Route, open_to_all
from shared.http.parsing import Blueprint
from shared.http.problems import CONTENT_TYPE, ProblemView

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
ALWAYS = (401, 403, 406, 500, 503)
OF_BODIES = (409, 411, 413, 415, 422)

KEY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "Names this request: a repeat with the same key and body gets the first answer and records nothing.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,200}$"},
}
CORRELATION_HEADER = {
    "in": "header",
    "name": "X-Correlation-ID",
    "description": "The conversation that this request belongs to; a new one begins without it.",
    "schema": {"type": "string", "format": "uuid"},
}
MATCH_HEADER = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "The version that was read, as in its ETag.",
    "schema": {"type": "string", "pattern": '^"[0-9]{1,15}"$'},
}


class ServiceApi(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest with errors as problem+json, in the answers and in the documentation."""

    ERROR_SCHEMA = ProblemView

    def _register_responses(self) -> None:
        for status in http.HTTPStatus:
            response: dict[str, Any] = {"description": status.phrase}
            if status >= 400:
                response["schema"] = self.ERROR_SCHEMA
            prepare_response(response, self.spec, CONTENT_TYPE)
            self.spec.components.response(status.name, response, lazy=True)
        response = {"description": "Any other problem", "schema": self.ERROR_SCHEMA}
        prepare_response(response, self.spec, CONTENT_TYPE)
        self.spec.components.response("DEFAULT_ERROR", response, lazy=True)

    def _register_error_handlers(self) -> None:
        """Leave errors to problems.py, which keeps the headers of werkzeug's."""


ETAG = {"ETag": {"description": "The aggregate's version.", "schema": {"type": "string"}}}
LOCATION = {"Location": {"description": "Where it can be read.", "schema": {"type": "string"}}}
LINK = {"Link": {"description": "The next page, if there is one (rel=next).", "schema": {"type": "string"}}}


def api_of(app: Flask, title: str, version: str) -> ServiceApi:
    """Give the app its /openapi.json."""
    app.config.update(API_TITLE=title, API_VERSION=version, OPENAPI_VERSION="3.1.0")
    api = ServiceApi(app)
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})

    @app.get("/openapi.json")
    @open_to_all
    def openapi() -> Response:
        return jsonify(api.spec.to_dict() | {"servers": [{"url": request.script_root or "/"}]})

    return api


def described(blueprint: Blueprint, view: Any, route: Route) -> Any:
    """Document a route's headers, problems and security."""
    parameters: list[dict[str, Any]] = []
    problems = {*ALWAYS, 400, 404}
    if route.takes_body:
        problems |= set(OF_BODIES)
    if route.needs_key:
        parameters += [KEY_HEADER, CORRELATION_HEADER]
    if route.if_match is not None:
        parameters.append(MATCH_HEADER)
        problems |= {412, 428}
    responses = {status: http.HTTPStatus(status).name for status in sorted(problems)}
    # A list of our own would replace the parameters that flask-smorest finds in the query's schema.
    headers = {"parameters": parameters} if parameters else {}
    return blueprint.doc(responses=responses, security=[{"bearer": []}], **headers)(view)


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="{base}/swagger-ui.css"><link rel="icon" href="{base}/favicon-32x32.png"></head>
<body><div id="swagger-ui"></div>
<script src="{base}/swagger-ui-bundle.js"></script><script src="{base}/start.js"></script></body></html>
"""
START = """window.addEventListener("load", function () {
  SwaggerUIBundle({dom_id: "#swagger-ui", url: "../openapi.json", deepLinking: true, validatorUrl: null});
});
"""


def docs_page(title: str) -> PlainBlueprint:
    """Give the routes of /docs: Swagger UI from the installed package, started by a script of our own."""
    docs = PlainBlueprint("docs", __name__, url_prefix="/docs")

    @docs.get("/")
    @open_to_all
    def page() -> Response:
        base = url_for("docs.page").rstrip("/")
        response = Response(PAGE.format(title=title, base=base), content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = PAGE_POLICY
        return response

    @docs.get("/start.js")
    @open_to_all
    def start() -> Response:
        return Response(START, content_type="text/javascript; charset=utf-8")

    @docs.get("/<any('swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'):name>")
    @open_to_all
    def asset(name: str) -> Response:
        return send_from_directory(swagger_ui._DIST_DIR, name, max_age=3600)

    return docs
