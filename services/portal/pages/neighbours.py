"""Asking the other services, with the signed-in person's own token, and what their refusals mean on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

Client = Callable[[str], httpx.Client]
"""Gives an HTTP client whose base is a service's own address."""

LARGEST_PAGE = 200


class SessionOver(Exception):
    """The access token no longer holds: sign in again."""


class NotToBeSeen(Exception):
    """What was asked for is not there, or not for this person."""


class NotAllowed(Exception):
    """The person's role does not go that far."""


class Misunderstood(Exception):
    """The question was not one that the service takes: an address was altered, or is out of date."""


class Unavailable(Exception):
    """A service does not answer now; the message names it."""


class SignInRefused(Exception):
    """Name or password are wrong."""


class TooManyAttempts(Exception):
    """Too many wrong passwords; `wait_seconds` until the next may be tried."""

    def __init__(self, wait_seconds: int):
        super().__init__(f"wait {wait_seconds} s")
        self.wait_seconds = wait_seconds


REFUSALS: Mapping[int, type[Exception]] = {
    401: SessionOver,
    403: NotAllowed,
    404: NotToBeSeen,
    400: Misunderstood,
    409: Misunderstood,
    422: Misunderstood,
}
"""What a problem of a service means here; everything else is a service that does not answer."""


class Neighbours:
    """The other services, one HTTP client each."""

    def __init__(self, client: Client):
        self._client = client
        self._clients: dict[str, httpx.Client] = {}

    def sign_in(self, username: str, password: str, address: str) -> str:
        """Give an access token; SignInRefused, TooManyAttempts (for account or address) or Unavailable."""
        form = {"grant_type": "password", "username": username, "password": password}
        answer = self._ask("identity", "POST", "/v1/token", data=form, headers={"X-Forwarded-For": address})
        if answer.status_code == 400:
            raise SignInRefused
        if answer.status_code == 429:
            raise TooManyAttempts(int(answer.headers.get("Retry-After", "60")))
        if not answer.is_success:
            raise Unavailable("identity")
        bearer: str = answer.json()["access_token"]
        return bearer

    def bearing(self, token: str) -> Questions:
        """Ask in the name of whom the token was given to."""
        return Questions(self._ask, token)

    def _ask(self, service: str, method: str, path: str, **said: Any) -> httpx.Response:
        client = self._clients.get(service) or self._clients.setdefault(service, self._client(service))
        try:
            return client.request(method, path, **said)
        except httpx.TransportError as error:
            raise Unavailable(service) from error


class Questions:
    """What a page asks the services in one person's name."""

    def __init__(self, ask: Callable[..., httpx.Response], token: str):
        self._ask = ask
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def get(self, service: str, path: str, **params: Any) -> dict[str, Any]:
        """Give a service's answer; parameters that are None are left out. One of REFUSALS, or Unavailable."""
        given = {name.replace("_", "-") if name == "as_of" else name: value for name, value in params.items() if value}
        answer = self._ask(service, "GET", path, params=given, headers=self._headers)
        if answer.is_success:
            said: dict[str, Any] = answer.json()
            return said
        raise REFUSALS.get(answer.status_code, Unavailable)(service)

    def all(self, service: str, path: str, at_most: int, **params: Any) -> tuple[list[dict[str, Any]], bool]:
        """Give the rows of a list from its first page on, and whether these are all; `at_most` bounds the asking."""
        rows: list[dict[str, Any]] = []
        after: str | None = None
        while len(rows) < at_most:
            page = self.get(service, path, limit=LARGEST_PAGE, after=after, **params)
            rows += page["items"]
            after = cursor_in(page["next"])
            if after is None:
                return rows, True
        return rows, False


def cursor_in(address: str | None) -> str | None:
    """Give the cursor in the address of a list's next page."""
    found = parse_qs(urlsplit(address).query).get("after") if address else None
    return found[0] if found else None
