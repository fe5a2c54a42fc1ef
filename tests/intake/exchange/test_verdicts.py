"""One verdict per resource, whoever it is about and however it refers to them."""

from datetime import UTC, datetime

import pytest

from services.intake.exchange import NotABundle, read_bundle
from tests.intake.exchange.fhir import PATIENT, bundle, observation, quantity, read, verdict_on

URN = "urn:uuid:0a4c2f6e-6f0e-4b32-8f4e-0d4a3f1c9b11"


def pulse(**fields):
    return observation("8867-4", valueQuantity=quantity(70, "/min"), **fields)


def entries(*pairs):
    listed = [{"fullUrl": url, "resource": resource} for url, resource in pairs]
    return read_bundle({"resourceType": "Bundle", "type": "transaction", "entry": listed})


class TestDocument:
    @pytest.mark.parametrize("kind", ["transaction", "collection", "searchset"])
    def test_may_be_a_bundle_of_three_kinds(self, kind):
        assert len(read_bundle(bundle(PATIENT, kind=kind)).patients) == 1

    @pytest.mark.parametrize(
        "document",
        [
            None, [], "x", 5, {}, {"resourceType": 5}, {"resourceType": "Bundle"},
            {"resourceType": "Bundle", "type": "history", "entry": []},
            {"resourceType": "Bundle", "type": ["collection"]},
            {"resourceType": "Bundle", "type": "collection", "entry": {}},
        ],
    )  # fmt: skip
    def test_of_another_kind_is_no_bundle(self, document):
        with pytest.raises(NotABundle, match="Send a"):
            read_bundle(document)

    def test_may_be_empty(self):
        assert read_bundle({"resourceType": "Bundle", "type": "collection"}).verdicts == ()

    @pytest.mark.parametrize("entry", [None, 5, {}, {"resource": None}, {"resource": []}, {"resource": {"id": "x"}}])
    def test_with_an_empty_entry_is_read_besides(self, entry):
        document = bundle(PATIENT)
        document["entry"].append(entry)

        assert [verdict.outcome.value for verdict in read_bundle(document).verdicts] == ["taken", "refused"]


class TestReference:
    @pytest.mark.parametrize(
        ("url", "reference"),
        [
            (URN, URN),
            (URN, URN.upper().replace("URN:UUID", "urn:uuid")),
            (URN, "Patient/p1"),
            ("https://a.example/fhir/Patient/p1", "https://a.example/fhir/Patient/p1"),
            ("https://a.example/fhir/Patient/p1", "https://a.example/fhir/Patient/p1/_history/2"),
            ("https://a.example/fhir/Patient/p1", "Patient/p1"),
            ("Patient/p1", "Patient/p1"),
            (None, "Patient/p1"),
            (None, "https://a.example/fhir/Patient/p1"),
            (URN, "Patient?identifier=http://clinic.example|4711"),
        ],
    )
    def test_of_every_form_finds_the_patient(self, url, reference):
        reading = entries((url, PATIENT), (None, pulse(subject={"reference": reference})))

        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "taken"]

    def test_may_be_by_identifier_alone(self):
        known = {"identifier": {"system": "http://clinic.example", "value": "4711"}}

        assert verdict_on(pulse(subject=known)).outcome == "taken"

    @pytest.mark.parametrize(
        "subject",
        [
            None, {}, {"reference": "Patient/p9"}, {"reference": "#p1"}, {"reference": 5}, "Patient/p1",
            {"reference": "Observation/o-8867-4"}, {"reference": "Patient?identifier=a|b"},
            {"identifier": {"system": "http://clinic.example", "value": "1"}},
        ],
    )  # fmt: skip
    def test_that_leads_nowhere_is_refused(self, subject):
        verdict = verdict_on(pulse(subject=subject))

        assert (verdict.outcome, bool(verdict.reason)) == ("refused", True)

    def test_to_another_server_s_id_is_refused(self):
        reading = entries(
            ("https://a.example/fhir/Patient/p1", PATIENT),
            (None, pulse(subject={"reference": "https://b.example/fhir/Patient/p1"})),
        )

        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "refused"]

    def test_between_two_servers_keeps_to_its_own(self):
        other = {**PATIENT, "identifier": [{"system": "http://clinic.example", "value": "4712"}]}
        reading = entries(
            ("https://a.example/fhir/Patient/p1", PATIENT),
            ("https://b.example/fhir/Patient/p1", other),
            ("https://b.example/fhir/Observation/o-8867-4", pulse()),
        )

        assert [len(person.measures) for person in reading.patients] == [0, 1]

    def test_to_two_patients_of_one_id_is_refused(self):
        other = {**PATIENT, "identifier": [{"system": "http://clinic.example", "value": "4712"}]}

        assert read_bundle(bundle(PATIENT, other, pulse())).verdicts[2].outcome == "refused"

    def test_to_a_refused_patient_is_refused(self):
        reading = read_bundle(bundle({**PATIENT, "name": []}, pulse()))

        assert "patient was refused" in reading.verdicts[1].reason


class TestNamedPatient:
    def test_stands_for_the_patient_of_a_document_without_any(self):
        reading = read_bundle(pulse(), named="known")

        assert (reading.patients[0].identity, reading.patients[0].patient) == ("known", None)
        assert len(reading.patients[0].measures) == 1

    def test_is_needed_where_there_is_no_patient(self):
        assert [verdict.outcome.value for verdict in read_bundle(pulse()).verdicts] == ["refused"]

    def test_stands_for_one_patient_only(self):
        second = pulse(id="o2", subject={"reference": "Patient/p2"})

        reading = read_bundle(bundle(pulse(), second), named="known")

        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "refused"]

    def test_does_not_replace_a_patient_who_is_there(self):
        assert read_bundle(bundle(PATIENT, pulse()), named="known").patients[0].identity != "known"


class TestVerdict:
    def test_names_the_resource(self):
        reading = entries((URN, PATIENT))

        [verdict] = reading.verdicts
        assert (verdict.entry, verdict.resource_type, verdict.resource_id, verdict.full_url) == (
            0,
            "Patient",
            "p1",
            URN,
        )
        assert verdict.identities == (reading.patients[0].identity,)

    def test_says_which_type_is_not_used(self):
        verdict = verdict_on({"resourceType": "Claim", "id": "1"})

        assert (verdict.outcome, verdict.reason) == ("left", "Claim is not used here.")

    def test_says_which_code_is_not_used(self):
        verdict = verdict_on(observation("2093-3", valueQuantity=quantity(5, "mmol/L")))

        assert (verdict.outcome, verdict.reason) == (
            "left",
            "Observation is not used here with this code (LOINC: 2093-3).",
        )

    @pytest.mark.parametrize("status", ["entered-in-error", "unknown", "preliminary", "registered", "cancelled"])
    def test_leaves_observations_that_do_not_hold(self, status):
        verdict = verdict_on(pulse(status=status))

        assert (verdict.outcome, verdict.reason) == ("left", f"Its status is {status}.")

    def test_refuses_a_modifier_that_is_not_understood(self):
        assert "modifierExtension" in verdict_on(pulse(modifierExtension=[{"url": "http://x.example"}])).reason

    def test_refuses_the_future_where_it_is_known(self):
        now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        tomorrow, later = pulse(effectiveDateTime="2026-11-24"), pulse(id="o2", effectiveDateTime="2026-11-25")

        verdicts = read_bundle(bundle(PATIENT, tomorrow, later), now=now).verdicts

        assert [verdict.outcome.value for verdict in verdicts] == ["taken", "taken", "refused"]


class TestSameResource:
    def test_has_the_same_identity_in_another_bundle(self):
        moved = {**PATIENT, "id": "p7"}

        first = read(pulse()).patients[0].measures[0]
        again = read_bundle(bundle(pulse(subject={"reference": "Patient/p7"}), moved)).patients[0].measures[0]

        assert first.identity == again.identity

    def test_has_another_identity_for_another_patient_or_id(self):
        other = {**PATIENT, "identifier": [{"system": "http://clinic.example", "value": "4712"}]}

        found = {
            read(pulse()).patients[0].measures[0].identity,
            read(pulse(id="o2")).patients[0].measures[0].identity,
            read_bundle(bundle(other, pulse())).patients[0].measures[0].identity,
        }

        assert len(found) == 3

    def test_is_taken_once_from_one_bundle(self):
        reading = read(pulse(), pulse())

        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "taken", "left"]
        assert len(reading.patients[0].measures) == 1

    def test_may_be_named_by_its_url_alone(self):
        with_id, without = pulse(id=URN.removeprefix("urn:uuid:")), pulse()
        del without["id"]

        found = [
            entries((None, PATIENT), (URN, resource)).patients[0].measures[0].identity
            for resource in (with_id, without)
        ]

        assert found[0] == found[1]

    def test_without_any_name_is_refused(self):
        unnamed = pulse()
        del unnamed["id"]

        assert "no usable id" in verdict_on(unnamed).reason
