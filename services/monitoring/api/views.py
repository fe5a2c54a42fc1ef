"""What is answered about a running program."""

from __future__ import annotations

from services.monitoring.domain import Source, Status
from shared.clinical.change import Deterioration, Direction, Response, Verdict
from shared.clinical.redflags import Action
from shared.http import View, fields


class DueView(View):
    """What is due next, in the patient's own days; null once the program has ended."""

    check_in_on = fields.Date(required=True, allow_none=True)
    phq9_on = fields.Date(required=True, allow_none=True)


class AdherenceView(View):
    """Shares in percent; null where nothing was prescribed."""

    frequency = fields.Decimal(required=True, allow_none=True)
    time = fields.Decimal(required=True, allow_none=True)
    overall = fields.Decimal(required=True, allow_none=True)
    band = fields.String(required=True, allow_none=True)


class WeekView(View):
    """One week of the program; what a hold excused counts for nothing."""

    number = fields.Integer(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)
    complete = fields.Boolean(required=True)
    sessions_prescribed = fields.Integer(required=True)
    sessions_excused = fields.Integer(required=True)
    sessions_done = fields.Integer(required=True)
    minutes_prescribed = fields.Integer(required=True)
    minutes_excused = fields.Integer(required=True)
    minutes_done = fields.Integer(required=True)
    adherence = fields.Nested(AdherenceView, required=True)


class PlanView(View):
    """A monitoring plan as it stands now, with its last weeks."""

    id = fields.UUID(required=True, attribute="plan.id")
    version = fields.Integer(required=True, attribute="plan.version")
    patient_id = fields.UUID(required=True, attribute="plan.patient_id")
    program_id = fields.UUID(required=True, attribute="plan.program_id")
    revision = fields.Integer(required=True, attribute="plan.revision")
    status = fields.Enum(Status, required=True, attribute="plan.status")
    starts_on = fields.Date(required=True, attribute="plan.starts_on")
    opened_at = fields.DateTime(required=True, attribute="plan.opened_at")
    closed_at = fields.DateTime(required=True, allow_none=True, attribute="plan.closed_at")
    due = fields.Nested(DueView, required=True, attribute="plan.due")
    weeks = fields.List(fields.Nested(WeekView), required=True)


class PlanRow(View):
    """A line of the list of plans."""

    id = fields.UUID(required=True, attribute="aggregate_id")
    patient_id = fields.UUID(required=True)
    program_id = fields.UUID(required=True)
    revision = fields.Integer(required=True)
    status = fields.Enum(Status, required=True)
    starts_on = fields.Date(required=True)
    opened_at = fields.DateTime(required=True)
    closed_at = fields.DateTime(required=True, allow_none=True)
    check_in_due_on = fields.Date(required=True, allow_none=True)
    phq9_due_on = fields.Date(required=True, allow_none=True)


class SessionView(View):
    """One session of exercise."""

    done_on = fields.String(required=True, metadata={"format": "date"})
    minutes = fields.Integer(required=True)
    rpe = fields.Integer(required=True, allow_none=True)
    activity = fields.String(required=True, allow_none=True)


class CheckInView(View):
    """How the patient was."""

    event_id = fields.String(required=True)
    occurred_at = fields.DateTime(required=True)
    mood = fields.Integer(allow_none=True)
    energy = fields.Integer(allow_none=True)
    sleep = fields.Integer(allow_none=True)
    well_being = fields.Integer(allow_none=True)
    sessions = fields.List(fields.Nested(SessionView))
    symptoms = fields.List(fields.String())
    feels_unsafe = fields.Boolean(allow_none=True)
    words = fields.String(allow_none=True)


class CheckInRow(CheckInView):
    """A line of the list of check-ins: `recorded_as` is the role of who entered it."""

    recorded_by = fields.String(required=True)
    recorded_as = fields.String(required=True)


class RedFlagView(View):
    """A symptom that stops exercise, and what the patient does first."""

    code = fields.String(required=True)
    label = fields.String(required=True)
    action = fields.Enum(Action, required=True)


class CrisisView(View):
    """Whom to call now; the numbers are those of the patient's locale, null where they are not known."""

    text = fields.String(required=True)
    call_or_text = fields.String(required=True, allow_none=True)
    emergency = fields.String(required=True, allow_none=True)


class CheckInAnswer(View):
    """A check-in as it was taken, what to do at once, and what is due next."""

    id = fields.UUID(required=True, metadata={"description": "The plan"})
    version = fields.Integer(required=True)
    check_in = fields.Nested(CheckInView, required=True, attribute="last_check_in")
    red_flags = fields.List(fields.Nested(RedFlagView), required=True)
    crisis = fields.Nested(CrisisView, required=True, allow_none=True)
    due = fields.Nested(DueView, required=True)


class ResultView(View):
    """What the answers add up to; `invalid` says why there is no total."""

    answers = fields.List(fields.Integer(allow_none=True), required=True)
    total = fields.Integer(required=True, allow_none=True)
    band = fields.String(required=True, allow_none=True)
    provisional = fields.Boolean(required=True)
    missing = fields.Integer(required=True)
    invalid = fields.String(required=True, allow_none=True)
    difficulty = fields.Integer(required=True, allow_none=True)
    rules_version = fields.String(required=True)


class MeasureView(View):
    """A questionnaire as answered, against its baseline; `flags` ask for a person's look before any total."""

    event_id = fields.String(required=True)
    occurred_at = fields.DateTime(required=True)
    instrument = fields.String(required=True)
    result = fields.Nested(ResultView)
    baseline = fields.Integer(allow_none=True)
    change = fields.Integer(allow_none=True)
    flags = fields.List(fields.String())


class MeasureAnswer(View):
    """A questionnaire as it was taken, and what is due next."""

    id = fields.UUID(required=True, metadata={"description": "The plan"})
    version = fields.Integer(required=True)
    measure = fields.Nested(MeasureView, required=True, attribute="last_measure")
    due = fields.Nested(DueView, required=True)


class ReadingView(View):
    """What a change against the baseline means (clinical rules 1.4); improvement in percent of the baseline."""

    improvement = fields.Decimal(required=True, allow_none=True)
    direction = fields.Enum(Direction, required=True)
    meaningful = fields.Enum(Verdict, required=True)
    reliable = fields.Enum(Verdict, required=True)
    response = fields.Enum(Response, required=True)
    remission = fields.Enum(Verdict, required=True)
    deterioration = fields.Enum(Deterioration, required=True)


class PointView(View):
    """One total."""

    measured_at = fields.DateTime(required=True)
    source = fields.Enum(Source, required=True)
    total = fields.Integer(required=True)
    band = fields.String(required=True, allow_none=True)
    provisional = fields.Boolean(required=True)
    baseline = fields.Integer(required=True, allow_none=True)
    change = fields.Integer(required=True, allow_none=True)
    reading = fields.Nested(ReadingView, required=True, allow_none=True)


class SeriesView(View):
    """All totals of one instrument in order of time."""

    instrument = fields.String(required=True)
    baseline = fields.Nested(PointView, required=True, allow_none=True)
    points = fields.List(fields.Nested(PointView), required=True)


class PatientMeasuresView(View):
    """A patient's measures over time."""

    patient_id = fields.UUID(required=True)
    series = fields.List(fields.Nested(SeriesView), required=True)
