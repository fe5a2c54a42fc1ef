"""`caretrail history` and `caretrail token` against a running suite."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from services.cli.visiting import Visit
from tests.cli.conftest import TODAY
from tests.cli.documents import a_patient, a_phq9, written
from tests.cli.terminal import Desk, caretrail
from tests.journeys.journey import eventually
from tests.journeys.running import PASSWORD, Person, RunningSuite, free_port

pytestmark = [pytest.mark.xdist_group("cli-history"), pytest.mark.timeout(180)]


@dataclass
class Trail:
    """A patient who was registered at one moment and screened at a later one."""

    id: str
    registered_at: str

    def path(self, part: str) -> str:
        """Give the address of a part of history."""
        return f"/history/v1/patients/{self.id}/{part}"


@pytest.fixture(scope="module")
def trail(anna: Person, annas_desk: Desk, clock_file: Path) -> Trail:
    words = {
        "family_name": "Marsh [bold]",
        "given_name": "Ada",
        "birth_date": "1984-05-02",
        "sex": "female",
        "time_zone": "Europe/Zurich",
    }
    patient = anna.post("/intake/v1/patients", words, expect=201)["id"]
    clock_file.write_text("2026-11-23T12:10:00Z", "ascii")
    screening = anna.post(f"/intake/v1/patients/{patient}/screenings", {"reason": "intake"}, expect=201)["id"]
    answers = {"instrument": "PHQ9", "answers": [2, 2, 1, 2, 1, 2, 1, 0, 0, None]}
    anna.post(f"/intake/v1/screenings/{screening}/questionnaires", answers)
    # Facts of one instant are recorded microseconds apart; history answers for whole ones before now.
    clock_file.write_text("2026-11-23T12:11:00Z", "ascii")
    eventually(lambda: len(annas_desk.trail(patient)) == 4, "history has it all")
    return Trail(patient, TODAY)


class TestHistory:
    def test_says_on_a_hundred_columns_who_did_what_when(self, annas_desk: Desk, trail: Trail):
        result = annas_desk.run("history", trail.id)

        assert result.exit_code == 0, result.output
        lines = result.stdout.splitlines()
        assert max(map(len, lines)) <= 100
        (registered,) = (line for line in lines if "Patient registered" in line)
        assert registered.split()[:3] == ["1", "2026-11-23", "12:00"]
        assert ", care coordinator" in registered
        (answered,) = (line for line in lines if "Questionnaire answered" in line)
        assert answered.split()[:3] == ["4", "2026-11-23", "12:10"]

    def test_shows_the_record_in_words_and_what_people_wrote_as_they_wrote_it(self, annas_desk: Desk, trail: Trail):
        result = annas_desk.run("history", trail.id)

        assert "\nAda Marsh [bold], born 1984-05-02, female\n" in result.stdout
        assert "\n  2026-11-23: open\n    PHQ9 11, moderate\n" in result.stdout
        assert "\n  PHQ9: 11 (2026-11-23)\n" in result.stdout
        assert "None" not in result.stdout

    def test_as_of_a_moment_shows_what_was_known_then(self, annas_desk: Desk, trail: Trail):
        result = annas_desk.run("history", trail.id, "--as-of", "2026-11-23T12:09:59Z")

        assert "As of 2026-11-23T12:09:59Z" in result.stdout
        assert "Patient registered" in result.stdout
        assert "Screening" not in result.stdout

    def test_is_repeatable_by_the_vector_that_it_prints(self, annas_desk: Desk, trail: Trail):
        first = annas_desk.run("history", trail.id).stdout
        vector = first.partition("--vector ")[2].split()[0]

        again = annas_desk.run("history", trail.id, "--vector", vector).stdout

        assert record_of(again) == record_of(first)
        assert "PHQ9 11" in record_of(again)

    def test_gives_programs_what_the_suite_answers(self, annas_desk: Desk, anna: Person, trail: Trail):
        found = json.loads(annas_desk.run("history", trail.id, "--json").stdout)

        assert found["timeline"] == anna.get(trail.path("timeline"))["items"]
        assert found["record"]["screenings"] == anna.get(trail.path("record"))["screenings"]

    def test_puts_imported_facts_of_a_kind_into_one_line(self, annas_desk: Desk, clock_file: Path, tmp_path: Path):
        measured = [a_phq9("i1", f"q{n}", f"2024-0{n}-01T10:00:00Z", "110000000", 2) for n in (1, 2, 3)]
        brought_in = annas_desk.run("import", "--json", written(tmp_path, "i.json", a_patient("i1", "Past"), *measured))
        patient = json.loads(brought_in.stdout)["documents"][0]["patients"][0]["patient_id"]
        clock_file.write_text("2026-11-23T12:12:00Z", "ascii")
        eventually(lambda: len(annas_desk.trail(patient)) == 6, "history has it all")

        result = annas_desk.run("history", patient)

        assert result.stdout.count("Questionnaire imported") == 1
        assert "(3 times)" in result.stdout
        assert "happened 2024-01-01" in result.stdout.replace("\n", " ")
        assert "\n  questionnaire imported: 3\n" in result.stdout

    def test_takes_a_moment_or_a_vector_but_not_both(self, annas_desk: Desk, trail: Trail):
        result = annas_desk.run("history", trail.id, "--as-of", TODAY, "--vector", "intake:1")

        assert result.exit_code == 2

    @pytest.mark.parametrize(
        ("asked", "why"), [(("--vector", "nonsense"), "intake:12,referral:4"), (("--as-of", "yesterday"), "as-of")]
    )
    def test_says_what_is_wrong_with_a_question(self, annas_desk: Desk, trail: Trail, asked: tuple[str, ...], why: str):
        result = annas_desk.run("history", trail.id, *asked)

        assert result.exit_code == 1
        assert why in result.stderr

    def test_of_a_patient_who_is_not_there_or_not_ones_own_says_the_same(
        self, suite: RunningSuite, annas_desk: Desk, trail: Trail
    ):
        nobody = uuid4()
        sven = suite.person("sven", "physician")

        not_there = annas_desk.run("history", str(nobody))
        not_ones_own = Desk(suite, sven.username).run("history", trail.id)

        assert (not_there.exit_code, not_ones_own.exit_code) == (1, 1)
        assert not_there.stderr == f"Error: there is no patient {nobody} whom anna may see\n"
        assert not_ones_own.stderr == f"Error: there is no patient {trail.id} whom sven may see\n"

    def test_without_a_suite_says_how_to_start_one(self, annas_desk: Desk, trail: Trail):
        url = f"http://127.0.0.1:{free_port()}"

        result = annas_desk.run("history", trail.id, "--url", url)

        assert result.exit_code == 1
        assert result.stderr == f"Error: no suite answers at {url}; start one with `make up`\n"


def record_of(output: str) -> str:
    """Give what an output says of the record, without the moments of the two answers."""
    return output.partition("\nCare team\n")[2]


class TestAnEmptySuite:
    def test_says_at_its_start_how_to_add_the_first_account(self, suite: RunningSuite):
        said = suite.processes["suite"].output.read_text()

        add = "caretrail user add NAME --role care-coordinator"
        assert f"Nobody can sign in yet. Add the first account with: {add}\n" in said


class TestAVisit:
    def test_signs_in_again_when_its_token_has_ended(self, suite: RunningSuite, anna: Person, clock_file: Path):
        now = clock_file.read_text("ascii")
        visit = Visit(suite.addresses["portal"], anna.username, PASSWORD)
        try:
            before = visit.get("/intake/v1/current-risks")
            clock_file.write_text("2026-11-24T12:00:00Z", "ascii")
            after = visit.get("/intake/v1/current-risks")
        finally:
            clock_file.write_text(now, "ascii")
            visit.close()

        assert before == after == {"items": [], "next": None}

    def test_of_a_disabled_account_is_refused_in_words(self, suite: RunningSuite):
        suite.person("dora", "physician")
        caretrail("user", "disable", "dora", environment=suite.environment)

        result = Desk(suite, "dora").run("token")

        assert result.exit_code == 1
        assert result.stderr == "Error: signing in as dora failed: name or password are wrong\n"

    def test_of_something_that_is_no_suite_says_so(self, suite: RunningSuite, annas_desk: Desk):
        result = annas_desk.run("token", "--url", f"{suite.addresses['portal']}/portal")

        assert result.exit_code == 1
        assert "is it a CareTrail suite?" in result.stderr

    def test_needs_an_address_of_the_web(self, annas_desk: Desk):
        result = annas_desk.run("token", "--url", "localhost:8000")

        assert result.exit_code == 2
        assert "write it like http://127.0.0.1:8000" in result.stderr


class TestToken:
    def test_is_printed_and_opens_the_suite(self, suite: RunningSuite, annas_desk: Desk):
        result = annas_desk.run("token")

        token = result.stdout.removesuffix("\n")
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.get(f"{suite.addresses['intake']}/intake/v1/current-risks", headers=headers)
        assert answer.status_code == 200

    def test_takes_the_password_from_a_pipe(self, suite: RunningSuite, anna: Person):
        words = ("token", "--user", anna.username, "--password-file", "-")

        result = caretrail(*words, environment=suite.environment, typed=f"{PASSWORD}\n")

        assert (result.exit_code, result.stdout.count(".")) == (0, 2)

    def test_asks_for_the_password_and_does_not_show_it(self, annas_desk: Desk):
        screen = annas_desk.type_the_password("token")

        assert screen.startswith("Password: ")
        assert PASSWORD not in screen
        assert screen.strip().count(".") == 2

    def test_needs_a_terminal_or_a_file_for_the_password(self, suite: RunningSuite, anna: Person):
        result = caretrail("token", "--user", anna.username, environment=suite.environment, typed=f"{PASSWORD}\n")

        assert result.exit_code == 2
        assert "--password-file" in result.stderr
