"""The portal as people meet it: in Chromium, on a desk and on a phone, by mouse and by keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PHONE, Walked, at_the_time_of, sign_in, yesterday
from tests.journeys.running import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def as_of(page: Page, moment: str) -> None:
    """Choose a date and time and show the record as it was then."""
    page.get_by_label("As recorded up to").fill(moment)
    page.get_by_role("button", name="Show").click()


class TestOnADesk:
    def test_one_signs_in_searches_opens_a_trail_and_goes_back_in_time(self, visit: Page, walked: Walked):
        sign_in(visit, walked)
        search = visit.get_by_label("Name or number")
        search.press_sequentially("nobody")
        expect(visit.get_by_text("None of your patients is found by “nobody”")).to_be_visible()
        search.fill("mar")
        visit.get_by_role("link", name="Marsh, Ada").click()

        expect(visit.get_by_role("heading", name="Marsh, Ada")).to_be_visible()
        expect(visit.locator(".card", has_text="Open alerts").first).to_contain_text("Emergency: look now")
        expect(visit.locator("li", has_text="Red flag raised").first).to_be_visible()

        as_of(visit, at_the_time_of(yesterday()))

        expect(visit.get_by_role("status")).to_contain_text("As recorded up to")
        expect(visit.get_by_role("status")).to_contain_text("Complete: nothing recorded up to then is missing.")
        expect(visit.locator(".card", has_text="Program").first).to_contain_text("No program yet")
        expect(visit.locator("li", has_text="Red flag raised")).to_have_count(0)

        visit.get_by_role("link", name="Now").click()

        expect(visit.locator(".card", has_text="Program").first).to_contain_text("Paused")

    def test_the_chart_is_drawn_and_described(self, visit: Page, walked: Walked):
        sign_in(visit, walked, at=f"/patients/{walked.patient}")
        chart = visit.get_by_role("img", name="PHQ-9 totals, 2 values, from 11")

        expect(chart).to_be_visible()
        assert chart.evaluate("image => image.naturalWidth") > 500

    def test_a_cause_is_a_click_away(self, visit: Page, walked: Walked):
        sign_in(visit, walked, at=f"/patients/{walked.patient}")

        visit.locator("li", has_text="Program paused").get_by_role("link", name="Red flag raised").click()

        assert "#fact-" in visit.url
        expect(visit.locator("li:target")).to_contain_text("Pain or pressure in chest")

    def test_an_auditor_finds_a_patient_by_id(self, visit: Page, walked: Walked):
        sign_in(visit, walked, "aude")

        visit.get_by_label("Patient’s id").fill(walked.patient)
        visit.get_by_role("button", name="Open the trail").click()

        expect(visit.get_by_role("heading", name="Marsh, Ada")).to_be_visible()

    def test_who_has_no_patients_is_told_how_to_get_one(self, visit: Page, walked: Walked):
        sign_in(visit, walked, "ben")

        expect(visit.get_by_text("You take part in nobody’s care yet.")).to_be_visible()

    def test_who_is_not_in_the_team_does_not_see_the_patient(self, page: Page, walked: Walked):
        sign_in(page, walked, "ben")

        answer = page.goto(walked.trail)

        assert answer is not None
        assert answer.status == 404
        expect(page.get_by_text("There is no such patient among yours.")).to_be_visible()

    def test_everything_can_be_reached_by_keyboard(self, visit: Page, walked: Walked):
        visit.goto(f"{walked.portal}/")
        expect(visit.get_by_label("Name")).to_be_focused()
        visit.keyboard.type("anna")
        visit.keyboard.press("Tab")
        expect(visit.get_by_label("Password")).to_be_focused()
        visit.keyboard.type(PASSWORD)
        visit.keyboard.press("Enter")
        visit.wait_for_url("**/patients")
        visit.keyboard.press("Tab")
        expect(visit.get_by_role("link", name="Skip to the content")).to_be_focused()
        visit.keyboard.press("Enter")
        for role, name in (("searchbox", "Name or number"), ("button", "Search"), ("link", "Marsh, Ada")):
            visit.keyboard.press("Tab")
            expect(visit.get_by_role(role, name=name)).to_be_focused()
        visit.keyboard.press("Enter")

        expect(visit.get_by_role("heading", name="Marsh, Ada")).to_be_visible()


class TestSafety:
    def test_the_back_button_shows_nothing_after_signing_out(self, page: Page, walked: Walked):
        sign_in(page, walked, at=f"/patients/{walked.patient}")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You have signed out.")).to_be_visible()

        page.go_back()

        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert "Marsh" not in page.content()

    def test_a_live_search_after_the_session_leads_to_sign_in_as_a_whole(self, page: Page, walked: Walked):
        sign_in(page, walked)
        page.context.clear_cookies()

        page.get_by_label("Name or number").press_sequentially("mar")

        page.wait_for_url("**/sign-in?next=**")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    def test_a_page_of_ours_in_a_frame_stays_empty(self, page: Page, walked: Walked):
        page.set_content(f'<iframe src="{walked.portal}/sign-in"></iframe>')
        page.wait_for_timeout(500)

        assert all(frame.get_by_label("Password").count() == 0 for frame in page.frames)

    def test_a_form_sent_from_elsewhere_is_refused(self, page: Page, walked: Walked):
        sign_in(page, walked)
        page.goto("about:blank")
        page.set_content(f'<form method="post" action="{walked.portal}/sign-out"><button>Go</button></form>')

        with page.expect_response("**/sign-out") as answer:
            page.get_by_role("button").click()

        assert answer.value.status == 403

    def test_nothing_of_a_patient_stays_in_the_browsers_storage(self, visit: Page, walked: Walked):
        sign_in(visit, walked)
        visit.get_by_label("Name or number").press_sequentially("mar")
        expect(visit.get_by_role("link", name="Marsh, Ada")).to_be_visible()

        assert visit.evaluate("JSON.stringify([localStorage, sessionStorage])") == "[{},{}]"


class TestOnAPhone:
    @pytest.mark.parametrize(
        "where", ["/patients", "/find", "{trail}", "{trail}?as-of={yesterday}", "/patients/nowhere"]
    )
    def test_no_page_scrolls_sideways(self, browser: Browser, walked: Walked, annas_cookies: Any, where: str):
        page = browser.new_page(viewport=PHONE, storage_state=annas_cookies)
        trail = f"/patients/{walked.patient}"
        page.goto(walked.portal + where.format(trail=trail, yesterday=at_the_time_of(yesterday())))
        page.wait_for_load_state("networkidle")

        widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        page.close()

        assert widths == [375, 375]

    def test_the_narrow_chart_is_taken(self, browser: Browser, walked: Walked, annas_cookies: Any):
        page = browser.new_page(viewport=PHONE, storage_state=annas_cookies)
        page.goto(walked.trail)

        source = page.get_by_role("img", name="PHQ-9 totals").evaluate("image => image.currentSrc")
        page.close()

        assert source.endswith("size=phone")


class TestWithoutScripts:
    def test_one_searches_by_the_form(self, browser: Browser, walked: Walked):
        page = browser.new_page(java_script_enabled=False)
        sign_in(page, walked)

        page.get_by_label("Name or number").fill("Mar")
        page.get_by_role("button", name="Search").click()

        expect(page.get_by_role("link", name="Marsh, Ada")).to_be_visible()
        page.close()


class TestAccessibility:
    @pytest.mark.parametrize(
        "where",
        ["/sign-in", "/patients", "/patients?search=nobody", "/find", "/find?patient=x", "{trail}",
         "{trail}?as-of={yesterday}", "{trail}?as-of=never", "/nowhere"],
    )  # fmt: skip
    def test_has_no_violation_that_axe_knows(self, browser: Browser, walked: Walked, annas_cookies: Any, where: str):
        cookies = None if where == "/sign-in" else annas_cookies
        page = browser.new_page(bypass_csp=True, reduced_motion="reduce", storage_state=cookies)
        trail = f"/patients/{walked.patient}"
        page.goto(walked.portal + where.format(trail=trail, yesterday=at_the_time_of(yesterday())))
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

        found = Axe().run(page)
        page.close()

        assert found.violations_count == 0, found.generate_report()
