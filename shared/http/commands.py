"""Commands that record: one answer per Idempotency-Key, however often it is sent."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
import msgspec
from flask import Response, jsonify, request

from shared.eventlog import (
    Aggregate,
    Application,
    KeyReused,
    NotFound,
    Refused,
    RequestKey,
    StoredKey,
    VersionConflict,
)
from shared.http.guard import Route, current_version, expected_version, stale
from shared.http.problems import Problem
from shared.http.visit import caller, must_see, serving, visit

TRIES = 3


@dataclass(frozen=True)
class Answering:
    """How a recording route answers: by its view schema, its status, and where a new thing can be read (201)."""

    route: Route
    view: ma.Schema
    status: int
    location: str | None = None

    def record(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Response:
        """Answer as the first time if this key is known; otherwise run the command, and run it again on a conflict.

        A repeat that overtakes the first request finds the aggregate changed (refused, in conflict, or the key taken)
        and then finds the key: it gets the first answer.
        """
        key = self._key()
        for attempt in range(TRIES):
            known = self._known(key)
            if known is not None:
                return known
            try:
                return self._fresh(function, args, kwargs)
            except (KeyReused, VersionConflict, Refused, NotFound) as error:
                known = self._known(key)
                if known is not None:
                    return known
                if not self._worth_another_try(error, attempt):
                    raise
        raise AssertionError("the last try answers or raises")

    def _worth_another_try(self, error: Exception, attempt: int) -> bool:
        if not isinstance(error, VersionConflict):
            return False
        if self.route.if_match is not None:
            raise stale(current_version(self.route.if_match)) from error
        return attempt < TRIES - 1

    def _key(self) -> RequestKey:
        body = hashlib.sha256(msgspec.json.encode(visit().body or {}, order="deterministic")).digest()
        route = f"{request.method} {request.path}"
        return RequestKey(request.headers["Idempotency-Key"], caller().id, route, body, self.status)

    def _known(self, key: RequestKey) -> Response | None:
        stored = recording().find_key(key.subject, key.key)
        if stored is None:
            return None
        if (stored.route, stored.body_hash) != (key.route, key.body_hash):
            raise Problem(422, "This Idempotency-Key was used for another request.", code="key-reused")
        return self._again(stored)

    def _again(self, stored: StoredKey) -> Response:
        aggregate = recording().at_version(stored.aggregate_id, stored.version)
        if visit().role is None:
            must_see(aggregate.patient_id)
        response = self._render(aggregate, stored.status)
        response.headers["Idempotency-Replayed"] = "true"
        return response

    def _fresh(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Response:
        visit().key = self._key()
        version = expected_version(self.route)
        if version is not None:
            kwargs = {**kwargs, "version": version}
        return self._render(function(*args, **kwargs), self.status)

    def _render(self, aggregate: Aggregate, status: int) -> Response:
        response = jsonify(self.view.dump(aggregate))
        response.status_code = status
        response.set_etag(str(aggregate.version))
        if status == 201:
            response.headers["Location"] = self._address_of(aggregate)
        return response

    def _address_of(self, aggregate: Aggregate) -> str:
        if self.location is None:
            return f"{request.script_root}{request.path}/{aggregate.id}"
        return f"{request.script_root}/v1{self.location.format(id=aggregate.id)}"


def recording() -> Application:
    """Give the application whose log keeps the keys."""
    application = serving().application
    if application is None:
        raise RuntimeError("a route that records needs an application")
    return application
