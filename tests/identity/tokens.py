"""Tokens that an attacker might send, each wrong in one way; made by hand so that no library smooths them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from joserfc.jwk import OKPKey

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
AUDIENCE = "caretrail"
ISSUER = "urn:caretrail:identity"

CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "anna",
    "client_id": "caretrail",
    "iat": SECONDS,
    "exp": SECONDS + 1800,
    "jti": "11111111-2222-4333-8444-555555555555",
    "roles": ["care-coordinator"],
}


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode("ascii")


def signed(key: OKPKey, claims: Any = None, header: dict[str, Any] | None = None) -> str:
    """Sign claims with our own header; a member of the header that is None is left out."""
    members = {"alg": "Ed25519", "typ": "at+jwt", "kid": key.kid, **(header or {})}
    kept = {name: value for name, value in members.items() if value is not None}
    text = f"{encoded(json.dumps(kept).encode())}.{encoded(json.dumps(CLAIMS if claims is None else claims).encode())}"
    signature = key.get_op_key("sign").sign(text.encode())  # type: ignore[union-attr]
    return f"{text}.{encoded(signature)}"


def with_claims(**changes: Any) -> dict[str, Any]:
    """The good claims with some changed, or left out where None."""
    return {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}


def signed_with_the_public_key(key: OKPKey) -> str:
    """HS256 with the published key as the secret."""
    header = {"alg": "HS256", "typ": "at+jwt", "kid": key.kid}
    text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(CLAIMS).encode())}"
    public = json.dumps(key.as_dict(private=False)).encode()
    return f"{text}.{encoded(hmac.new(public, text.encode(), hashlib.sha256).digest())}"


def unsigned(key: OKPKey) -> str:
    """Alg none."""
    header = {"alg": "none", "typ": "at+jwt", "kid": key.kid}
    return f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(CLAIMS).encode())}."


def strange() -> OKPKey:
    """A key that nobody trusts."""
    return OKPKey.generate_key("Ed25519", auto_kid=True)


def with_own_jwk(key: OKPKey) -> str:
    """Signed by a strange key that comes along in the header."""
    own = strange()
    return signed(own, header={"kid": key.kid, "jwk": own.as_dict(private=False)})


def with_swapped_claims(key: OKPKey) -> str:
    """Good header and signature around other claims."""
    header, _, signature = signed(key).split(".")
    other = encoded(json.dumps(with_claims(roles=["operator"])).encode())
    return f"{header}.{other}.{signature}"


HOSTILE: dict[str, Callable[[OKPKey], str]] = {
    "68 alg none": unsigned,
    "69 HS256 with the public key": signed_with_the_public_key,
    "70 another key": lambda key: signed(strange()),
    "70 another key under our kid": lambda key: signed(strange(), header={"kid": key.kid}),
    "71 jwk in the header": with_own_jwk,
    "71 jku": lambda key: signed(key, header={"jku": "https://evil.example/jwks.json"}),
    "71 x5u": lambda key: signed(key, header={"x5u": "https://evil.example/cert.pem"}),
    "71 x5c": lambda key: signed(key, header={"x5c": ["MIIB"]}),
    "71 kid is a path": lambda key: signed(key, header={"kid": "../../dev/null"}),
    "71 kid is a number": lambda key: signed(key, header={"kid": 7}),
    "72 wrong audience": lambda key: signed(key, with_claims(aud="somebody-else")),
    "72 no audience": lambda key: signed(key, with_claims(aud=None)),
    "72 audience list without us": lambda key: signed(key, with_claims(aud=["a", "b"])),
    "73 wrong issuer": lambda key: signed(key, with_claims(iss="https://evil.example")),
    "73 no issuer": lambda key: signed(key, with_claims(iss=None)),
    "73 issuer is a list": lambda key: signed(key, with_claims(iss=[ISSUER])),
    "74 expired beyond the leeway": lambda key: signed(key, with_claims(exp=SECONDS - 31)),
    "75 not yet valid": lambda key: signed(key, with_claims(nbf=SECONDS + 31)),
    "75 issued in the future": lambda key: signed(key, with_claims(iat=SECONDS + 31)),
    "76 no exp": lambda key: signed(key, with_claims(exp=None)),
    "76 exp is text": lambda key: signed(key, with_claims(exp="tomorrow")),
    "76 exp is true": lambda key: signed(key, with_claims(exp=True)),
    "no iat": lambda key: signed(key, with_claims(iat=None)),
    "no sub": lambda key: signed(key, with_claims(sub=None)),
    "sub is a number": lambda key: signed(key, with_claims(sub=7)),
    "sub is empty": lambda key: signed(key, with_claims(sub="")),
    "sub has a line break": lambda key: signed(key, with_claims(sub="anna\nadmin")),
    "no jti": lambda key: signed(key, with_claims(jti=None)),
    "no client_id": lambda key: signed(key, with_claims(client_id=None)),
    "roles is text": lambda key: signed(key, with_claims(roles="operator")),
    "roles holds numbers": lambda key: signed(key, with_claims(roles=[1])),
    "patient_id is no UUID": lambda key: signed(key, with_claims(patient_id="anna")),
    "77 ID token": lambda key: signed(key, header={"typ": "JWT"}),
    "77 no typ": lambda key: signed(key, header={"typ": None}),
    "78 unknown crit": lambda key: signed(key, header={"crit": ["exp"]}),
    "78 b64 false": lambda key: signed(key, header={"b64": False, "crit": ["b64"]}),
    "zip": lambda key: signed(key, header={"zip": "DEF"}),
    "alg EdDSA, the ambiguous name": lambda key: signed(key, header={"alg": "EdDSA"}),
    "alg missing": lambda key: signed(key, header={"alg": None}),
    "79 a megabyte": lambda key: signed(key, with_claims(name="a" * 1_000_000)),
    "other claims under a good signature": with_swapped_claims,
    "signature cut off": lambda key: signed(key).rpartition(".")[0] + ".",
    "two parts": lambda key: signed(key).rpartition(".")[0],
    "five parts (encrypted)": lambda key: signed(key) + ".a.b",
    "no base64": lambda key: "@@@.@@@.@@@",
    "JSON that is no object": lambda key: f"{encoded(b'[]')}.{encoded(b'[]')}.{encoded(b'x')}",
    "claims nested 100,000 deep": lambda key: f"{encoded(b'[' * 3000)}.{encoded(b'[' * 3000)}.{encoded(b'x')}",
    "not ASCII": lambda key: signed(key) + "é",
    "a space within": lambda key: signed(key).replace(".", " .", 1),
    "empty parts": lambda key: "..",
}
"""Case (with its number in the catalogue of bad input, where it has one) -> the token."""
