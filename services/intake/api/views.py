"""What screenings look like from outside."""

from shared.http import View, fields


class CodedView(View):
    """A name with its code, where one is known."""

    display = fields.String(required=True)
    code = fields.String(required=True, allow_none=True)
    system = fields.String(required=True, allow_none=True)


class TreatmentView(View):
    """What stands beside exercise."""

    discussed = fields.Boolean(required=True)
    active = fields.Boolean(required=True)
    referral_sent = fields.Boolean(required=True)


class MedicalHistoryView(View):
    """The medical history; null is not known."""

    conditions = fields.List(fields.Nested(CodedView))
    medications = fields.List(fields.Nested(CodedView))
    allergies = fields.List(fields.Nested(CodedView))
    contraindications = fields.List(fields.String())
    modifiers = fields.List(fields.String())
    treatment = fields.Nested(TreatmentView)
    known_disease = fields.Boolean(allow_none=True)
    symptoms = fields.Boolean(allow_none=True)
    regularly_active = fields.Boolean(allow_none=True)
    wants_vigorous = fields.Boolean()
    notes = fields.String()
    recorded_at = fields.DateTime(required=True, attribute="occurred_at")


class ResultView(View):
    """A questionnaire as answered, and what the rules made of it."""

    instrument = fields.String(required=True)
    answers = fields.List(fields.Integer(allow_none=True), required=True)
    total = fields.Integer(required=True, allow_none=True)
    band = fields.String(required=True, allow_none=True)
    provisional = fields.Boolean(required=True)
    missing = fields.Integer(required=True)
    invalid = fields.String(required=True, allow_none=True, metadata={"description": "Why there is no total"})
    difficulty = fields.Integer(required=True, allow_none=True)
    stated_total = fields.Integer(required=True, allow_none=True)
    rules_version = fields.String(required=True)


class VitalsView(View):
    """One reading at rest."""

    systolic = fields.Integer()
    diastolic = fields.Integer()
    resting_heart_rate = fields.Integer()
    with_symptoms = fields.Boolean(allow_none=True)
    measured_at = fields.DateTime(required=True, attribute="occurred_at")


class ActivityView(View):
    """The exercise vital sign."""

    days_per_week = fields.Integer()
    minutes_per_day = fields.Integer()
    strength_days_per_week = fields.Integer(allow_none=True)


class PreferencesView(View):
    """What the patient likes, hopes for, and what stands in the way."""

    liked = fields.List(fields.String())
    disliked = fields.List(fields.String())
    barriers = fields.List(fields.String())
    goals = fields.String()
    confidence = fields.Integer(allow_none=True)


class AssessmentView(View):
    """What a clinician says about a safety flag."""

    hold = fields.Boolean()
    assessment = fields.String()
    assessed_by = fields.String(required=True, attribute="actor.id")
    assessed_at = fields.DateTime(required=True, attribute="occurred_at")


class ReasonView(View):
    """Why a gate decided so."""

    gate = fields.String(required=True)
    code = fields.String(required=True)
    source = fields.String(required=True)


class ConditionView(View):
    """What is demanded besides; null days: before the program starts."""

    code = fields.String(required=True)
    source = fields.String(required=True)
    within_days = fields.Integer(required=True, allow_none=True)


class ConclusionView(View):
    """What may be prescribed."""

    permission = fields.String(required=True)
    intensity_cap = fields.String(required=True)
    reasons = fields.List(fields.Nested(ReasonView))
    conditions = fields.List(fields.Nested(ConditionView))
    rules_version = fields.String(required=True)
    concluded_by = fields.String(required=True, attribute="actor.id")
    concluded_at = fields.DateTime(required=True, attribute="occurred_at")


class ClearanceView(View):
    """A physician's decision; the cap is what it and every other gate leave."""

    referral_id = fields.UUID(required=True)
    outcome = fields.String(required=True)
    intensity_cap = fields.String(required=True)
    valid_until = fields.Date(required=True, allow_none=True)
    decided_by = fields.String(required=True)
    note = fields.String()
    recorded_at = fields.DateTime(required=True, attribute="occurred_at")


class ScreeningView(View):
    """A screening."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    patient_id = fields.UUID(required=True)
    status = fields.String(required=True)
    reason = fields.String(required=True, attribute="opened.reason")
    opened_at = fields.DateTime(required=True, attribute="opened.occurred_at")
    missing = fields.List(fields.String(), required=True)
    blocks = fields.List(fields.String(), required=True, metadata={"description": "What stands before a conclusion"})
    medical_history = fields.Nested(MedicalHistoryView, required=True, allow_none=True, attribute="history")
    questionnaires = fields.Dict(fields.String(), fields.Nested(ResultView), required=True, attribute="results")
    vitals = fields.List(fields.Nested(VitalsView), required=True)
    activity = fields.Nested(ActivityView, required=True, allow_none=True)
    preferences = fields.Nested(PreferencesView, required=True, allow_none=True)
    safety_flags = fields.Dict(
        fields.String(),
        fields.Nested(AssessmentView, allow_none=True),
        required=True,
        attribute="flags",
        metadata={"description": "Each flag with its assessment; null: nobody has looked at it yet"},
    )
    conclusion = fields.Nested(ConclusionView, required=True, allow_none=True)
    clearance = fields.Nested(ClearanceView, required=True, allow_none=True)


class ScreeningRow(View):
    """A screening in a list."""

    id = fields.UUID(required=True, attribute="aggregate_id")
    patient_id = fields.UUID(required=True)
    status = fields.String(required=True)
    reason = fields.String(required=True)
    opened_at = fields.DateTime(required=True)
    open_flags = fields.Integer(required=True, metadata={"description": "Safety flags that nobody has assessed"})
    concluded_at = fields.DateTime(required=True, allow_none=True)
    permission = fields.String(required=True, allow_none=True)
    intensity_cap = fields.String(required=True, allow_none=True)


class ItemView(View):
    """One item, by concept."""

    number = fields.Integer(required=True)
    label = fields.String(required=True)
    loinc = fields.String(required=True, allow_none=True)


class BandView(View):
    """A severity band; both bounds belong to it."""

    code = fields.String(required=True)
    low = fields.Integer(required=True)
    high = fields.Integer(required=True)


class InstrumentView(View):
    """One questionnaire."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    version = fields.String(required=True)
    recall = fields.String(required=True)
    minimum = fields.Integer(required=True)
    maximum = fields.Integer(required=True)
    items = fields.List(fields.Nested(ItemView), required=True)
    unscored = fields.List(fields.Nested(ItemView), required=True)
    bands = fields.List(fields.Nested(BandView), required=True)
    higher_is_better = fields.Boolean(required=True)
    licence = fields.String(required=True)
    source = fields.String(required=True)


class InstrumentsView(View):
    """The questionnaires that are known here."""

    instruments = fields.List(fields.Nested(InstrumentView), required=True)
