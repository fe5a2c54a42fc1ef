"""Takes the exchange's reading of a document in: whose it is, what is new, and what became of each resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Protocol
from uuid import UUID, uuid4

from events.intake import DatePrecision, Identifier
from events.terms import Coded
from services.intake.domain import Identity, ImportedRecord, Patient, Stated, imported_record_id, is_language
from services.intake.worklists import known_by
from shared.columns import VALUE_TAKEN
from shared.eventlog import Context, NotFound, Refused

GOVERNMENT_NUMBERS = frozenset({"SS", "DL", "PPN"})
"""Social security, driving licence, passport (HL7 v2-0203): nobody is recognised by them here."""

SOURCE = "urn:caretrail:source"
"""The system of whoever has no number of their own: the name under which their source knows them."""

UNKNOWN_LANGUAGE = "und"

Take = Callable[[ImportedRecord, Any, datetime], None]
"""Takes one of the exchange's facts into a record, at a moment."""

TAKEN, LEFT, REFUSED = "taken", "left", "refused"
HERE_ALREADY = "It is here already."


@dataclass(frozen=True)
class ImportedResource:
    """What became of one resource: taken, left or refused, and why."""

    entry: int
    outcome: str
    resource_type: str | None
    resource_id: str | None
    reason: str


@dataclass(frozen=True)
class ImportedPerson:
    """What became of one patient; `patient_id` is None where nobody could be told to be meant, `reason` says why."""

    patient_id: UUID | None
    registered: bool
    taken: int
    repeated: int
    current_risks: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True)
class Imported:
    """What became of a document: its patients, and one word per resource."""

    patients: tuple[ImportedPerson, ...]
    resources: tuple[ImportedResource, ...]


class Log(Protocol):
    """What an import needs of the application."""

    get: Callable[..., Any]
    find: Callable[..., Any]
    save: Callable[..., Any]
    query: Callable[..., Any]


class Import:
    """One document on its way in; each patient with their facts is saved at once."""

    def __init__(self, intake: Log, context: Context, patient_id: UUID | None, time_zone: str):
        self._intake = intake
        self._context = context
        self._named = patient_id
        self._time_zone = time_zone
        self._fates: dict[str, tuple[str, str]] = {}
        self._met: set[UUID] = set()

    def take(self, reading: Any) -> Imported:
        """Take every patient of a reading; a patient who is refused keeps no other out."""
        if self._named is not None:
            self._must_be_of_the_named(reading)
        people = tuple(self._take_patient(each) for each in reading.patients)
        return Imported(people, tuple(self._resource(verdict) for verdict in reading.verdicts))

    def _must_be_of_the_named(self, reading: Any) -> None:
        patient = self._intake.get(Patient, self._named, self._context)
        if self._context.actor.id not in patient.team:
            raise NotFound(f"there is no Patient {self._named}")
        if any(each.patient is not None for each in reading.patients):
            raise Refused("The document names its patient itself. Send it without patient_id.", code="patient-named")

    def _take_patient(self, reading: Any) -> ImportedPerson:
        facts = list(_facts_of(reading))
        try:
            patient = self._patient(reading)
        except Refused as refusal:
            identities = [reading.identity, *(fact.identity for fact, _ in facts)]
            self._fates.update(dict.fromkeys(identities, (REFUSED, str(refusal))))
            return ImportedPerson(None, False, 0, 0, (), str(refusal))
        registered = patient.version == len(patient.pending)
        self._fates[reading.identity] = (TAKEN, "") if registered else (LEFT, HERE_ALREADY)
        risks = self._take_facts(patient, facts)
        outcomes = [self._fates[fact.identity][0] for fact, _ in facts]
        return ImportedPerson(patient.id, registered, outcomes.count(TAKEN), outcomes.count(LEFT), risks)

    def _take_facts(self, patient: Patient, facts: list[tuple[Any, Take]]) -> tuple[str, ...]:
        """Keep what is new, save it with the patient, and give the risks that wait for a person."""
        record = self._record_of(patient)
        for fact, take in facts:
            self._fates[fact.identity] = self._take_fact(record, fact, take)
        record.look_for_current_risk()
        if record.pending or patient.pending:
            self._save(record, patient)
        return tuple(risk.flag for risk in record.open_risks)

    def _save(self, record: ImportedRecord, patient: Patient) -> None:
        try:
            self._intake.save(record, patient)
        except VALUE_TAKEN as error:
            if not self._intake.query(known_by(patient.identifiers)):
                raise
            message = "Somebody else took this patient on at the same moment. Send the document again."
            raise Refused(message, code="changed-meanwhile") from error

    def _take_fact(self, record: ImportedRecord, fact: Any, take: Take) -> tuple[str, str]:
        if record.knows(fact.identity):
            return LEFT, HERE_ALREADY
        try:
            take(record, fact, self._context.now)
        except Refused as refusal:
            return REFUSED, str(refusal)
        return TAKEN, ""

    def _record_of(self, patient: Patient) -> ImportedRecord:
        record = self._intake.find(ImportedRecord, imported_record_id(patient.id), self._context)
        return record or ImportedRecord.open(patient.id, self._context)

    # Whose it is

    def _patient(self, reading: Any) -> Patient:
        if reading.patient is None:
            return self._intake.get(Patient, self._named, self._context)
        stated = reading.patient
        identity = _identity(stated, self._time_zone)
        known = [row["aggregate_id"] for row in self._intake.query(known_by(identity.identifiers))]
        if not known:
            patient = Patient.bring_in(uuid4(), self._context, identity, deceased=stated.deceased)
            self._met.add(patient.id)
            return patient
        # Two people of one document who lead to the same patient here: a shared number names neither.
        if len(known) > 1 or known[0] in self._met:
            raise Refused("The numbers of this patient belong to several people. Correct them and send both again.")
        patient = self._mine(self._intake.get(Patient, known[0], self._context))
        _must_be_the_same(patient, identity)
        self._met.add(patient.id)
        if stated.deceased:
            patient.note_death()
        return patient

    def _mine(self, patient: Patient) -> Patient:
        # Otherwise anybody could read a stranger's record by importing a document with the stranger's number.
        if self._context.actor.id not in patient.team:
            raise Refused("A patient with this number is in care here, and you are not in the care team. Ask to join.")
        return patient

    # What became of it

    def _resource(self, verdict: Any) -> ImportedResource:
        outcome, reason = str(verdict.outcome), verdict.reason
        fates = [self._fates[identity] for identity in verdict.identities if identity in self._fates]
        if outcome == TAKEN and fates:
            # a resource that holds several facts was taken if any of them was
            outcome, why = next(fate for word in (TAKEN, REFUSED, LEFT) for fate in fates if fate[0] == word)
            reason = why or reason
        return ImportedResource(verdict.entry, outcome, verdict.resource_type, verdict.resource_id, reason)


def _must_be_the_same(patient: Patient, identity: Identity) -> None:
    """Refuse to put one person's history into another's record: birth dates and numbers must not contradict."""
    ours = {each.system: set[str]() for each in patient.identifiers}
    for each in patient.identifiers:
        ours[each.system].add(each.value)
    theirs = {each.system: set[str]() for each in identity.identifiers}
    for each in identity.identifiers:
        theirs[each.system].add(each.value)
    # Twins share an insurance number and a birth date, but not a number that one organisation gave to each.
    numbers_differ = any(ours[system].isdisjoint(theirs[system]) for system in ours.keys() & theirs.keys())
    born_differently = None not in (patient.birth_date, identity.birth_date) and (
        (patient.birth_date, patient.precision) != (identity.birth_date, identity.precision)
    )
    if numbers_differ or born_differently:
        raise Refused("Somebody here has this patient's number, but another birth date or other numbers. Clear it up.")


def _identity(stated: Any, time_zone: str) -> Identity:
    numbers = [
        Identifier(system=each.system, value=each.value)
        for each in stated.identifiers
        if each.kind not in GOVERNMENT_NUMBERS
    ]
    named = bool(stated.family or stated.given)
    return Identity(
        family_name=(stated.family or "") if named else stated.full_name or "",
        given_name=" ".join(stated.given),
        birth_date=stated.birth_date.first_day if stated.birth_date else None,
        precision=DatePrecision(str(stated.birth_date.precision)) if stated.birth_date else DatePrecision.DAY,
        sex=stated.sex,
        identifiers=tuple(dict.fromkeys(numbers)) or (Identifier(system=SOURCE, value=stated.identity),),
        time_zone=time_zone,
        language=stated.language if stated.language and is_language(stated.language) else UNKNOWN_LANGUAGE,
    )


# Facts


def _facts_of(reading: Any) -> Iterator[tuple[Any, Take]]:
    """Every fact of a patient with how it is taken."""
    kinds: tuple[tuple[Any, Take], ...] = (
        (reading.conditions, _take_condition),
        (reading.medications, _take_medication),
        (reading.allergies, _take_allergy),
        (reading.measures, _take_measure),
        (reading.questionnaires, _take_questionnaire),
    )
    for facts, take in kinds:
        for fact in facts:
            yield fact, take


def _take_condition(record: ImportedRecord, fact: Any, now: datetime) -> None:
    stated = Stated(identity=fact.identity, at=_noon(fact.onset or fact.recorded, now))
    record.take_condition(stated, _coded(fact), fact.clinical_status, _written(fact.onset))


def _take_medication(record: ImportedRecord, fact: Any, now: datetime) -> None:
    record.take_medication(Stated(identity=fact.identity, at=_noon(fact.authored_on, now)), _coded(fact), fact.status)


def _take_allergy(record: ImportedRecord, fact: Any, now: datetime) -> None:
    stated = Stated(identity=fact.identity, at=_noon(fact.onset or fact.recorded, now))
    record.take_allergy(stated, _coded(fact), fact.clinical_status)


def _take_measure(record: ImportedRecord, fact: Any, now: datetime) -> None:
    stated = Stated(identity=fact.identity, at=min(fact.effective.at, now))
    value = fact.systolic if fact.value is None else fact.value
    record.take_measure(stated, str(fact.kind), fact.unit, value, fact.diastolic)


def _take_questionnaire(record: ImportedRecord, fact: Any, now: datetime) -> None:
    record.take_questionnaire(
        Stated(identity=fact.identity, at=min(fact.effective.at, now)),
        fact.instrument,
        {item.number: item.answer for item in fact.items},
        fact.difficulty,
        fact.stated_total,
        fact.contradicts,
    )


def _coded(fact: Any) -> Coded:
    coding = fact.codings[0] if fact.codings else None
    if coding is None:
        return Coded(display=fact.text)
    return Coded(display=coding.display or fact.text or coding.code, code=coding.code, system=coding.system)


def _noon(day: Any, now: datetime) -> datetime | None:
    """The moment that stands for a day: noon in UTC, which is that day nearly everywhere; never after now."""
    return min(datetime.combine(day.first_day, time(12), UTC), now) if day else None


def _written(day: Any) -> str | None:
    """A date as exactly as it is known: 2019, 2019-05 or 2019-05-04."""
    if day is None:
        return None
    return day.first_day.isoformat()[: {"year": 4, "month": 7}.get(str(day.precision), 10)]
