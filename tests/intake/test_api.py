"""Intake over HTTP: from a registration to a conclusion, who sees what, and what an answer says."""

from uuid import UUID

import pytest

from events.intake import IntakeReactionRefused
from events.referral import ReferralReported
from services.intake.api import ACCESS
from services.intake.application import Intake
from shared.http import routes_without_row
from shared.messaging import Refusal
from shared.service import ACCESS_IN_EVERY_SERVICE
from tests.intake.given import a_context, a_patient, placed
from tests.intake.office import CARL, CORA, PHIL, PSYCHE, REGISTER, TESS, Office

DARK = (1, 1, 0, 0, 0, 0, 0, 0, 1)


class TestPatients:
    def test_are_registered_and_read(self, office: Office):
        answer = office.post("/patients", REGISTER)

        assert answer.status_code == 201
        assert answer.headers["Location"] == f"/v1/patients/{answer.json['id']}"
        read = office.get(f"/patients/{answer.json['id']}")
        assert (read.json, read.headers["ETag"]) == (answer.json, '"2"')
        assert (read.json["family_name"], read.json["time_zone"]) == ("Keller", "Europe/Zurich")

    @pytest.mark.parametrize(
        ("words", "pointer"),
        [
            ({"time_zone": "Mars/Olympus"}, "#/time_zone"),
            ({"language": "not a tag"}, "#/language"),
            ({"birth_date": "17.5.1984"}, "#/birth_date"),
            ({"family_name": " "}, "#/family_name"),
            ({"sex": "f"}, "#/sex"),
            ({"identifiers": [{"system": "urn:x"}]}, "#/identifiers/0/value"),
            ({"nickname": "Mi"}, "#/nickname"),
        ],
    )
    def test_are_refused_with_a_pointer_to_what_is_wrong(self, office: Office, words, pointer):
        answer = office.post("/patients", {**REGISTER, **words})

        assert (answer.status_code, [error["pointer"] for error in answer.json["errors"]]) == (422, [pointer])

    def test_are_registered_by_coordinators_only(self, office: Office):
        assert office.post("/patients", REGISTER, PHIL).status_code == 403

    def test_are_found_by_name_and_shown_to_their_team_only(self, office: Office):
        office.a_patient()
        office.a_patient(family_name="Zürcher")

        found = office.get("/patients?search=kel")

        assert [row["family_name"] for row in found.json["items"]] == ["Keller"]
        assert office.get("/patients", CARL).json["items"] == []

    def test_come_in_pages(self, office: Office):
        for name in ("Ammann", "Brunner", "Casutt"):
            office.a_patient(family_name=name)

        first = office.get("/patients?limit=2")
        second = office.get(first.json["next"].partition("/v1")[2])

        assert [row["family_name"] for row in first.json["items"]] == ["Ammann", "Brunner"]
        assert [row["family_name"] for row in second.json["items"]] == ["Casutt"]
        assert second.json["next"] is None

    def test_do_not_exist_for_whoever_is_not_in_their_team(self, office: Office):
        patient = office.a_patient()

        for path in (patient, f"{patient}/team", f"{patient}/screenings", f"{patient}/imported-record"):
            assert office.get(path, CARL).status_code == 404

    def test_see_themselves_and_nobody_else(self, office: Office):
        mine, other = office.a_patient(), office.a_patient()
        me = UUID(mine.rpartition("/")[2])

        assert office.get(mine, ("mira", "patient"), patient_id=me).status_code == 200
        assert office.get(other, ("mira", "patient"), patient_id=me).status_code == 404
        assert office.get(mine, ("mira", "patient")).status_code == 404


class TestTheTeam:
    def test_is_joined_and_left(self, office: Office):
        patient = office.a_patient()

        joined = office.post(f"{patient}/team-members", {"member_id": "phil", "role": "physician"})
        seen = office.get(patient, PHIL)
        left = office.post(f"{patient}/team-members/remove", {"member_id": "phil", "reason": "locum"})

        assert [member["member_id"] for member in joined.json["members"]] == ["cora", "phil"]
        assert seen.status_code == 200
        assert [member["member_id"] for member in left.json["members"]] == ["cora"]
        assert office.get(patient, PHIL).status_code == 404

    def test_keeps_its_last_coordinator(self, office: Office):
        answer = office.post(f"{office.a_patient()}/team-members/remove", {"member_id": "cora", "reason": "x"})

        assert (answer.status_code, answer.json["allowed"]) == (409, ["team-members"])


class TestAScreening:
    def test_goes_from_its_opening_to_a_conclusion(self, office: Office):
        path = office.a_full_screening(office.a_patient())

        answer = office.conclude(path)

        assert answer.status_code == 200, answer.json
        concluded = answer.json["conclusion"]
        assert (concluded["permission"], concluded["intensity_cap"]) == ("ready", "moderate")
        assert (concluded["concluded_by"], concluded["concluded_at"]) == ("cora", "2026-11-23T09:00:00Z")
        assert {reason["code"] for reason in concluded["reasons"]} >= {"ACSM_ROW_1", "VITALS_OK", "SEVERITY_ALONE"}

    def test_says_what_is_missing_and_what_blocks(self, office: Office):
        path = office.a_screening(office.a_patient())
        office.post(f"{path}/questionnaires", {"instrument": "PHQ9", "answers": list(DARK)})

        shown = office.get(path).json
        refused = office.conclude(path)

        assert shown["missing"] == ["medical-history", "gad-7", "vitals", "activity", "preferences"]
        assert shown["blocks"] == ["safety-assessment", "medical-history", "gad-7", "vitals"]
        assert (refused.status_code, refused.json["allowed"]) == (409, ["safety-assessments"])

    def test_is_opened_once_and_not_for_minors(self, office: Office):
        patient, child = office.a_patient(), office.a_patient(birth_date="2015-02-01")
        office.a_screening(patient)

        again, minor = office.post(f"{patient}/screenings", {}), office.post(f"{child}/screenings", {})

        assert (again.status_code, again.json["detail"]) == (409, "A screening is open already. Conclude it first.")
        assert (minor.status_code, minor.json["detail"]) == (409, "This screening is for adults of 18 and over.")

    def test_is_concluded_only_as_it_was_read(self, office: Office):
        path = office.a_full_screening(office.a_patient())

        assert office.post(f"{path}/conclusion").status_code == 428
        assert office.post(f"{path}/conclusion", If_Match='"1"').status_code == 412

    def test_keeps_answers_by_item_and_their_score(self, office: Office):
        path = office.a_screening(office.a_patient())

        answer = office.post(
            f"{path}/questionnaires", {"instrument": "PHQ9", "answers": [2, 2, 1, 2, 1, 1, 1, 1, 0, 1]}
        )

        result = answer.json["questionnaires"]["PHQ9"]
        assert (result["total"], result["band"], result["difficulty"]) == (11, "moderate", 1)

    def test_refuses_an_answer_that_nobody_offers(self, office: Office):
        path = office.a_screening(office.a_patient())

        answer = office.post(f"{path}/questionnaires", {"instrument": "PHQ9", "answers": [4]})

        assert (answer.status_code, answer.json["detail"]) == (409, "PHQ9 item 1 takes a whole number from 0 to 3.")

    @pytest.mark.parametrize(
        ("step", "body"),
        [
            ("medical-history", {"contraindications": ["BAD_LUCK"]}),
            ("questionnaires", {"instrument": "MOOD", "answers": [1]}),
            ("vitals", {"systolic": 128, "diastolic": 78}),
            ("activity", {"days_per_week": 8, "minutes_per_day": 30}),
            ("preferences", {"confidence": 11}),
            ("safety-assessments", {"flag": "SI_POSITIVE", "hold": "yes", "assessment": "x"}),
        ],
    )
    def test_refuses_parts_that_cannot_be(self, office: Office, step, body):
        patient = office.a_patient()
        office.let_in(patient, PHIL)
        path = office.a_screening(patient)

        assert office.post(f"{path}/{step}", body, PHIL).status_code == 422

    def test_keeps_the_whole_history(self, office: Office):
        path = office.a_screening(office.a_patient())
        said = {
            "conditions": [{"display": "Asthma", "code": "195967001", "system": "http://snomed.info/sct"}],
            "medications": [{"display": "Sertraline", "code": None, "system": None}],
            "allergies": [],
            "contraindications": ["PACEMAKER_ICD"],
            "modifiers": ["PTSD", "LITHIUM"],
            "treatment": {"discussed": True, "active": False, "referral_sent": True},
            "known_disease": None,
            "symptoms": True,
            "regularly_active": False,
            "wants_vigorous": True,
            "notes": "First line.\nSecond line.",
        }

        kept = office.post(f"{path}/medical-history", said).json["medical_history"]

        assert {name: kept[name] for name in said} == said

    def test_is_listed_the_latest_first(self, office: Office):
        patient = office.a_patient()
        office.conclude(office.a_full_screening(patient))
        office.a_screening(patient)

        everything = office.get(f"{patient}/screenings").json["items"]
        concluded = office.get(f"{patient}/screenings?status=concluded").json["items"]

        assert sorted(row["status"] for row in everything) == ["concluded", "open"]
        assert [(row["permission"], row["open_flags"]) for row in concluded] == [("ready", 0)]

    def test_answers_a_repeated_request_alike(self, office: Office):
        patient = office.a_patient()

        first, second = (office.post(f"{patient}/screenings", {}, Idempotency_Key="one") for _ in range(2))

        assert (first.status_code, second.status_code, first.json) == (201, 201, second.json)


class TestSafety:
    def test_is_assessed_by_a_clinician_of_the_team(self, office: Office):
        patient = office.a_patient()
        office.let_in(patient, PHIL)
        path = office.a_full_screening(patient, phq9=DARK)
        words = {"flag": "SI_POSITIVE", "hold": False, "assessment": "Passive, no plan."}

        assert office.post(f"{path}/safety-assessments", words, CORA).status_code == 403
        assert office.post(f"{path}/safety-assessments", words, PSYCHE).status_code == 404
        assessed = office.post(f"{path}/safety-assessments", words, PHIL)

        flag = assessed.json["safety_flags"]["SI_POSITIVE"]
        assert (flag["hold"], flag["assessed_by"], assessed.json["blocks"]) == (False, "phil", [])
        assert office.conclude(path).json["conclusion"]["permission"] == "ready"

    def test_shows_a_flag_that_nobody_has_looked_at(self, office: Office):
        path = office.a_screening(office.a_patient())

        answer = office.post(f"{path}/questionnaires", {"instrument": "PHQ9", "answers": [None] * 8 + [1]})

        assert answer.json["safety_flags"] == {"SI_POSITIVE": None}

    def test_lets_a_psychiatrist_who_coordinates_conclude_as_the_clinician(self, office: Office):
        patient = office.a_patient()
        office.let_in(patient, PSYCHE)
        path = office.a_full_screening(patient, phq9=(3, 3, 3, 3, 3, 3, 2, 2, 0))

        concluded = office.conclude(path, ("psyche", "care-coordinator", "psychiatrist")).json["conclusion"]

        assert concluded["permission"] == "ready"

    def test_is_no_matter_for_trainers(self, office: Office):
        patient = office.a_patient()
        office.let_in(patient, TESS)

        assert office.get(patient, TESS).status_code == 200
        assert office.get(office.a_screening(patient), TESS).status_code == 403


def an_observation(id: str, code: str, value: float, unit: str) -> dict:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-10-01T08:00:00Z",
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": unit},
    }


def a_bundle(total: int = 22) -> dict:
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"system": "http://hospital.example/mrn", "value": "7"}],
        "name": [{"family": "Moreau", "given": ["Ines"]}],
        "birthDate": "1984-02-29",
    }
    weight = an_observation("o1", "29463-7", 71.5, "kg")
    score = an_observation("o2", "44261-6", total, "{score}")
    other = {"resourceType": "Encounter", "id": "e1"}
    entries = [{"resource": resource} for resource in (patient, weight, score, other)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


class TestAnImport:
    def test_answers_resource_by_resource(self, office: Office):
        answer = office.post("/imports", {"document": a_bundle()})

        assert answer.status_code == 200, answer.json
        (person,) = answer.json["patients"]
        assert (person["registered"], person["taken"], person["current_risks"]) == (True, 2, ["PHQ9_SEVERE"])
        assert [row["outcome"] for row in answer.json["resources"]] == ["taken", "taken", "taken", "left"]
        assert answer.json["resources"][3]["reason"] == "Encounter is not used here."

    def test_is_read_as_the_imported_record(self, office: Office):
        (person,) = office.post("/imports", {"document": a_bundle()}).json["patients"]

        record = office.get(f"/patients/{person['patient_id']}/imported-record").json

        assert [(measure["kind"], measure["value"], measure["unit"]) for measure in record["measures"]] == [
            ("weight", 71.5, "kg")
        ]
        assert record["questionnaires"][0]["result"]["stated_total"] == 22
        assert [risk["flag"] for risk in record["open_risks"]] == ["PHQ9_SEVERE"]

    def test_adds_nothing_the_second_time(self, office: Office):
        office.post("/imports", {"document": a_bundle()})

        again = office.post("/imports", {"document": a_bundle()})

        assert {row["outcome"] for row in again.json["resources"]} == {"left"}

    def test_refuses_what_is_no_bundle(self, office: Office):
        answer = office.post("/imports", {"document": {"hello": "world"}})

        assert (answer.status_code, answer.json["type"]) == (422, "urn:caretrail:problem:not-a-bundle")

    def test_takes_sixteen_megabytes_and_no_more(self, office: Office):
        document = a_bundle()
        document["entry"][3]["resource"]["text"] = {"div": "x" * (1024 * 1024)}

        assert office.post("/imports", {"document": document}).status_code == 200
        document["entry"][3]["resource"]["text"] = {"div": "x" * (16 * 1024 * 1024)}
        assert office.post("/imports", {"document": document}).status_code == 413

    def test_is_for_coordinators(self, office: Office):
        assert office.post("/imports", {"document": a_bundle()}, PHIL).status_code == 403

    def test_is_of_a_patient_whom_the_sender_names(self, office: Office):
        patient = office.a_patient()
        observation = a_bundle()["entry"][1]["resource"]
        words = {"document": observation, "patient_id": patient.rpartition("/")[2]}

        taken, hidden = office.post("/imports", words), office.post("/imports", words, CARL)

        assert [row["outcome"] for row in taken.json["resources"]] == ["taken"]
        assert hidden.status_code == 404


class TestWhatWaits:
    def test_is_a_current_risk_until_a_person_of_the_team_reviews_it(self, office: Office):
        office.post("/imports", {"document": a_bundle()})

        (risk,) = office.get("/current-risks").json["items"]
        assert office.get("/current-risks", CARL).json["items"] == []
        path = f"/current-risks/{risk['id']}/review"
        assert office.post(path, {"outcome": "Known."}, CARL).status_code == 404
        reviewed = office.post(path, {"outcome": "Seen yesterday, in treatment."})

        assert (risk["flag"], risk["stated_at"]) == ("PHQ9_SEVERE", "2026-10-01T08:00:00Z")
        assert (reviewed.status_code, reviewed.json["open_risks"]) == (200, [])
        assert office.get("/current-risks").json["items"] == []

    def test_is_a_refused_reaction_until_a_coordinator_settles_it(self, office: Office, intake: Intake):
        event = ReferralReported(**placed(a_patient(), 4), kind="physician-clearance", about=None, reported_by="phil")
        refusal = Refusal.of(a_context(), event, "record_the_clearance", IntakeReactionRefused, "Nothing concluded.")
        intake.save(refusal)

        (row,) = office.get("/refused-reactions").json["items"]
        assert (row["policy"], row["reason"]) == ("record_the_clearance", "Nothing concluded.")
        settled = office.post(f"/refused-reactions/{row['id']}/settle", {"resolution": "Screened again."})

        assert settled.json["settled"]
        assert office.get("/refused-reactions").json["items"] == []


class TestInstruments:
    def test_are_listed_by_concept(self, office: Office):
        listed = {each["id"]: each for each in office.get("/instruments").json["instruments"]}

        assert {"PHQ9", "GAD7", "CSSRS"} <= listed.keys()
        assert listed["PHQ9"]["items"][8] == {
            "number": 9,
            "label": "thoughts of death or self-harm",
            "loinc": "44260-8",
        }
        assert listed["PHQ9"]["bands"][-1] == {"code": "severe", "low": 20, "high": 27}


class TestAccess:
    def test_has_a_row_for_every_route_and_no_other(self, office: Office):
        actions = {view.route.action for view in office.app.view_functions.values() if hasattr(view, "route")}

        assert routes_without_row(office.app) == []
        assert {*ACCESS, *ACCESS_IN_EVERY_SERVICE} == actions

    def test_asks_for_a_token(self, office: Office):
        assert office.app.test_client().get("/v1/patients").status_code == 401
