"""Bodies and queries into commands: strict JSON, unknown and repeated names refused."""

from typing import Any

import flask
import marshmallow as ma
from flask_smorest import Blueprint as SmorestBlueprint
from webargs.flaskparser import FlaskParser

from shared.http.problems import Problem, invalid_body, invalid_query
from shared.http.strict_json import Malformed, Unfit, parse
from shared.http.visit import visit


class StrictParser(FlaskParser):
    """webargs with our reading of JSON and our problems."""

    def load_json(self, req: flask.Request, schema: ma.Schema) -> Any:
        """Read the body once, and keep it for the hash of the Idempotency-Key."""
        content = req.get_data(cache=True)
        if not content:
            return self._empty(req)
        try:
            visit().body = parse(content)
        except Malformed as error:
            raise Problem(400, str(error), code="malformed-body") from error
        except Unfit as error:
            raise invalid_body(_nested(error)) from error
        return visit().body

    def _empty(self, req: flask.Request) -> Any:
        if visit().body_optional:
            return {}
        if not req.mimetype:
            raise Problem(415, "Send application/json in UTF-8.", headers={"Accept": "application/json"})
        raise Problem(400, "The body is empty.", code="malformed-body")

    def load_querystring(self, req: flask.Request, schema: ma.Schema) -> Any:
        """Read the query; a parameter that is given twice is refused, for others may read the first or the last."""
        repeated = {name: ["Given more than once."] for name, values in req.args.lists() if len(values) > 1}
        if repeated:
            raise invalid_query(repeated)
        return req.args.to_dict()

    def _on_validation_error(self, error: ma.ValidationError, *args: Any, **_kwargs: Any) -> Any:
        location = args[-1]
        raise (invalid_query if location == "query" else invalid_body)(error.messages) from error


def _nested(error: Unfit) -> Any:
    messages: Any = [error.detail]
    for step in reversed(error.pointer):
        messages = {step: messages}
    return messages


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """A group of routes with strict parsing; the routes are added with `reads`, `records`, `lists` and `performs`."""

    ARGUMENTS_PARSER = StrictParser(unknown=ma.RAISE)
