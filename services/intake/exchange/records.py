"""Reads conditions, medicines and allergies as the sender recorded them."""

from collections.abc import Callable

from services.intake.exchange import codes
from services.intake.exchange.document import Entry, References, identity_of, reference_of
from services.intake.exchange.facts import Coding, ImportedAllergy, ImportedCondition, ImportedMedication, RoughDate
from services.intake.exchange.json_values import (
    Node,
    NotUsed,
    Unreadable,
    choice_of,
    codings_of,
    flag_of,
    object_of,
    objects_of,
    required_text,
    status_code,
    text_of,
    texts_of,
)
from services.intake.exchange.times import Calendar


def read_condition(entry: Entry, resource: Node, patient: str, calendar: Calendar) -> ImportedCondition:
    """Return the condition; NotUsed where it is refuted or entered in error."""
    verification = _verification(resource, codes.CONDITION_VERIFICATION)
    codings, text = _named(object_of(resource, "code"), "code")
    source = entry.source()
    return ImportedCondition(
        identity=identity_of(patient, source.resource_type, source.resource_id),
        source=source,
        codings=codings,
        text=text,
        clinical_status=status_code(resource, "clinicalStatus", codes.CONDITION_CLINICAL),
        verification_status=verification,
        onset=_start(resource, calendar),
        abatement=calendar.rough_date(resource, "abatementDateTime"),
        recorded=calendar.rough_date(resource, "recordedDate"),
    )


def read_allergy(entry: Entry, resource: Node, patient: str, calendar: Calendar) -> ImportedAllergy:
    """Return the allergy or intolerance; NotUsed where it is refuted or entered in error."""
    verification = _verification(resource, codes.ALLERGY_VERIFICATION)
    codings, text = _named(object_of(resource, "code"), "code")
    categories = texts_of(resource, "category")
    if not codes.ALLERGY_CATEGORIES.issuperset(categories):
        raise Unreadable("category is not a code of FHIR R4. Correct it and send the resource again.")
    source = entry.source()
    return ImportedAllergy(
        identity=identity_of(patient, source.resource_type, source.resource_id),
        source=source,
        codings=codings,
        text=text,
        kind=choice_of(resource, "type", codes.ALLERGY_KINDS),
        categories=categories,
        criticality=choice_of(resource, "criticality", codes.CRITICALITIES),
        clinical_status=status_code(resource, "clinicalStatus", codes.ALLERGY_CLINICAL),
        verification_status=verification,
        onset=_start(resource, calendar),
        recorded=calendar.rough_date(resource, "recordedDate"),
    )


def medication_reader(references: References) -> Callable[[Entry, Node, str, Calendar], ImportedMedication]:
    """Return the reader of MedicationRequests, which finds the Medication that a request refers to."""

    def read_medication(entry: Entry, resource: Node, patient: str, calendar: Calendar) -> ImportedMedication:
        status = used_status(resource, "status", codes.MEDICATION_TAKEN, codes.MEDICATION_LEFT)
        intent = used_status(resource, "intent", codes.INTENT_TAKEN, codes.INTENT_LEFT)
        if flag_of(resource, "doNotPerform"):
            raise NotUsed("The request says that the medicine is not to be given.")
        codings, text = _named(_medicine(entry, resource, references), "medication")
        source = entry.source()
        return ImportedMedication(
            identity=identity_of(patient, source.resource_type, source.resource_id),
            source=source,
            codings=codings,
            text=text,
            status=status,
            intent=intent,
            authored_on=calendar.rough_date(resource, "authoredOn"),
        )

    return read_medication


def used_status(resource: Node, key: str, taken: frozenset[str], left: frozenset[str]) -> str:
    """Return the code at `key` if facts with it are taken; NotUsed if they are left, Unreadable for any other."""
    status = required_text(resource, key)
    if status in left:
        raise NotUsed(f"Its {key} is {status}.")
    if status not in taken:
        raise Unreadable(f"{key} is not a code of FHIR R4. Correct it and send the resource again.")
    return status


def _verification(resource: Node, taken: frozenset[str]) -> str | None:
    status = status_code(resource, "verificationStatus", taken | codes.VERIFICATION_LEFT)
    if status in codes.VERIFICATION_LEFT:
        raise NotUsed(f"Its verificationStatus is {status}.")
    return status


def _named(concept: Node | None, name: str) -> tuple[tuple[Coding, ...], str | None]:
    codings, text = codings_of(concept), text_of(concept or {}, "text")
    if not codings and text is None:
        raise Unreadable(f"{name} has neither a code nor a text. Add one and send the resource again.")
    return codings, text


def _start(resource: Node, calendar: Calendar) -> RoughDate | None:
    period = object_of(resource, "onsetPeriod") or {}
    return calendar.rough_date(resource, "onsetDateTime") or calendar.rough_date(period, "start")


def _medicine(entry: Entry, resource: Node, references: References) -> Node | None:
    """The medicine's CodeableConcept: in the request itself, in what it contains, or in another entry."""
    reference = reference_of(resource, "medicationReference")
    if reference is None:
        return object_of(resource, "medicationCodeableConcept")
    if reference.startswith("#"):
        inside = [node for node in objects_of(resource, "contained") if node.get("id") == reference[1:]]
        medication = inside[0] if len(inside) == 1 else None
    else:
        found = references.find(reference, entry)
        medication = found.resource if found is not None and found.resource_type == "Medication" else None
    if medication is None:
        raise Unreadable("The Medication that the request refers to is not in this document. Send both together.")
    return object_of(medication, "code")
