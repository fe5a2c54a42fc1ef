"""Everything that others wrote goes in, and as much of it as an independent count says."""

from collections import Counter
from datetime import UTC, date, datetime
from functools import cache

import pytest

from services.intake.exchange import read_bundle
from tests.intake.exchange.fhir import loaded, real

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SYNTHEA = ("synthea-phr-ig", "smart-synthea-r4-mentalhealth")


def counted(document):
    """Count what a bundle holds for us, without any of our code."""
    wanted = {
        "85354-9": "measures", "55284-4": "measures", "8867-4": "measures", "8302-2": "measures",
        "29463-7": "measures", "44261-6": "PHQ9", "55758-7": "PHQ2", "70274-6": "GAD7",
    }  # fmt: skip
    found = Counter()
    for resource in (entry["resource"] for entry in document["entry"]):
        kind = resource["resourceType"]
        code = resource["code"]["coding"][0]["code"] if kind == "Observation" else None
        found[wanted.get(code) or kind] += 1
    kinds = ("Patient", "Condition", "MedicationRequest", "AllergyIntolerance", "measures", "PHQ9", "PHQ2", "GAD7")
    return {kind: found[kind] for kind in kinds}


def taken(reading):
    person = reading.patients[0]
    instruments = Counter(questionnaire.instrument for questionnaire in person.questionnaires)
    return {
        "Patient": len(reading.patients),
        "Condition": len(person.conditions),
        "MedicationRequest": len(person.medications),
        "AllergyIntolerance": len(person.allergies),
        "measures": len(person.measures),
        **{name: instruments[name] for name in ("PHQ9", "PHQ2", "GAD7")},
    }


@cache
def readings(source):
    return [read_bundle(loaded(path), now=NOW) for path in real(source)]


class TestSyntheaBundles:
    @pytest.mark.parametrize(("source", "bundles"), [(SYNTHEA[0], 19), (SYNTHEA[1], 7)])
    def test_give_what_an_independent_count_finds_in_each(self, source, bundles):
        documents = [loaded(path) for path in real(source)]

        assert len(documents) == bundles
        assert [taken(reading) for reading in readings(source)] == [*map(counted, documents)]

    @pytest.mark.parametrize("source", SYNTHEA)
    def test_get_one_verdict_per_entry_in_order_and_none_refused(self, source):
        stated = [[entry["fullUrl"] for entry in loaded(path)["entry"]] for path in real(source)]

        verdicts = [reading.verdicts for reading in readings(source)]

        assert [[verdict.full_url for verdict in each] for each in verdicts] == stated
        assert [verdict for each in verdicts for verdict in each if verdict.outcome == "refused"] == []

    def test_hold_the_totals_that_their_source_states(self):
        people = [reading.patients[0] for reading in readings("synthea-phr-ig")]
        totals = {name: [] for name in ("PHQ9", "PHQ2", "GAD7")}
        for person in people:
            for questionnaire in person.questionnaires:
                totals[questionnaire.instrument].append(questionnaire.stated_total)

        assert {name: (len(found), min(found), max(found)) for name, found in totals.items()} == {
            "PHQ9": (7, 3, 21),
            "PHQ2": (97, 0, 6),
            "GAD7": (73, 0, 14),
        }

    def test_hold_the_older_blood_pressures_too(self):
        people = [reading.patients[0] for reading in readings("smart-synthea-r4-mentalhealth")]
        pressures = [measure for person in people for measure in person.measures if measure.code == "55284-4"]

        assert len(pressures) == 76
        assert str(min(pressure.systolic for pressure in pressures)) == "106.77183807566011"
        assert str(max(pressure.systolic for pressure in pressures)) == "190.26998762032576"

    def test_name_patients_apart(self):
        people = [reading.patients[0].identity for source in SYNTHEA for reading in readings(source)]

        assert len(set(people)) == 26

    def test_tell_the_dead_and_the_minors(self):
        people = [reading.patients[0].patient for source in SYNTHEA for reading in readings(source)]
        births = [person.birth_date.first_day for person in people]

        assert sum(person.deceased for person in people) == 6
        assert sorted(str(birth) for birth in births if birth > date(2008, 11, 23)) == [
            "2008-12-23", "2010-08-11", "2010-09-07", "2012-05-10", "2012-11-11",
        ]  # fmt: skip

    def test_give_the_same_identities_when_read_again(self):
        document = loaded(real("smart-synthea-r4-mentalhealth")[0])

        first, again = read_bundle(document), read_bundle(document)

        assert [verdict.identities for verdict in first.verdicts] == [verdict.identities for verdict in again.verdicts]


class TestPatriciaNoelle:
    def test_is_read_although_her_bundle_is_only_nearly_valid(self):
        [path] = real("ecareplan-patricia-noelle")

        reading = read_bundle(loaded(path), now=NOW)

        [person] = reading.patients
        assert Counter(verdict.outcome.value for verdict in reading.verdicts) == {"taken": 4, "left": 19}
        assert [coding.code for coding in person.conditions[0].codings] == ["700379002"]
        assert person.medications[0].text == "Nizatidine 15 MG/ML Oral Solution [Axid]"
        assert [(str(weight.value), weight.unit, weight.stated) for weight in person.measures] == [
            ("74.84", "kg", "165 [lb_av]")
        ]


class TestQuestionnaireResponsesOfOthers:
    def test_of_the_sdc_guide_contradict_their_stated_total(self):
        path = next(path for path in real("hl7-sdc-phq9") if path.name.startswith("QuestionnaireResponse"))

        [questionnaire] = read_bundle(loaded(path), now=NOW, named="someone").patients[0].questionnaires

        assert [item.answer for item in questionnaire.items] == [0, 0, 0, 1, 2, 1, 3, 2, 1]
        assert (questionnaire.stated_total, questionnaire.recomputed_total) == (13, 10)
        assert questionnaire.contradicts

    def test_of_the_health_record_guide_go_in_with_their_patient(self):
        resources = {path.name: loaded(path) for path in real("hl7-phr-pghd-examples")}
        entries = [{"resource": resources[name]} for name in ("Patient-1.json", "QuestionnaireResponse-phq9.json")]

        reading = read_bundle({"resourceType": "Bundle", "type": "collection", "entry": entries}, now=NOW)

        [questionnaire] = reading.patients[0].questionnaires
        assert [item.answer for item in questionnaire.items] == [0, 0, 1, 1, 1, 0, 0, 0, 0]
        assert (questionnaire.stated_total, questionnaire.recomputed_total) == (None, 3)
        assert questionnaire.effective.at == datetime(2024, 12, 1, 3, tzinfo=UTC)

    def test_of_the_health_record_guide_are_read_with_its_other_examples(self):
        entries = [{"resource": loaded(path)} for path in real("hl7-phr-pghd-examples")]

        reading = read_bundle({"resourceType": "Bundle", "type": "collection", "entry": entries}, now=NOW)

        [person] = reading.patients
        assert len(reading.verdicts) == 37
        assert sorted(measure.kind.value for measure in person.measures) == [
            "blood-pressure", "heart-rate", "height", "weight",
        ]  # fmt: skip
        assert sorted((found.instrument, found.stated_total) for found in person.questionnaires if not found.items) == [
            ("GAD7", 3), ("PHQ9", 3),
        ]  # fmt: skip
