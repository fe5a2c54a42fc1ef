"""Refused reactions over HTTP, alike in every service: a coordinator sees them until one has dealt with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from openapi_spec_validator import validate

from events.base import Actor
from events.referral import ReferralReported
from events.terms import ReferralKind
from events.vocabulary import CATALOGUE
from services.history.service import SERVICE as HISTORY
from services.intake.service import SERVICE as INTAKE
from services.monitoring.service import SERVICE as MONITORING
from services.prescription.service import SERVICE as PRESCRIPTION
from services.referral.service import SERVICE as REFERRAL
from shared.clock import ShiftedClock
from shared.eventlog import Application, Context, open_log
from shared.http import routes_without_row
from shared.messaging import Refusal
from shared.service import ACCESS_IN_EVERY_SERVICE, Service
from tests.http.log import a_log
from tests.http.office import Office

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PATIENT = UUID("5f1d8a3e-6c0b-4f5e-9a77-0d2b3c4e5f60")
ANOTHER_PATIENT = UUID("7e6d5c4b-3a29-4817-9605-f4e3d2c1b007")
REFERRED = UUID("7c6b5a49-3827-4615-8f4e-3d2c1b0a9f8e")
NOWHERE = UUID("99999999-9999-4999-8999-999999999999")
CORA = Actor(id="cora", role="care-coordinator")
PHIL = Actor(id="phil", role="physician")
DEALT_WITH = {"resolution": "Called the family doctor."}


@pytest.fixture(params=[INTAKE, PRESCRIPTION, REFERRAL, MONITORING, HISTORY], ids=lambda service: service.name)
def service(request: pytest.FixtureRequest) -> Service:
    made: Service = request.param
    return made


@pytest.fixture
def application(service: Service, tmp_path: Path) -> Iterator[Application]:
    url = a_log(tmp_path / "log.sqlite", service.worklists)
    opened = service.application(open_log(url, lambda: NOW), CATALOGUE)
    yield opened
    opened.close()


@pytest.fixture
def office(service: Service, application: Application, tmp_path: Path) -> Office:
    return Office(service, application, ShiftedClock(instant=NOW), tmp_path / "keys")


def refused(application: Application, service: Service, patient: UUID = PATIENT, version: int = 4) -> Refusal:
    """A reaction to a physician's report that a rule of this service refused."""
    context = Context(Actor(id=f"policy:{service.name}.follow", role="service"), NOW, NOWHERE, "request-7")
    report = ReferralReported(
        originator_id=REFERRED,
        originator_version=version,
        occurred_at=NOW,
        patient_id=patient,
        actor=PHIL,
        correlation_id=NOWHERE,
        causation_id="request-7",
        kind=ReferralKind.PHYSICIAN_CLEARANCE,
        about=None,
        reported_by="phil",
    )
    refusal = Refusal.of(context, report, "follow", service.policies.refused, "Nothing was concluded.")
    application.save(refusal)
    return refusal


def waiting(office: Office, query: str = "") -> list[dict[str, object]]:
    rows: list[dict[str, object]] = office.get(f"/refused-reactions{query}", CORA).get_json()["items"]
    return rows


class TestARefusedReaction:
    def test_waits_for_any_coordinator(self, office: Office, application: Application, service: Service):
        refusal = refused(application, service)

        assert waiting(office) == [
            {
                "id": str(refusal.id),
                "patient_id": str(PATIENT),
                "policy": "follow",
                "cause": f"{REFERRED}-4",
                "reason": "Nothing was concluded.",
                "refused_at": "2026-11-23T09:00:00Z",
            }
        ]

    def test_is_found_by_its_patient(self, office: Office, application: Application, service: Service):
        refused(application, service)
        theirs = refused(application, service, ANOTHER_PATIENT, version=5)

        found = waiting(office, f"?patient_id={ANOTHER_PATIENT}")

        assert [row["id"] for row in found] == [str(theirs.id)]

    def test_leaves_the_list_once_a_coordinator_has_dealt_with_it(
        self, office: Office, application: Application, service: Service
    ):
        refusal = refused(application, service)

        answer = office.post(f"/refused-reactions/{refusal.id}/settle", CORA, DEALT_WITH)

        assert (answer.status_code, answer.get_json()["settled"], answer.headers["ETag"]) == (200, True, '"2"')
        assert waiting(office) == []

    def test_is_settled_in_the_service_s_own_words(self, office: Office, application: Application, service: Service):
        refusal = refused(application, service)

        office.post(f"/refused-reactions/{refusal.id}/settle", CORA, DEALT_WITH)

        settled = list(application.events.get(refusal.id))[-1]
        assert CATALOGUE.name_of(type(settled)) == f"caretrail.{service.name}.refusal-settled.v1"
        assert (settled.resolution, settled.actor.id, settled.patient_id) == (
            "Called the family doctor.",
            "cora",
            PATIENT,
        )

    def test_is_dealt_with_once(self, office: Office, application: Application, service: Service):
        settle = f"/refused-reactions/{refused(application, service).id}/settle"
        office.post(settle, CORA, DEALT_WITH)

        again = office.post(settle, CORA, {"resolution": "Called again."})

        assert (again.status_code, again.get_json()["type"]) == (409, "urn:caretrail:problem:already-settled")

    def test_is_not_settled_without_words(self, office: Office, application: Application, service: Service):
        refusal = refused(application, service)

        answer = office.post(f"/refused-reactions/{refusal.id}/settle", CORA, {"resolution": " "})

        assert answer.status_code == 422
        assert len(waiting(office)) == 1

    def test_that_is_not_there_cannot_be_settled(self, office: Office):
        assert office.post(f"/refused-reactions/{NOWHERE}/settle", CORA, DEALT_WITH).status_code == 404

    @pytest.mark.parametrize("role", ["physician", "exercise-physiologist", "patient", "auditor", "caregiver"])
    def test_is_no_matter_of_others(self, office: Office, application: Application, service: Service, role: str):
        refusal = refused(application, service)
        other = Actor(id="cora", role=role)

        assert office.get("/refused-reactions", other).status_code == 403
        assert office.post(f"/refused-reactions/{refusal.id}/settle", other, DEALT_WITH).status_code == 403


class TestTheTableOfAccess:
    def test_has_a_row_for_every_route_and_no_other(self, office: Office, service: Service):
        routes = {view.route.action for view in office.app.view_functions.values() if hasattr(view, "route")}

        assert routes_without_row(office.app) == []
        assert routes == {*service.access, *ACCESS_IN_EVERY_SERVICE}
        assert set(ACCESS_IN_EVERY_SERVICE).isdisjoint(service.access)


class TestTheDescription:
    def test_is_valid_openapi_with_what_every_service_has(self, office: Office):
        document = office.app.test_client().get("/openapi.json").get_json()

        validate(document)
        everywhere = ("refused-reactions", "refused-reactions/{refusal_id}/settle", "events", "events/heads")
        assert {f"/v1/{path}" for path in everywhere} <= set(document["paths"])
