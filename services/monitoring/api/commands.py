"""What may be told about a running program."""

from __future__ import annotations

import re
from typing import Any

import marshmallow as ma
from marshmallow import validate

from events.monitoring import Session
from services.monitoring.domain import REPEATED
from shared.clinical.instruments import instrument
from shared.clinical.redflags import RED_FLAGS
from shared.http import Strict, fields

COMPENDIUM_CODE = re.compile(r"[0-9]{5}")


def _from_nought_to_ten(meaning: str) -> fields.Integer:
    return fields.Integer(min=0, max=10, metadata={"description": meaning})


class SessionTold(Strict):
    """One session of exercise."""

    done_on = fields.Date(required=True, metadata={"description": "The patient's own day"})
    minutes = fields.Integer(required=True, min=1, max=1440)
    rpe = fields.Integer(min=6, max=20, metadata={"description": "How hard it felt: Borg's RPE, 6 to 20"})
    activity = fields.String(
        min_length=5,
        max_length=5,
        validate=validate.Regexp(COMPENDIUM_CODE),
        metadata={"description": "Code of the 2011 Compendium"},
    )

    @ma.post_load
    def session(self, told: dict[str, Any], **_: Any) -> Session:
        """Give the session."""
        return Session(**told)


class CheckIn(Strict):
    """How the patient is; anything may be left out, but not everything."""

    occurred_at = fields.DateTime(metadata={"description": "When it was so, if earlier than now"})
    mood = _from_nought_to_ten("0 worst, 10 best")
    energy = _from_nought_to_ten("0 none, 10 full")
    sleep = _from_nought_to_ten("Quality of sleep: 0 worst, 10 best")
    well_being = _from_nought_to_ten("0 worst, 10 best")
    sessions = fields.List(fields.Nested(SessionTold), max_length=50)
    symptoms = fields.List(
        fields.String(max_length=20, validate=validate.OneOf(sorted(RED_FLAGS))),
        max_length=len(RED_FLAGS),
        metadata={"description": "Red flags during or after exercise, by code"},
    )
    feels_unsafe = fields.Boolean()
    words = fields.String(max_length=4000, lines=True)


class RepeatMeasure(Strict):
    """A questionnaire as answered: one answer for each scored item, null for one left out."""

    instrument = fields.String(required=True, validate=validate.OneOf(REPEATED))
    answers = fields.List(fields.Integer(min=0, max=3, allow_none=True), required=True, min_length=1, max_length=9)
    difficulty = fields.Integer(min=0, max=3, metadata={"description": "The unscored item on functioning"})
    occurred_at = fields.DateTime(metadata={"description": "When it was answered, if earlier than now"})

    @ma.validates_schema
    def one_answer_for_each_item(self, told: dict[str, Any], **_: Any) -> None:
        """Refuse a list of another length: nobody could tell which answer belongs to which item."""
        items = len(instrument(told["instrument"]).items)
        if len(told["answers"]) != items:
            raise ma.ValidationError(f"Must hold {items} answers, null for one left out.", "answers")
