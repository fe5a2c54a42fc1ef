"""Given bundles of other systems, when a coordinator imports them, then history is there once, marked, and still."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from services.intake.domain import ImportedRecord, Occasion, Patient, imported_record_id
from services.intake.exchange import read_bundle
from services.intake.worklists import current_risks, metadata, patients
from shared.eventlog import NotFound, Refused
from tests.http.log import a_log
from tests.intake.at_once import at_once, one_refusal, two_desks
from tests.intake.exchange.fhir import loaded, real
from tests.intake.given import CORA, NOW, PHIL, a_context, an_identity

MRN = "http://hospital.example/mrn"
SHARED = {"system": "http://welfare.example", "value": "family-9"}


def a_person(number="4711", birth_date="1984-05-17", id="p1", **words):
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": MRN, "value": number}],
        "name": [{"family": "Keller", "given": ["Mira"]}],
        "birthDate": birth_date,
        **words,
    }


def an_observation(code, value, id="o1", at="2026-10-01T08:00:00Z", patient="p1", **words):
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": at,
        "valueQuantity": value,
        **words,
    }


def a_phq9_total(total, **words):
    return an_observation("44261-6", {"value": total, "unit": "{score}", "code": "{score}"}, **words)


def a_weight(**words):
    return an_observation("29463-7", {"value": 71, "unit": "kg", "code": "kg"}, **words)


def a_bundle(*resources):
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}


def sent(intake, *resources, by=CORA, **words):
    context = a_context(by=by)
    return intake.import_bundle(context, read_bundle(a_bundle(*resources), now=NOW), **words)


def is_bundle(document):
    return document["resourceType"] == "Bundle"


def outcomes(imported):
    return [resource.outcome for resource in imported.resources]


class TestImporting:
    def test_registers_the_patient_with_the_coordinator_and_keeps_the_facts(self, intake):
        imported = sent(intake, a_person(), a_weight(), time_zone="Europe/Zurich")

        (person,) = imported.patients
        patient = intake.get(Patient, person.patient_id)
        record = intake.get(ImportedRecord, imported_record_id(patient.id))
        assert (person.registered, person.taken, outcomes(imported)) == (True, 1, ["taken", "taken"])
        assert (patient.family_name, patient.time_zone, list(patient.team)) == ("Keller", "Europe/Zurich", [CORA])
        assert (record.measures[0].value, record.measures[0].occurred_at) == (71, datetime(2026, 10, 1, 8, tzinfo=UTC))

    def test_again_adds_nothing(self, intake):
        sent(intake, a_person(), a_weight())
        position = intake.recorder.max_notification_id()

        imported = sent(intake, a_person(), a_weight())

        assert outcomes(imported) == ["left", "left"]
        assert {resource.reason for resource in imported.resources} == {"It is here already."}
        assert intake.recorder.max_notification_id() == position

    def test_adds_what_is_new_to_a_patient_who_is_known(self, intake):
        first = sent(intake, a_person(), a_weight())

        second = sent(intake, a_person(), a_weight(), a_weight(id="o2", at="2026-11-01T08:00:00Z"))

        assert outcomes(second) == ["left", "left", "taken"]
        assert second.patients[0].patient_id == first.patients[0].patient_id

    def test_notes_that_a_known_patient_has_died(self, intake):
        sent(intake, a_person())

        imported = sent(intake, a_person(deceasedBoolean=True))

        assert intake.get(Patient, imported.patients[0].patient_id).deceased

    def test_lets_minors_and_the_dead_in_and_no_screening_begin(self, intake):
        (child,) = sent(intake, a_person(birth_date="2015-02-01")).patients
        (dead,) = sent(intake, a_person(number="2", deceasedBoolean=True)).patients

        with pytest.raises(Refused, match="adults"):
            intake.open_screening(a_context(), child.patient_id, Occasion.INTAKE)
        with pytest.raises(Refused, match="died"):
            intake.open_screening(a_context(), dead.patient_id, Occasion.INTAKE)

    def test_takes_facts_of_a_patient_named_beside_the_document(self, intake):
        patient = intake.register(a_context(), an_identity())
        reading = read_bundle(a_phq9_total(7), now=NOW, named=str(patient.id))

        imported = intake.import_bundle(a_context(), reading, patient_id=patient.id)

        assert (outcomes(imported), imported.patients[0].patient_id) == (["taken"], patient.id)

    def test_is_refused_when_the_document_names_another_patient(self, intake):
        patient = intake.register(a_context(), an_identity())

        with pytest.raises(Refused, match="names its patient itself"):
            sent(intake, a_person(), patient_id=patient.id)


class TestWhoseItIs:
    def test_is_not_shown_to_whoever_names_a_patient_of_somebody_else(self, intake):
        patient = intake.register(a_context(), an_identity())
        reading = read_bundle(a_phq9_total(7), now=NOW, named=str(patient.id))

        with pytest.raises(NotFound):
            intake.import_bundle(a_context(by="carl"), reading, patient_id=patient.id)

    def test_opens_no_door_to_a_patient_of_somebody_else(self, intake):
        sent(intake, a_person())

        imported = sent(intake, a_person(), a_weight(), by="carl")

        assert outcomes(imported) == ["refused", "refused"]
        assert "not in the care team" in imported.patients[0].reason
        assert len(intake.query(select(patients.c.aggregate_id))) == 1

    @pytest.mark.parametrize("other", [{"birth_date": "1991-01-01"}, {"birth_date": "1984-05"}])
    def test_is_not_guessed_from_a_number_alone(self, intake, other):
        sent(intake, a_person())

        imported = sent(intake, a_person(**other), a_weight())

        assert outcomes(imported) == ["refused", "refused"]

    def test_is_not_guessed_where_two_people_of_a_document_share_a_number(self, intake):
        systems = (("p1", "http://north.example"), ("p2", "http://south.example"))
        people = [a_person(id=id, identifier=[{"system": system, "value": "1"}, SHARED]) for id, system in systems]

        imported = sent(intake, *people)

        assert outcomes(imported) == ["taken", "refused"]

    def test_is_refused_to_the_slower_of_two_who_bring_somebody_in_at_once(self, tmp_path):
        with two_desks(a_log(tmp_path / "shared.sqlite", metadata)) as desks:
            outcomes = at_once(lambda: sent(desks[0], a_person()), lambda: sent(desks[1], a_person()))

            assert "Send the document again." in str(one_refusal(outcomes))
            assert len(desks[0].query(select(patients))) == 1
            assert sent(desks[1], a_person()).patients[0].registered is False

    def test_is_not_guessed_where_twins_of_a_document_share_a_number(self, intake):
        family = {"system": "http://a-welfare.example", "value": "family-9"}
        twins = [a_person(id=id, identifier=[{"system": MRN, "value": id}, family]) for id in ("p1", "p2")]

        imported = sent(intake, *twins, a_weight(patient="p2"))

        assert outcomes(imported) == ["taken", "refused", "refused"]
        assert "several people" in imported.patients[1].reason
        assert imported.patients[0].taken == 0

    def test_is_not_guessed_where_twins_of_two_documents_share_a_number(self, intake):
        sent(intake, a_person(identifier=[{"system": MRN, "value": "1"}, SHARED]))

        imported = sent(intake, a_person(identifier=[{"system": MRN, "value": "2"}, SHARED]), a_weight())

        assert outcomes(imported) == ["refused", "refused"]
        assert "other numbers" in imported.patients[0].reason

    def test_is_not_guessed_where_its_numbers_are_two_people_s(self, intake):
        for number in ("1", "2"):
            sent(intake, a_person(identifier=[{"system": f"http://{number}.example", "value": number}]))

        both = [{"system": f"http://{number}.example", "value": number} for number in ("1", "2")]
        imported = sent(intake, a_person(identifier=both))

        assert outcomes(imported) == ["refused"]

    def test_never_goes_by_a_government_number(self, intake):
        kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "SS"}]}
        number = {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-11-2222", "type": kind}

        (person,) = sent(intake, a_person(identifier=[{"system": MRN, "value": "5"}, number])).patients

        assert [each.value for each in intake.get(Patient, person.patient_id).identifiers] == ["5"]

    def test_is_remembered_for_whoever_has_no_number(self, intake):
        (first,) = sent(intake, a_person(identifier=[])).patients

        (second,) = sent(intake, a_person(identifier=[])).patients

        assert (second.patient_id, second.registered) == (first.patient_id, False)


class TestACurrentRisk:
    def test_waits_on_the_worklist_and_acts_in_no_way(self, intake):
        imported = sent(intake, a_person(), a_phq9_total(22))

        (risk,) = intake.query(select(current_risks))
        assert (risk["flag"], risk["stated_at"]) == ("PHQ9_SEVERE", datetime(2026, 10, 1, 8, tzinfo=UTC))
        assert imported.patients[0].current_risks == ("PHQ9_SEVERE",)

    def test_leaves_the_worklist_when_a_person_has_reviewed_it(self, intake):
        sent(intake, a_person(), a_phq9_total(22))
        (risk,) = intake.query(select(current_risks))

        intake.review_risk(a_context(by=PHIL, role="physician"), risk["aggregate_id"], "In treatment, stable.")
        sent(intake, a_person(), a_phq9_total(22))

        assert intake.query(select(current_risks)) == []

    def test_of_years_ago_is_history(self, intake):
        sent(intake, a_person(), a_phq9_total(22, at="2019-10-01T08:00:00Z"))

        assert intake.query(select(current_risks)) == []


class TestRealBundles:
    @pytest.mark.parametrize(("folder", "count"), [("synthea-phr-ig", 19), ("smart-synthea-r4-mentalhealth", 7)])
    def test_go_in_and_add_nothing_the_second_time(self, intake, folder, count):
        readings = [read_bundle(document, now=NOW) for document in map(loaded, real(folder)) if is_bundle(document)]

        first = [intake.import_bundle(a_context(), reading) for reading in readings]
        position = intake.recorder.max_notification_id()
        second = [intake.import_bundle(a_context(), reading) for reading in readings]

        assert len(readings) == count
        assert all(person.registered and person.taken for imported in first for person in imported.patients)
        assert "refused" not in {outcome for imported in first for outcome in outcomes(imported)}
        assert not any(person.taken for imported in second for person in imported.patients)
        assert intake.recorder.max_notification_id() == position

    def test_are_marked_fact_by_fact(self, intake):
        (person,) = sent(intake, a_person(), a_weight(), a_phq9_total(7, id="o3")).patients

        facts = list(intake.events.get(imported_record_id(UUID(str(person.patient_id)))))
        assert [(type(fact).__name__, fact.imported) for fact in facts] == [
            ("ImportedRecordOpened", False),
            ("MeasureImported", True),
            ("QuestionnaireImported", True),
        ]
