"""What every command has in common, and where a suite refuses to start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.terminal import caretrail

COMMANDS = (
    "backup",
    "demo",
    "doctor",
    "history",
    "import",
    "migrate",
    "rebuild",
    "reconcile",
    "new-epoch",
    "restore",
    "token",
    "up",
    "user",
    "web",
    "worker",
)
ACCOUNT_COMMANDS = ("add", "disable", "list", "reset", "role")


class TestHelp:
    def test_lists_every_command_with_its_whole_sentence(self):
        result = caretrail("--help", environment={})

        assert result.exit_code == 0
        for command in COMMANDS:
            (line,) = (line for line in result.stdout.splitlines() if line.strip().startswith(f"{command} "))
            assert line.endswith(".")
            assert not line.endswith("...")

    @pytest.mark.parametrize("command", [(name,) for name in COMMANDS] + [("user", name) for name in ACCOUNT_COMMANDS])
    def test_of_a_command_begins_with_how_to_call_it(self, command: tuple[str, ...]):
        result = caretrail(*command, "--help", environment={})

        assert result.exit_code == 0
        assert result.stdout.startswith(f"Usage: caretrail {' '.join(command)}")
        assert all(len(line) <= 100 for line in result.stdout.splitlines())

    def test_never_shows_how_to_write_a_password_into_a_command(self):
        for command in ("history", "import", "token"):
            assert "--password " not in caretrail(command, "--help", environment={}).stdout


class TestCallingItWrongly:
    @pytest.mark.parametrize(
        "words",
        [
            ("fly",),
            ("import",),
            ("history", "not-an-id", "--user", "anna"),
            ("history", "0f8fad5b-d9cb-469f-a165-70867728950e"),
            ("token",),
            ("web", "kitchen"),
            ("demo", "--slowly"),
            ("user", "add"),
        ],
    )
    def test_ends_with_2_and_a_word_of_help(self, words: tuple[str, ...], tmp_path: Path):
        result = caretrail(*words, environment={"CARETRAIL_HOME": str(tmp_path)})

        assert result.exit_code == 2
        assert "--help" in result.stderr or "-h" in result.stderr


class TestSettings:
    def test_that_nobody_knows_end_with_78_and_their_name(self, tmp_path: Path):
        environment = {"CARETRAIL_HOME": str(tmp_path), "CARETRAIL_COLOUR": "green"}

        result = caretrail("user", "list", environment=environment)

        assert (result.exit_code, result.stderr) == (78, "caretrail: unknown settings: CARETRAIL_COLOUR\n")

    def test_that_are_wrong_end_with_78_and_what_is_allowed(self, tmp_path: Path):
        environment = {"CARETRAIL_HOME": str(tmp_path), "CARETRAIL_MODE": "quick"}

        result = caretrail("up", environment=environment)

        assert result.exit_code == 78
        assert result.stderr == "caretrail: CARETRAIL_MODE must be one of embedded, production\n"


class TestStartingASuite:
    @pytest.mark.parametrize("command", ["up", "demo"])
    def test_where_another_program_listens_is_refused_and_leaves_nothing(self, tmp_path: Path, command: str):
        home = tmp_path / "home"
        with socket.create_server(("127.0.0.1", 0)) as other:
            bind = f"127.0.0.1:{other.getsockname()[1]}"
            result = caretrail(command, environment={"CARETRAIL_HOME": str(home), "CARETRAIL_BIND": bind})

        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: cannot listen at {bind}: Address already in use. ")
        assert "CARETRAIL_BIND" in result.stderr
        assert not home.exists()

    @pytest.mark.parametrize("bind", ["127.0.0.1:door", "256.1.1.1:80"])
    def test_at_an_address_that_is_none_is_refused_in_words(self, tmp_path: Path, bind: str):
        result = caretrail("up", environment={"CARETRAIL_HOME": str(tmp_path / "home"), "CARETRAIL_BIND": bind})

        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: cannot listen at {bind}: ")
