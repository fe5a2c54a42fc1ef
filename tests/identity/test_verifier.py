"""Recognising callers by their access tokens."""

import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import pytest
from joserfc.jwk import OKPKey

from shared.clock import ShiftedClock
from shared.identity import (
    FetchedKeys,
    KeyFolder,
    KeysUnreachable,
    LocalIssuer,
    ServiceTokens,
    StaticKeys,
    Subject,
    TokenRefused,
    TrustedIssuer,
    Verifier,
    service_issuer,
)
from shared.identity.jwks import fetch
from tests.identity.tokens import AUDIENCE, CLAIMS, HOSTILE, ISSUER, NOW, SECONDS, signed, with_claims

KEY = OKPKey.generate_key("Ed25519", auto_kid=True)
PUBLIC = {"keys": [KEY.as_dict(private=False)]}


def a_verifier(*issuers: TrustedIssuer) -> Verifier:
    trusted = issuers or (TrustedIssuer(ISSUER, StaticKeys(PUBLIC)),)
    return Verifier(trusted, AUDIENCE, ShiftedClock(instant=NOW))


class TestVerifier:
    def test_knows_who_bears_a_good_token(self):
        token = signed(KEY, with_claims(name="Anna A.", patient_id="11111111-1111-4111-8111-111111111111"))

        subject = a_verifier().verify(token)

        assert subject == Subject(
            id="anna",
            roles=frozenset({"care-coordinator"}),
            issuer="urn:caretrail:identity",
            client_id="caretrail",
            jti="11111111-2222-4333-8444-555555555555",
            name="Anna A.",
            patient_id=UUID("11111111-1111-4111-8111-111111111111"),
        )

    @pytest.mark.parametrize(
        "claims",
        [
            with_claims(aud=["somebody-else", AUDIENCE]),
            with_claims(exp=SECONDS - 29),
            with_claims(nbf=SECONDS + 29),
            with_claims(iat=SECONDS + 29),
            with_claims(roles=None),
        ],
        ids=["one audience of several", "expired within the leeway", "nbf within", "iat within", "without roles"],
    )
    def test_accepts_what_is_still_good(self, claims):
        assert a_verifier().verify(signed(KEY, claims)).id == "anna"

    def test_accepts_the_long_form_of_the_type(self):
        assert a_verifier().verify(signed(KEY, header={"typ": "application/at+JWT"})).id == "anna"

    @pytest.mark.parametrize("case", HOSTILE)
    def test_refuses(self, case: str):
        token = HOSTILE[case](KEY)

        with pytest.raises(TokenRefused):
            a_verifier().verify(token)

    def test_refuses_a_role_that_its_issuer_may_not_give(self):
        services_only = TrustedIssuer(ISSUER, StaticKeys(PUBLIC), roles=frozenset({"service"}))

        with pytest.raises(TokenRefused, match="may not give"):
            a_verifier(services_only).verify(signed(KEY))

    def test_refuses_one_issuers_key_under_the_name_of_another(self):
        other = OKPKey.generate_key("Ed25519", auto_kid=True)
        mill = TrustedIssuer("urn:caretrail:mill", StaticKeys({"keys": [other.as_dict(private=False)]}))
        people = TrustedIssuer(ISSUER, StaticKeys(PUBLIC))

        with pytest.raises(TokenRefused):
            a_verifier(people, mill).verify(signed(other, CLAIMS))


class Origin:
    """An issuer's JWKS address that answers, fails, or changes its key, and counts the fetches."""

    def __init__(self, *keys: OKPKey):
        self.keys = list(keys)
        self.fails = False
        self.fetches = 0
        self.max_age = 600.0

    def __call__(self, url: str) -> tuple[bytes, float]:
        self.fetches += 1
        if self.fails:
            raise httpx.ConnectError("no route")
        return msgspec.json.encode({"keys": [key.as_dict(private=False) for key in self.keys]}), self.max_age


class Seconds:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Seconds:
    return Seconds()


Fetching = Callable[[Origin], FetchedKeys]


@pytest.fixture
def fetching(time: Seconds) -> Fetching:
    return lambda origin: FetchedKeys("https://id.example/jwks.json", origin, time)


class TestFetchedKeys:
    def test_are_fetched_once_in_ten_minutes(self, fetching: Fetching, time: Seconds):
        origin = Origin(KEY)
        keys = fetching(origin)

        for _ in range(3):
            keys.keys_for(KEY.kid)
        time.now += 599
        keys.keys_for(KEY.kid)
        assert origin.fetches == 1

        time.now += 2
        keys.keys_for(KEY.kid)
        assert origin.fetches == 2

    def test_are_fetched_sooner_where_the_issuer_says_so(self, fetching: Fetching, time: Seconds):
        origin = Origin(KEY)
        origin.max_age = 120.0
        keys = fetching(origin)

        keys.keys_for(KEY.kid)
        time.now += 121
        keys.keys_for(KEY.kid)

        assert origin.fetches == 2

    def test_are_fetched_again_for_an_unknown_key_id_but_once_a_minute_at_most(self, fetching: Fetching, time: Seconds):
        origin = Origin(KEY)
        keys = fetching(origin)
        keys.keys_for(KEY.kid)

        time.now += 61
        for number in range(100):
            keys.keys_for(f"forged-{number}")
        assert origin.fetches == 2

        time.now += 61
        keys.keys_for("forged-again")
        assert origin.fetches == 3

    def test_find_a_new_key_of_the_issuer(self, fetching: Fetching, time: Seconds):
        origin, new = Origin(KEY), OKPKey.generate_key("Ed25519", auto_kid=True)
        keys = fetching(origin)
        keys.keys_for(KEY.kid)

        origin.keys.append(new)
        time.now += 61

        assert [key.kid for key in keys.keys_for(new.kid)] == [KEY.kid, new.kid]

    def test_serve_for_a_day_while_the_issuer_is_away_and_then_no_more(self, fetching: Fetching, time: Seconds):
        origin = Origin(KEY)
        keys = fetching(origin)
        keys.keys_for(KEY.kid)
        origin.fails = True

        time.now += 23 * 3600
        assert KEY.kid in [key.kid for key in keys.keys_for(KEY.kid)]

        time.now += 3601
        with pytest.raises(KeysUnreachable):
            keys.keys_for(KEY.kid)

    def test_let_nobody_in_before_the_first_answer(self, fetching: Fetching):
        origin = Origin(KEY)
        origin.fails = True
        verifier = a_verifier(TrustedIssuer(ISSUER, fetching(origin)))

        with pytest.raises(KeysUnreachable):
            verifier.verify(signed(KEY))

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": 7}', b'{"keys": []}', b'{"keys": [7]}', b"<html>"])
    def test_bear_an_answer_that_is_no_key_set(self, body: bytes, time: Seconds):
        keys = FetchedKeys("https://id.example/jwks.json", lambda url: (body, 600.0), time)

        with pytest.raises(KeysUnreachable):
            keys.keys_for(KEY.kid)


class TestLocalIssuer:
    def test_mints_what_the_verifier_knows(self):
        patient = UUID("11111111-1111-4111-8111-111111111111")
        issuer = LocalIssuer(ISSUER, KEY, AUDIENCE, ShiftedClock(instant=NOW))

        subject = a_verifier().verify(issuer.mint("paula", ["patient"], name="Paula", patient_id=patient))

        assert (subject.id, subject.roles, subject.name, subject.patient_id) == ("paula", {"patient"}, "Paula", patient)

    def test_mints_each_token_under_its_own_id(self):
        issuer = LocalIssuer(ISSUER, KEY, AUDIENCE, ShiftedClock(instant=NOW))

        tokens = [a_verifier().verify(issuer.mint("anna", ["physician"])).jti for _ in range(2)]

        assert tokens[0] != tokens[1]

    @pytest.mark.parametrize("lifetime", [timedelta(minutes=4), timedelta(minutes=61)])
    def test_gives_no_token_for_less_than_five_minutes_or_more_than_an_hour(self, lifetime: timedelta):
        with pytest.raises(ValueError, match="5 to 60 minutes"):
            LocalIssuer(ISSUER, KEY, AUDIENCE, ShiftedClock(instant=NOW), lifetime)


class TestServiceTokens:
    def test_are_kept_until_a_minute_before_their_end(self):
        clock = ShiftedClock(instant=NOW)
        tokens = ServiceTokens("mill", KEY, AUDIENCE, clock)
        first = tokens.bearer()

        clock.forward(timedelta(minutes=3, seconds=59))
        assert tokens.bearer() == first

        clock.forward(timedelta(seconds=2))
        assert tokens.bearer() != first

    def test_carry_the_role_service_and_the_service_as_issuer(self):
        mill = TrustedIssuer(service_issuer("mill"), StaticKeys(PUBLIC), roles=frozenset({"service"}))

        subject = a_verifier(mill).verify(ServiceTokens("mill", KEY, AUDIENCE, ShiftedClock(instant=NOW)).bearer())

        assert (subject.id, subject.issuer, subject.roles) == ("mill", "urn:caretrail:mill", {"service"})

    def test_are_minted_anew_when_the_clock_was_moved_back(self):
        clock = ShiftedClock(instant=NOW)
        tokens = ServiceTokens("mill", KEY, AUDIENCE, clock)
        first = tokens.bearer()

        clock.stand_at(NOW - timedelta(days=1))

        assert tokens.bearer() != first


class TestKeyFolder:
    def test_makes_a_key_once_and_shows_it_to_nobody_else(self, tmp_path: Path):
        folder = tmp_path / "keys"

        first = KeyFolder(folder).signing_key("mill").as_dict(private=True)
        again = KeyFolder(folder).signing_key("mill").as_dict(private=True)

        assert first == again
        assert (folder / "mill.jwk").stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [file.name for file in folder.iterdir()] == ["mill.jwk"]

    def test_keeps_each_name_its_own(self, tmp_path: Path):
        keys = KeyFolder(tmp_path)

        assert keys.signing_key("mill").kid != keys.signing_key("bakery").kid
        assert keys.secret("mill") != keys.secret("bakery")
        assert len(keys.secret("mill")) == 32

    def test_publishes_no_private_part(self, tmp_path: Path):
        (public,) = KeyFolder(tmp_path).public_set("mill")["keys"]

        assert sorted(public) == ["alg", "crv", "kid", "kty", "use", "x"]


class TestFetching:
    @pytest.fixture
    def address(self):
        """A JWKS address that answers, redirects, or never ends, by its path."""

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = {
                    "/jwks": (200, msgspec.json.encode(PUBLIC), {"Cache-Control": "public, max-age=60"}),
                    "/long": (200, msgspec.json.encode(PUBLIC), {"Cache-Control": "max-age=86400"}),
                    "/plain": (200, msgspec.json.encode(PUBLIC), {}),
                    "/moved": (302, b"", {"Location": "/jwks"}),
                    "/large": (200, b" " * 70_000, {}),
                    "/empty": (204, b"", {}),
                }.get(self.path, (500, b"", {}))
                self.send_response(found[0])
                for name, value in {**found[2], "Content-Length": str(len(found[1]))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(found[1])

            def log_message(self, *_words: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()

    @pytest.mark.parametrize(("path", "kept_for"), [("/jwks", 60.0), ("/long", 600.0), ("/plain", 600.0)])
    def test_gives_the_keys_and_how_long_they_may_be_kept(self, address: str, path: str, kept_for: float):
        assert fetch(f"{address}{path}") == (msgspec.json.encode(PUBLIC), kept_for)

    @pytest.mark.parametrize("path", ["/moved", "/large", "/empty", "/broken"])
    def test_takes_nothing_else_for_keys(self, address: str, path: str):
        with pytest.raises(KeysUnreachable):
            FetchedKeys(f"{address}{path}").keys_for(KEY.kid)

    def test_of_an_address_where_nobody_answers_gives_no_keys(self):
        with pytest.raises(KeysUnreachable):
            FetchedKeys("http://127.0.0.1:9/jwks").keys_for(KEY.kid)
