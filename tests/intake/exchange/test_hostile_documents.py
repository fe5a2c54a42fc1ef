"""Whatever stands in the JSON, only verdicts come out, or NotABundle."""

import copy
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.exchange import NotABundle, Outcome, read_bundle
from tests.intake.exchange.fhir import PATIENT, blood_pressure, bundle, concept, observation, quantity, read, response

PANEL = observation(
    "44249-1",
    hasMember=[{"reference": "Observation/o-44260-8"}, {"reference": "Observation/o-44261-6"}],
    component=[{"code": concept("69722-7"), "valueCodeableConcept": concept("LA6575-0")}],
)
RESOURCES = (
    {**PATIENT, "communication": [{"language": concept("en", "urn:ietf:bcp:47"), "preferred": True}]},
    {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/p1"},
        "code": concept("370143000", "http://snomed.info/sct"),
        "verificationStatus": concept("confirmed", "urn:x"),
        "onsetPeriod": {"start": "2020-01"},
    },
    {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "order",
        "subject": {"identifier": {"system": "http://clinic.example", "value": "4711"}},
        "medicationReference": {"reference": "#d"},
        "contained": [{"resourceType": "Medication", "id": "d", "code": {"text": "Sertraline"}}],
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": {"reference": "Patient/p1"},
        "code": {"text": "Latex"},
        "category": ["food"],
    },
    blood_pressure(130, 85),
    observation("29463-7", valueQuantity=quantity(80, "kg"), effectivePeriod={"start": "2026-11-01"}),
    PANEL,
    observation("44260-8", valueCodeableConcept=concept("LA6569-3")),
    observation("44261-6", valueInteger=4),
    response(
        {"linkId": "/69737-5", "item": [{"linkId": "/69725-0", "answer": [{"valueInteger": 1, "item": []}]}]},
        {
            "linkId": "x",
            "code": concept("68509-9")["coding"],
            "answer": [{"valueCoding": {"system": "http://loinc.org", "code": "LA6570-1"}}],
        },
        questionnaire="http://example.org/gad7|1",
    ),
)
DOCUMENT = bundle(*RESOURCES)
SCALARS = st.sampled_from(
    [
        None, True, False, 0, -1, 3, 10**400, 1.5, float("nan"), float("inf"), "", " ", "\x00", "\ud800", "x" * 5000,
        "Patient/p1", "Observation/o-44249-1", "2026-11-02", "0000-00-00", "44260-8", "urn:uuid:", "#", "/", "Bundle",
    ]
)  # fmt: skip
JUNK = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["coding", "reference", "code", "system", "value", "item", "answer", "resource", "linkId", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def places(node, path=()):
    """The path of every value inside of a JSON value."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


PLACES = list(places(DOCUMENT))


@st.composite
def mutated(draw):
    """The document with one to four values dropped or replaced by something else."""
    document = copy.deepcopy(DOCUMENT)
    for path in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=4)):
        _change(document, path, draw(st.none() | st.tuples(JUNK)))
    return document


def _change(document, path, replacement):
    node = document
    for key in path[:-1]:
        try:
            node = node[key]
        except (KeyError, IndexError, TypeError):  # an earlier change took it away
            return
    if isinstance(node, dict) and replacement is None:
        node.pop(path[-1], None)
    elif isinstance(node, dict) or (isinstance(node, list) and path[-1] in range(len(node))):
        node[path[-1]] = replacement[0] if replacement else None


def outcome_of(document):
    """The reading, or None where the document is refused as a whole."""
    try:
        return read_bundle(document)
    except NotABundle:
        return None


class TestMutatedDocument:
    def test_begins_whole(self):
        verdicts = read_bundle(DOCUMENT).verdicts

        assert [verdict.outcome.value for verdict in verdicts] == ["taken"] * len(RESOURCES)

    @settings(max_examples=400)
    @given(mutated())
    def test_gives_one_verdict_per_entry(self, document):
        reading = outcome_of(document)

        if reading is not None:
            entries = document.get("entry")
            expected = 1 if document["resourceType"] != "Bundle" else len(entries or ())
            assert [verdict.entry for verdict in reading.verdicts] == list(range(expected))

    @settings(max_examples=200)
    @given(mutated())
    def test_explains_what_is_not_taken_and_names_what_is(self, document):
        reading = outcome_of(document)

        facts = {
            fact.identity
            for person in (reading.patients if reading else ())
            for kind in ("conditions", "medications", "allergies", "measures", "questionnaires")
            for fact in getattr(person, kind)
        }
        people = {person.identity for person in (reading.patients if reading else ())}
        for verdict in reading.verdicts if reading else ():
            assert (verdict.outcome is Outcome.TAKEN) == (set(verdict.identities) != set())
            assert set(verdict.identities) <= facts | people
            assert verdict.reason or verdict.outcome is Outcome.TAKEN
            verdict.reason.encode()

    @settings(max_examples=200)
    @given(JUNK)
    def test_may_be_anything_at_all(self, document):
        outcome_of(document)

    @settings(max_examples=200)
    @given(st.sampled_from(["Patient", "Condition", "Observation", "QuestionnaireResponse"]), JUNK)
    def test_may_be_one_resource_of_junk(self, kind, junk):
        fields = junk if isinstance(junk, dict) else {"code": junk, "name": junk, "subject": junk, "item": junk}

        assert len(read_bundle({**fields, "resourceType": kind}, named="someone").verdicts) == 1


class TestHugeDocument:
    def test_with_deep_items_needs_no_recursion(self):
        item = {"linkId": "/44260-8", "answer": [{"valueInteger": 2}]}
        for _ in range(1500):
            item = {"linkId": "g", "item": [item]}

        assert read(response(item)).patients[0].questionnaires[0].items[0].answer == 2

    def test_with_endless_items_is_refused(self):
        verdict = read(response(*[{"linkId": "g"}] * 2001)).verdicts[1]

        assert "more than 2000 items" in verdict.reason

    @pytest.mark.parametrize("chain", [True, False])
    def test_of_many_panels_stays_quick(self, chain):
        def members(number):
            targets = [number - 1] if chain else range(250)
            return [{"reference": f"Observation/{target}"} for target in targets]

        panels = [observation("44249-1", id="0")]
        panels += [observation("44249-1", id=str(number), hasMember=members(number)) for number in range(1, 3000)]
        before = time.process_time()

        reading = read(*panels)

        assert len(reading.verdicts) == 3001
        assert time.process_time() - before < 5

    def test_says_nothing_of_patients_in_its_reasons(self):
        wrong = [{**resource, "id": "secret \x00 4711"} for resource in RESOURCES]

        reasons = json.dumps([verdict.reason for verdict in read_bundle(bundle(*wrong)).verdicts])

        assert "4711" not in reasons
        assert "Moreau" not in reasons
