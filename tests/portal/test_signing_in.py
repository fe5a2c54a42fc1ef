"""Signing in and out, and what a session is."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from services.portal.pages.sessions import Sessions, metadata
from shared.clock import ShiftedClock
from shared.eventlog.migrate import migrate_tables
from shared.settings import Settings
from tests.portal.conftest import Browser, words_in
from tests.portal.neighbours import PASSWORD, Neighbours
from tests.portal.trail_of_anna import ANNA

TRAIL = f"/portal/patients/{ANNA}"


def rows_of(settings: Settings) -> list[tuple]:
    with sqlite3.connect(settings.home / "portal.sqlite") as database:
        return database.execute("SELECT digest, sealed FROM sessions").fetchall()


class TestSigningIn:
    def test_leads_to_ones_patients(self, visitor: Browser):
        answer = visitor.sign_in("mara.lindt")

        assert (answer.status_code, answer.headers["Location"]) == (303, "/portal/")
        assert visitor.get("/portal/").headers["Location"] == "/portal/patients"
        assert "Keller, Anna" in words_in(visitor.get("/portal/patients"))

    def test_is_asked_for_and_leads_back_to_the_page_that_was_wanted(self, visitor: Browser):
        asked = visitor.get(f"{TRAIL}?as-of=2026-09-10T12:00&order=oldest")
        answer = visitor.get(asked.headers["Location"])

        assert asked.status_code == 302
        assert f'value="{TRAIL}?as-of=2026-09-10T12:00&amp;order=oldest"' in answer.text

    @pytest.mark.parametrize(
        "wanted",
        [
            "//evil.example/",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\\evil.example",
            "\\\\evil.example",
            "/portal/\\..\\evil",
            "/intake/v1/patients",
            "/portalevil",
            "//evil.example/portal/",
            "/portal/\n/evil",
            "",
        ],
    )
    def test_leads_nowhere_but_to_our_own_pages(self, visitor: Browser, wanted: str):
        answer = visitor.sign_in(next=wanted)

        assert answer.headers["Location"] == "/portal/"

    def test_leads_on_to_a_page_of_ours(self, visitor: Browser):
        assert visitor.sign_in(next=TRAIL).headers["Location"] == TRAIL

    def test_with_a_wrong_password_says_only_that_one_of_both_is_wrong(self, visitor: Browser):
        answer = visitor.sign_in(password="not the password")

        assert answer.status_code == 422
        assert "Name or password are wrong." in words_in(answer)
        assert "not the password" not in answer.text

    def test_without_a_name_shows_the_form_again(self, visitor: Browser):
        assert visitor.sign_in("").status_code == 422

    def test_too_often_says_how_long_to_wait(self, visitor: Browser, neighbours: Neighbours):
        neighbours.refuse["identity"] = 429

        answer = visitor.sign_in()

        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "840")
        assert "Too many attempts. Wait 14 minutes, then try again." in words_in(answer)

    @pytest.mark.parametrize("trouble", ["silent", "broken"])
    def test_while_nobody_can_tell_says_to_try_again(self, visitor: Browser, neighbours: Neighbours, trouble: str):
        if trouble == "silent":
            neighbours.silent.add("identity")
        else:
            neighbours.refuse["identity"] = 500

        answer = visitor.sign_in()

        assert answer.status_code == 503
        assert "Signing in is not available just now." in words_in(answer)

    def test_again_is_not_asked_of_who_is_signed_in(self, mara: Browser):
        assert mara.get("/portal/sign-in?next=//evil.example").headers["Location"] == "/portal/"


class TestSession:
    def test_gets_a_new_id_at_sign_in(self, visitor: Browser):
        visitor.get("/portal/sign-in")
        before = visitor.session_id()

        visitor.sign_in()

        assert before is not None
        assert visitor.session_id() not in (None, before)

    def test_never_takes_on_an_id_that_somebody_else_chose(self, visitor: Browser):
        visitor.client.set_cookie("caretrail", "chosen-by-somebody-else", path="/")

        visitor.sign_in()

        assert visitor.session_id() != "chosen-by-somebody-else"
        assert len(visitor.session_id()) >= 43

    def test_has_a_cookie_that_scripts_and_other_sites_do_not_get(self, visitor: Browser):
        cookie = visitor.sign_in().headers["Set-Cookie"]

        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie

    def test_has_a_host_cookie_where_there_is_https(self, visitor: Browser):
        cookie = visitor.get("/portal/sign-in", base_url="https://localhost").headers["Set-Cookie"]

        assert cookie.startswith("__Host-caretrail=")
        assert "Secure" in cookie
        assert "Domain" not in cookie

    def test_cannot_be_read_from_the_database(self, mara: Browser, settings: Settings):
        rows = rows_of(settings)

        assert rows
        assert all(mara.session_id() != digest for digest, _ in rows)
        assert not any(b"eyJ" in sealed or b"token" in sealed for _, sealed in rows)

    def test_ends_for_good_when_one_signs_out(self, mara: Browser, settings: Settings):
        id = mara.session_id()
        token = mara.csrf_token("/portal/patients")

        answer = mara.post("/portal/sign-out", data={"csrf_token": token})
        mara.client.set_cookie("caretrail", id, path="/")

        assert answer.status_code == 303
        assert mara.get("/portal/patients").headers["Location"].startswith("/portal/sign-in")

    def test_ends_after_15_minutes_without_use(self, mara: Browser, clock: ShiftedClock):
        clock.forward(timedelta(minutes=14))
        still = mara.get("/portal/patients").status_code
        clock.forward(timedelta(minutes=15))

        assert still == 200
        assert mara.get("/portal/patients").status_code == 302

    def test_ends_with_its_token_and_says_so(self, mara: Browser, clock: ShiftedClock):
        for _ in range(3):
            clock.forward(timedelta(minutes=11))
            answer = mara.get(TRAIL)

        page = mara.get(answer.headers["Location"])
        assert answer.status_code == 302
        assert "Your sign-in has expired." in words_in(page)
        assert f'value="{TRAIL}"' in page.text

    def test_ends_when_a_service_no_longer_takes_its_token(self, mara: Browser, neighbours: Neighbours):
        neighbours.refuse["history"] = 401

        assert mara.get(TRAIL).headers["Location"] == f"/portal/sign-in?next={TRAIL}"

    @pytest.mark.parametrize("cookie", ["x" * 3900, "tampered", "ä", ""])
    def test_with_a_cookie_that_is_not_ours_is_none(self, visitor: Browser, cookie: str):
        visitor.client.set_cookie("caretrail", cookie, path="/")

        answer = visitor.get("/portal/patients")

        assert answer.headers["Location"].startswith("/portal/sign-in")
        assert "Max-Age=0" in answer.headers["Set-Cookie"]

    def test_that_cannot_be_looked_up_asks_to_try_again(self, mara: Browser, settings: Settings):
        with sqlite3.connect(settings.home / "portal.sqlite") as database:
            database.execute("DROP TABLE sessions")

        answer = mara.get("/portal/patients")

        assert answer.status_code == 503
        assert "Try again in a moment." in words_in(answer)

    def test_sends_a_fragment_of_a_page_to_sign_in_as_a_whole(self, visitor: Browser):
        answer = visitor.get("/portal/patients?search=kel", headers={"HX-Request": "true"})

        assert answer.headers["HX-Redirect"] == "/portal/sign-in?next=/portal/patients?search%3Dkel"


class TestStore:
    @pytest.fixture
    def store(self, settings: Settings, clock: ShiftedClock) -> Sessions:
        migrate_tables(settings.database_url("portal"), None, metadata)
        return Sessions(settings.database_url("portal"), clock)

    def test_ends_a_session_after_12_hours_of_use(self, store: Sessions, clock: ShiftedClock):
        store.begin("an-id", {"token": "t"})
        for _ in range(51):  # 51 times 14 minutes are 11 hours 54 minutes
            clock.forward(timedelta(minutes=14))
            store.go_on("an-id", {"token": "t"})
        still = store.find("an-id")
        clock.forward(timedelta(minutes=6))

        assert still is not None
        assert still.values == {"token": "t"}
        assert store.find("an-id") is None

    def test_does_not_let_a_request_on_its_way_revive_what_was_ended(self, store: Sessions):
        store.begin("an-id", {"token": "t"})
        store.forget("an-id")

        store.go_on("an-id", {"token": "t"})

        assert store.find("an-id") is None

    def test_opens_a_session_with_no_other_id(self, store: Sessions):
        store.begin("an-id", {"token": "t"})

        assert store.find("another-id") is None

    def test_drops_what_has_ended(self, store: Sessions, clock: ShiftedClock, settings: Settings):
        store.begin("an-id", {})
        clock.forward(timedelta(minutes=15))
        store.begin("another-id", {})

        assert len(rows_of(settings)) == 1


class TestCommands:
    def test_without_a_token_of_ours_are_refused(self, visitor: Browser):
        visitor.get("/portal/sign-in")

        answer = visitor.post("/portal/sign-in", data={"username": "mara.lindt", "password": PASSWORD})

        assert answer.status_code == 403
        assert "Go back, load the page again" in words_in(answer)

    def test_with_the_token_of_another_session_are_refused(self, mara: Browser, mounted: object):
        foreign = Browser(mounted).csrf_token()

        answer = mara.post("/portal/sign-out", data={"csrf_token": foreign})

        assert answer.status_code == 403
        assert mara.get("/portal/patients").status_code == 200

    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", "null", "http://localhost:8080", "http://localhost.evil.example", "ftp://localhost"],
    )
    def test_from_another_origin_are_refused(self, mara: Browser, origin: str):
        token = mara.csrf_token("/portal/patients")

        answer = mara.post("/portal/sign-out", data={"csrf_token": token}, headers={"Origin": origin})

        assert answer.status_code == 403
        assert mara.get("/portal/patients").status_code == 200

    @pytest.mark.parametrize("origin", ["http://localhost", "https://localhost"])
    def test_from_our_own_pages_are_taken(self, mara: Browser, origin: str):
        token = mara.csrf_token("/portal/patients")

        answer = mara.post("/portal/sign-out", data={"csrf_token": token}, headers={"Origin": origin})

        assert answer.status_code == 303

    def test_that_are_too_long_are_refused(self, mara: Browser):
        answer = mara.post("/portal/sign-out", data={"csrf_token": "x" * 20_000})

        assert answer.status_code == 413
        assert "more than this page takes" in words_in(answer)

    def test_by_get_change_nothing(self, mara: Browser):
        assert mara.get("/portal/sign-out").status_code == 405
        assert mara.get("/portal/patients").status_code == 200
