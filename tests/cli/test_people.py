"""`caretrail user`: accounts from their making to their end."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import Result

from shared.clock import system_clock
from shared.identity.accounts import Accounts, SignInRefused
from tests.cli.terminal import caretrail

GIVEN = re.compile(r"^(?P<name>\S+) may sign in with the password (?P<password>\S{16,})$", re.MULTILINE)


class Office:
    """A home with accounts, and the command line beside it."""

    def __init__(self, home: Path):
        self.home = home

    def user(self, *words: str) -> Result:
        """Run `caretrail user`."""
        return caretrail("user", *words, environment={"CARETRAIL_HOME": str(self.home)})

    def password_from(self, result: Result) -> str:
        """Read the password that a command shows."""
        return GIVEN.search(result.stdout)["password"]

    def sign_in(self, username: str, password: str) -> frozenset[str]:
        """Sign in as the identity service does, and give the roles."""
        accounts = Accounts(f"sqlite:///{self.home / 'identity.sqlite'}", system_clock)
        try:
            return accounts.sign_in(username, password, "127.0.0.1").roles
        finally:
            accounts.close()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "home")


class TestAdding:
    def test_works_before_any_suite_was_started_and_shows_the_password_once(self, office: Office):
        added = office.user("add", "Anna", "--role", "care-coordinator", "--role", "auditor")

        assert added.exit_code == 0
        assert office.sign_in("anna", office.password_from(added)) == {"care-coordinator", "auditor"}

    def test_is_refused_for_a_name_that_is_taken(self, office: Office):
        first = office.user("add", "anna", "--role", "auditor")
        second = office.user("add", "ANNA", "--role", "physician")

        assert (second.exit_code, second.stderr) == (1, "Error: the name anna is taken\n")
        assert office.sign_in("anna", office.password_from(first)) == {"auditor"}

    @pytest.mark.parametrize("role", ["service", "king"])
    def test_knows_the_roles_of_people_only(self, office: Office, role: str):
        result = office.user("add", "anna", "--role", role)

        assert result.exit_code == 2
        assert "'care-coordinator'" in result.stderr

    def test_needs_a_role(self, office: Office):
        assert office.user("add", "anna").exit_code == 2

    def test_of_a_patient_needs_the_record_that_is_their_own(self, office: Office):
        without = office.user("add", "ada", "--role", "patient")
        of_nobody = office.user("add", "paul", "--role", "physician", "--patient", str(uuid4()))
        right = office.user("add", "ada", "--role", "patient", "--patient", str(uuid4()))

        assert (without.exit_code, of_nobody.exit_code, right.exit_code) == (2, 2, 0)


class TestListing:
    def test_shows_name_roles_and_whether_it_is_disabled(self, office: Office):
        office.user("add", "paul", "--role", "physician")
        office.user("add", "anna", "--role", "care-coordinator", "--role", "auditor")
        office.user("disable", "paul")

        lines = office.user("list").stdout.splitlines()

        assert [line.split("\t")[:2] for line in lines] == [
            ["anna", "auditor, care-coordinator"],
            ["paul", "physician"],
        ]
        assert ["(disabled)" in line for line in lines] == [False, True]

    def test_of_nobody_says_so(self, office: Office):
        result = office.user("list")

        assert (result.exit_code, result.stdout) == (0, "")
        assert "no accounts" in result.stderr


class TestChanging:
    def test_the_roles_puts_them_in_place_of_the_old(self, office: Office):
        password = office.password_from(office.user("add", "anna", "--role", "auditor"))

        office.user("role", "anna", "--role", "physician")

        assert office.sign_in("anna", password) == {"physician"}

    def test_the_password_ends_the_old_one_and_opens_a_disabled_account(self, office: Office):
        old = office.password_from(office.user("add", "anna", "--role", "auditor"))
        office.user("disable", "anna")

        new = office.password_from(office.user("reset", "anna"))

        with pytest.raises(SignInRefused):
            office.sign_in("anna", old)
        assert office.sign_in("anna", new) == {"auditor"}

    def test_disabling_lets_nobody_sign_in(self, office: Office):
        password = office.password_from(office.user("add", "anna", "--role", "auditor"))

        office.user("disable", "anna")

        with pytest.raises(SignInRefused):
            office.sign_in("anna", password)

    @pytest.mark.parametrize("command", [("disable",), ("reset",), ("role", "--role", "auditor")])
    def test_nobody_is_refused_in_words(self, office: Office, command: tuple[str, ...]):
        result = office.user(*command, "bert")

        assert (result.exit_code, result.stderr) == (1, "Error: there is no account bert\n")
        assert result.stdout == ""
