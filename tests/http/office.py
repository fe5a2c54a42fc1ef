"""Any service's HTTP side on a log of its own, and tokens for whoever calls."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from werkzeug.test import TestResponse

from events.base import Actor
from shared.clock import ShiftedClock
from shared.eventlog import Application
from shared.identity import LOCAL_ISSUER, KeyFolder, LocalIssuer, StaticKeys, TrustedIssuer, Verifier
from shared.service import Service, web_app


class Office:
    """A service's web app; paths are below /v1, and a caller may act in other roles also."""

    def __init__(self, service: Service, application: Application, clock: ShiftedClock, folder: Path):
        keys = KeyFolder(folder)
        trusted = TrustedIssuer(LOCAL_ISSUER, StaticKeys(keys.public_set("identity")))
        self._issuer = LocalIssuer(LOCAL_ISSUER, keys.signing_key("identity"), "caretrail", clock)
        recognise = Verifier([trusted], "caretrail", clock)
        self.app = web_app(service, application, recognise, secret=keys.secret(service.name), clock=clock)
        self._client = self.app.test_client()

    def get(self, path: str, caller: Actor, *, also: tuple[str, ...] = ()) -> TestResponse:
        """GET as somebody."""
        return self._client.get(f"/v1{path}", headers=self.bearer(caller, also))

    def post(
        self,
        path: str,
        caller: Actor,
        body: Any = None,
        *,
        also: tuple[str, ...] = (),
        version: int | None = None,
        key: str | None = None,
    ) -> TestResponse:
        """POST as somebody, under a new Idempotency-Key unless one is given; `version` goes into If-Match."""
        headers = {**self.bearer(caller, also), "Idempotency-Key": key or str(uuid4())}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self._client.post(f"/v1{path}", json=body, headers=headers)

    def bearer(self, caller: Actor, also: tuple[str, ...] = (), patient_id: UUID | None = None) -> dict[str, str]:
        """Give the header that says who calls; `patient_id` is the patient whom they are."""
        return {"Authorization": f"Bearer {self._issuer.mint(caller.id, {caller.role, *also}, patient_id=patient_id)}"}
