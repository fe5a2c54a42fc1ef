"""Where the public keys of an issuer come from: given at start, or fetched and kept from its JWKS address."""

import re
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Protocol

import httpx
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.identity.subject import KeysUnreachable
from shared.logs import logger

LIVES_FOR = 600.0
KEPT_FOR = 24 * 3600.0
REFETCH_AT_MOST_EVERY = 60.0
LARGEST_SET = 64 * 1024

log = logger(__name__)


class KeySource(Protocol):
    """The public keys of one issuer."""

    def keys_for(self, kid: str | None) -> KeySet:
        """Give the current keys, having looked again if this key id is not among them; KeysUnreachable if none."""
        ...


class StaticKeys:
    """Keys that are known at start."""

    def __init__(self, jwks: Mapping[str, Any]):
        self._keys = KeySet.import_key_set(jwks)  # type: ignore[arg-type]

    def keys_for(self, kid: str | None) -> KeySet:
        """Give the keys."""
        return self._keys


Fetched = tuple[bytes, float]
"""A JWKS document, and the seconds that its sender lets it be kept."""


def fetch(url: str) -> Fetched:
    """Fetch a JWKS document (5 s, 64 kB, no redirects); httpx.HTTPError if that fails."""
    with httpx.stream("GET", url, timeout=5.0, follow_redirects=False) as response:
        response.raise_for_status()
        if response.status_code != httpx.codes.OK:
            raise httpx.HTTPError(f"answered {response.status_code}")
        body = b""
        for part in response.iter_bytes():
            body += part
            if len(body) > LARGEST_SET:
                raise httpx.HTTPError("the key set is larger than 64 kB")
        return body, _max_age(response.headers.get("cache-control", ""))


def _max_age(cache_control: str) -> float:
    stated = re.search(r"max-age=(\d{1,9})", cache_control)
    return min(float(stated[1]), LIVES_FOR) if stated else LIVES_FOR


class FetchedKeys:
    """Keys of another issuer: fetched every 10 minutes (or sooner if it says so), and on a key id not seen before.

    An unknown key id leads to one fetch a minute at most, so that forged tokens cannot make us flood the issuer.
    While the issuer does not answer, the last good set is used for 24 hours; after that nobody is let in.
    """

    def __init__(
        self,
        url: str,
        fetch: Callable[[str], Fetched] = fetch,
        monotonic: Callable[[], float] = time.monotonic,
    ):
        self._url = url
        self._fetch = fetch
        self._now = monotonic
        self._lock = Lock()
        self._keys: KeySet | None = None
        self._fetched_at = self._tried_at = self._expires_at = float("-inf")

    def keys_for(self, kid: str | None) -> KeySet:
        """Give the current keys; KeysUnreachable if none could be had for 24 hours."""
        with self._lock:
            if self._should_fetch(kid):
                self._refresh()
            if self._keys is None or self._now() - self._fetched_at > KEPT_FOR:
                raise KeysUnreachable(self._url)
            return self._keys

    def _should_fetch(self, kid: str | None) -> bool:
        known = self._keys is not None and any(key.kid == kid for key in self._keys)
        if known and self._now() < self._expires_at:
            return False
        return self._now() - self._tried_at >= REFETCH_AT_MOST_EVERY

    def _refresh(self) -> None:
        self._tried_at = self._now()
        try:
            body, max_age = self._fetch(self._url)
            self._keys = KeySet.import_key_set(msgspec.json.decode(body, type=dict[str, Any]))  # type: ignore[arg-type]
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            msgspec.DecodeError,
            JoseError,
            KeyError,
            TypeError,
            ValueError,
        ) as error:
            log.warning("keys-not-fetched", url=self._url, reason=type(error).__name__)
            return
        self._fetched_at = self._now()
        self._expires_at = self._fetched_at + max_age
