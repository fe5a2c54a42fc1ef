"""Accounts of the embedded mode, and signing in to them."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from shared.clock import ShiftedClock
from shared.identity import LOCAL_ISSUER, KeyFolder, LocalIssuer, StaticKeys, TrustedIssuer, Verifier
from shared.identity.accounts import Account, AccountRefused, Accounts, SignInRefused, TooManyAttempts
from shared.identity.app import identity_app
from tests.identity.tokens import NOW

PASSWORD = "correct horse battery"
HERE = "192.0.2.1"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock(instant=NOW)


@pytest.fixture
def accounts(tmp_path: Path, clock: ShiftedClock) -> Iterator[Accounts]:
    accounts = Accounts(f"sqlite:///{tmp_path}/home/identity.sqlite", clock, QUICK)
    accounts.prepare()
    yield accounts
    accounts.close()


@pytest.fixture
def anna(accounts: Accounts) -> Account:
    return accounts.add("anna", PASSWORD, ["physician"], name="Dr Anna", id="anna-1")


def fail_to_sign_in(accounts: Accounts, times: int, username: str = "anna", address: str = HERE) -> None:
    for _ in range(times):
        with pytest.raises(SignInRefused):
            accounts.sign_in(username, "wrong password", address)


class TestAccounts:
    def test_let_in_whoever_knows_the_password(self, accounts: Accounts, anna: Account):
        assert accounts.sign_in("anna", PASSWORD, HERE) == Account(
            id="anna-1", username="anna", roles=frozenset({"physician"}), name="Dr Anna"
        )

    def test_know_a_name_however_it_is_written(self, accounts: Accounts, anna: Account):
        assert accounts.sign_in(" ANNA ", PASSWORD, HERE) == anna

    def test_keep_no_password_in_the_clear(self, accounts: Accounts, anna: Account, tmp_path: Path):
        with create_engine(f"sqlite:///{tmp_path}/home/identity.sqlite").connect() as connection:
            (kept,) = connection.execute(text("select password_hash from accounts")).scalars()

        assert kept.startswith("$argon2id$")
        assert PASSWORD not in kept

    @pytest.mark.parametrize(("username", "password"), [("anna", "wrong password"), ("nobody", PASSWORD), ("anna", "")])
    def test_refuse_alike_a_wrong_password_and_an_unknown_name(self, accounts: Accounts, anna, username, password):
        with pytest.raises(SignInRefused):
            accounts.sign_in(username, password, HERE)

    def test_look_at_a_hash_even_for_an_unknown_name(self, accounts: Accounts, monkeypatch):
        looked_at = []
        verify = PasswordHasher.verify
        monkeypatch.setattr(
            PasswordHasher, "verify", lambda self, kept, given: looked_at.append(given) or verify(self, kept, given)
        )

        fail_to_sign_in(accounts, 1, "nobody")

        assert looked_at == ["wrong password"]

    def test_refuse_a_disabled_account(self, accounts: Accounts, anna: Account):
        accounts.disable("anna")

        with pytest.raises(SignInRefused):
            accounts.sign_in("anna", PASSWORD, HERE)

    def test_take_a_new_password_and_forget_the_old(self, accounts: Accounts, anna: Account):
        fail_to_sign_in(accounts, 5)

        accounts.reset("anna", "a quite new password")

        assert accounts.sign_in("anna", "a quite new password", HERE) == anna
        with pytest.raises(SignInRefused):
            accounts.sign_in("anna", PASSWORD, HERE)

    def test_change_roles(self, accounts: Accounts, anna: Account):
        accounts.give_roles("anna", ["auditor", "operator"])

        assert accounts.sign_in("anna", PASSWORD, HERE).roles == {"auditor", "operator"}

    def test_remember_whose_record_a_patient_may_see(self, accounts: Accounts):
        patient = UUID("11111111-1111-4111-8111-111111111111")
        accounts.add("paula", PASSWORD, ["patient"], patient_id=patient)

        assert accounts.sign_in("paula", PASSWORD, HERE).patient_id == patient
        assert [account.username for account in accounts.all()] == ["paula"]

    def test_refuse_a_name_that_is_taken(self, accounts: Accounts, anna: Account):
        with pytest.raises(AccountRefused, match="taken"):
            accounts.add("Anna", PASSWORD, ["physician"])

    @pytest.mark.parametrize("password", ["elevenchars", "x" * 201])
    def test_refuse_a_password_of_less_than_12_or_more_than_200_characters(self, accounts: Accounts, password: str):
        with pytest.raises(AccountRefused, match="12 to 200"):
            accounts.add("anna", password, ["physician"])

    @pytest.mark.parametrize("roles", [[], [""], ["Physician"], ["a b"]])
    def test_refuse_roles_that_are_no_words(self, accounts: Accounts, roles: list[str]):
        with pytest.raises(AccountRefused, match="role"):
            accounts.add("anna", PASSWORD, roles)

    def test_say_so_when_there_is_nobody_to_change(self, accounts: Accounts):
        with pytest.raises(AccountRefused, match="no account nobody"):
            accounts.disable("nobody")


class TestGuessing:
    def test_is_stopped_after_five_wrong_passwords_even_with_the_right_one(self, accounts: Accounts, anna: Account):
        fail_to_sign_in(accounts, 5)

        with pytest.raises(TooManyAttempts) as stopped:
            accounts.sign_in("anna", PASSWORD, HERE)

        assert stopped.value.retry_after == 901

    def test_may_go_on_a_quarter_of_an_hour_later(self, accounts: Accounts, anna: Account, clock: ShiftedClock):
        fail_to_sign_in(accounts, 5)

        clock.forward(timedelta(minutes=15))

        assert accounts.sign_in("anna", PASSWORD, HERE) == anna

    def test_is_not_prolonged_by_trying_while_stopped(self, accounts: Accounts, anna: Account, clock: ShiftedClock):
        fail_to_sign_in(accounts, 5)
        clock.forward(timedelta(minutes=10))
        with pytest.raises(TooManyAttempts):
            accounts.sign_in("anna", PASSWORD, HERE)

        clock.forward(timedelta(minutes=5))

        assert accounts.sign_in("anna", PASSWORD, HERE) == anna

    def test_begins_anew_after_a_good_password(self, accounts: Accounts, anna: Account):
        fail_to_sign_in(accounts, 4)
        accounts.sign_in("anna", PASSWORD, HERE)

        fail_to_sign_in(accounts, 4)

        assert accounts.sign_in("anna", PASSWORD, HERE) == anna

    def test_of_many_names_from_one_address_is_stopped_after_twenty(self, accounts: Accounts, anna: Account):
        for number in range(20):
            fail_to_sign_in(accounts, 1, f"name-{number}")

        with pytest.raises(TooManyAttempts):
            accounts.sign_in("anna", PASSWORD, HERE)
        assert accounts.sign_in("anna", PASSWORD, "198.51.100.7") == anna

    def test_is_counted_when_many_try_at_once(self, accounts: Accounts, anna: Account):
        outcomes: list[type[Exception]] = []

        def guess() -> None:
            try:
                accounts.sign_in("anna", "wrong password", HERE)
            except (SignInRefused, TooManyAttempts) as error:
                outcomes.append(type(error))

        threads = [threading.Thread(target=guess) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert outcomes.count(SignInRefused) == 5
        assert outcomes.count(TooManyAttempts) == 7


@pytest.fixture
def client(accounts: Accounts, anna: Account, clock: ShiftedClock, tmp_path: Path) -> FlaskClient:
    keys = KeyFolder(tmp_path / "keys")
    issuer = LocalIssuer(LOCAL_ISSUER, keys.signing_key("identity"), "caretrail", clock)
    public = keys.public_set("identity")
    recognise = Verifier([TrustedIssuer(LOCAL_ISSUER, StaticKeys(public))], "caretrail", clock)
    return identity_app(accounts, issuer, public, recognise).test_client()


GOOD = {"grant_type": "password", "username": "anna", "password": PASSWORD}


class TestTokenEndpoint:
    def test_answers_a_token_that_its_keys_verify(self, client: FlaskClient, clock: ShiftedClock):
        answer = client.post("/v1/token", data=GOOD)

        keys = StaticKeys(client.get("/jwks.json").get_json())
        subject = Verifier([TrustedIssuer(LOCAL_ISSUER, keys)], "caretrail", clock).verify(
            answer.get_json()["access_token"]
        )
        assert (subject.id, subject.roles, subject.name) == ("anna-1", {"physician"}, "Dr Anna")
        assert (answer.status_code, answer.get_json()["token_type"], answer.get_json()["expires_in"]) == (
            200,
            "Bearer",
            1800,
        )
        assert answer.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        ("form", "error"),
        [
            ({**GOOD, "password": "wrong password"}, "invalid_grant"),
            ({**GOOD, "username": "nobody"}, "invalid_grant"),
            ({**GOOD, "grant_type": "client_credentials"}, "unsupported_grant_type"),
            ({"username": "anna", "password": PASSWORD}, "invalid_request"),
            ({"grant_type": "password", "username": "anna"}, "invalid_request"),
            ({**GOOD, "password": ""}, "invalid_request"),
            ({**GOOD, "username": ["anna", "anna"]}, "invalid_request"),
            ({**GOOD, "padding": "x" * 5000}, "invalid_request"),
        ],
        ids=["password", "name", "grant type", "no grant type", "no password", "empty password", "twice", "too long"],
    )
    def test_refuses_in_the_form_of_oauth(self, client: FlaskClient, form, error: str):
        answer = client.post("/v1/token", data=form)

        assert (answer.status_code, answer.get_json()["error"]) == (400, error)

    def test_refuses_json(self, client: FlaskClient):
        answer = client.post("/v1/token", json=GOOD)

        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")

    def test_tells_a_guesser_when_to_come_back(self, client: FlaskClient):
        for _ in range(5):
            client.post("/v1/token", data={**GOOD, "password": "wrong password"})

        answer = client.post("/v1/token", data=GOOD)

        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "901")

    def test_tells_where_things_are(self, client: FlaskClient):
        found = client.get("/.well-known/openid-configuration", base_url="http://127.0.0.1:8000/identity").get_json()

        assert found["issuer"] == "urn:caretrail:identity"
        assert found["token_endpoint"] == "http://127.0.0.1:8000/identity/v1/token"
        assert found["jwks_uri"] == "http://127.0.0.1:8000/identity/jwks.json"

    def test_is_ready_while_its_accounts_are(self, client: FlaskClient):
        assert client.get("/readyz").get_json() == {"status": "ready", "checks": {"accounts": "ok"}}


class TestPeople:
    def token(self, client: FlaskClient, username: str) -> dict[str, str]:
        form = {"grant_type": "password", "username": username, "password": PASSWORD}
        return {"Authorization": f"Bearer {client.post('/v1/token', data=form).get_json()['access_token']}"}

    def test_have_their_names_told_to_a_colleague(self, client: FlaskClient, accounts: Accounts):
        ben = accounts.add("ben", PASSWORD, ["behavioral-coach"])

        answer = client.get("/v1/people", headers=self.token(client, "anna"))

        assert answer.get_json() == {"people": [{"id": "anna-1", "name": "Dr Anna"}, {"id": ben.id, "name": "ben"}]}

    def test_do_not_include_patients_who_are_told_nothing_either(self, client: FlaskClient, accounts: Accounts):
        accounts.add("ada", PASSWORD, ["patient"], name="Ada Marsh")

        told_to_anna = client.get("/v1/people", headers=self.token(client, "anna")).get_json()["people"]
        told_to_ada = client.get("/v1/people", headers=self.token(client, "ada"))

        assert "Ada Marsh" not in {person["name"] for person in told_to_anna}
        assert told_to_ada.status_code == 401

    @pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic eA=="}])
    def test_are_told_to_nobody_without_a_token(self, client: FlaskClient, header: dict[str, str]):
        assert client.get("/v1/people", headers=header).status_code == 401
