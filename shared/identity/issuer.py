"""Minting access tokens (RFC 9068): for people by the local issuer, for services by each for itself."""

from collections.abc import Iterable
from datetime import timedelta
from threading import Lock
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.clock import Clock
from shared.identity.keys import ALGORITHM

LOCAL_ISSUER = "urn:caretrail:identity"
SERVICE_ROLE = "service"
TOKEN_TYPE = "at+jwt"  # noqa: S105
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(minutes=60)


def service_issuer(service: str) -> str:
    """Name a service as the issuer of its own tokens."""
    return f"urn:caretrail:{service}"


class LocalIssuer:
    """Mints access tokens with one key; each lives for `lifetime` (5 to 60 minutes)."""

    def __init__(
        self, issuer: str, key: OKPKey, audience: str, clock: Clock, lifetime: timedelta = timedelta(minutes=30)
    ):
        if not SHORTEST <= lifetime <= LONGEST:
            raise ValueError("an access token lives for 5 to 60 minutes")
        self.issuer = issuer
        self.lifetime = lifetime
        self._key = key
        self._audience = audience
        self._clock = clock

    def mint(
        self,
        subject: str,
        roles: Iterable[str],
        *,
        client_id: str = "caretrail",
        name: str | None = None,
        patient_id: UUID | None = None,
    ) -> str:
        """Sign a token for a subject with these roles; a patient's carries whose record is their own."""
        now = int(self._clock().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self._audience,
            "sub": subject,
            "client_id": client_id,
            "iat": now,
            "exp": now + int(self.lifetime.total_seconds()),
            "jti": str(uuid4()),
            "roles": sorted(roles),
        }
        optional = {"name": name, "patient_id": str(patient_id) if patient_id else None}
        claims |= {claim: value for claim, value in optional.items() if value is not None}
        header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])


class ServiceTokens:
    """The token with which a service calls the others; minted anew a minute before it would expire."""

    def __init__(self, service: str, key: OKPKey, audience: str, clock: Clock):
        self._issuer = LocalIssuer(service_issuer(service), key, audience, clock, lifetime=SHORTEST)
        self._service = service
        self._clock = clock
        self._lock = Lock()
        self._token = ""
        self._renew_at = clock()

    def bearer(self) -> str:
        """Give a token that is valid for at least a minute; send it as `Authorization: Bearer ...`."""
        with self._lock:
            now = self._clock()
            # A clock that was moved back would otherwise keep a token from the future.
            if now >= self._renew_at or now < self._renew_at - SHORTEST:
                self._token = self._issuer.mint(self._service, [SERVICE_ROLE], client_id=self._service)
                self._renew_at = now + self._issuer.lifetime - timedelta(minutes=1)
            return self._token
