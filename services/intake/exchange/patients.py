"""Reads FHIR Patients and decides by which strings a person is recognised again."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from services.intake.exchange.codes import GENDERS, GOVERNMENT_NUMBERS, IDENTIFIER_KINDS, MEDICAL_RECORD
from services.intake.exchange.document import Entry, identity_of
from services.intake.exchange.facts import ImportedPatient, RoughDate, SourceIdentifier
from services.intake.exchange.json_values import (
    Node,
    Unreadable,
    choice_of,
    codings_of,
    flag_of,
    object_of,
    objects_of,
    text_of,
    texts_of,
)
from services.intake.exchange.times import Calendar

# FHIR R4 name-use: the first of these that a patient has is the name to call them by.
NAME_USES = ("official", "usual", None, "nickname", "temp", "anonymous", "maiden", "old")
LONGEST_NAME = 200


def read_patient(entry: Entry, resource: Node, calendar: Calendar) -> ImportedPatient:
    """Return the person that a Patient resource describes; Unreadable if it has no name or a malformed element."""
    source = entry.source()
    identifiers = _identifiers(resource)
    identities = _identities(identifiers, entry)
    name = _name_to_use(resource)
    deceased, died_on = _death(resource, calendar)
    return ImportedPatient(
        identity=identities[0],
        identities=identities,
        source=source,
        identifiers=identifiers,
        family=text_of(name, "family", LONGEST_NAME),
        given=texts_of(name, "given", LONGEST_NAME),
        full_name=text_of(name, "text", LONGEST_NAME),
        birth_date=calendar.rough_date(resource, "birthDate"),
        sex=choice_of(resource, "gender", GENDERS),
        deceased=deceased,
        died_on=died_on,
        language=_language(resource),
    )


def told_apart(patients: Sequence[ImportedPatient]) -> list[ImportedPatient]:
    """Name the patients of a document by their own numbers where a number is shared by two people.

    Two who share a number are two people if each has another number that the other lacks: a family's insurance
    number must not make one person of twins. A medical record number is one person's, whatever else differs.
    """
    holders: dict[str, set[frozenset[str]]] = defaultdict(set)
    for patient in patients:
        for key in patient.identities:
            holders[key].add(frozenset(patient.identities))
    shared = {key for key, numbers in holders.items() if not _nested(numbers)}
    return [_named_by_own_number(patient, shared) for patient in patients]


def _nested(numbers: Iterable[frozenset[str]]) -> bool:
    """Tell whether of any two sets of numbers one holds the other."""
    return all(fewer <= more for fewer, more in pairwise(sorted(numbers, key=len)))


def _named_by_own_number(patient: ImportedPatient, shared: set[str]) -> ImportedPatient:
    own = [key for key in patient.identities if key not in shared]
    if not own or any(identifier.kind == MEDICAL_RECORD for identifier in patient.identifiers):
        return patient
    return replace(patient, identity=own[0])


def identifier_key(system: str, value: str) -> str:
    """Return the identity of whoever has this identifier."""
    return identity_of("patient-identifier", system, value)


def _identifiers(resource: Node) -> tuple[SourceIdentifier, ...]:
    found = []
    for node in objects_of(resource, "identifier"):
        system, value = text_of(node, "system", 300), text_of(node, "value", 300)
        if system and value and text_of(node, "use") != "old":
            found.append(SourceIdentifier(system, value, _kind(node)))
    return tuple(found)


def _kind(node: Node) -> str | None:
    codings = codings_of(object_of(node, "type"))
    return next((coding.code for coding in codings if coding.system == IDENTIFIER_KINDS), None)


def _identities(identifiers: Iterable[SourceIdentifier], entry: Entry) -> tuple[str, ...]:
    """Identities in an order that does not depend on the document's: medical record numbers first."""
    usable = [identifier for identifier in identifiers if identifier.kind not in GOVERNMENT_NUMBERS]
    usable.sort(key=lambda identifier: (identifier.kind != MEDICAL_RECORD, identifier.system, identifier.value))
    keys = [identifier_key(identifier.system, identifier.value) for identifier in usable]
    return tuple(dict.fromkeys(keys)) or (identity_of("patient-id", entry.base or "", entry.source().resource_id),)


def _name_to_use(resource: Node) -> Node:
    names = objects_of(resource, "name")
    for use in NAME_USES:
        for name in names:
            if text_of(name, "use") == use and _says_anything(name):
                return name
    raise Unreadable("The patient has no name. Add a name and send the patient again.")


def _says_anything(name: Node) -> bool:
    written = text_of(name, "family", LONGEST_NAME) or text_of(name, "text", LONGEST_NAME)
    return bool(written or texts_of(name, "given", LONGEST_NAME))


def _death(resource: Node, calendar: Calendar) -> tuple[bool, RoughDate | None]:
    stated, died_on = flag_of(resource, "deceasedBoolean"), calendar.rough_date(resource, "deceasedDateTime")
    if stated is False and died_on is not None:
        raise Unreadable("The patient is recorded both as dead and as not dead. Correct it and send the patient again.")
    return stated is True or died_on is not None, died_on


def _language(resource: Node) -> str | None:
    spoken = objects_of(resource, "communication")
    preferred = next((node for node in spoken if flag_of(node, "preferred")), next(iter(spoken), {}))
    language = object_of(preferred, "language")
    codings = codings_of(language)
    return codings[0].code if codings else text_of(language or {}, "text", 100)
