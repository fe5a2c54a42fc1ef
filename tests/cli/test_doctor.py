"""`caretrail doctor` on a laptop: a healthy suite has nothing to find; each planted fault is found, with advice."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest

from services.cli.checks import answering, configuration, durability, progress, schema, waiting
from services.cli.checks.findings import Finding, Level
from services.cli.checks.installation import Installation
from services.cli.doctor import CHECKS, Check, examine
from services.cli.serving import answering as answering_at
from services.suite import prepare_all, service_named
from shared.clock import ShiftedClock, system_clock
from shared.eventlog import Commit, Move, Position, Replace, open_log
from shared.eventlog.tables import parked, refused_reactions
from shared.figures import FIGURES, Watched
from shared.http.service import plain_app
from shared.identity import KeyFolder
from shared.messaging import Relay
from shared.settings import SERVICES, Settings
from tests.cli.terminal import caretrail
from tests.journeys.running import embedded, free_port
from tests.messaging.delivery import until

A_SECRET = "hunter2-hunter2"
A_BODY = '{"occurred_at": "2026-11-23T09:00:00Z", "correlation_id": "c", "causation_id": "r"}'
AN_EPOCH = UUID("7f0c6f9e-1111-4222-8333-944455556666")


class Home(NamedTuple):
    """A folder with every log, migrated, and nothing that runs."""

    folder: Path
    environment: dict[str, str]

    @property
    def settings(self) -> Settings:
        """Read the settings as a command would."""
        return Settings.from_environ(self.environment)

    def look(self, *checks: Check, later: timedelta = timedelta(0), **changed: str) -> list[Finding]:
        """Let these checks look, and give what they found above ok."""
        given = Settings.from_environ({**self.environment, **changed})
        installation = Installation(given, clock=ShiftedClock(offset=later))
        try:
            list(installation.open())
            return [found for check in checks for found in check(installation) if found.level > Level.OK]
        finally:
            installation.close()

    def change(self, service: str, statement: str) -> None:
        """Do to a log what nobody should."""
        with sqlite3.connect(self.folder / f"{service}.sqlite") as connection:
            connection.executescript(statement)
        connection.close()

    def write(self, service: str, commit: Commit) -> None:
        """Put something into a log as its service would."""
        log = open_log(f"sqlite:///{self.folder / service}.sqlite")
        log.write(commit)
        log.close()

    def heal(self) -> None:
        """Follow the advice `caretrail migrate`."""
        assert caretrail("migrate", environment=self.environment).exit_code == 0


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated") / "home"
    prepare_all(Settings.from_environ({"CARETRAIL_HOME": str(folder)}))
    return folder


@pytest.fixture
def home(migrated: Path, tmp_path: Path) -> Home:
    folder = tmp_path / "home"
    shutil.copytree(migrated, folder)
    return Home(folder, {"CARETRAIL_HOME": str(folder), "CARETRAIL_BIND": f"127.0.0.1:{free_port()}"})


def only(found: list[Finding]) -> Finding:
    """Give the one thing that was found."""
    (finding,) = found
    return finding


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a suite that runs and has a patient."""
    suite = embedded(tmp_path_factory.mktemp("suite"))
    try:
        suite.start()
        suite.person("anna", "care-coordinator").post(
            "/intake/v1/patients",
            {
                "family_name": "Marsh",
                "given_name": "Ada",
                "birth_date": "1984-05-02",
                "sex": "female",
                "time_zone": "Europe/Zurich",
            },
            expect=201,
        )
        yield {name: value for name, value in suite.environment.items() if name.startswith("CARETRAIL_")}
    finally:
        suite.stop()


class TestAHealthySuite:
    def test_has_nothing_to_find_while_it_runs(self, lived_in: dict[str, str]):
        until(lambda: _worst(lived_in) is Level.OK)

        result = caretrail("doctor", environment=lived_in)

        assert result.exit_code == 0, result.stdout
        assert "0 errors, 0 warnings" in result.stdout
        assert "intake is ready" in result.stdout
        assert "Marsh" not in result.stdout

    def test_has_nothing_to_find_before_it_first_runs(self, home: Home):
        result = caretrail("doctor", "--json", environment=home.environment)

        said = json.loads(result.stdout)
        assert result.exit_code == 0, result.stdout
        assert said["level"] == "ok"
        assert {found["level"] for found in said["findings"]} == {"ok"}
        assert {"settings", "schema", "triggers", "clock", "positions", "parked"} <= {
            found["check"] for found in said["findings"]
        }

    def test_is_left_as_it_was(self, home: Home):
        before = {file: file.read_bytes() for file in home.folder.rglob("*") if file.is_file()}

        caretrail("doctor", environment=home.environment)

        assert {file: file.read_bytes() for file in home.folder.rglob("*") if file.is_file()} == before


def _worst(environment: dict[str, str]) -> Level:
    installation = Installation(Settings.from_environ(environment))
    try:
        return max(found.level for found in examine(installation))
    finally:
        installation.close()


class TestTheCommand:
    def test_ends_with_2_and_names_what_to_do_about_an_error(self, home: Home):
        home.change("intake", "DROP TRIGGER events_never_go")

        result = caretrail("doctor", environment=home.environment)

        assert result.exit_code == 2
        assert "error    triggers    intake: the trigger events_never_go is missing" in result.stdout
        assert "-> run `caretrail migrate`" in result.stdout
        assert "1 errors, 0 warnings" in result.stdout

    def test_ends_with_1_for_a_warning(self, home: Home):
        result = caretrail("doctor", environment={**home.environment, "CARETRAIL_BIND": f"0.0.0.0:{free_port()}"})

        assert result.exit_code == 1

    def test_goes_on_where_one_log_is_broken(self, home: Home):
        (home.folder / "intake.sqlite").write_bytes(b"not a database at all" * 100)

        result = caretrail("doctor", environment=home.environment)

        assert result.exit_code == 2
        assert "referral: nothing is parked" in result.stdout

    def test_names_every_check_once(self):
        assert len({check.__name__ for check in CHECKS}) == len(CHECKS)


class TestDatabases:
    def test_that_are_not_there_are_not_made(self, tmp_path: Path):
        environment = {"CARETRAIL_HOME": str(tmp_path / "new"), "CARETRAIL_BIND": f"127.0.0.1:{free_port()}"}

        result = caretrail("doctor", environment=environment)

        assert result.exit_code == 2
        assert "intake: there is no file" in result.stdout
        assert "caretrail migrate" in result.stdout
        assert not (tmp_path / "new").exists()

    def test_that_hold_no_log_are_told(self, home: Home):
        (home.folder / "intake.sqlite").unlink()
        sqlite3.connect(home.folder / "intake.sqlite").execute("CREATE TABLE anything (a)").connection.close()
        installation = Installation(home.settings)

        found = [finding for finding in installation.open() if finding.level > Level.OK]
        installation.close()

        assert "intake: there is no log" in only(found).seen


class TestSettings:
    def test_that_open_the_embedded_suite_to_the_network_are_warned_of(self, home: Home):
        found = only(home.look(configuration.settings, CARETRAIL_BIND="0.0.0.0:8000"))

        assert found.level is Level.WARNING
        assert "/metrics" in found.seen
        assert "127.0.0.1" in found.do

    def test_of_tests_are_warned_of(self, home: Home):
        found = home.look(configuration.settings, CARETRAIL_CLOCK_FILE="clock", CARETRAIL_FAULT="before-ack")

        assert ["CARETRAIL_FAULT" in found[0].do, "CARETRAIL_CLOCK_FILE" in found[1].do] == [True, True]

    def test_that_fetch_keys_without_tls_are_warned_of(self, home: Home):
        found = only(home.look(configuration.settings, CARETRAIL_ISSUERS="https://id.example=http://id.example/jwks"))

        assert "https://" in found.do

    def test_of_production_without_broker_are_an_error(self, home: Home):
        found = home.look(configuration.settings, CARETRAIL_MODE="production", CARETRAIL_WORKER_BIND="127.0.0.1:1")

        assert "CARETRAIL_BROKER_URL" in only(found).do

    def test_of_production_with_a_file_are_an_error(self, home: Home):
        found = home.look(
            configuration.settings,
            CARETRAIL_MODE="production",
            CARETRAIL_BROKER_URL=f"amqp://caretrail:{A_SECRET}@rabbit//",
            INTAKE_DATABASE_URL=f"sqlite:///{home.folder}/intake.sqlite",
        )

        assert ["SQLite" in found[0].seen, "CARETRAIL_WORKER_BIND" in found[1].do] == [True, True]

    @pytest.mark.parametrize("password", ["guest", "caretrail", "", "someone"])
    def test_with_a_password_that_is_guessed_first_are_warned_of(self, home: Home, password: str):
        url = f"amqp://someone:{password}@rabbit//"

        found = only(home.look(configuration.settings, CARETRAIL_BROKER_URL=url))

        assert found.seen.startswith("CARETRAIL_BROKER_URL")
        assert "openssl rand" in found.do


class TestSecrets:
    def test_are_never_shown(self, home: Home):
        environment = {
            **home.environment,
            "CARETRAIL_BROKER_URL": f"amqp://caretrail:{A_SECRET}@127.0.0.1:1//",
            "CARETRAIL_ADMIN_DATABASE_URL": f"postgresql://postgres:{A_SECRET}@127.0.0.1:1/postgres",
            **{
                f"{name.upper()}_DATABASE_URL": f"postgresql://someone:{A_SECRET}@127.0.0.1:1/x"
                for name in ("identity", *SERVICES)
            },
        }

        result = caretrail("doctor", environment=environment)

        assert result.exit_code == 2
        assert "does not answer" in result.stdout
        assert "cannot be reached" in result.stdout
        assert A_SECRET not in result.stdout + result.stderr


class TestFoldersAndKeys:
    def test_of_everybody_are_an_error(self, home: Home):
        home.folder.chmod(0o755)

        assert f"chmod 700 {home.folder}" in only(home.look(configuration.folders)).do

    def test_that_others_may_read_are_an_error(self, home: Home):
        _make_keys(home)
        (home.folder / "keys" / "intake.jwk").chmod(0o644)

        found = only(home.look(configuration.keys))

        assert "intake.jwk" in found.seen
        assert f"chmod 600 {home.folder}/keys/intake.jwk" in found.do

    def test_that_two_services_share_are_an_error(self, home: Home):
        _make_keys(home)
        keys = home.folder / "keys"
        (keys / "referral.jwk").write_bytes((keys / "intake.jwk").read_bytes())

        found = only(home.look(configuration.keys))

        assert "the same as intake.jwk" in found.seen
        assert "rm " in found.do

    def test_that_are_missing_after_a_restore_are_warned_of(self, home: Home):
        _make_keys(home)
        (home.folder / "keys" / "history.jwk").unlink()

        assert "history.jwk" in only(home.look(configuration.keys)).seen

    def test_that_are_whole_are_fine(self, home: Home):
        _make_keys(home)

        assert home.look(configuration.keys, configuration.folders) == []

    def test_on_a_disk_without_room_are_told(self, home: Home, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(configuration, "TOO_LITTLE", 10**18)

        found = only(home.look(configuration.disk))

        assert (found.level, "make room" in found.do) == (Level.ERROR, True)


def _make_keys(home: Home) -> None:
    for name in ("identity", "intake", "prescription", "referral", "monitoring", "history"):
        KeyFolder(home.folder / "keys").signing_key(name)
        KeyFolder(home.folder / "keys").secret(name)


class TestSchema:
    def test_without_a_table_is_found_and_mended_as_advised(self, home: Home):
        home.change("referral", "DROP TABLE parked")

        found = only(home.look(schema.schema))

        assert "referral: the table parked is missing" in found.seen
        assert "caretrail migrate" in found.do
        home.heal()
        assert home.look(schema.schema) == []

    def test_without_a_column_is_found_and_mended_as_advised(self, home: Home):
        home.change("intake", "DROP INDEX ix_refused_reactions_patient_id")
        home.change("intake", "ALTER TABLE refused_reactions DROP COLUMN patient_id")

        found = only(home.look(schema.schema))

        assert "intake: the table refused_reactions differs: no column patient_id" in found.seen
        home.heal()
        assert home.look(schema.schema) == []

    def test_of_accounts_is_looked_at_too(self, home: Home):
        home.change("identity", "DROP TABLE accounts")

        assert "identity: the table accounts is missing" in only(home.look(schema.schema)).seen

    @pytest.mark.parametrize("trigger", ["events_never_change", "events_never_go", "events_never_replaced"])
    def test_without_a_trigger_is_found_and_mended_as_advised(self, home: Home, trigger: str):
        home.change("history", f"DROP TRIGGER {trigger}")

        found = only(home.look(schema.triggers))

        assert (found.level, trigger in found.seen) == (Level.ERROR, True)
        home.heal()
        assert home.look(schema.triggers) == []

    def test_with_a_trigger_that_lets_all_pass_is_found(self, home: Home):
        home.change(
            "history",
            "DROP TRIGGER events_never_go; CREATE TRIGGER events_never_go BEFORE DELETE ON events BEGIN SELECT 1; END;",
        )

        found = only(home.look(schema.triggers))

        assert "is another than this version's" in found.seen


class TestDurability:
    def test_without_wal_is_found(self, home: Home):
        home.change("intake", "PRAGMA journal_mode=DELETE")

        assert "WAL" in only(home.look(durability.durability)).seen


class TestClock:
    def test_behind_the_last_event_is_an_error(self, home: Home):
        _record(home)

        found = only(home.look(durability.clock, later=timedelta(minutes=-1)))

        assert (found.level, "still to come" in found.seen) == (Level.ERROR, True)

    @pytest.mark.parametrize(("seconds", "level"), [(3, Level.WARNING), (-3, Level.WARNING), (60, Level.ERROR)])
    def test_off_the_databases_is_told(self, home: Home, seconds: int, level: Level):
        machine = ShiftedClock(offset=timedelta(seconds=seconds))
        installation = Installation(home.settings, machine=machine)
        list(installation.open())

        found = list(durability.clock(installation))
        installation.close()

        assert {finding.level for finding in found} == {level}
        assert all("chrony" in finding.do for finding in found)


def _record(home: Home) -> None:
    """Record one event of intake's, as another installation of intake would have left it."""
    home.change(
        "intake",
        "INSERT INTO events (originator_id, originator_version, topic, state, recorded_at, lane, previous) VALUES "
        f"('{uuid4().hex}', 1, 't', CAST('{A_BODY}' AS BLOB), '{system_clock():%Y-%m-%dT%H:%M:%S.%fZ}', 3, 0)",
    )


class TestProgress:
    def test_tells_what_was_not_published_for_long(self, home: Home):
        _record(home)

        found = [home.look(progress.publishing, later=timedelta(minutes=late)) for late in (0, 5, 60)]

        assert [[finding.level for finding in each] for each in found] == [[], [Level.WARNING], [Level.ERROR]]
        assert "intake: 1 events are unpublished" in found[1][0].seen
        assert "caretrail up" in found[1][0].do

    def test_tells_who_is_behind_and_since_when(self, home: Home):
        _record(home)

        found = home.look(progress.positions, later=timedelta(minutes=5))

        assert {finding.seen.split(" is ")[0] for finding in found} == {
            "history",
            "monitoring",
            "prescription",
            "referral",
        }
        assert all("1 events behind intake, in 1 lanes, since 20" in finding.seen for finding in found)

    def test_tells_which_lanes_have_another_epoch(self, home: Home):
        _record(home)
        home.write("referral", Commit(moves=[Move("intake", 3, None, Position(AN_EPOCH, 1, "x-1"))]))

        found = only(home.look(progress.positions))

        assert (found.level, "another epoch" in found.seen) == (Level.ERROR, True)
        assert "caretrail reconcile referral intake" in found.do

    def test_tells_who_has_taken_more_than_there_is(self, home: Home):
        home.write("referral", Commit(moves=[Move("intake", 3, None, Position(_epoch(home), 7, "x-1"))]))

        assert "more was taken than the log holds" in only(home.look(progress.positions)).seen

    def test_tells_where_another_event_stands(self, home: Home):
        _record(home)
        home.write("referral", Commit(moves=[Move("intake", 3, None, Position(_epoch(home), 1, "x-1"))]))

        assert "another event stands" in only(home.look(progress.positions)).seen


def _epoch(home: Home) -> UUID:
    log = open_log(f"sqlite:///{home.folder / 'intake'}.sqlite")
    epoch = log.epoch()
    log.close()
    return epoch


class TestTimers:
    def test_that_nobody_fires_are_told(self, home: Home):
        id, (timer, *_) = uuid4(), service_named("monitoring").timers
        row = {"aggregate_id": id, "due_at": system_clock(), "set_by": f"{uuid4()}-1"}
        home.write("monitoring", Commit(rows=[Replace(timer.table, {"aggregate_id": id}, [row])]))

        found = [home.look(progress.timers, later=timedelta(minutes=late)) for late in (0, 5)]

        assert found[0] == []
        assert f"monitoring: {timer.name}: 1 are due, since 20" in only(found[1]).seen


class TestWhatWaits:
    def test_tells_of_parked_events_and_how_to_go_on(self, home: Home):
        place = {"upstream": "intake", "lane": 3, "sequence": 9}
        row = {
            **place,
            "event_id": "x-1",
            "partition": uuid4(),
            "event_type": "caretrail.intake.hologram-taken.v1",
            "reason": "ValueError: Mrs Keller said no",
            "waits": 0,
            "message": b"{}",
            "safety": 1,
            "parked_at": system_clock(),
        }
        home.write("history", Commit(rows=[Replace(parked, place, [row])]))

        found = only(home.look(waiting.parked))

        assert "history: 1 events could not be taken" in found.seen
        assert "1 of them MAY CONCERN A PATIENT'S SAFETY" in found.seen
        assert found.do.startswith("tell the clinician in charge now")
        assert "caretrail parked list history" in found.do
        assert "Keller" not in found.seen + found.do

    def test_tells_of_refused_reactions_once_they_are_a_day_old(self, home: Home):
        id = uuid4()
        row = {"aggregate_id": id, "policy": "p", "cause": "x-1", "reason": "no", "refused_at": system_clock()}
        home.write("intake", Commit(rows=[Replace(refused_reactions, {"aggregate_id": id}, [row])]))

        assert home.look(waiting.refused) == []
        assert "refused-reactions" in only(home.look(waiting.refused, later=timedelta(days=2))).do


class TestProcesses:
    def test_that_answer_for_some_services_only_are_told(self, home: Home, lived_in: dict[str, str]):
        suite = f"http://{lived_in['CARETRAIL_BIND']}"
        urls = {f"{name.upper()}_URL": f"{suite}/{name}" for name in (*SERVICES, "identity")}
        nobody = f"http://127.0.0.1:{free_port()}/history"

        found = home.look(answering.processes, CARETRAIL_MODE="production", **{**urls, "HISTORY_URL": nobody})

        assert f"history does not answer at {nobody}" in only(found).seen
        assert "caretrail web history" in only(found).do

    def test_of_a_worker_tell_what_only_it_knows(self, home: Home):
        bind, settings = f"127.0.0.1:{free_port()}", home.settings
        log = open_log(settings.database_url("referral"))
        watched = Watched("referral", log, system_clock, relay=Relay("referral", log, "memory://"))
        watched.relay.unroutable = 3
        FIGURES.watch(watched)

        with answering_at(bind, plain_app("referral-worker", {"lanes": lambda: "2 of 32 lanes stopped"})):
            found = home.look(answering.processes, CARETRAIL_WORKER_BIND=bind)
        FIGURES.forget(watched)
        log.close()

        assert [(finding.check, finding.level) for finding in found] == [
            ("answers", Level.ERROR),
            ("broker", Level.WARNING),
        ]
        assert "lanes: 2 of 32 lanes stopped" in found[0].seen
        assert "3 messages of this worker's relay found no queue" in found[1].seen

    def test_of_another_version_are_told(self, home: Home, lived_in: dict[str, str], monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(answering, "package_version", lambda: "99.0")

        found = only(home.look(answering.processes, CARETRAIL_BIND=lived_in["CARETRAIL_BIND"]))

        assert "99.0 is installed here" in found.seen
        assert "consumers first" in found.do
