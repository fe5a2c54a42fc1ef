"""Who a Patient resource is, and how the same person is recognised again."""

from datetime import date

import pytest

from services.intake.exchange import read_bundle
from tests.intake.exchange.fhir import PATIENT, bundle, observation, quantity

MEDICAL_RECORD = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
SOCIAL_SECURITY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "SS"}]}


def read_alone(**fields):
    return read_bundle({**PATIENT, **fields})


def person(**fields):
    return read_alone(**fields).patients[0].patient


class TestPatient:
    def test_is_read_as_recorded(self):
        patient = person(communication=[{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}}])

        assert (patient.family, patient.given, patient.sex, patient.language) == ("Moreau", ("Ines",), "female", "es")
        assert (patient.birth_date.first_day, patient.birth_date.precision) == (date(1984, 2, 29), "day")
        assert [(known.system, known.value) for known in patient.identifiers] == [("http://clinic.example", "4711")]
        assert (patient.deceased, patient.died_on) == (False, None)

    def test_has_a_name_in_composed_form(self):
        assert person(name=[{"family": "Mu\u0308ller"}]).family == "M\u00fcller"

    def test_is_called_by_the_official_name(self):
        names = [{"use": "maiden", "family": "Alt"}, {"use": "official", "family": "Neu", "given": ["A", None, "B"]}]

        assert (person(name=names).family, person(name=names).given) == ("Neu", ("A", "B"))

    @pytest.mark.parametrize(
        ("stated", "deceased", "died_on"),
        [
            ({"deceasedBoolean": True}, True, None),
            ({"deceasedBoolean": False}, False, None),
            ({"deceasedDateTime": "2009-01-10T23:31:10-06:00"}, True, date(2009, 1, 10)),
        ],
    )
    def test_may_be_dead(self, stated, deceased, died_on):
        patient = person(**stated)

        assert (patient.deceased, patient.died_on and patient.died_on.first_day) == (deceased, died_on)

    def test_may_have_only_a_year_of_birth(self):
        born = person(birthDate="1984").birth_date

        assert (born.first_day, born.precision) == (date(1984, 1, 1), "year")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"name": []},
            {"name": [{"family": "Mo\x00reau"}]},
            {"name": [{"family": "Mo\nreau"}]},
            {"name": [{"family": "\ud800"}]},
            {"name": [{"family": "Mor\u202eeau"}]},
            {"name": [{"family": 7}]},
            {"name": {"family": "Moreau"}},
            {"name": [{"family": "x" * 201}]},
            {"birthDate": "1984-13-01"},
            {"birthDate": "1084-01-01"},
            {"birthDate": 1984},
            {"gender": "F"},
            {"deceasedBoolean": "false"},
            {"deceasedBoolean": False, "deceasedDateTime": "2009-01-10"},
            {"identifier": [{"system": "a", "value": "\x00"}]},
            {"id": None},
            {"id": "a b"},
            {"modifierExtension": [{"url": "http://x.example/not"}]},
        ],
    )
    def test_that_is_malformed_is_refused(self, wrong):
        reading = read_alone(**wrong)

        assert [verdict.outcome.value for verdict in reading.verdicts] == ["refused"]
        assert reading.patients == ()


class TestIdentity:
    def test_does_not_depend_on_the_id_where_there_is_a_number(self):
        assert person(id="p1").identity == person(id="other").identity

    def test_is_the_medical_record_number_wherever_it_stands(self):
        record = {"type": MEDICAL_RECORD, "system": "http://hospital.example", "value": "9"}
        other = {"system": "http://a.example", "value": "1"}

        assert person(identifier=[record, other]).identity == person(identifier=[other, record]).identity
        assert person(identifier=[record, other]).identity == person(identifier=[record]).identity
        assert len(person(identifier=[record, other]).identities) == 2

    def test_is_never_a_government_number(self):
        social = {"type": SOCIAL_SECURITY, "system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-12-3456"}

        assert person(identifier=[social]).identity == person(identifier=[]).identity
        assert person(identifier=[social]).identifiers[0].kind == "SS"

    def test_shows_nothing_of_the_number(self):
        assert "4711" not in "".join(person().identities)

    def test_by_id_holds_for_one_server_only(self):
        def at(server):
            resource = {**PATIENT, "identifier": []}
            entry = {"fullUrl": f"https://{server}/fhir/Patient/p1", "resource": resource}
            document = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
            return read_bundle(document).patients[0].identity

        assert at("a.example") == at("a.example")
        assert at("a.example") != at("b.example")

    def test_gathers_one_person_from_two_resources(self):
        twin = {**PATIENT, "id": "p2"}
        pulse = observation("8867-4", subject={"reference": "Patient/p2"}, valueQuantity=quantity(70, "/min"))

        reading = read_bundle(bundle(PATIENT, twin, pulse))

        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "left", "taken"]
        assert len(reading.patients[0].measures) == 1

    @pytest.mark.parametrize("other_system", ["http://clinic.example", "http://south.example"])
    def test_is_not_the_number_of_a_family_that_sorts_first(self, other_system):
        family = {"system": "http://a-insurance.example", "value": "family-9"}
        one = {**PATIENT, "identifier": [family, {"system": "http://clinic.example", "value": "1"}]}
        other = {**PATIENT, "id": "p2", "identifier": [family, {"system": other_system, "value": "2"}]}
        pulse = observation("8867-4", subject={"reference": "Patient/p2"}, valueQuantity=quantity(70, "/min"))

        reading = read_bundle(bundle(one, other, pulse))

        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "taken", "taken"]
        assert [len(person.measures) for person in reading.patients] == [0, 1]

    def test_stays_one_where_the_second_resource_only_knows_less(self):
        insurance = {"system": "http://a-insurance.example", "value": "family-9"}
        more = {**PATIENT, "identifier": [insurance, {"system": "http://clinic.example", "value": "1"}]}
        less = {**PATIENT, "id": "p2", "identifier": [insurance]}

        reading = read_bundle(bundle(more, less))

        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "left"]

    def test_stays_one_with_one_medical_record_number(self):
        record = {"type": MEDICAL_RECORD, "system": "http://hospital.example", "value": "9"}
        visits = [{"system": "http://visits.example", "value": number} for number in ("1", "2")]
        first = {**PATIENT, "identifier": [record, visits[0]]}
        second = {**PATIENT, "id": "p2", "identifier": [record, visits[1]]}

        reading = read_bundle(bundle(first, second))

        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "left"]

    def test_is_refused_to_two_birth_dates(self):
        reading = read_bundle(bundle(PATIENT, {**PATIENT, "id": "p2", "birthDate": "1990-01-01"}))

        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "refused"]
