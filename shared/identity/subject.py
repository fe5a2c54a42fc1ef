"""Who is calling, as their access token says."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Subject:
    """The bearer of a valid access token.

    `id` is stable and unique within the installation. `roles` are words; shared.access knows what they allow.
    `patient_id` is set for a person who is a patient here. `name` is for greeting the caller, never for deciding.
    """

    id: str
    roles: frozenset[str]
    issuer: str
    client_id: str
    jti: str
    name: str | None = None
    patient_id: UUID | None = None


class TokenRefused(Exception):
    """The bearer token is no valid access token for us; the message is for our logs and is not sent."""


class KeysUnreachable(Exception):
    """The issuer's keys could not be fetched and none are kept: nobody can be recognised now."""
