"""What the portal is made of."""

from __future__ import annotations

from importlib.resources import files

from flask import Blueprint, Flask, Response, send_from_directory
from flask_bootstrap import Bootstrap5

from services.portal.charts import Charts
from services.portal.pages import patients, signing_in, trail, words
from services.portal.pages.icons import icon
from services.portal.pages.neighbours import Client, Neighbours
from services.portal.pages.refusals import in_words
from services.portal.pages.sessions import Sessions, StoredSessions
from services.portal.pages.shield import shielded
from services.portal.pages.visitor import EXTENSION, Portal, admit
from shared.access import CARE_TEAM
from shared.clock import Clock
from shared.http.service import plain_app
from shared.identity import KeyFolder, Verifier
from shared.settings import Settings

NAME = "portal"
LARGEST_FORM = 16 * 1024
HTMX = files("js_lib_htmx") / "static" / "htmx"


def portal_app(settings: Settings, clock: Clock, recognise: Verifier, client: Client) -> Flask:
    """Give the app with the pages; mounted at /portal.

    `recognise` tells who bears a token, `client` reaches the other services and the local issuer. The portal's
    database holds who is signed in; `caretrail migrate` has made its table.
    """
    sessions = Sessions(settings.database_url(NAME), clock)
    app = plain_app(NAME, {"sessions": sessions.check})
    app.secret_key = KeyFolder(settings.keys).secret(NAME)
    app.static_url_path = "/static"
    app.config.update(BOOTSTRAP_SERVE_LOCAL=True, MAX_CONTENT_LENGTH=LARGEST_FORM)
    app.session_interface = StoredSessions(sessions)
    app.extensions[EXTENSION] = Portal(Neighbours(client), recognise, clock, Charts())
    Bootstrap5(app)
    shielded(app)
    pages = _pages()
    in_words(app, pages)
    app.register_blueprint(pages)
    app.register_blueprint(_assets())
    app.jinja_env.globals.update(icon=icon, words=words, care_team_roles=CARE_TEAM)
    return app


def _pages() -> Blueprint:
    pages = Blueprint("pages", __package__, template_folder="templates")
    pages.before_request(admit)
    pages.get("/")(patients.home)
    pages.get("/patients")(patients.my_patients)
    pages.get("/find")(patients.look_up)
    pages.get("/patients/<uuid:patient_id>")(trail.trail)
    pages.get("/patients/<uuid:patient_id>/phq9.svg")(trail.phq9_chart)
    pages.route("/sign-in", methods=["GET", "POST"])(signing_in.sign_in)
    pages.post("/sign-out")(signing_in.sign_out)
    return pages


def _assets() -> Blueprint:
    assets = Blueprint("assets", __package__, static_folder="static", static_url_path="/static")

    @assets.get("/htmx.js")
    def htmx() -> Response:
        return send_from_directory(str(HTMX), "htmx.min.js")

    return assets
