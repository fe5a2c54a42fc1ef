"""`caretrail rebuild`, and what every command says of a log that it cannot work on."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from events.vocabulary import CATALOGUE
from services.cli import main
from services.intake.service import SERVICE as INTAKE
from services.suite import may_serve
from shared.eventlog import SQLiteRecorder, open_log
from shared.settings import Settings
from tests.intake.given import a_context, an_identity


class Office:
    """A home with migrated databases, and commands run there."""

    def __init__(self, home: Path):
        self.home = home
        self.file = home / "intake.sqlite"

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, words, env={"CARETRAIL_HOME": str(self.home)})

    def change(self, statement: str) -> None:
        with closing(sqlite3.connect(self.file)) as log:
            log.executescript(statement)

    def patients(self) -> list[tuple[str]]:
        with closing(sqlite3.connect(self.file)) as log:
            return log.execute("SELECT family_name FROM patients ORDER BY family_name").fetchall()


@pytest.fixture
def office(caretrail_home: Path) -> Office:
    """An office with two patients."""
    opened = Office(caretrail_home)
    assert opened.run("migrate").exit_code == 0
    intake = INTAKE.application(open_log(f"sqlite:///{opened.file}"), CATALOGUE)
    for name in ("Keller", "Marti"):
        intake.register(a_context(), an_identity(family_name=name))
    intake.close()
    return opened


class TestRebuild:
    def test_says_that_all_agrees(self, office):
        told = office.run("rebuild", "intake", "--check")

        assert (told.exit_code, told.stdout) == (0, "intake: worklists agree with the log (4 events)\n")

    def test_tells_what_differs_and_changes_nothing_when_it_only_checks(self, office):
        office.change("DELETE FROM patients WHERE family_name = 'Keller'")

        told = office.run("rebuild", "intake", "--check")

        assert told.exit_code == 1
        assert told.stderr.startswith("patients: 1 rows missing, 0 too many; of ")
        assert office.patients() == [("Marti",)]

    def test_puts_right_what_differs(self, office):
        office.change("DELETE FROM patients; UPDATE log_state SET heads_at = NULL")

        told = office.run("rebuild", "intake")

        assert (told.exit_code, office.patients()) == (0, [("Keller",), ("Marti",)])
        assert "patients: 2 rows missing" in told.stdout
        assert office.run("rebuild", "intake", "--check").exit_code == 0

    def test_says_what_it_cannot_read(self, office):
        office.change("DROP TRIGGER events_never_change; UPDATE events SET topic = 'caretrail.intake.unheard-of.v1'")

        told = office.run("rebuild", "intake", "--check")

        assert told.exit_code == 1
        assert "unheard-of.v1 is not in this version's catalogue. Was this log written by a newer" in told.stderr

    def test_knows_the_services_only(self, office):
        assert office.run("rebuild", "portal").exit_code == 2


class TestALogThatCannotBeWorkedOn:
    @pytest.mark.parametrize("words", [["migrate"], ["rebuild", "intake"], ["web", "intake"]])
    def test_because_it_is_newer_is_refused_in_words(self, office, words):
        office.change("UPDATE log_state SET schema_version = 99")

        told = office.run(*words)

        assert told.exit_code == 1
        assert told.stderr.startswith("Error: this log was migrated by a newer version of CareTrail (schema 99")

    def test_because_clocks_disagree_is_not_served(self, office, monkeypatch):
        database_clock = SQLiteRecorder.database_clock
        monkeypatch.setattr(SQLiteRecorder, "database_clock", lambda log: database_clock(log) + timedelta(seconds=8))

        told = office.run("web", "intake")

        assert told.exit_code == 1
        assert told.stderr.startswith("Error: this machine's clock is 8 s off its database's")

    def test_is_refused_by_a_worker_too(self, office):
        office.change("UPDATE log_state SET schema_version = 99")
        command = [sys.executable, "-m", "services.cli", "worker", "intake"]

        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

        assert (told.returncode, told.stderr.partition(" (")[0]) == (
            1,
            "Error: this log was migrated by a newer version of CareTrail",
        )

    @pytest.mark.parametrize("words", [["rebuild", "intake"], ["web", "intake"]])
    def test_because_it_was_never_migrated_asks_for_that(self, caretrail_home, words):
        told = Office(caretrail_home).run(*words)

        assert (told.exit_code, told.stderr) == (
            1,
            "Error: there is no log in this database yet: run `caretrail migrate` first\n",
        )


class TestALogThatDoesNotAnswerNow:
    def test_is_served_until_it_does(self):
        environment = {"CARETRAIL_MODE": "production", "INTAKE_DATABASE_URL": "postgresql://intake@127.0.0.1:1/intake"}

        may_serve("intake", Settings.from_environ(environment))


class TestMigrating:
    def test_fills_a_worklist_that_it_had_to_make_anew(self, office):
        office.change("DROP TABLE patients; CREATE TABLE patients (aggregate_id INTEGER PRIMARY KEY, age INTEGER)")

        assert office.run("migrate").exit_code == 0

        assert office.patients() == [("Keller",), ("Marti",)]
