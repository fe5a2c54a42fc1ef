"""The person at the browser: recognised by the token in their session, or sent to sign in and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from flask import Response, current_app, flash, g, make_response, redirect, request, session, url_for

from services.portal.charts import Charts
from services.portal.pages.neighbours import Neighbours, Questions, SessionOver, Unavailable
from services.portal.pages.sessions import Session
from shared.access import Role
from shared.clock import Clock
from shared.http.visit import visit
from shared.identity import Subject, TokenRefused, Verifier

SIGN_IN = "pages.sign_in"
EXTENSION = "caretrail-portal"
TOKEN = "token"  # noqa: S105 - the name of a session's entry


@dataclass(frozen=True)
class Portal:
    """What the pages work with."""

    neighbours: Neighbours
    recognise: Verifier
    clock: Clock
    charts: Charts


def portal() -> Portal:
    """Give what the present app was made of."""
    made_of: Portal = current_app.extensions[EXTENSION]
    return made_of


def browser_session() -> Session:
    """Give the present session."""
    return cast(Session, session)


def welcome(token: str) -> Subject:
    """Begin a session for the bearer of a token, under a new id; TokenRefused if it is not valid here."""
    subject = portal().recognise.verify(token)
    browser_session().renew()
    session[TOKEN] = token
    return subject


def recognised() -> Subject | None:
    """Tell who is signed in; SessionOver if their token has expired."""
    token = session.get(TOKEN)
    if token is None:
        return None
    try:
        return portal().recognise.verify(token)
    except TokenRefused as error:
        raise SessionOver from error


def admit() -> Response | None:
    """Let nobody see a page who is not signed in, and nobody be asked to sign in while sessions cannot be kept."""
    if browser_session().unreachable:
        raise Unavailable("sessions")
    if request.endpoint == SIGN_IN:
        return None
    g.visitor = recognised()
    if g.visitor is None:
        return to_sign_in()
    visit().subject = g.visitor
    return None


def visitor() -> Subject:
    """Give who is signed in."""
    subject: Subject = g.visitor
    return subject


def is_auditor() -> bool:
    """Tell whether the visitor looks patients up by id, as auditors do."""
    return Role.AUDITOR in visitor().roles


def questions() -> Questions:
    """Ask the other services in the visitor's name."""
    return portal().neighbours.bearing(session[TOKEN])


def to_sign_in(reason: str = "") -> Response:
    """Send the browser to sign in, and afterwards back to where it wanted to go."""
    if reason:
        flash(reason)
    back = f"{request.script_root}{request.full_path}".rstrip("?") if request.method == "GET" else None
    address = url_for(SIGN_IN, next=back)
    if request.headers.get("HX-Request") != "true":
        return make_response(redirect(address))
    # htmx would put the sign-in page into a corner of the present one
    return make_response("", 200, {"HX-Redirect": address})


def local(address: str | None) -> str:
    """Give an address of our own as it is, and the portal's front page for every other."""
    home = url_for("pages.home")
    if not address or "\\" in address or not address.isprintable():
        return home
    parts = urlsplit(address)
    own = not parts.scheme and not parts.netloc and parts.path.startswith(home)
    return address if own and not parts.path.startswith("//") else home
