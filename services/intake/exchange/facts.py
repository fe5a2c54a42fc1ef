"""What an import yields: plain facts about patients, and one verdict per resource."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one resource."""

    TAKEN = "taken"
    LEFT = "left"
    REFUSED = "refused"


class Precision(StrEnum):
    """How exactly the sender stated a time."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    INSTANT = "instant"


class MeasureKind(StrEnum):
    """What was measured; the unit of each kind stands in codes.MEASURES."""

    BLOOD_PRESSURE = "blood-pressure"
    HEART_RATE = "heart-rate"
    RESTING_HEART_RATE = "resting-heart-rate"
    HEIGHT = "height"
    WEIGHT = "weight"
    EXERCISE_DAYS_PER_WEEK = "exercise-days-per-week"
    EXERCISE_MINUTES_PER_DAY = "exercise-minutes-per-day"
    EXERCISE_MINUTES_PER_WEEK = "exercise-minutes-per-week"
    STRENGTH_DAYS_PER_WEEK = "strength-days-per-week"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one entry of the document; `entry` counts from 0, `identities` name the facts it was taken into.

    `resource_type`, `resource_id` and `full_url` are None where the entry does not say them readably. `reason` is a
    sentence fit for a clinician: empty when the resource was taken by itself, it holds no patient data.
    """

    entry: int
    outcome: Outcome
    resource_type: str | None
    resource_id: str | None
    full_url: str | None
    reason: str = ""
    identities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """The resource that states a fact."""

    resource_type: str
    resource_id: str
    full_url: str | None


@dataclass(frozen=True, slots=True)
class RoughDate:
    """A date as exactly as it was stated: the first day of the stated year or month, or the day itself.

    A date-time becomes the calendar day in the zone that its sender wrote.
    """

    first_day: date
    precision: Precision


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, in UTC.

    A bare date stands at 12:00 UTC with precision `day`, which is that same day from UTC-12 to UTC+11. A time without
    zone (FHIR forbids it) is read as UTC with `zone_assumed`.
    """

    at: datetime
    precision: Precision
    zone_assumed: bool = False


@dataclass(frozen=True, slots=True)
class Coding:
    """One code of one code system; `system` is None where the sender named none."""

    system: str | None
    code: str
    display: str | None = None


@dataclass(frozen=True, slots=True)
class SourceIdentifier:
    """A number under which somebody knows the patient; `kind` is the HL7 v2-0203 code (MR, SS, ...) if stated."""

    system: str
    value: str
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedPatient:
    """A person as the sender records them; names are NFC. FHIR knows no time zone of a patient.

    `identities` come from the medical record numbers, then from other numbers (never from social security, driver's
    licence or passport numbers), and from the resource's id where there are none; `identity` is the first that is not
    another person's of the document, too. Any of them may recognise the person in another document; compare the birth
    date then. `sex` is FHIR's administrative gender, `language` a BCP 47 tag or the sender's word for it.
    """

    identity: str
    identities: tuple[str, ...]
    source: Source
    identifiers: tuple[SourceIdentifier, ...]
    family: str | None
    given: tuple[str, ...]
    full_name: str | None
    birth_date: RoughDate | None
    sex: str | None
    deceased: bool
    died_on: RoughDate | None
    language: str | None


@dataclass(frozen=True, slots=True)
class ImportedCondition:
    """A problem or diagnosis; statuses are FHIR's codes, None where the sender gives none."""

    identity: str
    source: Source
    codings: tuple[Coding, ...]
    text: str | None
    clinical_status: str | None
    verification_status: str | None
    onset: RoughDate | None
    abatement: RoughDate | None
    recorded: RoughDate | None


@dataclass(frozen=True, slots=True)
class ImportedMedication:
    """A medicine that was ordered; status and intent are FHIR's codes."""

    identity: str
    source: Source
    codings: tuple[Coding, ...]
    text: str | None
    status: str
    intent: str
    authored_on: RoughDate | None


@dataclass(frozen=True, slots=True)
class ImportedAllergy:
    """An allergy or intolerance; kind, categories, criticality and statuses are FHIR's codes."""

    identity: str
    source: Source
    codings: tuple[Coding, ...]
    text: str | None
    kind: str | None
    categories: tuple[str, ...]
    criticality: str | None
    clinical_status: str | None
    verification_status: str | None
    onset: RoughDate | None
    recorded: RoughDate | None


@dataclass(frozen=True, slots=True)
class ImportedMeasure:
    """One measured value in our unit; a blood pressure has systolic and diastolic instead of `value`.

    `stated` is the value with its unit as sent, where that was another unit than ours; a converted value is rounded
    half up to two decimals, any other is exactly what was sent.
    """

    identity: str
    source: Source
    kind: MeasureKind
    code: str
    value: Decimal | None
    systolic: Decimal | None
    diastolic: Decimal | None
    unit: str
    stated: str | None
    effective: Moment


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """The answer (0-3) to one item of a questionnaire; `number` counts from 1."""

    number: int
    loinc: str
    answer: int


@dataclass(frozen=True, slots=True)
class ImportedQuestionnaire:
    """Answers to PHQ-9, PHQ-2 or GAD-7, in item order, as far as they were sent; none beside a lone total.

    `instrument` is the id in shared.clinical.instruments: PHQ9, PHQ2 or GAD7.
    `recomputed_total` is the items' sum, None unless every item is answered. `contradicts`: the stated total cannot be
    right for these items. Both totals are kept. `difficulty` (0-3) is never scored.
    """

    identity: str
    source: Source
    instrument: str
    items: tuple[ItemAnswer, ...]
    stated_total: int | None
    recomputed_total: int | None
    contradicts: bool
    difficulty: int | None
    effective: Moment


ImportedFact = ImportedCondition | ImportedMedication | ImportedAllergy | ImportedMeasure | ImportedQuestionnaire


@dataclass(frozen=True, slots=True)
class PatientReading:
    """One patient and what the document says about them, in document order.

    `patient` is None where the sender named the person beside the document, which then holds no Patient.
    """

    identity: str
    patient: ImportedPatient | None
    conditions: tuple[ImportedCondition, ...]
    medications: tuple[ImportedMedication, ...]
    allergies: tuple[ImportedAllergy, ...]
    measures: tuple[ImportedMeasure, ...]
    questionnaires: tuple[ImportedQuestionnaire, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A document, read: its patients, and exactly one verdict per entry in the document's order."""

    patients: tuple[PatientReading, ...]
    verdicts: tuple[Verdict, ...]
