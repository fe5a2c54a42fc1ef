"""Patients and their care team over HTTP."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, post_load
from sqlalchemy import Select

from events.intake import Identifier
from events.terms import CareRole
from services.intake.api.here import intake
from services.intake.domain import Identity, Patient, is_language, is_time_zone
from services.intake.worklists import found_by
from services.intake.worklists import patients as table
from shared.http import Blueprint, Query, Strict, View, fields, lists, reads, records, request_context

blueprint = Blueprint("patients", __name__, description="Patients: who they are and who takes part in their care")


class Sex(StrEnum):
    """FHIR's administrative gender."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


def a_time_zone(name: str) -> None:
    """Refuse what the IANA database does not know."""
    if not is_time_zone(name):
        raise ValidationError("Not a time zone of the IANA database, like Europe/Zurich.")


def a_language(tag: str) -> None:
    """Refuse what has not the form of a language tag."""
    if not is_language(tag):
        raise ValidationError("Not a language tag, like en or de-CH.")


class IdentifierWords(Strict):
    """A number of the patient in another system."""

    system = fields.String(required=True, max_length=300, metadata={"description": "URI of the system"})
    value = fields.String(required=True, max_length=300)

    @post_load
    def _made(self, words: dict[str, Any], **_: Any) -> Identifier:
        return Identifier(**words)


class RegisterPatient(Strict):
    """Take a person on."""

    family_name = fields.String(required=True)
    given_name = fields.String(required=True)
    birth_date = fields.Date(required=True)
    sex = fields.Enum(Sex, load_default=Sex.UNKNOWN)
    identifiers = fields.List(fields.Nested(IdentifierWords), max_length=20, load_default=list)
    time_zone = fields.String(
        required=True,
        max_length=64,
        validate=a_time_zone,
        metadata={"description": "IANA name: where the patient lives"},
    )
    language = fields.String(load_default="en", max_length=35, validate=a_language)

    @post_load
    def _made(self, words: dict[str, Any], **_: Any) -> dict[str, Identity]:
        numbers = tuple(dict.fromkeys(words.pop("identifiers")))
        return {"identity": Identity(**{**words, "sex": str(words["sex"]), "identifiers": numbers})}


class AddTeamMember(Strict):
    """Let somebody take part in the care."""

    member_id = fields.String(required=True, metadata={"description": "The subject of their access token"})
    role = fields.Enum(CareRole, required=True)


class RemoveTeamMember(Strict):
    """End somebody's part in the care."""

    member_id = fields.String(required=True)
    reason = fields.String(required=True, max_length=500, lines=True)


class IdentifierView(View):
    """A number of the patient in another system."""

    system = fields.String(required=True)
    value = fields.String(required=True)


class PatientView(View):
    """A patient."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    family_name = fields.String(required=True)
    given_name = fields.String(required=True)
    birth_date = fields.Date(required=True, allow_none=True)
    birth_date_precision = fields.String(required=True, attribute="precision")
    sex = fields.String(required=True, allow_none=True)
    deceased = fields.Boolean(required=True)
    imported = fields.Boolean(required=True, metadata={"description": "Known from another system"})
    identifiers = fields.List(fields.Nested(IdentifierView), required=True)
    time_zone = fields.String(required=True)
    language = fields.String(required=True)
    registered_at = fields.DateTime(required=True, attribute="registered_on")


class PatientRow(View):
    """A patient in a list."""

    id = fields.UUID(required=True, attribute="aggregate_id")
    family_name = fields.String(required=True)
    given_name = fields.String(required=True)
    birth_date = fields.Date(required=True, allow_none=True)
    deceased = fields.Boolean(required=True)
    imported = fields.Boolean(required=True)
    registered_at = fields.DateTime(required=True)


class MemberView(View):
    """Somebody in the care team."""

    member_id = fields.String(required=True)
    role = fields.String(required=True)
    since = fields.DateTime(required=True)


class TeamView(View):
    """A patient's care team, longest in it first."""

    patient_id = fields.UUID(required=True)
    version = fields.Integer(required=True, metadata={"description": "The patient's version"})
    members = fields.List(fields.Nested(MemberView), required=True)


class Search(Query):
    """Which patients; without a search, all that the caller may see."""

    search = fields.String(metadata={"description": "Beginning of a family or given name, or a whole number"})


@records(blueprint, "/patients", RegisterPatient, PatientView, status=201)
def register_patient(command: dict[str, Any]) -> Patient:
    """Register a patient; the caller is the first coordinator of the care team."""
    return intake().register(request_context(), **command)


@lists(
    blueprint,
    "/patients",
    PatientRow,
    by=(table.c.family_first, table.c.aggregate_id),
    query=Search,
    patient=table.c.aggregate_id,
)
def patient_list(search: str | None = None) -> Select[Any]:
    """The caller's patients by name."""
    return found_by(search)


@reads(blueprint, "/patients/<uuid:patient_id>", PatientView, patient_of="patient_id")
def patient(patient_id: UUID) -> Patient:
    """One patient."""
    return intake().get(Patient, patient_id)


@reads(blueprint, "/patients/<uuid:patient_id>/team", TeamView, patient_of="patient_id")
def team(patient_id: UUID) -> Patient:
    """Who takes part in a patient's care."""
    return intake().get(Patient, patient_id)


@records(blueprint, "/patients/<uuid:patient_id>/team-members", AddTeamMember, TeamView, patient_of="patient_id")
def add_team_member(command: dict[str, Any], patient_id: UUID) -> Patient:
    """Let somebody join the care team."""
    return intake().add_team_member(request_context(), patient_id, **command)


@records(
    blueprint, "/patients/<uuid:patient_id>/team-members/remove", RemoveTeamMember, TeamView, patient_of="patient_id"
)
def remove_team_member(command: dict[str, Any], patient_id: UUID) -> Patient:
    """Let somebody leave the care team; the last coordinator stays."""
    return intake().remove_team_member(request_context(), patient_id, **command)
