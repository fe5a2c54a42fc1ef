"""Signing in and out."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField, SubmitField
from wtforms.validators import InputRequired, Length

from services.portal.pages import words
from services.portal.pages.neighbours import SessionOver, SignInRefused, TooManyAttempts, Unavailable
from services.portal.pages.visitor import browser_session, local, portal, recognised, welcome
from shared.identity import TokenRefused

WRONG = "Name or password are wrong."
SILENT = "Signing in is not available just now. Try again in a moment."


class SignIn(FlaskForm):
    """Name and password, and the local page to go on to."""

    username = StringField(
        "Name", validators=[InputRequired(), Length(max=100)], render_kw={"autocomplete": "username", "autofocus": True}
    )
    password = PasswordField(
        "Password", validators=[InputRequired(), Length(max=200)], render_kw={"autocomplete": "current-password"}
    )
    next = HiddenField()
    submit = SubmitField("Sign in")


def sign_in() -> ResponseReturnValue:
    """Show the form, or begin a session."""
    form = SignIn()
    if request.method == "GET":
        if _is_signed_in():
            return redirect(local(request.args.get("next")))
        form.next.data = local(request.args.get("next"))
        return render_template("sign_in.html", form=form)
    if not form.validate_on_submit():
        return render_template("sign_in.html", form=form), 422
    return _try(form)


def _is_signed_in() -> bool:
    try:
        return recognised() is not None
    except SessionOver:
        return False


def _try(form: SignIn) -> ResponseReturnValue:
    try:
        address = request.remote_addr or "unknown"
        welcome(portal().neighbours.sign_in(form.username.data or "", form.password.data or "", address))
    except SignInRefused:
        return _again(form, WRONG, 422)
    except TooManyAttempts as error:
        return _again(form, _patience(error.wait_seconds), 429, {"Retry-After": str(error.wait_seconds)})
    except (Unavailable, TokenRefused):
        return _again(form, SILENT, 503)
    return redirect(local(form.next.data), 303)


def _patience(seconds: int) -> str:
    minutes = words.count(-(-seconds // 60), "minute")
    return f"Too many attempts. Wait {minutes}, then try again."


def _again(form: SignIn, sentence: str, status: int, headers: dict[str, str] | None = None) -> ResponseReturnValue:
    return render_template("sign_in.html", form=form, sentence=sentence), status, headers or {}


def sign_out() -> ResponseReturnValue:
    """End the session, here and on the server."""
    browser_session().renew()
    flash("You have signed out.")
    return redirect(url_for("pages.sign_in"), 303)
