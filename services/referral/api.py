"""The referral service over HTTP: ask for a colleague, take each step of the loop, and see where everything stands."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select

from events.base import Actor
from events.referral import DeclineReason
from events.terms import ClearanceOutcome, Intensity, Priority, ReferralKind
from services.referral.application import Referrals
from services.referral.domain import ADDRESSED_ROLES, Referral, Report, Status, Step
from services.referral.worklists import held_by, open_to, shared_with
from services.referral.worklists import referrals as table
from shared.access import CARE_TEAM, CLINICIANS, AccessTable, Relation, Resource, Role, Rule
from shared.eventlog import Context
from shared.http import (
    Blueprint,
    Query,
    Strict,
    View,
    application,
    caller,
    fields,
    lists,
    must_see,
    reads,
    records,
    request_context,
)

blueprint = Blueprint("referrals", __name__, description="Referrals: one request to a colleague, from asking to done")

COORDINATORS = {Role.CARE_COORDINATOR}
TEAM_OR_ASKED = (
    Rule(COORDINATORS, Relation.MEMBER)
    | Rule(CARE_TEAM, Relation.MEMBER)
    | Rule(CARE_TEAM - COORDINATORS, Relation.ADDRESSED)
)

ACCESS: AccessTable = {
    "request_referral": Rule(COORDINATORS | CLINICIANS, Relation.MEMBER),
    "referral_list": Rule(CARE_TEAM),  # each scope names its own relation
    "referral": TEAM_OR_ASKED,
    "receive_referral": TEAM_OR_ASKED,
    "accept_referral": TEAM_OR_ASKED,
    "decline_referral": TEAM_OR_ASKED,
    "report_referral": TEAM_OR_ASKED,
    "complete_referral": TEAM_OR_ASKED,
    "acknowledge_referral": TEAM_OR_ASKED,
    "cancel_referral": TEAM_OR_ASKED,
}


class Scope(StrEnum):
    """Which referrals: those the caller could receive, has received, or has asked for."""

    POOL = "pool"
    MINE = "mine"
    REQUESTED = "requested"


class RequestReferral(Strict):
    """Ask a colleague to take up part of a patient's care."""

    patient_id = fields.UUID(required=True)
    kind = fields.Enum(ReferralKind, required=True)
    priority = fields.Enum(Priority, load_default=Priority.ROUTINE)
    reason = fields.String(required=True, max_length=2000, lines=True)
    about = fields.UUID(metadata={"description": "The screening that this rests on"})
    addressed_to = fields.String(metadata={"description": "One colleague; without it, all of the role are asked"})
    first_visit_due = fields.Date(metadata={"description": "Latest day of a first visit (local date)"})


class AcceptReferral(Strict):
    """Take the patient on."""

    first_visit_due = fields.Date(required=True, metadata={"description": "Latest day of a first visit (local date)"})
    message = fields.String(max_length=2000, lines=True)


class DeclineReferral(Strict):
    """Do not take the patient on."""

    reason = fields.Enum(DeclineReason, required=True)
    note = fields.String(max_length=2000, lines=True, metadata={"description": "Needed for the reason `other`"})


class ReportReferral(Strict):
    """Report. A physician decides about exercise; everybody else reports in a note."""

    outcome = fields.Enum(ClearanceOutcome, metadata={"description": "Needed from a physician, and from nobody else"})
    intensity_cap = fields.Enum(Intensity, metadata={"description": "Needed for limits, with a note"})
    valid_until = fields.Date(metadata={"description": "Last day of a clearance, if sooner than a year from now"})
    note = fields.String(max_length=8000, lines=True)


class CancelReferral(Strict):
    """Take the request back."""

    reason = fields.String(required=True, max_length=2000, lines=True)


class ReferralRow(View):
    """Where a referral stands."""

    id = fields.UUID(required=True, attribute="aggregate_id")
    patient_id = fields.UUID(required=True)
    kind = fields.Enum(ReferralKind, required=True)
    priority = fields.Enum(Priority, required=True)
    status = fields.Enum(Status, required=True)
    since = fields.DateTime(required=True, metadata={"description": "When the present status began"})
    requested_at = fields.DateTime(required=True)
    next_due = fields.Date(required=True, allow_none=True, metadata={"description": "First visit, until reported"})
    about = fields.UUID(required=True, allow_none=True)
    requester = fields.String(required=True, allow_none=True)
    addressed_to = fields.String(required=True, allow_none=True)
    provider = fields.String(required=True, allow_none=True, metadata={"description": "Who has received it"})


class ReportView(View):
    """What the provider reported."""

    outcome = fields.Enum(ClearanceOutcome, required=True, allow_none=True)
    intensity_cap = fields.Enum(Intensity, required=True, allow_none=True)
    valid_until = fields.Date(required=True, allow_none=True)
    note = fields.String()


class ReferralView(ReferralRow):
    """One referral, and what the caller may do with it now."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    reason = fields.String()
    message = fields.String(metadata={"description": "What the provider said when accepting"})
    status_reason = fields.String(metadata={"description": "Why it was declined or cancelled"})
    status_note = fields.String()
    report = fields.Nested(ReportView, required=True, allow_none=True)
    allowed = fields.Function(
        lambda referral: list(referral.steps_for(caller().id, caller().roles)),
        required=True,
        metadata={"type": "array", "items": {"type": "string", "enum": list(Step)}},
    )


class Which(Query):
    """Which referrals; without a scope, all that the caller may see."""

    patient_id = fields.UUID()
    status = fields.Enum(Status)
    scope = fields.Enum(Scope)


def referrals() -> Referrals:
    """The application that this app serves."""
    return application(Referrals)


def resource_of(referral_id: UUID) -> Resource:
    """The patient's case; and the caller is addressed if they have received the referral, or could."""
    referral = referrals().get(Referral, referral_id)
    asked = referral.is_provider(caller().id, caller().roles)
    return Resource(referral.patient_id, frozenset({caller().id} if asked else ()))


def provider_context(referral_id: UUID) -> Context:
    """The caller's context; a colleague with several roles acts in one that the referral addresses."""
    context = request_context()
    addressed = sorted(ADDRESSED_ROLES[referrals().get(Referral, referral_id).kind] & caller().roles)
    return replace(context, actor=Actor(id=caller().id, role=addressed[0])) if addressed else context


@records(blueprint, "/referrals", RequestReferral, ReferralView, status=201)
def request_referral(command: dict[str, Any]) -> Referral:
    """Ask for a colleague, for a patient of one's own team."""
    must_see(command["patient_id"])
    return referrals().request(request_context(), **command)


@lists(blueprint, "/referrals", ReferralRow, by=(table.c.requested_at, table.c.aggregate_id), query=Which)
def referral_list(
    patient_id: UUID | None = None, status: Status | None = None, scope: Scope | None = None
) -> Select[Any]:
    """Referrals that the caller may see, the oldest first."""
    found = select(table).where(_within(scope))
    if patient_id is not None:
        found = found.where(table.c.patient_id == patient_id)
    return found if status is None else found.where(table.c.status == status)


def _within(scope: Scope | None) -> ColumnElement[bool]:
    person, roles = caller().id, caller().roles
    match scope:
        case Scope.POOL:
            return open_to(person, roles)
        case Scope.MINE:
            return held_by(person)
        case Scope.REQUESTED:
            return and_(table.c.requester == person, shared_with(person))
        case None:
            return or_(open_to(person, roles), held_by(person), shared_with(person))


@reads(blueprint, "/referrals/<uuid:referral_id>", ReferralView, patient_of=resource_of)
def referral(referral_id: UUID) -> Referral:
    """One referral, with the steps that the caller may take now."""
    return referrals().get(Referral, referral_id)


@records(blueprint, "/referrals/<uuid:referral_id>/receive", None, ReferralView, patient_of=resource_of)
def receive_referral(referral_id: UUID) -> Referral:
    """Take the request from the pool: from now on only the caller may answer it."""
    return referrals().receive(provider_context(referral_id), referral_id)


@records(blueprint, "/referrals/<uuid:referral_id>/accept", AcceptReferral, ReferralView, patient_of=resource_of)
def accept_referral(command: dict[str, Any], referral_id: UUID) -> Referral:
    """Take the patient on; whoever accepts joins the care team."""
    return referrals().accept(provider_context(referral_id), referral_id, **command)


@records(blueprint, "/referrals/<uuid:referral_id>/decline", DeclineReferral, ReferralView, patient_of=resource_of)
def decline_referral(command: dict[str, Any], referral_id: UUID) -> Referral:
    """Do not take the patient on, and say why."""
    return referrals().decline(provider_context(referral_id), referral_id, **command)


@records(blueprint, "/referrals/<uuid:referral_id>/report", ReportReferral, ReferralView, patient_of=resource_of)
def report_referral(command: dict[str, Any], referral_id: UUID) -> Referral:
    """File the report."""
    return referrals().report(provider_context(referral_id), referral_id, Report(**command))


@records(blueprint, "/referrals/<uuid:referral_id>/complete", None, ReferralView, patient_of=resource_of)
def complete_referral(referral_id: UUID) -> Referral:
    """Say that what was asked has been done."""
    return referrals().complete(provider_context(referral_id), referral_id)


@records(blueprint, "/referrals/<uuid:referral_id>/acknowledge", None, ReferralView, patient_of=resource_of)
def acknowledge_referral(referral_id: UUID) -> Referral:
    """Close the loop: the report has been read."""
    return referrals().acknowledge(request_context(), referral_id)


@records(blueprint, "/referrals/<uuid:referral_id>/cancel", CancelReferral, ReferralView, patient_of=resource_of)
def cancel_referral(command: dict[str, Any], referral_id: UUID) -> Referral:
    """Take the request back, before it is completed."""
    return referrals().cancel(request_context(), referral_id, **command)
