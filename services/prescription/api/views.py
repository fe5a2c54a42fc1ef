"""What prescription answers: programs with their revisions, the catalogue, and what may be prescribed."""

from __future__ import annotations

from events.terms import ClearanceOutcome, Intensity, Permission
from services.prescription.domain import Missing, Status, Step, steps_of
from shared.clinical.activities import Family
from shared.clinical.intensity import Intensity as Band
from shared.http import View, caller, fields


def allowed_to_caller(status: Status) -> list[Step]:
    """List the steps that the caller, in any of their roles, may take in a status."""
    allowed = {step for role in caller().roles for step in steps_of(status, role)}
    return [step for step in Step if step in allowed]


class ComponentView(View):
    """One component of a program."""

    activity = fields.String(required=True, metadata={"description": "Compendium code"})
    name = fields.String(required=True)
    met = fields.Decimal(required=True)
    intensity = fields.Enum(Intensity, required=True)
    minutes = fields.Integer(required=True)
    times_per_week = fields.Integer(required=True)
    heart_rate = fields.List(
        fields.Integer(), required=True, allow_none=True, metadata={"description": "Beats per minute, from and to"}
    )
    rpe = fields.List(fields.Integer(), required=True, allow_none=True, metadata={"description": "From and to"})
    instructions = fields.String(required=True)


class ChangeView(View):
    """One field that a revision changed; null where it was not there, or is gone."""

    path = fields.String(required=True)
    before = fields.String(required=True, allow_none=True)
    after = fields.String(required=True, allow_none=True)


class AuthorView(View):
    """Who wrote it, in which role."""

    id = fields.String(required=True)
    role = fields.String(required=True)


class RevisionView(View):
    """One revision; what was erased is left out."""

    number = fields.Integer(required=True)
    author = fields.Nested(AuthorView, required=True)
    written_at = fields.DateTime(required=True)
    reason = fields.String(allow_none=True, metadata={"description": "Why; the first revision has none"})
    triggered_by = fields.String(required=True, allow_none=True)
    components = fields.List(fields.Nested(ComponentView))
    goals = fields.List(fields.String())
    changes = fields.List(fields.Nested(ChangeView), metadata={"description": "Against the revision before"})


class ProgramView(View):
    """A program as it is, how it came to be so, and what the caller may do next."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    patient_id = fields.UUID(required=True)
    status = fields.Enum(Status, required=True)
    revision = fields.Integer(required=True)
    statement = fields.String(required=True, metadata={"description": "The complementary-care statement"})
    components = fields.List(fields.Nested(ComponentView), required=True)
    goals = fields.List(fields.String(), required=True)
    drafted_at = fields.DateTime(required=True)
    starts_on = fields.Date(required=True, allow_none=True)
    basis = fields.List(fields.String(), required=True, metadata={"description": "The events that allow it"})
    needs_clearance = fields.Boolean(required=True)
    clearance_after = fields.DateTime(required=True, allow_none=True)
    revisions = fields.List(fields.Nested(RevisionView), required=True)
    allowed = fields.Function(
        lambda program: allowed_to_caller(program.status),
        required=True,
        metadata={"type": "array", "items": {"type": "string", "enum": list(Step)}},
    )


class ProgramRow(View):
    """Where a program stands."""

    id = fields.UUID(required=True, attribute="aggregate_id")
    patient_id = fields.UUID(required=True)
    status = fields.Enum(Status, required=True)
    revision = fields.Integer(required=True)
    next = fields.List(fields.String(), required=True, metadata={"description": "Steps that its status allows"})
    needs_clearance = fields.Boolean(required=True)
    starts_on = fields.Date(required=True, allow_none=True)
    drafted_at = fields.DateTime(required=True)


class ActivityView(View):
    """One activity of the catalogue."""

    id = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "Compendium code: five digits"})
    name = fields.String(required=True)
    met = fields.Decimal(required=True)
    family = fields.Enum(Family, required=True)
    intensity = fields.Enum(Band, required=True, metadata={"description": "The band of its MET value"})
    proxy = fields.Boolean(required=True, metadata={"description": "Has the value of a similar activity"})
    compendium_year = fields.Integer(required=True)


class CatalogueView(View):
    """All activities that may be prescribed."""

    items = fields.List(fields.Nested(ActivityView), required=True)
    source = fields.String(required=True)


class ConclusionView(View):
    """The latest concluded screening."""

    event_id = fields.String(required=True)
    screening_id = fields.UUID(required=True)
    permission = fields.Enum(Permission, required=True)
    cap = fields.Enum(Intensity, required=True)
    conditions = fields.List(fields.String(), required=True)
    concluded_at = fields.DateTime(required=True, attribute="decided.occurred_at")


class ClearanceView(View):
    """The latest decision of a physician."""

    event_id = fields.String(required=True)
    screening_id = fields.UUID(required=True)
    outcome = fields.Enum(ClearanceOutcome, required=True)
    cap = fields.Enum(Intensity, required=True)
    valid_until = fields.Date(required=True, allow_none=True)
    decided_at = fields.DateTime(required=True, attribute="decided.occurred_at")


class MissingView(View):
    """One thing that stands between the patient and a program."""

    code = fields.Enum(Missing, required=True)
    words = fields.String(required=True)


class PermitView(View):
    """What may be prescribed today, and what is missing for any exercise."""

    patient_id = fields.UUID(required=True)
    on = fields.Date(required=True)
    cap = fields.Enum(Intensity, required=True, metadata={"description": "The highest intensity allowed today"})
    missing = fields.List(fields.Nested(MissingView), required=True)
    conclusion = fields.Nested(ConclusionView, required=True, allow_none=True)
    clearance = fields.Nested(ClearanceView, required=True, allow_none=True)
    red_flag_at = fields.DateTime(required=True, allow_none=True)
