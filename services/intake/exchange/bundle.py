"""Reads a whole FHIR R4 document: every resource gets one verdict, and what is taken becomes facts per patient."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.intake.exchange.answers import questionnaire_codes
from services.intake.exchange.codes import OBSERVATION_LEFT, OBSERVATION_TAKEN
from services.intake.exchange.document import Entry, References, entries_of
from services.intake.exchange.facts import (
    ImportedAllergy,
    ImportedCondition,
    ImportedFact,
    ImportedMeasure,
    ImportedMedication,
    ImportedQuestionnaire,
    Outcome,
    PatientReading,
    Reading,
    Verdict,
)
from services.intake.exchange.json_values import Node, NotUsed, Unreadable, loinc_codes, shown
from services.intake.exchange.measures import MEASURED, read_measure
from services.intake.exchange.panels import Panels
from services.intake.exchange.people import People, refuse_modifiers
from services.intake.exchange.questionnaires import read_panel, read_response
from services.intake.exchange.records import medication_reader, read_allergy, read_condition, used_status
from services.intake.exchange.times import Calendar


def read_bundle(document: Mapping[str, Any], *, now: datetime | None = None, named: str | None = None) -> Reading:
    """Return what a FHIR R4 Bundle (transaction, collection, searchset) or a single resource says.

    `document` is parsed JSON of any shape; its size and depth are the caller's to limit. With `now`, later times are
    refused. `named` is the identity of the patient whom the sender named for a document that holds no Patient; without
    it such a document's facts are refused. Nothing is raised but NotABundle, for a document of another kind.
    """
    return _Import(entries_of(document), Calendar.until(now), named).reading()


class _Import:
    """One document on its way through."""

    def __init__(self, entries: tuple[Entry, ...], calendar: Calendar, named: str | None) -> None:
        self._entries = entries
        self._calendar = calendar
        self._named = named
        references = References(entries)
        self._people = People(entries, references, calendar, named)
        self._panels = Panels(entries, references)
        self._read_medication = medication_reader(references)
        self._facts: dict[str, dict[str, ImportedFact]] = defaultdict(dict)
        self._verdicts: dict[int, Verdict] = {}

    def reading(self) -> Reading:
        verdicts = tuple(self._verdict(entry) for entry in self._entries)
        identities = [*self._people.patients]
        if not identities and self._named is not None and self._facts:
            identities = [self._named]
        return Reading(tuple(self._reading_of(identity) for identity in identities), verdicts)

    def _reading_of(self, identity: str) -> PatientReading:
        facts = self._facts[identity].values()
        return PatientReading(
            identity=identity,
            patient=self._people.patients.get(identity),
            conditions=tuple(fact for fact in facts if isinstance(fact, ImportedCondition)),
            medications=tuple(fact for fact in facts if isinstance(fact, ImportedMedication)),
            allergies=tuple(fact for fact in facts if isinstance(fact, ImportedAllergy)),
            measures=tuple(fact for fact in facts if isinstance(fact, ImportedMeasure)),
            questionnaires=tuple(fact for fact in facts if isinstance(fact, ImportedQuestionnaire)),
        )

    def _verdict(self, entry: Entry) -> Verdict:
        if entry.number not in self._verdicts:
            self._verdicts[entry.number] = self._judge(entry)
        return self._verdicts[entry.number]

    def _judge(self, entry: Entry) -> Verdict:
        try:
            panel = self._panels.owner_of(entry)
            if panel is not None:
                return self._as_member(entry, panel)
            return _verdict(entry, Outcome.TAKEN, identities=self._take(entry))
        except NotUsed as reason:
            return _verdict(entry, Outcome.LEFT, str(reason))
        except Unreadable as reason:
            return _verdict(entry, Outcome.REFUSED, str(reason))

    def _as_member(self, entry: Entry, panel: Entry) -> Verdict:
        used_status(entry.resource or {}, "status", OBSERVATION_TAKEN, OBSERVATION_LEFT)
        whole = self._verdict(panel)
        word = {Outcome.TAKEN: "Read as", Outcome.LEFT: "Left with", Outcome.REFUSED: "Refused with"}[whole.outcome]
        return _verdict(entry, whole.outcome, f"{word} part of {_label(panel)}.", whole.identities)

    def _take(self, entry: Entry) -> tuple[str, ...]:
        """The identities of what the entry was taken into; its facts are kept."""
        resource = _resource_of(entry)
        if entry.resource_type == "Patient":
            return (self._people.read(entry).identity,)
        key = "patient" if entry.resource_type == "AllergyIntolerance" else "subject"
        if entry.resource_type == "Observation":
            _must_be_of_use(resource)
        patient = self._people.about(entry, refuse_modifiers(resource), key)
        facts = self._read(entry, resource, patient)
        if any(fact.identity in self._facts[patient] for fact in facts):
            raise NotUsed("The same resource stands earlier in this document.")
        self._facts[patient].update((fact.identity, fact) for fact in facts)
        return tuple(fact.identity for fact in facts)

    def _read(self, entry: Entry, resource: Node, patient: str) -> tuple[ImportedFact, ...]:
        match entry.resource_type:
            case "Condition":
                return (read_condition(entry, resource, patient, self._calendar),)
            case "MedicationRequest":
                return (self._read_medication(entry, resource, patient, self._calendar),)
            case "AllergyIntolerance":
                return (read_allergy(entry, resource, patient, self._calendar),)
            case "QuestionnaireResponse":
                return read_response(entry, resource, patient, self._calendar)
            case _:
                return self._read_observation(entry, resource, patient)

    def _read_observation(self, entry: Entry, resource: Node, patient: str) -> tuple[ImportedFact, ...]:
        used_status(resource, "status", OBSERVATION_TAKEN, OBSERVATION_LEFT)
        if not questionnaire_codes(resource):
            return (read_measure(entry, resource, patient, self._calendar),)
        members = [
            member.resource or {} for member in self._panels.members_of(entry) if self._is_valid(member, patient)
        ]
        return read_panel(entry, resource, members, patient, self._calendar)

    def _is_valid(self, member: Entry, patient: str) -> bool:
        """Whether the member's answer counts; Unreadable if it is about somebody else."""
        resource = refuse_modifiers(member.resource or {})
        if self._people.about(member, resource, "subject") != patient:
            raise Unreadable("A member of the panel is about another patient. Correct it and send the panel again.")
        try:
            used_status(resource, "status", OBSERVATION_TAKEN, OBSERVATION_LEFT)
        except NotUsed:  # the member's own verdict says so
            return False
        return True


READ_TYPES = frozenset(
    {"Patient", "Condition", "MedicationRequest", "AllergyIntolerance", "Observation", "QuestionnaireResponse"}
)


def _label(entry: Entry) -> str:
    """How a message names the entry."""
    return f"{entry.resource_type}/{shown(entry.resource_id or '')}"


def _resource_of(entry: Entry) -> Node:
    if entry.resource is None:
        raise Unreadable("The entry holds no resource that can be read. Send each resource in an entry of its own.")
    if entry.resource_type is None:
        raise Unreadable("resourceType is missing or unreadable. Add it and send the resource again.")
    if entry.resource_type == "Bundle":
        raise Unreadable("A Bundle inside of a Bundle is not read. Send the inner one by itself.")
    if entry.resource_type == "Medication":
        raise NotUsed("A Medication is read with the MedicationRequest that refers to it.")
    if entry.resource_type not in READ_TYPES:
        raise NotUsed(f"{entry.resource_type} is not used here.")
    return entry.resource


def _must_be_of_use(resource: Node) -> None:
    if not questionnaire_codes(resource) and MEASURED.isdisjoint(loinc_codes(resource)):
        codes = ", ".join(shown(code) for code in loinc_codes(resource)) or "none"
        raise NotUsed(f"Observation is not used here with this code (LOINC: {codes}).")


def _verdict(entry: Entry, outcome: Outcome, reason: str = "", identities: tuple[str, ...] = ()) -> Verdict:
    return Verdict(entry.number, outcome, entry.resource_type, entry.resource_id, entry.full_url, reason, identities)
