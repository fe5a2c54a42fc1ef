"""The other services as the portal meets them: at the HTTP boundary, answering from one patient's trail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx

from shared.clock import Clock
from shared.identity import LocalIssuer
from tests.portal.trail_of_anna import ANNA, PLAN, PROGRAM, anna, record_of, rows_of

PASSWORD = "a long enough password"  # the stub's, of everybody

PEOPLE = {
    "mara.lindt": ["care-coordinator"],
    "tomas.ruiz": ["exercise-physiologist"],
    "ida.audit": ["auditor"],
    "olaf.ops": ["operator"],
    "anna.keller": ["patient"],
}


@dataclass
class Neighbours:
    """Answers of intake, history, monitoring and the local issuer; `refuse` maps a service to the status it gives."""

    issuer: LocalIssuer
    clock: Clock
    patients: list[dict[str, Any]] = field(default_factory=list)
    refuse: dict[str, int] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    behind: tuple[str, ...] = ()
    due: dict[str, Any] | None = None
    names: dict[str, str] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.facts = anna().facts
        self.patients = self.patients or [a_patient("Keller", "Anna", id=str(ANNA), birth_date="1988-05-03")]

    def client(self, name: str) -> httpx.Client:
        """What the portal is given to reach a service."""
        transport = httpx.MockTransport(lambda request: self._answer(name, request))
        return httpx.Client(transport=transport, base_url=f"http://caretrail/{name}")

    def _answer(self, name: str, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if name in self.silent:
            raise httpx.ConnectError("nobody there")
        if name in self.refuse:
            return httpx.Response(self.refuse[name], headers={"Retry-After": "840"}, json={"detail": "no"})
        answers: dict[str, Callable[[httpx.Request], Any]] = {
            "identity": self._identity,
            "intake": self._list,
            "history": self._history,
            "monitoring": self._plans,
        }
        answer = answers[name](request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def _identity(self, request: httpx.Request) -> Any:
        if request.url.path.endswith("/v1/people"):
            return {"people": [{"id": id, "name": name} for id, name in self.names.items()]}
        return self._token(request)

    def _token(self, request: httpx.Request) -> Any:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if form["username"] not in PEOPLE or form["password"] != PASSWORD:
            return httpx.Response(400, json={"error": "invalid_grant"})
        name = form["username"]
        own = ANNA if name == "anna.keller" else None
        bearer = self.issuer.mint(name, PEOPLE[name], name=name.title().replace(".", " "), patient_id=own)
        return {"access_token": bearer, "token_type": "Bearer", "expires_in": 1800}

    def _list(self, request: httpx.Request) -> Any:
        asked = dict(request.url.params)
        found = [
            each
            for each in self.patients
            if each.get("family_name", "").lower().startswith(asked.get("search", "").lower())
        ]
        start, limit = int(asked.get("after", 0)), int(asked["limit"])
        following = urlencode({**asked, "after": start + limit}) if len(found) > start + limit else ""
        page = found[start : start + limit]
        return {"items": page, "next": f"/intake/v1/patients?{following}" if following else None}

    def _history(self, request: httpx.Request) -> Any:
        asked = dict(request.url.params)
        facts = self._until(asked)
        if f"/patients/{ANNA}/" not in request.url.path or not facts:
            return httpx.Response(404, json={"detail": "There is nothing at this address."})
        if request.url.path.endswith("/timeline"):
            return {"items": list(rows_of(facts)), "next": None}
        head = {"as_of": asked.get("as-of", "2026-11-23T08:00:00Z"), "vector": f"history:{len(facts)}"}
        return {**head, "complete": not self.behind, "behind": list(self.behind), **record_of(facts)}

    def _until(self, asked: dict[str, str]) -> list[Any]:
        if "vector" in asked:
            return self.facts[: int(asked["vector"].removeprefix("history:"))]
        if "as-of" not in asked:
            return self.facts
        last = datetime.fromisoformat(asked["as-of"])
        return [fact for fact in self.facts if fact.recorded_at <= last]

    def _plans(self, request: httpx.Request) -> Any:
        plan = {"id": str(PLAN), "program_id": str(PROGRAM), "status": "active"}
        return {"items": [plan | self.due] if self.due else [], "next": None}


def a_patient(family: str, given: str, **said: Any) -> dict[str, Any]:
    """A row of intake's list of patients."""
    row = {"id": "3f0c8a52-9d1e-4b7a-8c65-2f1e0d9b7aff", "family_name": family, "given_name": given}
    return {
        **row,
        "birth_date": None,
        "deceased": False,
        "imported": False,
        "registered_at": "2026-09-01T07:05:00Z",
        **said,
    }
