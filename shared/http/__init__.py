'''HTTP for every service: strict input, one kind of error answer, one answer per Idempotency-Key, guarded routes.

A service's api.py is schemas and routes; each route is one decorator and one call:

    from shared.http import Blueprint, Query, Strict, View, application, fields, lists, must_see, reads, records
    from shared.http import request_context

    blueprint = Blueprint("referrals", __name__, description="Referrals: closed loops between colleagues")

    def referrals() -> Referrals:
        return application(Referrals)

    def patient_of(referral_id: UUID) -> UUID | None:
        return referrals().get(Referral, referral_id).patient_id

    class RequestReferral(Strict):
        """Ask a colleague to take up part of a patient's care."""

        patient_id = fields.UUID(required=True)
        reason = fields.String(required=True, max_length=2000, lines=True)

    class ReferralView(View):
        id = fields.UUID(required=True)
        version = fields.Integer(required=True)
        status = fields.Enum(Status, required=True)

    @records(blueprint, "/referrals", RequestReferral, ReferralView, status=201)
    def request_referral(command: dict) -> Referral:
        """Request a referral."""
        must_see(command["patient_id"])
        return referrals().request(request_context(), **command)

    @records(blueprint, "/referrals/<uuid:referral_id>/accept", AcceptReferral, ReferralView, patient_of=patient_of)
    def accept_referral(command: dict, referral_id: UUID) -> Referral:
        """Take the patient on."""
        return referrals().accept(request_context(), referral_id, **command)

    @records(blueprint, "/referrals/<uuid:referral_id>/receive", None, ReferralView, patient_of=patient_of)
    def receive_referral(referral_id: UUID) -> Referral: ...                   # a command without words

    @records(blueprint, "/programs/<uuid:program_id>/revise", Revise, ProgramView, patient_of=..., if_match=Program)
    def revise(command: dict, program_id: UUID, version: int) -> Program:      # If-Match: 428, 412; then
        return programs().revise(request_context(), program_id, version, **command)
        # ... where the application loads self.get(Program, program_id, context, version=version)

    @reads(blueprint, "/referrals/<uuid:referral_id>", ReferralView, patient_of=patient_of)
    def referral(referral_id: UUID) -> Referral:
        """One referral."""
        return referrals().get(Referral, referral_id)

    class Which(Query):
        status = fields.Enum(Status)

    @lists(blueprint, "/referrals", ReferralRow, by=(table.c.requested_at, table.c.aggregate_id),
           query=Which, patient=table.c.patient_id, addressed=(table.c.provider_id,))
    def referral_list(status: Status | None = None) -> Select:
        """Referrals of the caller's patients, or addressed to the caller."""
        return select(table) if status is None else select(table).where(table.c.status == status)

Every action (the view function's name) needs a row in the service's table of access (shared.access); a test asserts
`routes_without_row(app) == []`. The docstring of a view is its text in the OpenAPI document. What a view may raise
(Refused 409 with `allowed`, NotFound 404, VersionConflict 409, LogUnavailable 503) is answered without a `try`. A
route that records saves once: `Application.save(first, ...)`, and returns that first aggregate. `performs` is for a
POST that needs no key because its repeat does no harm (an import).

Order of the answers: 401 token, 403 role, 406/400/411/413/415 framing, 404 relation, 400 malformed body, 422 fields
or a key used for another body, the first answer of a known key, 428/412 version, 409 refused by a rule.
'''

from shared.http import fields
from shared.http.doorkeeper import Doorkeeper, Forbidden, OutOfSight
from shared.http.guard import open_to_all, routes_without_row
from shared.http.health import ReadyCheck, log_check
from shared.http.parsing import Blueprint
from shared.http.problems import Problem
from shared.http.routes import lists, performs, reads, records
from shared.http.schemas import Query, Strict, View
from shared.http.service import service_app
from shared.http.visit import application, caller, must_see, now, request_context, request_id

__all__ = [
    "Blueprint",
    "Doorkeeper",
    "Forbidden",
    "OutOfSight",
    "Problem",
    "Query",
    "ReadyCheck",
    "Strict",
    "View",
    "application",
    "caller",
    "fields",
    "lists",
    "log_check",
    "must_see",
    "now",
    "open_to_all",
    "performs",
    "reads",
    "records",
    "request_context",
    "request_id",
    "routes_without_row",
    "service_app",
]
