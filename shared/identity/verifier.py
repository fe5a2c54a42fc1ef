"""Recognising callers: access tokens checked by the rules of RFC 9068 and RFC 8725."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from shared.clock import Clock
from shared.identity.issuer import TOKEN_TYPE
from shared.identity.jwks import KeySource
from shared.identity.keys import ALGORITHM
from shared.identity.subject import Subject, TokenRefused

LARGEST_TOKEN = 8 * 1024
LEEWAY_SECONDS = 30
HEADERS = frozenset({"alg", "typ", "kid"})


@dataclass(frozen=True)
class TrustedIssuer:
    """An issuer, its keys, the algorithms it signs with, and the roles it may give (None: any).

    The algorithm is ours to choose, never the token's.
    """

    issuer: str
    keys: KeySource
    algorithms: tuple[str, ...] = (ALGORITHM,)
    roles: frozenset[str] | None = None


class Verifier:
    """Tells who bears a token; whoever is not surely known is refused."""

    def __init__(self, issuers: Iterable[TrustedIssuer], audience: str, clock: Clock):
        self._issuers = {trusted.issuer: trusted for trusted in issuers}
        self._audience = audience
        self._clock = clock

    def verify(self, bearer: str) -> Subject:
        """Give the subject of a token; TokenRefused if it is not valid here, KeysUnreachable if nobody can tell."""
        header, unverified = _parts(bearer)
        _check_header(header)
        trusted = self._issuers.get(str(unverified.get("iss")))
        if trusted is None:
            raise TokenRefused("issuer not trusted")
        if header.get("alg") not in trusted.algorithms:
            raise TokenRefused("algorithm not the issuer's")
        keys = trusted.keys.keys_for(header.get("kid"))
        try:
            token = jwt.decode(bearer, keys, algorithms=list(trusted.algorithms))
            self._claims_of(trusted).validate(token.claims)
        except (JoseError, ValueError, RecursionError) as error:
            raise TokenRefused(type(error).__name__) from error
        return _subject(token.claims, trusted)

    def _claims_of(self, trusted: TrustedIssuer) -> JWTClaimsRegistry:
        return JWTClaimsRegistry(
            now=lambda: int(self._clock().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": trusted.issuer},
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            jti={"essential": True},
            client_id={"essential": True},
        )


def _parts(bearer: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read header and claims without trusting either."""
    if len(bearer) > LARGEST_TOKEN or not bearer.isascii():
        raise TokenRefused("too long, or not ASCII")
    parts = bearer.split(".")
    if len(parts) != 3:
        raise TokenRefused("not three parts")
    try:
        header, claims = (msgspec.json.decode(_unpadded(part), type=dict[str, Any]) for part in parts[:2])
    except (msgspec.DecodeError, binascii.Error, ValueError, RecursionError) as error:
        raise TokenRefused("not JSON") from error
    return header, claims


def _unpadded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _check_header(header: Mapping[str, Any]) -> None:
    """Refuse every header that could choose the key or change the rules (jku, jwk, x5u, x5c, crit, b64, zip ...)."""
    if set(header) - HEADERS:
        raise TokenRefused("header names more than alg, typ and kid")
    if str(header.get("typ")).lower().removeprefix("application/") != TOKEN_TYPE:
        raise TokenRefused("not an access token")
    if not isinstance(header.get("kid"), str | None):
        raise TokenRefused("kid is no text")


def _subject(claims: Mapping[str, Any], trusted: TrustedIssuer) -> Subject:
    roles = claims.get("roles", [])
    if not (isinstance(roles, list) and all(isinstance(role, str) for role in roles)):
        raise TokenRefused("roles is no list of words")
    if trusted.roles is not None and not set(roles) <= trusted.roles:
        raise TokenRefused("issuer may not give this role")
    return Subject(
        id=_text(claims, "sub"),
        roles=frozenset(roles),
        issuer=trusted.issuer,
        client_id=_text(claims, "client_id"),
        jti=_text(claims, "jti"),
        name=_text(claims, "name") if "name" in claims else None,
        patient_id=_id(claims["patient_id"]) if "patient_id" in claims else None,
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims[name]
    if not (isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()):
        raise TokenRefused(f"{name} is no short text")
    return value


def _id(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise TokenRefused("patient_id is no UUID") from error
