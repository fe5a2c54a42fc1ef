"""What keeps other sites, frames and shared computers out: headers, the Origin of commands, and CSRF tokens."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import Forbidden

HEADERS = {
    # Bootstrap's stylesheet carries its small pictures in itself, as data
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'",
    # not `no-referrer`: browsers would then send `Origin: null` with our own forms
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
YEAR = 365 * 24 * 3600


def shielded(app: Flask) -> None:
    """Give every answer of the app our headers, and take commands only from our own pages."""
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    app.before_request(_refuse_foreign_origins)
    CSRFProtect(app)
    app.after_request(_with_headers)


def _refuse_foreign_origins() -> None:
    origin = request.headers.get("Origin")
    if request.method in ("GET", "HEAD", "OPTIONS") or origin is None:
        return
    said = urlsplit(origin)
    # behind a proxy we may not know that the browser came by https; nobody else can, under our own host's name
    if said.netloc != request.host or said.scheme not in (request.scheme, "https"):
        raise Forbidden("foreign origin")


def _with_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR}"
    return response
