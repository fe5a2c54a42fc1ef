"""Whom one may look at."""

from __future__ import annotations

import pytest

from tests.portal.conftest import Browser, words_in
from tests.portal.neighbours import Neighbours, a_patient
from tests.portal.trail_of_anna import ANNA

FORBIDDEN = (
    "<style",
    " style=",
    " onclick=",
    "<script>",
    "javascript:",
    'src="http',
    'href="http',
    'src="//',
    'href="//',
)


class TestMyPatients:
    def test_are_listed_with_birth_date_and_age(self, mara: Browser):
        assert "Keller, Anna born 3 May 1988, 38 years" in words_in(mara.get("/portal/patients"))

    def test_are_told_apart_when_dead_imported_or_of_unknown_age(self, mara: Browser, neighbours: Neighbours):
        neighbours.patients = [
            a_patient("Ender", "Otto", birth_date="1920-02-29", deceased=True),
            a_patient("Import", "Ilse", imported=True),
        ]

        page = words_in(mara.get("/portal/patients"))

        assert "Ender, Otto born 29 Feb 1920 Deceased" in page
        assert "Import, Ilse birth date not known Imported" in page

    def test_are_found_by_name(self, mara: Browser, neighbours: Neighbours):
        neighbours.patients.append(a_patient("Berger", "Lea"))

        page = mara.get("/portal/patients?search=+Ber++")

        assert dict(neighbours.asked[-1].url.params)["search"] == "Ber"
        assert "Berger, Lea" in words_in(page)
        assert "Keller" not in page.text

    def test_come_a_page_at_a_time(self, mara: Browser, neighbours: Neighbours):
        neighbours.patients = [a_patient(f"Person{number:02}", "P.") for number in range(30)]

        first = mara.get("/portal/patients?search=person")
        second = mara.get("/portal/patients?search=person&after=25")

        assert "Person24" in first.text
        assert "Person25" not in first.text
        assert 'href="/portal/patients?search=person&amp;after=25"' in first.text
        assert "Person29" in second.text
        assert 'href="/portal/patients?search=person"' in second.text
        assert "More patients" not in second.text

    def test_that_nobody_is_found_among_are_told_so(self, mara: Browser):
        assert "None of your patients is found by “nobody”" in words_in(mara.get("/portal/patients?search=nobody"))

    def test_that_are_none_say_how_to_get_one(self, mara: Browser, neighbours: Neighbours):
        neighbours.patients.clear()

        assert "You take part in nobody’s care yet." in words_in(mara.get("/portal/patients"))

    @pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{ 7*7 }}", '"><img src=x onerror=alert(1)>'])
    def test_have_names_that_are_text_and_nothing_else(self, mara: Browser, neighbours: Neighbours, name: str):
        neighbours.patients = [a_patient(name, "X")]

        page = mara.get(f"/portal/patients?search={name[:3]}")

        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "49" not in words_in(page)
        assert f"{name}, X" in words_in(page) or "<" in name

    def test_may_have_lost_their_names(self, mara: Browser, neighbours: Neighbours):
        neighbours.patients = [{"id": str(ANNA), "birth_date": None}]

        assert "Name not readable" in words_in(mara.get("/portal/patients"))

    def test_are_asked_for_with_the_visitors_own_token(self, mara: Browser, neighbours: Neighbours):
        mara.get("/portal/patients")

        assert neighbours.asked[-1].headers["Authorization"].startswith("Bearer eyJ")

    @pytest.mark.parametrize(
        ("status", "shown", "sentence"),
        [
            (403, 403, "Your role does not allow this."),
            (404, 404, "There is no such patient among yours."),
            (400, 400, "Start again from your patients."),
            (429, 503, "Try again in a moment."),
            (500, 503, "Try again in a moment."),
            (503, 503, "Try again in a moment."),
        ],
    )
    def test_that_a_service_refuses_are_explained_in_words(
        self, mara: Browser, neighbours: Neighbours, status: int, shown: int, sentence: str
    ):
        neighbours.refuse["intake"] = status

        answer = mara.get("/portal/patients")

        assert answer.status_code == shown
        assert sentence in words_in(answer)
        assert "Traceback" not in answer.text

    def test_of_a_service_that_is_silent_are_to_be_asked_for_again(self, mara: Browser, neighbours: Neighbours):
        neighbours.silent.add("intake")

        answer = mara.get("/portal/patients")

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


class TestTheFirstPage:
    @pytest.mark.parametrize(
        ("name", "leads_to"),
        [
            ("mara.lindt", "/portal/patients"),
            ("tomas.ruiz", "/portal/patients"),
            ("ida.audit", "/portal/find"),
            ("anna.keller", f"/portal/patients/{ANNA}"),
        ],
    )
    def test_is_where_ones_role_begins(self, visitor: Browser, name: str, leads_to: str):
        visitor.sign_in(name)

        assert visitor.get("/portal/").headers["Location"] == leads_to

    def test_says_so_where_a_role_has_no_pages(self, visitor: Browser):
        visitor.sign_in("olaf.ops")

        assert "Your role has none of them." in words_in(visitor.get("/portal/"))


class TestLookingUp:
    def test_leads_to_the_trail(self, visitor: Browser):
        visitor.sign_in("ida.audit")

        assert visitor.get(f"/portal/find?patient=+{ANNA}+").headers["Location"] == f"/portal/patients/{ANNA}"

    def test_explains_what_an_id_looks_like(self, visitor: Browser):
        visitor.sign_in("ida.audit")

        answer = visitor.get("/portal/find?patient=<b>Keller")

        assert answer.status_code == 400
        assert "That is not a patient’s id." in words_in(answer)
        assert "<b>Keller" not in answer.text

    def test_asks_for_an_id(self, visitor: Browser):
        visitor.sign_in("ida.audit")

        assert "Find a patient by id" in words_in(visitor.get("/portal/find"))

    def test_of_somebody_unknown_says_that_there_is_nobody(self, visitor: Browser):
        visitor.sign_in("ida.audit")

        answer = visitor.get("/portal/patients/00000000-0000-4000-8000-000000000000")

        assert answer.status_code == 404
        assert "There is no such patient among yours." in words_in(answer)


class TestEveryPage:
    @pytest.mark.parametrize(
        "path", ["/portal/sign-in", "/portal/patients", f"/portal/patients/{ANNA}", "/portal/nowhere"]
    )
    def test_has_headers_that_keep_others_out(self, mara: Browser, path: str):
        headers = mara.get(path).headers

        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "object-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"

    def test_asks_for_https_where_it_came_by_https(self, visitor: Browser):
        answer = visitor.get("/portal/sign-in", base_url="https://localhost")

        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"

    @pytest.mark.parametrize(
        "path", ["/portal/nowhere", "/portal/patients", f"/portal/patients/{ANNA}", "/portal/find"]
    )
    def test_holds_no_script_or_style_of_its_own_and_no_foreign_address(self, mara: Browser, path: str):
        page = mara.get(path).text

        assert [mark for mark in FORBIDDEN if mark in page] == []
        assert '<html lang="en">' in page

    def test_to_sign_in_holds_none_either(self, visitor: Browser):
        page = visitor.get("/portal/sign-in").text

        assert [mark for mark in FORBIDDEN if mark in page] == []
        assert '<html lang="en">' in page

    def test_that_is_not_there_is_a_page_of_ours(self, visitor: Browser):
        answer = visitor.get("/portal/nowhere")

        assert answer.status_code == 404
        assert "There is no page at this address." in words_in(answer)

    def test_of_the_machinery_needs_no_sign_in(self, visitor: Browser):
        assert visitor.get("/portal/livez").status_code == 200
        assert visitor.get("/portal/readyz").json["checks"] == {"sessions": "ok"}
        assert visitor.get("/portal/static/portal.css").status_code == 200
        assert visitor.get("/portal/htmx.js").status_code == 200
