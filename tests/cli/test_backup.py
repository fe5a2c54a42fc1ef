"""`caretrail backup` and `restore` at the door: what is copied, what is refused, and what is left when it fails."""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.terminal import caretrail
from tests.journeys.running import SERVICES

DATABASES = {f"{name}.sqlite" for name in (*SERVICES, "identity")}
FEW_BYTES = 60_000
"""What a full disk still takes: less than an empty log."""


@dataclass(frozen=True)
class Home:
    """An installation in a folder of its own."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a process there."""
        return {"CARETRAIL_HOME": str(self.folder), "CARETRAIL_BIND": "127.0.0.1:1"}

    def run(self, *words: str | Path, **more: str) -> Result:
        """Run a command."""
        return caretrail(*words, environment={**self.environment, **more})

    def files(self) -> dict[str, bytes]:
        """Give every file there, but what SQLite keeps beside its own."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in found
            if not path.name.endswith(("-wal", "-shm"))
        }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An installation with an account, a key and an attachment, that nobody runs."""
    made = Home(tmp_path_factory.mktemp("home"))
    assert made.run("migrate").exit_code == 0
    assert made.run("user", "add", "anna", "--role", "care-coordinator").exit_code == 0
    for name, content in (("keys/intake.jwk", "{}"), ("attachments/2026/scan.pdf", "a scan")):
        path = made.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return made


@pytest.fixture(scope="module")
def copied(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    folder = tmp_path_factory.mktemp("backups") / "monday"
    result = home.run("backup", folder)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def backup(copied: Path, tmp_path: Path) -> Path:
    """A copy of that backup, to be spoiled."""
    folder = tmp_path / "backup"
    for path in copied.rglob("*"):
        target = folder / path.relative_to(copied)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Home:
    """Where nothing is installed yet."""
    return Home(tmp_path / "elsewhere")


def manifest_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_text()))


class TestABackup:
    def test_holds_databases_keys_and_attachments_and_describes_each(self, copied: Path):
        manifest = manifest_of(copied)
        there = {path.relative_to(copied).as_posix() for path in copied.rglob("*") if path.is_file()}

        assert there == {*DATABASES, "keys/intake.jwk", "attachments/2026/scan.pdf", "manifest.json"}
        assert {file["path"] for file in manifest["files"]} == there - {"manifest.json"}
        assert set(manifest["logs"]) == set(SERVICES)

    def test_is_read_by_its_owner_only(self, copied: Path):
        modes = {path.stat().st_mode & 0o777 for path in copied.rglob("*") if path.is_file()}

        assert (modes, copied.stat().st_mode & 0o777) == ({0o600}, 0o700)

    def test_goes_into_an_empty_folder_that_is_there(self, home: Home, tmp_path: Path):
        (tmp_path / "mounted").mkdir()

        assert home.run("backup", tmp_path / "mounted").exit_code == 0

    def test_goes_into_no_folder_that_holds_anything(self, home: Home, tmp_path: Path):
        (tmp_path / "mine").write_text("mine")

        result = home.run("backup", tmp_path)

        assert (result.exit_code, [path.name for path in tmp_path.iterdir()]) == (1, ["mine"])
        assert "is not empty" in result.stderr

    def test_that_cannot_be_written_says_so(self, home: Home, tmp_path: Path):
        (tmp_path / "file").write_text("no folder")

        result = home.run("backup", tmp_path / "file" / "monday")

        assert result.exit_code == 1
        assert result.stderr.startswith("Error: no backup was made: ")

    def test_for_which_the_disk_has_no_room_leaves_nothing_behind(self, home: Home, tmp_path: Path):
        done = subprocess.run(
            [sys.executable, "-m", "services.cli", "backup", str(tmp_path / "monday")],
            env=home.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (FEW_BYTES, FEW_BYTES)),
        )

        assert done.returncode == 1
        assert "Error: no backup was made: " in done.stderr
        assert list(tmp_path.iterdir()) == []

    def test_of_no_installation_is_refused(self, elsewhere: Home, tmp_path: Path):
        result = elsewhere.run("backup", tmp_path / "monday")

        assert result.exit_code == 1
        assert "there is no database" in result.stderr
        assert not (tmp_path / "monday").exists()


class TestARestore:
    def test_brings_everything_to_where_nothing_was(self, home: Home, elsewhere: Home, copied: Path):
        result = elsewhere.run("restore", copied)

        assert result.exit_code == 0, result.output
        assert elsewhere.files()["attachments/2026/scan.pdf"] == b"a scan"
        assert elsewhere.files()["keys/intake.jwk"] == home.files()["keys/intake.jwk"]
        assert elsewhere.run("user", "list").stdout == home.run("user", "list").stdout
        assert set(elsewhere.files()) > DATABASES

    def test_begins_a_new_epoch_in_every_log(self, elsewhere: Home, copied: Path, tmp_path: Path):
        elsewhere.run("restore", copied)
        elsewhere.run("backup", tmp_path / "tuesday")

        before, after = manifest_of(copied)["logs"], manifest_of(tmp_path / "tuesday")["logs"]
        epochs = {log["epoch"] for logs in (before, after) for log in logs.values()}
        assert len(epochs) == 2 * len(SERVICES)

    def test_over_what_is_there_is_refused(self, elsewhere: Home, copied: Path):
        elsewhere.run("restore", copied)
        before = elsewhere.files()

        result = elsewhere.run("restore", copied)

        assert (result.exit_code, elsewhere.files()) == (1, before)
        assert "--replace" in result.stderr

    def test_that_replaces_keeps_what_was_there(self, elsewhere: Home, copied: Path):
        elsewhere.run("restore", copied)
        before = elsewhere.files()

        result = elsewhere.run("restore", copied, "--replace")

        assert result.exit_code == 0, result.output
        kept = {name for name in elsewhere.files() if ".before-" in name}
        assert {name.partition(".before-")[0] for name in kept} == {*DATABASES, "keys", "attachments"}
        assert set(before) < set(elsewhere.files())

    def test_of_one_service_leaves_the_others_and_names_who_will_stop(self, elsewhere: Home, copied: Path):
        elsewhere.run("restore", copied)
        before = elsewhere.files()

        result = elsewhere.run("restore", copied, "--only", "intake", "--replace")

        changed = {name for name, content in elsewhere.files().items() if before.get(name) != content}
        assert {name.partition(".before-")[0] for name in changed} == {"intake.sqlite"}
        assert "`caretrail reconcile referral intake`" in result.stdout
        assert "`caretrail reconcile history intake`" in result.stdout

    @pytest.mark.parametrize("file", ["intake.sqlite", "keys/intake.jwk", "attachments/2026/scan.pdf"])
    def test_of_a_damaged_file_is_refused(self, elsewhere: Home, backup: Path, file: str):
        content = bytearray((backup / file).read_bytes())
        content[len(content) // 2] ^= 1
        (backup / file).write_bytes(content)

        self.is_refused(elsewhere, backup, "is damaged")

    def test_of_a_missing_file_is_refused(self, elsewhere: Home, backup: Path):
        (backup / "referral.sqlite").unlink()

        self.is_refused(elsewhere, backup, "is missing")

    def test_of_what_is_no_backup_is_refused(self, elsewhere: Home, backup: Path):
        (backup / "manifest.json").unlink()

        self.is_refused(elsewhere, backup, "is no backup")

    def test_of_a_newer_layout_is_refused(self, elsewhere: Home, backup: Path):
        self.rewrite(backup, format=2)

        self.is_refused(elsewhere, backup, "layout 2")

    def test_of_files_outside_of_the_backup_is_refused(self, elsewhere: Home, backup: Path):
        (backup.parent / "secret").write_text("secret")
        stolen = {"path": "../secret", "bytes": 6, "sha256": "0" * 64}
        self.rewrite(backup, files=[*manifest_of(backup)["files"], stolen])

        self.is_refused(elsewhere, backup, "lies outside")

    def test_to_another_kind_of_database_is_refused(self, elsewhere: Home, backup: Path):
        where = {"INTAKE_DATABASE_URL": "postgresql://nobody@127.0.0.1/nothing"}

        self.is_refused(elsewhere, backup, "copied from sqlite", **where)

    def test_of_a_log_of_a_newer_version_is_refused(self, elsewhere: Home, home: Home, tmp_path: Path):
        newer = Home(tmp_path / "newer")
        newer.run("migrate")
        self.of_a_newer_version(newer.folder / "intake.sqlite")
        newer.run("backup", tmp_path / "monday")

        self.is_refused(elsewhere, tmp_path / "monday", "newer version of CareTrail")

    def of_a_newer_version(self, path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE log_state SET schema_version = 99")

    def rewrite(self, backup: Path, **changed: Any) -> None:
        (backup / "manifest.json").write_text(json.dumps({**manifest_of(backup), **changed}))

    def is_refused(self, elsewhere: Home, backup: Path, why: str, **more: str) -> None:
        result = elsewhere.run("restore", backup, **more)

        assert result.exit_code == 1, result.output
        assert why in result.stderr
        assert not elsewhere.folder.exists() or elsewhere.files() == {}


class TestANewEpoch:
    def test_begins_in_a_log_that_was_put_back_by_other_means(self, elsewhere: Home, copied: Path, tmp_path: Path):
        elsewhere.run("restore", copied)
        elsewhere.run("backup", tmp_path / "before")

        result = elsewhere.run("new-epoch", "intake")
        elsewhere.run("backup", tmp_path / "after")

        assert result.exit_code == 0, result.output
        before, after = (manifest_of(tmp_path / name)["logs"] for name in ("before", "after"))
        assert [name for name in SERVICES if before[name] != after[name]] == ["intake"]
        assert "`caretrail reconcile referral intake`" in result.stdout


class TestReconciling:
    def test_where_nothing_was_restored_has_nothing_to_do(self, home: Home):
        result = home.run("reconcile", "referral", "intake")

        assert (result.exit_code, result.stdout) == (
            0,
            "referral stands in no earlier epoch of intake: there is nothing to reconcile\n",
        )

    @pytest.mark.parametrize(
        "words",
        [
            ("referral", "history"),
            ("referral", "intake", "--yes"),
            ("referral", "intake", "--yes", "--reason", " "),
            ("kitchen", "intake"),
        ],
    )
    def test_called_wrongly_ends_with_2(self, home: Home, words: tuple[str, ...]):
        assert home.run("reconcile", *words).exit_code == 2
