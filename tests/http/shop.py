"""The bakery open for business: its app, tokens for whoever calls, and the calls."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from events.catalogue import Catalogue
from shared.access import Access, AccessTable, CareTeam
from shared.clock import ShiftedClock
from shared.eventlog import Replace, open_log
from shared.http import service_app
from shared.identity import LOCAL_ISSUER, KeyFolder, LocalIssuer, StaticKeys, TrustedIssuer, Verifier, service_issuer
from tests.http.bakery import (
    ACCESS,
    ANNA,
    CUSTOMER,
    NOW,
    Bakery,
    OrderBaked,
    OrderChanged,
    OrderTaken,
    care_team,
    metadata,
    routes,
)
from tests.http.log import a_log


class Shop:
    """The bakery open for business: its app, its application, and tokens for whoever calls."""

    def __init__(self, folder: Path, access: AccessTable = ACCESS, log_url: str | None = None):
        self.clock = ShiftedClock(instant=NOW)
        self.keys = KeyFolder(folder / "keys")
        url = log_url or a_log(folder / "bakery.sqlite", metadata)
        self.bakery = Bakery(open_log(url, self.clock), Catalogue([OrderTaken, OrderChanged, OrderBaked]))
        self.issuer = LocalIssuer(LOCAL_ISSUER, self.keys.signing_key("identity"), "caretrail", self.clock)
        self.app = self._app(access)
        self.client: FlaskClient = self.app.test_client()

    def _app(self, access: AccessTable) -> Flask:
        return service_app(
            "bakery",
            "Bakery",
            [routes()],
            application=self.bakery,
            verifier=self._verifier(),
            access=Access(access, CareTeam(care_team, self.bakery.query, self.clock)),
            secret=self.keys.secret("bakery"),
            clock=self.clock,
        )

    def _verifier(self) -> Verifier:
        people = TrustedIssuer(LOCAL_ISSUER, StaticKeys(self.keys.public_set("identity")))
        mill = TrustedIssuer(
            service_issuer("mill"), StaticKeys(self.keys.public_set("mill")), roles=frozenset({"service"})
        )
        return Verifier([people, mill], "caretrail", self.clock)

    def token(self, subject: str = ANNA, *roles: str, patient_id: UUID | None = None) -> str:
        return self.issuer.mint(subject, roles or ("care-coordinator",), patient_id=patient_id)

    def send(
        self, method: str, path: str, *, token: str | None = None, headers: Any = None, **words: Any
    ) -> TestResponse:
        authorization = {"Authorization": f"Bearer {self.token() if token is None else token}"}
        return self.client.open(path, method=method, headers={**authorization, **(headers or {})}, **words)

    def get(self, path: str, **words: Any) -> TestResponse:
        return self.send("GET", path, **words)

    def post(
        self, path: str, body: Any = None, *, key: str | None = None, headers: Any = None, **words: Any
    ) -> TestResponse:
        """POST a body (bytes as they are, anything else as JSON) under a key, a new one unless given."""
        given = {"Idempotency-Key": key or str(uuid4()), **(headers or {})}
        if body is not None:
            content = body if isinstance(body, bytes) else msgspec.json.encode(body)
            words = {"data": content, "content_type": "application/json", **words}
        return self.send("POST", path, headers=given, **words)

    def an_order(self, **words: Any) -> Any:
        """An order of Anna's customer, as answered."""
        return self.post("/v1/orders", {"patient_id": str(CUSTOMER), "loaves": 2, **words}).get_json()

    def let_into_the_team(self, member: str, customer: UUID, *, until: datetime | None = None) -> None:
        row = {
            "aggregate_id": customer,
            "patient_id": customer,
            "member_id": member,
            "role": "care-coordinator",
            "since": NOW - timedelta(days=1),
            "until": until,
        }
        self.bakery.save(rows=[Replace(care_team, {"member_id": member, "patient_id": customer}, [row])])

    def events(self) -> int:
        """How many events the bakery has recorded."""
        return self.bakery.recorder.max_notification_id() or 0
