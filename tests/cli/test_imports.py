"""`caretrail import` against a running suite."""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.documents import a_patient, a_phq9, bundles, public, written
from tests.cli.terminal import Desk, caretrail
from tests.journeys.journey import eventually
from tests.journeys.running import Person, RunningSuite, free_port

pytestmark = [pytest.mark.xdist_group("cli-imports"), pytest.mark.timeout(180)]

SYNTHEA, SMART = "synthea-phr-ig", "smart-synthea-r4-mentalhealth"
FOUND = re.compile(r"^(?P<file>\S+): patient (?P<id>[0-9a-f-]{36}) \((?P<standing>new|known)\): ", re.MULTILINE)
MINORS = ("Anne_Goodwin", "Gerardo_Botello", "Jorge_Brekke", "Maegan141", "Nia310")
DEAD = ("Corine538", "Darron_Feeney", "Lurlene215", "Roberto_Graham", "Sina65", "Stanley702")


@dataclass
class Imported:
    """What the command said about the 26 public bundles, at the first time and again."""

    first: Result
    again: Mapping[str, Any]
    again_exit_code: int

    @property
    def patients(self) -> dict[str, str]:
        """File -> patient id."""
        return {found["file"]: found["id"] for found in FOUND.finditer(self.first.stdout)}

    def patient(self, begins_with: str) -> str:
        """Give the patient of the file whose name begins so."""
        (id,) = (id for file, id in self.patients.items() if file.startswith(begins_with))
        return id


@pytest.fixture(scope="module")
def imported(annas_desk: Desk) -> Imported:
    files = [*bundles(SYNTHEA), *bundles(SMART)]
    first = annas_desk.run("import", *files)
    again = annas_desk.run("import", "--json", *files)
    return Imported(first, json.loads(again.stdout), again.exit_code)


def taken_kinds(anna: Person, patients: list[str]) -> Counter[str]:
    """Count what was taken, by kind, as the imported records show it."""
    kinds: Counter[str] = Counter()
    for patient in patients:
        record = anna.get(f"/intake/v1/patients/{patient}/imported-record")
        kinds.update(conditions=len(record["conditions"]), medications=len(record["medications"]))
        kinds.update(measure["kind"] for measure in record["measures"])
        kinds.update(questionnaire["instrument"] for questionnaire in record["questionnaires"])
    return kinds


def read(suite: RunningSuite, service: str, question: str) -> list[Any]:
    """Ask a service's database, which another process writes."""
    with sqlite3.connect(f"file:{suite.folder / service}.sqlite?mode=ro", uri=True) as database:
        return database.execute(question).fetchall()


def facts_have_reached(suite: RunningSuite, service: str) -> bool:
    """Tell whether a service has taken notice of everything that intake has recorded."""
    heads = read(suite, "intake", "SELECT lane, max(position) FROM events GROUP BY lane")
    reached = dict(read(suite, service, "SELECT lane, sequence FROM positions WHERE upstream = 'intake'"))
    return all(reached.get(lane, 0) >= head for lane, head in heads)


class TestThePublicBundles:
    def test_all_go_in_with_a_line_for_each_patient_and_a_summary(self, imported: Imported):
        assert imported.first.exit_code == 0
        assert [found["standing"] for found in FOUND.finditer(imported.first.stdout)] == ["new"] * 26
        summary = imported.first.stdout.splitlines()[-1]
        assert summary.startswith("26 documents: 26 new patients, ")
        assert summary.endswith(" 0 refused; 0 documents failed")

    def test_say_what_was_left_and_why(self, imported: Imported):
        assert re.search(r"^    left [0-9]+: Claim is not used here\.$", imported.first.stdout, re.MULTILINE)
        # Dozens of codes that are not used here share one line, unless details are asked for.
        assert "(LOINC" not in imported.first.stdout

    def test_add_nothing_when_they_come_again(self, imported: Imported):
        taken = int(re.search(r" ([0-9]+) facts taken", imported.first.stdout.splitlines()[-1])[1])
        totals = imported.again["totals"]

        assert imported.again_exit_code == 0
        assert (totals["documents"], totals["new_patients"], totals["taken"], totals["failed"]) == (26, 0, 0, 0)
        assert totals["repeated"] == taken > 2000

    def test_of_the_newer_shape_give_all_that_their_source_counts(self, imported: Imported, anna: Person):
        patients = [id for file, id in imported.patients.items() if file in {path.name for path in bundles(SYNTHEA)}]

        kinds = taken_kinds(anna, patients)

        # The numbers stand in SOURCE.md beside the data.
        expected = {"blood-pressure": 196, "heart-rate": 191, "PHQ2": 97, "GAD7": 73, "PHQ9": 7}
        expected |= {"conditions": 536, "medications": 596}
        assert {kind: kinds[kind] for kind in expected} == expected

    def test_of_the_older_shape_keep_their_blood_pressures(self, imported: Imported, anna: Person):
        kinds = taken_kinds(anna, [imported.patient("Omar_Abernathy"), imported.patient("Milan_Beatty")])

        assert kinds["blood-pressure"] > 0
        assert kinds["heart-rate"] == 0

    @pytest.mark.parametrize("name", MINORS)
    def test_of_minors_are_history_and_no_screening_is_opened(self, imported: Imported, anna: Person, name: str):
        path = f"/intake/v1/patients/{imported.patient(name)}/screenings"

        refused = anna.post(path, {"reason": "intake"}, expect=409)

        assert "18" in refused["detail"]

    @pytest.mark.parametrize("name", DEAD)
    def test_of_the_dead_are_history_and_no_screening_is_opened(self, imported: Imported, anna: Person, name: str):
        path = f"/intake/v1/patients/{imported.patient(name)}/screenings"

        refused = anna.post(path, {"reason": "intake"}, expect=409)

        assert "died" in refused["detail"]

    def test_of_an_adult_let_a_screening_open(self, imported: Imported, anna: Person):
        anna.post(
            f"/intake/v1/patients/{imported.patient('Omar_Abernathy')}/screenings", {"reason": "intake"}, expect=201
        )

    @pytest.mark.parametrize("service", ["referral", "prescription", "monitoring"])
    def test_lead_to_nothing_by_themselves(self, imported: Imported, suite: RunningSuite, service: str):
        eventually(lambda: facts_have_reached(suite, service), f"{service} takes notice of the import")

        assert read(suite, service, "SELECT topic FROM events") == []


@pytest.fixture(scope="module")
def john(annas_desk: Desk) -> str:
    """The patient of the public questionnaire responses, brought in; their id."""
    found = annas_desk.run("import", "--json", public("hl7-phr-pghd-examples/Patient-1.json"))
    return str(json.loads(found.stdout)["documents"][0]["patients"][0]["patient_id"])


class TestQuestionnaireResponses:
    def test_of_another_server_is_taken_for_the_patient_who_was_named(self, annas_desk: Desk, anna: Person, john: str):
        name = "QuestionnaireResponse-questionnaireresponse-sdc-profile-example-PHQ9.json"

        result = annas_desk.run("import", public(f"hl7-sdc-phq9/{name}"), "--patient", john)

        assert result.exit_code == 0, result.output
        assert "1 facts taken, 0 known already" in result.stdout
        record = anna.get(f"/intake/v1/patients/{john}/imported-record")
        (phq9,) = (each for each in record["questionnaires"] if each["at"].startswith("2019-08-21"))
        assert phq9["result"]["answers"][:9] == [0, 0, 0, 1, 2, 1, 3, 2, 1]
        assert phq9["result"]["total"] == 10

    def test_is_taken_together_with_its_patient(self, annas_desk: Desk, anna: Person, john: str, tmp_path: Path):
        resources = ("Patient-1.json", "QuestionnaireResponse-phq9.json")
        read = [json.loads(public(f"hl7-phr-pghd-examples/{name}").read_text()) for name in resources]

        result = annas_desk.run("import", written(tmp_path, "both.json", *read))

        assert f"both.json: patient {john} (known): 1 facts taken" in result.stdout
        record = anna.get(f"/intake/v1/patients/{john}/imported-record")
        (phq9,) = (each for each in record["questionnaires"] if each["at"].startswith("2024-12-01"))
        assert phq9["at"] == "2024-12-01T03:00:00Z"
        assert phq9["result"]["total"] == 3

    def test_fails_where_nobody_is_named(self, annas_desk: Desk):
        result = annas_desk.run("import", public("hl7-phr-pghd-examples/QuestionnaireResponse-phq9.json"))

        assert result.exit_code == 1
        assert "FAILED. Nothing could be taken" in result.stdout
        assert "Send it together with the Patient" in result.stdout


class TestWhatImportedFactsSay:
    def test_a_current_risk_is_told_at_once_and_waits_for_a_person(
        self, annas_desk: Desk, anna: Person, tmp_path: Path
    ):
        phq9 = a_phq9("r1", "q1", "2026-11-01T10:00:00Z", "111111111", 9)

        result = annas_desk.run("import", written(tmp_path, "risk.json", a_patient("r1", "Risk"), phq9))

        (patient,) = (found["id"] for found in FOUND.finditer(result.stdout))
        assert "CURRENT RISK, look at it: SI_POSITIVE." in result.stdout
        (waiting,) = anna.get("/intake/v1/current-risks", patient_id=patient)["items"]
        assert (waiting["flag"], waiting["stated_at"]) == ("SI_POSITIVE", "2026-11-01T10:00:00Z")

    def test_an_old_risk_is_history(self, annas_desk: Desk, anna: Person, tmp_path: Path):
        phq9 = a_phq9("r2", "q1", "2025-11-01T10:00:00Z", "111111111", 9)

        result = annas_desk.run("import", written(tmp_path, "old.json", a_patient("r2", "Past"), phq9))

        (patient,) = (found["id"] for found in FOUND.finditer(result.stdout))
        assert "CURRENT RISK" not in result.stdout
        assert anna.get("/intake/v1/current-risks", patient_id=patient)["items"] == []

    def test_a_total_that_contradicts_its_items_is_kept_and_flagged(
        self, annas_desk: Desk, anna: Person, tmp_path: Path
    ):
        phq9 = a_phq9("c1", "q1", "2026-03-02T10:00:00Z", "110000000", 12)

        result = annas_desk.run("import", written(tmp_path, "wrong.json", a_patient("c1", "Sum"), phq9))

        (patient,) = (found["id"] for found in FOUND.finditer(result.stdout))
        (kept,) = anna.get(f"/intake/v1/patients/{patient}/imported-record")["questionnaires"]
        assert kept["contradicts"] is True
        assert (kept["result"]["stated_total"], kept["result"]["total"]) == (12, 2)


class TestDetails:
    def test_name_every_resource_that_was_not_taken(self, annas_desk: Desk, tmp_path: Path):
        claim = {"resourceType": "Claim", "id": "x1"}

        result = annas_desk.run("import", "--details", written(tmp_path, "d.json", a_patient("d1", "Claims"), claim))

        assert "\n    left 1: Claim is not used here.\n    Claim/x1: Claim is not used here.\n" in result.stdout


class TestDocumentsThatFail:
    def test_keep_no_other_out(self, annas_desk: Desk, tmp_path: Path):
        good = [written(tmp_path, f"good-{n}.json", a_patient(f"g{n}", f"Good{n}")) for n in (1, 2)]
        no_json = tmp_path / "letter.json"
        no_json.write_text("Dear colleague,")
        large = tmp_path / "large.json"
        large.write_bytes(b'{"resourceType": "Bundle", "text": "' + b"x" * 16 * 1024 * 1024 + b'"}')
        no_bundle = tmp_path / "list.json"
        no_bundle.write_text('{"items": []}')
        broken = tmp_path / "broken.json.gz"
        broken.write_bytes(gzip.compress(b"{}")[:-9])

        result = annas_desk.run("import", good[0], no_json, large, no_bundle, broken, good[1])

        assert result.exit_code == 1
        lines = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
        assert [FOUND.match(lines[n])["standing"] for n in (0, 5)] == ["new", "new"]
        assert lines[1].startswith("letter.json: FAILED. The file is not JSON: ")
        assert lines[2] == "large.json: FAILED. The file is larger than 16 MB. Send its patients one by one."
        assert lines[3].startswith("list.json: FAILED. This is not a FHIR resource: resourceType is missing.")
        assert lines[4].startswith("broken.json.gz: FAILED. The file cannot be read: ")
        assert lines[6].startswith("6 documents: 2 new patients, ")
        assert lines[6].endswith("; 4 documents failed")

    def test_are_told_to_programs_with_their_reason(self, annas_desk: Desk, tmp_path: Path):
        no_json = tmp_path / "letter.json"
        no_json.write_text("Dear colleague,")

        result = annas_desk.run("import", "--json", no_json)

        (document,) = json.loads(result.stdout)["documents"]
        assert (result.exit_code, document["file"], document["failed"]) == (1, "letter.json", True)
        assert document["reason"].startswith("The file is not JSON")

    def test_may_be_those_of_a_patient_whom_others_care_for(
        self, suite: RunningSuite, annas_desk: Desk, tmp_path: Path
    ):
        somebody = a_patient("s1", "Shared") | {"identifier": [{"system": "urn:clinic", "value": "4711"}]}
        file = written(tmp_path, "shared.json", somebody)
        annas_desk.run("import", file)
        carl = suite.person("carl", "care-coordinator")

        result = Desk(suite, carl.username).run("import", file)

        assert result.exit_code == 1
        assert "shared.json: FAILED. A patient with this number is in care here" in result.stdout

    def test_at_the_edge_of_the_limit_are_the_suites_to_judge(self, annas_desk: Desk, tmp_path: Path):
        edge = tmp_path / "edge.json"
        head, tail = b'{"resourceType": "Bundle", "text": "', b'"}'
        edge.write_bytes(head + b"x" * (16 * 1024 * 1024 - len(head) - len(tail)) + tail)

        result = annas_desk.run("import", edge)

        assert result.exit_code == 1
        assert "edge.json: FAILED. " in result.stdout

    def test_that_are_not_there_are_a_usage_error(self, annas_desk: Desk):
        assert annas_desk.run("import", "nowhere.json").exit_code == 2


class TestTheProgressBar:
    def test_is_on_the_screen_only_while_the_report_goes_to_its_file(self, annas_desk: Desk, tmp_path: Path):
        output, screen = annas_desk.run_on_a_screen("import", written(tmp_path, "p.json", a_patient("p1", "Bar")))

        assert "Importing" in screen
        assert "Importing" not in output
        assert "1 documents: 1 new patients" in output
        assert "new patients" not in screen

    def test_is_not_drawn_where_nobody_looks_on(self, annas_desk: Desk, tmp_path: Path):
        result = annas_desk.run("import", written(tmp_path, "q.json", a_patient("p2", "Pipe")))

        assert result.stderr == ""


class TestWithoutASuite:
    def test_says_how_to_start_one(self, annas_desk: Desk, tmp_path: Path):
        url = f"http://127.0.0.1:{free_port()}"

        result = annas_desk.run("import", written(tmp_path, "a.json", a_patient("n1", "Nobody")), "--url", url)

        assert result.exit_code == 1
        assert result.stderr == f"Error: no suite answers at {url}; start one with `make up`\n"

    def test_says_that_a_password_is_wrong(self, suite: RunningSuite, annas_desk: Desk, tmp_path: Path):
        file = written(tmp_path, "a.json", a_patient("n1", "Nobody"))

        result = caretrail(
            "import", file, "--user", "berta", "--password-file", "-", environment=suite.environment, typed="guessed it"
        )

        assert result.exit_code == 1
        assert result.stderr == "Error: signing in as berta failed: name or password are wrong\n"
