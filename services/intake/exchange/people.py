"""Knows the patients of a document and decides whom a resource is about."""

import re
from collections.abc import Iterable

from services.intake.exchange.document import LONGEST_URL, Entry, References, reference_of
from services.intake.exchange.facts import ImportedPatient
from services.intake.exchange.json_values import Node, NotUsed, Unreadable, object_of, required_text, text_of
from services.intake.exchange.patients import identifier_key, read_patient, told_apart
from services.intake.exchange.times import Calendar

BY_IDENTIFIER = re.compile(r"Patient\?identifier=(?P<system>[^|&]+)\|(?P<value>[^|&]+)")


class People:
    """The patients of a document; where it holds none, `named` is the identity of the one whom the sender named."""

    def __init__(self, entries: Iterable[Entry], references: References, calendar: Calendar, named: str | None) -> None:
        self.patients: dict[str, ImportedPatient] = {}
        self._references = references
        self._calendar = calendar
        self._identity_of_entry: dict[int, str] = {}
        self._identity_of_key: dict[str, str] = {}
        self._complaints: dict[int, NotUsed | Unreadable] = {}
        patients = [entry for entry in entries if entry.resource_type == "Patient"]
        self._named = None if patients else named
        self._reference_of_named: str | None = None
        for entry, patient in zip(*self._read_all(patients), strict=True):
            self._meet(entry, patient)

    def read(self, entry: Entry) -> ImportedPatient:
        """Return the person of a Patient entry; Unreadable, or NotUsed where the same person stands earlier."""
        if entry.number in self._complaints:
            raise self._complaints[entry.number]
        return self.patients[self._identity_of_entry[entry.number]]

    def about(self, entry: Entry, resource: Node, key: str) -> str:
        """Return the identity of the patient that `key` (subject or patient) refers to; Unreadable if unclear."""
        reference = reference_of(resource, key)
        if self._named is not None:
            return self._the_named_one(reference)
        if reference is None:
            return self._known_by(_key_of_identifier(resource, key))
        by_identifier = BY_IDENTIFIER.fullmatch(reference)
        if by_identifier is not None:
            return self._known_by(identifier_key(by_identifier["system"], by_identifier["value"]))
        found = self._references.find(reference, entry)
        if found is None or found.resource_type != "Patient":
            raise Unreadable("Its patient is not in this document. Send it together with the Patient.")
        identity = self._identity_of_entry.get(found.number)
        if identity is None:
            raise Unreadable("Its patient was refused. Correct the Patient and send both again.")
        return identity

    def _read_all(self, entries: Iterable[Entry]) -> tuple[list[Entry], list[ImportedPatient]]:
        """Read the patients that can be read, each named by a number of their own, where one has any."""
        readable, patients = [], []
        for entry in entries:
            try:
                patients.append(read_patient(entry, refuse_modifiers(entry.resource or {}), self._calendar))
                readable.append(entry)
            except Unreadable as unreadable:
                self._complaints[entry.number] = unreadable
        return readable, told_apart(patients)

    def _meet(self, entry: Entry, patient: ImportedPatient) -> None:
        known = self.patients.setdefault(patient.identity, patient)
        if known.birth_date != patient.birth_date:
            self._complaints[entry.number] = Unreadable(
                "Another patient of this document has the same number and another birth date. Correct it and send both."
            )
            return
        if known is not patient:
            self._complaints[entry.number] = NotUsed("The same patient stands earlier in this document.")
        self._identity_of_entry[entry.number] = patient.identity
        for key in patient.identities:
            # A number that two patients share names neither.
            is_shared = self._identity_of_key.get(key, patient.identity) != patient.identity
            self._identity_of_key[key] = "" if is_shared else patient.identity

    def _known_by(self, key: str | None) -> str:
        identity = self._identity_of_key.get(key or "", "")
        if not identity:
            raise Unreadable("It names no patient of this document. Send it together with the Patient and refer to it.")
        return identity

    def _the_named_one(self, reference: str | None) -> str:
        if self._reference_of_named is None:
            self._reference_of_named = reference
        if self._named is None or reference not in (None, self._reference_of_named):
            raise Unreadable("It refers to another patient than the rest of this document. Send one patient at a time.")
        return self._named


def refuse_modifiers(resource: Node) -> Node:
    """Return the resource; Unreadable if it carries a modifier extension, which FHIR forbids to pass over."""
    if resource.get("modifierExtension"):
        raise Unreadable(
            "It carries a modifierExtension that is not understood here. Send it without, if it is true so."
        )
    return resource


def _key_of_identifier(resource: Node, key: str) -> str | None:
    identifier = object_of(object_of(resource, key) or {}, "identifier")
    if identifier is None or text_of(identifier, "system", LONGEST_URL) is None:
        return None
    return identifier_key(required_text(identifier, "system", 300), required_text(identifier, "value", 300))
