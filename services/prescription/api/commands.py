"""What prescription can be asked to do: the bodies of its commands and the questions to its lists."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from events.terms import Intensity
from services.prescription.domain import HeartRateFrom, Status, Wanted
from shared.http import Query, Strict, fields

PRESCRIBABLE = [intensity for intensity in Intensity if intensity is not Intensity.NONE]
EVENT_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[1-9][0-9]{0,17}"


class WantedComponent(Strict):
    """One component as it is asked for; name, MET and bounds come from the rules."""

    activity = fields.String(required=True, max_length=40, metadata={"description": "Compendium code, or our id"})
    intensity = fields.Enum(Intensity, required=True, validate=ma.validate.OneOf(PRESCRIBABLE))
    minutes = fields.Integer(required=True, min=1, max=1440, metadata={"description": "Minutes of a session"})
    times_per_week = fields.Integer(required=True, min=1, max=7)
    rpe = fields.List(
        fields.Integer(min=6, max=20),
        min_length=2,
        max_length=2,
        metadata={"description": "RPE bounds (6-20) in place of heart-rate bounds"},
    )
    instructions = fields.String(max_length=2000, lines=True)

    @ma.post_load
    def wanted(self, found: dict[str, Any], **_: Any) -> Wanted:
        """Speak the domain's words."""
        return Wanted(**found | ({"rpe": tuple(found["rpe"])} if "rpe" in found else {}))


class HeartRateBasis(Strict):
    """What heart-rate bounds are computed from (Karvonen on the predicted maximum); leave out where RPE must do."""

    age = fields.Integer(required=True, min=0, max=130, metadata={"description": "Years"})
    resting = fields.Integer(required=True, min=20, max=250, metadata={"description": "Beats per minute at rest"})

    @ma.post_load
    def basis(self, found: dict[str, Any], **_: Any) -> HeartRateFrom:
        """Speak the domain's words."""
        return HeartRateFrom(**found)


class WrittenProgram(Strict):
    """What a revision says."""

    components = fields.List(fields.Nested(WantedComponent), required=True, min_length=1, max_length=20)
    goals = fields.List(fields.String(max_length=500), max_length=20, load_default=list)
    heart_rate_from = fields.Nested(HeartRateBasis)


class DraftProgram(WrittenProgram):
    """Write the first revision of a program."""

    patient_id = fields.UUID(required=True)


class ReviseProgram(WrittenProgram):
    """Write the next revision: all of it, as it shall be."""

    reason = fields.String(required=True, max_length=2000, lines=True)
    triggered_by = fields.String(
        max_length=60,
        validate=ma.validate.Regexp(f"^{EVENT_ID}$"),
        metadata={"description": "The event that led to it: an alert, a report, a screening"},
    )


class ActivateProgram(Strict):
    """Let the patient exercise by it."""

    starts_on = fields.Date(required=True, metadata={"description": "First day, at most 90 days ahead"})


class PauseProgram(Strict):
    """Stop for now."""

    reason = fields.String(required=True, max_length=2000, lines=True)
    needs_clearance = fields.Boolean(
        load_default=False, metadata={"description": "Only a physician's later clearance lets it go on"}
    )


class StateReason(Strict):
    """Say why."""

    reason = fields.String(required=True, max_length=2000, lines=True)


class CompleteProgram(Strict):
    """Bring it to its planned end."""

    note = fields.String(required=True, max_length=2000, lines=True)


class WhichPrograms(Query):
    """Which programs."""

    patient_id = fields.UUID()
    status = fields.Enum(Status)
