"""One request in progress: who calls, in which role, under which ids."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from flask import current_app, request

from events.base import Actor
from shared.clock import Clock
from shared.eventlog import Application, Context, RequestKey
from shared.http.doorkeeper import Doorkeeper
from shared.identity import Subject, Verifier

EXTENSION = "caretrail"
A = TypeVar("A", bound=Application)


@dataclass(frozen=True)
class Serving:
    """What one service's HTTP side was made of."""

    name: str
    application: Application | None
    verifier: Verifier
    access: Doorkeeper
    clock: Clock
    secret: bytes


@dataclass
class Visit:
    """What is known of the request so far; `role` is the one that let the caller in, None while nobody has decided."""

    request_id: UUID = field(default_factory=uuid4)
    correlation_id: UUID = field(default_factory=uuid4)
    subject: Subject | None = None
    action: str = ""
    role: str | None = None
    body: Any = None
    body_optional: bool = False
    key: RequestKey | None = None
    began: float = field(default_factory=time.perf_counter)
    logged_before: Mapping[str, Any] = field(default_factory=dict)


def serving() -> Serving:
    """Give what the present app was made of."""
    made_of: Serving = current_app.extensions[EXTENSION]
    return made_of


def visit() -> Visit:
    """Give the present request's state.

    It is kept with the request and not in flask.g, which an app that is entered from one of its own requests shares.
    """
    found: Visit | None = request.environ.get(EXTENSION)
    if found is None:
        found = request.environ[EXTENSION] = Visit()
    return found


def request_id() -> UUID:
    """Give the id of the present request, as in logs, problems and causation."""
    return visit().request_id


def application(cls: type[A]) -> A:
    """Give the application that the present app serves, which must be of this class."""
    found = serving().application
    if not isinstance(found, cls):
        raise TypeError(f"{serving().name} does not serve {cls.__name__}")
    return found


def caller() -> Subject:
    """Give the subject of the present request."""
    subject = visit().subject
    if subject is None:
        raise RuntimeError("this route asks for no token, so nobody is calling")
    return subject


def must_see(resource: Any) -> None:
    """Let the caller on only if they may take this action on this resource: a patient's id, or what access calls one.

    OutOfSight (404, as for an unknown id) if they stand outside. A route whose row asks for a relation must either
    name `patient_of` or come here before it answers or asks for its context.
    """
    here = visit()
    here.role = serving().access.admit_to(caller(), here.action, resource)


def admitted_role() -> str:
    """Give the role that let the caller in; an error of the route if nobody has looked at the resource."""
    role = visit().role
    if role is None:
        raise RuntimeError(
            f"{visit().action} asks for a relation but looked at no resource: use patient_of or must_see"
        )
    return role


def now() -> datetime:
    """Give the present moment by the service's clock."""
    return serving().clock()


def request_context(occurred_at: datetime | None = None) -> Context:
    """Give the context of a command: the caller, the moment, the conversation, and the request as the cause.

    `occurred_at` is when the fact was true in the world, if earlier than now.
    """
    here = visit()
    return Context(
        actor=Actor(id=caller().id, role=admitted_role()),
        now=now(),
        occurred_at=occurred_at,
        correlation_id=here.correlation_id,
        causation_id=str(here.request_id),
        key=here.key,
    )


Resolver = Callable[..., Any]
"""Gives the resource that a route's path arguments name; may raise NotFound."""
