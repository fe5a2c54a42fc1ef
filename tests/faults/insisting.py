"""People of the journey who insist: whatever gets no definite answer is sent again, under the same key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import httpx

from tests.journeys.journey import Team
from tests.journeys.running import PASSWORD, Person, RunningSuite
from tests.servers import random_name

PATIENCE = 60.0
PAUSE = 0.05
RENEW_AFTER = 20 * 60


@dataclass
class Insistent(Person):
    """A person whose client resends while the answer is lost or says 503; any other status is definite."""

    renew_at: float = 0.0
    door: threading.Lock = field(default_factory=threading.Lock)

    def get(self, path: str, *, expect: int = 200, **params: Any) -> Any:
        """GET until there is an answer."""
        given = {name.replace("_", "-") if name == "as_of" else name: value for name, value in params.items()}
        return self._checked(
            insist(lambda: self._client(path).get(path, params=given, headers=self._headers())), expect
        )

    def post(
        self, path: str, body: Any = None, *, expect: int = 200, key: str | None = None, version: int | None = None
    ) -> Any:
        """POST under one key until there is an answer."""
        own = {"Idempotency-Key": key or random_name()}
        if version is not None:
            own["If-Match"] = f'"{version}"'
        return self._checked(
            insist(lambda: self._client(path).post(path, json=body, headers={**self._headers(), **own})), expect
        )

    def bearer(self) -> str:
        """Give a header with a token that holds for some minutes; threads that ask at once sign in once."""
        with self.door:
            if monotonic() > self.renew_at:
                self.token = ""
            return self._headers()["Authorization"]

    def _headers(self) -> dict[str, str]:
        if not self.token:
            self.renew_at = monotonic() + RENEW_AFTER
            form = {"grant_type": "password", "username": self.username, "password": PASSWORD}
            answer = insist(lambda: self._client("/identity/").post("/identity/v1/token", data=form))
            self.token = self._checked(answer, 200)["access_token"]
        return {"Authorization": f"Bearer {self.token}"}


def insist(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask until the answer is definite; a 503 must say when to come back."""
    deadline = monotonic() + PATIENCE
    while True:
        try:
            answer = ask()
        except httpx.TransportError as error:
            lost: object = error
        else:
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
            assert "Retry-After" in answer.headers, answer.text
            lost = answer.text
        assert monotonic() < deadline, f"no definite answer within {PATIENCE} s: {lost}"
        sleep(PAUSE)


def insisting(suite: RunningSuite) -> Team:
    """Give the people of the journey accounts; all of them insist."""
    team = Team.of(suite)
    people = {name: Insistent(p.suite, p.username, p.id, p.roles) for name, p in vars(team).items()}
    return Team(**people)
