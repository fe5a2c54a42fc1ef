"""What comes in for a screening: one schema per command."""

from __future__ import annotations

from typing import Any

from marshmallow import post_load, validate

from events.intake import Treatment
from events.terms import Coded
from services.intake.domain import Occasion
from shared.clinical.contraindications import CONTRAINDICATIONS
from shared.clinical.instruments import INSTRUMENTS
from shared.clinical.modifiers import MODIFIERS
from shared.http import Strict, fields

UNKNOWN = {"description": "null or left out: not known"}


class OpenScreening(Strict):
    """Open a screening."""

    reason = fields.Enum(Occasion, load_default=Occasion.INTAKE)


class CodedWords(Strict):
    """A name with its code, where one is known."""

    display = fields.String(required=True, max_length=300)
    code = fields.String(load_default=None, allow_none=True, max_length=60)
    system = fields.String(load_default=None, allow_none=True, max_length=300)

    @post_load
    def _made(self, words: dict[str, Any], **_: Any) -> Coded:
        return Coded(**words)


class TreatmentWords(Strict):
    """What stands beside exercise."""

    discussed = fields.Boolean(load_default=False)
    active = fields.Boolean(load_default=False, metadata={"description": "Medication or psychotherapy is under way"})
    referral_sent = fields.Boolean(load_default=False)

    @post_load
    def _made(self, words: dict[str, Any], **_: Any) -> Treatment:
        return Treatment(**words)


def _coded() -> Any:
    return fields.List(fields.Nested(CodedWords), max_length=100, load_default=list)


def _codes(table: Any) -> Any:
    code = fields.String(max_length=60, validate=validate.OneOf(list(table)))
    return fields.List(code, max_length=len(table), load_default=list)


class RecordMedicalHistory(Strict):
    """Conditions, medication, and the answers that the pre-participation table asks for."""

    conditions = _coded()
    medications = _coded()
    allergies = _coded()
    contraindications = _codes(CONTRAINDICATIONS)
    modifiers = _codes(MODIFIERS)
    treatment = fields.Nested(TreatmentWords, load_default=Treatment)
    known_disease = fields.Boolean(load_default=None, allow_none=True, metadata=UNKNOWN)
    symptoms = fields.Boolean(load_default=None, allow_none=True, metadata=UNKNOWN)
    regularly_active = fields.Boolean(load_default=None, allow_none=True, metadata=UNKNOWN)
    wants_vigorous = fields.Boolean(load_default=False)
    notes = fields.String(load_default="", min_length=0, max_length=4000, lines=True)

    @post_load
    def _made(self, words: dict[str, Any], **_: Any) -> dict[str, Any]:
        return _with_tuples(words)


class RecordQuestionnaire(Strict):
    """The answers to one questionnaire."""

    instrument = fields.String(required=True, max_length=20, validate=validate.OneOf(list(INSTRUMENTS)))
    answers = fields.List(
        fields.Integer(min=0, max=10, allow_none=True),
        required=True,
        min_length=1,
        max_length=30,
        metadata={"description": "In item order, unscored items last; null: not answered"},
    )


class RecordVitals(Strict):
    """Blood pressure (mmHg) and pulse (per minute) at rest."""

    systolic = fields.Integer(required=True, min=1, max=999)
    diastolic = fields.Integer(required=True, min=1, max=999)
    resting_heart_rate = fields.Integer(required=True, min=1, max=999)
    with_symptoms = fields.Boolean(load_default=None, allow_none=True, metadata=UNKNOWN)


class RecordActivity(Strict):
    """The exercise vital sign."""

    days_per_week = fields.Integer(required=True, min=0, max=7)
    minutes_per_day = fields.Integer(required=True, min=0, max=1440)
    strength_days_per_week = fields.Integer(load_default=None, allow_none=True, min=0, max=7)


def _texts() -> Any:
    return fields.List(fields.String(max_length=300), max_length=30, load_default=list)


class RecordPreferences(Strict):
    """What the patient likes, hopes for, and what stands in the way, in their words."""

    liked = _texts()
    disliked = _texts()
    barriers = _texts()
    goals = fields.String(load_default="", min_length=0, max_length=2000, lines=True)
    confidence = fields.Integer(load_default=None, allow_none=True, min=0, max=10)

    @post_load
    def _made(self, words: dict[str, Any], **_: Any) -> dict[str, Any]:
        return _with_tuples(words)


class AssessSafety(Strict):
    """What follows from a safety flag."""

    flag = fields.String(required=True, max_length=40)
    hold = fields.Boolean(required=True, metadata={"description": "true keeps the patient from exercise"})
    assessment = fields.String(required=True, max_length=4000, lines=True)


def _with_tuples(words: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in words.items()}
