"""What went wrong, in plain words on a page; never a trace, never what somebody typed."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, render_template
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from services.portal.pages.neighbours import Misunderstood, NotAllowed, NotToBeSeen, SessionOver, Unavailable
from services.portal.pages.visitor import browser_session, to_sign_in
from shared.identity import KeysUnreachable

TITLES = {
    400: "That did not work",
    403: "Not allowed",
    404: "Nothing here",
    405: "That did not work",
    413: "That was too much",
    429: "Too often",
    500: "Something went wrong",
    503: "Not available just now",
}
SENTENCES = {
    403: "This came from another page or an old one. Go back, load the page again, and try once more.",
    404: "There is no page at this address.",
    413: "That was more than this page takes.",
    500: "It has been logged on our side. Try again; if it happens again, tell whoever runs CareTrail.",
    503: "Try again in a moment.",
}
UNCLEAR = "This address does not lead anywhere any more. Start again from your patients."
UNSEEN = "There is no such patient among yours."
ROLE = "Your role does not allow this."
TOLD_LATER = {"Retry-After": "5"}


def page_of(status: int, sentence: str = "") -> ResponseReturnValue:
    """Write the page of an error."""
    title = TITLES.get(status, TITLES[400])
    page = render_template("refusal.html", title=title, sentence=sentence or SENTENCES.get(status, UNCLEAR))
    return page, status, (TOLD_LATER if status == 503 else {})


def in_words(app: Flask, pages: Blueprint) -> None:
    """Answer every error of the app with a page."""
    app.register_error_handler(HTTPException, lambda error: page_of(error.code or 500))
    app.register_error_handler(CSRFError, lambda error: page_of(403))
    app.register_error_handler(OperationalError, lambda error: page_of(503))
    said: dict[type[Exception], Callable[[], ResponseReturnValue]] = {
        SessionOver: _sign_in_again,
        NotToBeSeen: lambda: page_of(404, UNSEEN),
        NotAllowed: lambda: page_of(403, ROLE),
        Misunderstood: lambda: page_of(400, UNCLEAR),
        Unavailable: lambda: page_of(503),
        KeysUnreachable: lambda: page_of(503),
    }
    for error_class, answer in said.items():
        pages.register_error_handler(error_class, lambda error, answer=answer: answer())


def _sign_in_again() -> ResponseReturnValue:
    browser_session().renew()
    return to_sign_in("Your sign-in has expired. Sign in again to go on.")
