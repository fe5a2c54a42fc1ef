"""Conditions, medicines and allergies as recorded."""

from datetime import date

import pytest

from tests.intake.exchange.fhir import concept, facts, read, verdict_on

SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SUBJECT = {"reference": "Patient/p1"}


def condition(**fields):
    return {
        "resourceType": "Condition",
        "id": "c1",
        "subject": SUBJECT,
        "code": {
            "coding": [{"system": SNOMED, "code": "370143000", "display": "Major depression"}],
            "text": "Low mood",
        },
        "clinicalStatus": concept("active", "http://terminology.hl7.org/CodeSystem/condition-clinical"),
        "verificationStatus": concept("confirmed", "http://terminology.hl7.org/CodeSystem/condition-ver-status"),
        **fields,
    }


def medication(**fields):
    return {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "subject": SUBJECT,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept("312940", RXNORM),
        "authoredOn": "2026-03-01T10:00:00Z",
        **fields,
    }


def allergy(**fields):
    return {"resourceType": "AllergyIntolerance", "id": "a1", "patient": SUBJECT, "code": {"text": "Latex"}, **fields}


class TestCondition:
    def test_keeps_codes_statuses_and_dates(self):
        [found] = facts(
            condition(onsetDateTime="2019", abatementDateTime="2021-03", recordedDate="2019-05-01")
        ).conditions

        assert [(coding.system, coding.code, coding.display) for coding in found.codings] == [
            (SNOMED, "370143000", "Major depression")
        ]
        assert (found.text, found.clinical_status, found.verification_status) == ("Low mood", "active", "confirmed")
        assert (found.onset.first_day, found.onset.precision) == (date(2019, 1, 1), "year")
        assert (found.abatement.first_day, found.abatement.precision) == (date(2021, 3, 1), "month")
        assert found.recorded.first_day == date(2019, 5, 1)

    @pytest.mark.parametrize("status", ["entered-in-error", "refuted"])
    def test_that_does_not_hold_is_left(self, status):
        verdict = verdict_on(condition(verificationStatus=concept(status, "urn:x")))

        assert (verdict.outcome, verdict.reason) == ("left", f"Its verificationStatus is {status}.")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"code": {}},
            {"code": "x"},
            {"clinicalStatus": concept("ill", "urn:x")},
            {"onsetDateTime": "2019-00"},
            {"id": 3},
        ],
    )
    def test_that_is_malformed_is_refused(self, wrong):
        assert verdict_on(condition(**wrong)).outcome == "refused"


class TestMedication:
    def test_keeps_codes_status_and_date(self):
        [found] = facts(medication()).medications

        assert [(coding.system, coding.code) for coding in found.codings] == [(RXNORM, "312940")]
        assert (found.status, found.intent, found.authored_on.first_day) == ("active", "order", date(2026, 3, 1))

    def test_is_found_in_another_entry(self):
        drug = {"resourceType": "Medication", "id": "d1", "code": {"text": "Sertraline 50 mg"}}
        request = medication(medicationCodeableConcept=None, medicationReference={"reference": "Medication/d1"})

        reading = read(request, drug)

        assert reading.patients[0].medications[0].text == "Sertraline 50 mg"
        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "taken", "left"]

    def test_is_found_inside_the_request(self):
        drug = {"resourceType": "Medication", "id": "d1", "code": {"text": "Sertraline 50 mg"}}
        inside = {"medicationCodeableConcept": None, "medicationReference": {"reference": "#d1"}, "contained": [drug]}

        assert facts(medication(**inside)).medications[0].text == "Sertraline 50 mg"

    def test_that_is_nowhere_is_refused(self):
        away = medication(medicationCodeableConcept=None, medicationReference={"reference": "Medication/d1"})

        assert "not in this document" in verdict_on(away).reason

    @pytest.mark.parametrize(
        "stated",
        [
            {"status": "entered-in-error"},
            {"status": "unknown"},
            {"status": "draft"},
            {"intent": "proposal"},
            {"doNotPerform": True},
        ],
    )
    def test_that_is_not_given_is_left(self, stated):
        assert verdict_on(medication(**stated)).outcome == "left"

    @pytest.mark.parametrize("wrong", [{"status": "zzz"}, {"status": None}, {"intent": 1}, {"doNotPerform": "no"}])
    def test_that_is_malformed_is_refused(self, wrong):
        assert verdict_on(medication(**wrong)).outcome == "refused"


class TestAllergy:
    def test_keeps_what_is_recorded(self):
        [found] = facts(
            allergy(type="allergy", category=["food"], criticality="high", recordedDate="2020-01-02")
        ).allergies

        assert (found.text, found.kind, found.categories, found.criticality) == ("Latex", "allergy", ("food",), "high")
        assert found.recorded.first_day == date(2020, 1, 2)

    @pytest.mark.parametrize("wrong", [{"category": ["x"]}, {"category": "food"}, {"criticality": "x"}, {"code": None}])
    def test_that_is_malformed_is_refused(self, wrong):
        assert verdict_on(allergy(**wrong)).outcome == "refused"
