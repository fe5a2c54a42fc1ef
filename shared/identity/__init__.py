"""Who is calling: keys, access tokens, their verification, and accounts for the embedded mode."""

from shared.identity.issuer import LOCAL_ISSUER, SERVICE_ROLE, LocalIssuer, ServiceTokens, service_issuer
from shared.identity.jwks import FetchedKeys, KeySource, StaticKeys
from shared.identity.keys import ALGORITHM, KeyFolder
from shared.identity.subject import KeysUnreachable, Subject, TokenRefused
from shared.identity.verifier import TrustedIssuer, Verifier

__all__ = [
    "ALGORITHM",
    "LOCAL_ISSUER",
    "SERVICE_ROLE",
    "FetchedKeys",
    "KeyFolder",
    "KeySource",
    "KeysUnreachable",
    "LocalIssuer",
    "ServiceTokens",
    "StaticKeys",
    "Subject",
    "TokenRefused",
    "TrustedIssuer",
    "Verifier",
    "service_issuer",
]
