"""The local issuer's web side: tokens for accounts (RFC 6749, password grant), its keys, and where to find both."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, jsonify, request

from shared.http.guard import open_to_all
from shared.http.service import plain_app
from shared.identity.accounts import Accounts, SignInRefused, TooManyAttempts
from shared.identity.issuer import LocalIssuer
from shared.identity.keys import ALGORITHM
from shared.identity.subject import TokenRefused
from shared.identity.verifier import Verifier

FORM = "application/x-www-form-urlencoded"
LARGEST_FORM = 4096
NO_PROFESSIONALS = frozenset({"patient", "caregiver", "partner"})


class GrantRefused(Exception):
    """A token request that gets an error in the form of RFC 6749, 5.2."""

    def __init__(self, error: str, description: str, status: int = 400, headers: Mapping[str, str] | None = None):
        super().__init__(description)
        self.error = error
        self.status = status
        self.headers = dict(headers or {})

    def answer(self) -> Response:
        """Write the error."""
        response = jsonify({"error": self.error, "error_description": str(self)})
        response.status_code = self.status
        response.headers.extend(self.headers)
        return response


def identity_app(accounts: Accounts, issuer: LocalIssuer, jwks: Mapping[str, Any], recognise: Verifier) -> Flask:
    """Give the app that signs people in; mounted at /identity.

    `POST /v1/token` with `grant_type=password`, `username`, `password` answers an access token. Wrong ones get 400
    `invalid_grant`, too many of them 429 with Retry-After. `GET /v1/people` tells a professional the colleagues' names.
    """
    app = plain_app("identity", {"accounts": accounts.check}, jwks)
    app.register_error_handler(GrantRefused, GrantRefused.answer)

    @app.post("/v1/token")
    @open_to_all
    def token() -> Response:
        """Sign an account in."""
        return _token(accounts, issuer, _form())

    @app.get("/v1/people")
    @open_to_all
    def people() -> Response:
        """Tell the names behind the ids of professionals; patients' names are not for this list."""
        return _people(accounts, recognise)

    @app.get("/.well-known/openid-configuration")
    @open_to_all
    def configuration() -> Response:
        """Tell where tokens and keys are."""
        base = request.url_root.rstrip("/")
        return jsonify(
            {
                "issuer": issuer.issuer,
                "token_endpoint": f"{base}/v1/token",
                "jwks_uri": f"{base}/jwks.json",
                "grant_types_supported": ["password"],
                "response_types_supported": [],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "token_endpoint_auth_methods_supported": ["none"],
            }
        )

    return app


def _form() -> dict[str, str]:
    if request.mimetype != FORM or (request.content_length or 0) > LARGEST_FORM:
        raise GrantRefused("invalid_request", f"send {FORM} of at most {LARGEST_FORM} bytes")
    request.max_content_length = LARGEST_FORM
    repeated = [name for name, values in request.form.lists() if len(values) > 1]
    if repeated or "Transfer-Encoding" in request.headers:
        raise GrantRefused("invalid_request", "send each parameter once, with a Content-Length")
    return request.form.to_dict()


def _token(accounts: Accounts, issuer: LocalIssuer, form: Mapping[str, str]) -> Response:
    if "grant_type" not in form:
        raise GrantRefused("invalid_request", "grant_type is missing")
    if form["grant_type"] != "password":
        raise GrantRefused("unsupported_grant_type", "only grant_type=password is offered")
    if not (form.get("username") and form.get("password")):
        raise GrantRefused("invalid_request", "username and password are needed")
    try:
        account = accounts.sign_in(form["username"], form["password"], request.remote_addr or "unknown")
    except SignInRefused as error:
        raise GrantRefused("invalid_grant", "name or password are wrong") from error
    except TooManyAttempts as error:
        headers = {"Retry-After": str(error.retry_after)}
        raise GrantRefused("slow_down", "too many attempts; wait", 429, headers) from error
    bearer = issuer.mint(account.id, account.roles, name=account.name, patient_id=account.patient_id)
    lifetime = int(issuer.lifetime.total_seconds())
    return jsonify({"access_token": bearer, "token_type": "Bearer", "expires_in": lifetime})


def _people(accounts: Accounts, recognise: Verifier) -> Response:
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not recognise.verify(bearer.strip()).roles - NO_PROFESSIONALS:
        raise TokenRefused("no professional's token")
    known = [account for account in accounts.all() if account.roles - NO_PROFESSIONALS]
    return jsonify({"people": [{"id": one.id, "name": one.name or one.username} for one in known]})
