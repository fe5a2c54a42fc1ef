"""One patient's trail: where they stand, what happened and why, now and as of a moment."""

from __future__ import annotations

import re

import pytest

from events.intake import ConditionImported, SafetyFlagAssessed, SafetyFlagRaised
from events.monitoring import AlertAcknowledged
from events.terms import Coded
from tests.portal.conftest import Browser, words_in
from tests.portal.neighbours import Neighbours
from tests.portal.trail_of_anna import ALERT, ANNA, DR_OKAFOR, MARA, SCREENING, anna

TRAIL = f"/portal/patients/{ANNA}"


def cards_of(page: str) -> dict[str, str]:
    """Question -> answer and the line below it."""
    cards = re.findall(r"</svg>\s*([A-Z][a-z ]+)</h3>\s*<p[^>]*>(.*?)</p>(?:\s*<p[^>]*>(.*?)</p>)?", page)
    return {question: f"{answer} / {below}".rstrip(" /") for question, answer, below in cards}


class TestStanding:
    def test_is_told_in_five_answers(self, mara: Browser, neighbours: Neighbours):
        neighbours.due = {"check_in_due_on": "2026-11-24", "phq9_due_on": "2026-12-22"}

        assert cards_of(mara.get(TRAIL).text) == {
            "Open alerts": "Emergency: look now / 1 alert · pain or pressure in chest, neck, jaw, arm or back",
            "Conclusion": "Physician&#39;s clearance needed / No exercise until cleared · 1 Sep 2026",
            "Clearance": "Cleared with limits / Up to moderate intensity · until 4 Mar 2027",
            "Program": "Paused / Revision 2 · 150 minutes a week",
            "Next due": "Check-in tomorrow / PHQ-9 on 22 Dec 2026",
        }

    def test_says_when_somebody_has_taken_the_alert(self, mara: Browser, neighbours: Neighbours):
        trail = anna()
        trail.add(AlertAcknowledged, ALERT, "2026-11-20T17:25:00", DR_OKAFOR, acknowledged_by=DR_OKAFOR.id)
        neighbours.facts = trail.facts

        assert "1 alert, taken · pain or pressure" in cards_of(mara.get(TRAIL).text)["Open alerts"]

    def test_says_what_is_overdue(self, mara: Browser, neighbours: Neighbours):
        neighbours.due = {"check_in_due_on": "2026-11-20", "phq9_due_on": None}

        assert cards_of(mara.get(TRAIL).text)["Next due"] == "Check-in overdue since 20 Nov 2026"

    def test_of_who_was_only_registered_says_that_there_is_nothing_yet(self, mara: Browser, neighbours: Neighbours):
        neighbours.facts = neighbours.facts[:2]

        assert cards_of(mara.get(TRAIL).text) == {
            "Open alerts": "None",
            "Conclusion": "No screening yet",
            "Clearance": "None asked for",
            "Program": "No program yet",
            "Next due": "Nothing",
        }

    def test_of_an_auditor_does_without_what_monitoring_refuses(self, visitor: Browser, neighbours: Neighbours):
        visitor.sign_in("ida.audit")
        neighbours.refuse["monitoring"] = 403

        answer = visitor.get(TRAIL)

        assert answer.status_code == 200
        assert list(cards_of(answer.text)) == ["Open alerts", "Conclusion", "Clearance", "Program"]


class TestTrail:
    def test_shows_whose_it_is_and_in_which_time_zone(self, mara: Browser):
        page = words_in(mara.get(TRAIL))

        assert "Keller, Anna Born 3 May 1988 · Times in Europe/Zurich (UTC+01:00)" in page

    def test_shows_the_newest_facts_first_by_the_patients_own_days(self, mara: Browser):
        page = mara.get(TRAIL).text
        days = re.findall(r'trail-day">([^<]+)<', page)

        assert days[0] == "Friday, 20 Nov 2026"
        assert days[-1] == "Tuesday, 1 Sep 2026"
        assert page.index("Red flag raised") < page.index("Program drafted")

    def test_shows_the_oldest_first_on_request(self, mara: Browser):
        page = words_in(mara.get(f"{TRAIL}?order=oldest"))

        assert page.index("Patient registered") < page.index("Screening concluded")

    def test_tells_who_did_what_when_and_why(self, mara: Browser):
        page = words_in(mara.get(f"{TRAIL}?all=yes"))

        assert "Program revised 10:00 Revision 2, 2 changes “Walks have become easy”" in page
        assert "Prescription · tomas.ruiz, exercise physiologist" in page
        assert "Intake · you, care coordinator" in page
        assert "Referral · CareTrail’s rule “request an urgent look at a red flag”, for anna.keller" in page

    def test_tells_the_names_that_the_issuer_knows(self, mara: Browser, neighbours: Neighbours):
        neighbours.names = {"tomas.ruiz": "Tomas Ruiz"}

        page = words_in(mara.get(f"{TRAIL}?all=yes"))

        assert "Prescription · Tomas Ruiz, exercise physiologist" in page

    def test_leads_from_a_fact_to_its_cause(self, mara: Browser):
        page = mara.get(TRAIL).text

        cause = re.search(r'Because of: <a[^>]+href="#(fact-[^"]+)">Red flag raised</a>', page)

        assert cause
        assert f'<li id="{cause[1]}">' in page

    def test_keeps_many_facts_for_a_second_look(self, mara: Browser):
        few, all_of_them = mara.get(TRAIL).text, mara.get(f"{TRAIL}?all=yes").text

        assert few.count('<li id="fact-') == 25
        assert "Show 6 more" in few
        assert all_of_them.count('<li id="fact-') == 31
        assert "Show" not in words_in(mara.get(f"{TRAIL}?all=yes")).partition("Timeline")[2]

    def test_shows_everything_recorded_to_who_wants_it(self, mara: Browser):
        page = words_in(mara.get(TRAIL))

        assert "Recorded 20 Nov 2026, 18:20:00 (UTC+01:00)" in page
        assert "caretrail.monitoring.red-flag-raised.v1" in page

    def test_shows_the_program_and_how_its_revisions_differ(self, mara: Browser):
        page = words_in(mara.get(TRAIL))

        assert "Walk 2.8-3.2 mph Compendium 17190, 3.5 MET" in page
        assert "4 × a week Moderate, 105–125 beats/min 30 min" in page
        assert "Light, 9–11 RPE" in page
        assert "Walk 2.8-3.2 mph: minutes 20 30" in page
        assert "Walk 2.8-3.2 mph: times a week 3 4" in page
        assert "Goals: Walk to work twice a week; Sleep through the night" in page
        assert "does not replace medication or psychotherapy" in page

    def test_shows_the_referrals_with_their_state(self, mara: Browser):
        page = words_in(mara.get(TRAIL))

        assert "Urgent look by a physician Requested Urgent Asked by CareTrail, 20 Nov 2026, 18:20" in page
        assert "Physician's clearance Closed Asked by you, care coordinator, 1 Sep 2026, 09:45" in page
        assert "Cleared with limits; up to moderate intensity; valid until 4 Mar 2027; Check glucose" in page

    def test_shows_the_screening_with_its_reasons(self, mara: Browser):
        page = words_in(mara.get(TRAIL))

        assert "Demanded: Physician's clearance" in page
        assert "Pre-participation table: Row 3 of the pre-participation table ACSM 2018" in page

    def test_says_of_a_safety_flag_what_was_said_last(self, mara: Browser, neighbours: Neighbours):
        trail = anna()
        trail.add(SafetyFlagRaised, SCREENING, "2026-11-21T09:00:00", MARA, flag="SI_POSITIVE", instrument="PHQ9")
        neighbours.facts = list(trail.facts)
        raised = words_in(mara.get(TRAIL))
        trail.add(SafetyFlagAssessed, SCREENING, "2026-11-21T10:00:00", DR_OKAFOR, flag="SI_POSITIVE", hold=True,
                  assessment="Passive thoughts, no plan.")  # fmt: skip
        neighbours.facts = trail.facts

        page = words_in(mara.get(TRAIL))

        assert "Thoughts of death or self-harm: to be assessed by a clinician" in raised
        assert "Thoughts of death or self-harm: assessed, exercise on hold. Passive thoughts, no plan." in page
        assert "to be assessed by a clinician" not in page

    def test_shows_every_measure_in_a_table(self, mara: Browser):
        page = words_in(mara.get(TRAIL))

        assert "27 Oct 2026 PHQ-9 9 Mild Follow-up −7 against the baseline of 16" in page
        assert "1 Sep 2026 PHQ-9 16 Moderately severe Screening" in page

    def test_describes_its_chart_in_words(self, mara: Browser):
        page = mara.get(TRAIL).text

        assert 'alt="PHQ-9 totals, 3 values, from 16 on 1 Sep 2026 to 9 on 27 Oct 2026.' in page

    def test_without_measures_has_no_chart(self, mara: Browser, neighbours: Neighbours):
        neighbours.facts = neighbours.facts[:3]

        page = mara.get(TRAIL)

        assert "No PHQ-9 total yet." in words_in(page)
        assert "phq9.svg" not in page.text

    @pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{ 7*7 }}"])
    def test_takes_a_name_as_text_and_nothing_else(self, mara: Browser, neighbours: Neighbours, name: str):
        neighbours.facts = anna(name).facts

        page = mara.get(f"{TRAIL}?all=yes")

        assert "<script>" not in page.text
        assert "49" not in re.findall(r"<h1[^>]*>(.*?)</h1>", page.text)[0]
        assert ("&lt;script&gt;alert(1)" in page.text) or ("{{ 7*7 }}, Anna" in page.text)

    def test_puts_many_imported_facts_away(self, mara: Browser, neighbours: Neighbours):
        trail = anna()
        for number in range(4):
            trail.add(ConditionImported, SCREENING, "2026-11-21T09:00:00", MARA,
                      condition=Coded(display=f"Condition {number}"))  # fmt: skip
        neighbours.facts = trail.facts

        assert "4 facts imported from another system" in words_in(mara.get(TRAIL))

    def test_of_somebody_elses_patient_is_not_there(self, mara: Browser):
        answer = mara.get("/portal/patients/3f0c8a52-9d1e-4b7a-8c65-000000000000")

        assert answer.status_code == 404
        assert "There is no such patient among yours." in words_in(answer)

    def test_while_history_is_silent_asks_to_try_again(self, mara: Browser, neighbours: Neighbours):
        neighbours.silent.add("history")

        answer = mara.get(TRAIL)

        assert answer.status_code == 503
        assert "Try again in a moment." in words_in(answer)

    def test_while_monitoring_is_silent_shows_the_rest(self, mara: Browser, neighbours: Neighbours):
        neighbours.silent.add("monitoring")

        answer = mara.get(TRAIL)

        assert answer.status_code == 200
        assert "Next due" not in words_in(answer)


class TestAsOf:
    def test_is_read_in_the_patients_time_zone(self, mara: Browser, neighbours: Neighbours):
        mara.get(f"{TRAIL}?as-of=2026-09-04T15:30")

        moments = [dict(request.url.params).get("as-of") for request in neighbours.asked]
        assert "2026-09-04T13:30:00Z" in moments

    def test_shows_the_record_as_it_was_and_says_so(self, mara: Browser):
        answer = mara.get(f"{TRAIL}?as-of=2026-09-10T12:00")
        page = words_in(answer)

        assert "As recorded up to 10 Sep 2026, 12:00 in Europe/Zurich." in page
        assert "Complete: nothing recorded up to then is missing." in page
        assert "history:22" in page
        assert cards_of(answer.text)["Program"] == "Active / Revision 1 · 90 minutes a week"
        assert "Red flag raised" not in page
        assert "Next due" not in page
        assert 'value="2026-09-10T12:00"' in answer.text

    def test_says_what_is_not_final_yet(self, mara: Browser, neighbours: Neighbours):
        neighbours.behind = ("intake", "referral")

        page = words_in(mara.get(f"{TRAIL}?as-of=2026-09-10T12:00"))

        assert "Not final yet: intake and referral may still add to it." in page

    def test_warns_of_the_present_view_too_when_it_is_not_final(self, mara: Browser, neighbours: Neighbours):
        neighbours.behind = ("monitoring",)

        page = words_in(mara.get(TRAIL))

        assert "As recorded up to now, 23 Nov 2026, 09:00 in Europe/Zurich." in page
        assert "Not final yet: monitoring may still add to it." in page

    def test_before_anything_was_recorded_shows_what_there_is_now(self, mara: Browser):
        answer = mara.get(f"{TRAIL}?as-of=2020-01-01T00:00")

        assert answer.status_code == 200
        assert "Nothing was recorded of this patient up to then." in words_in(answer)

    @pytest.mark.parametrize(
        ("written", "sentence"),
        [
            ("yesterday", "That is not a date and time"),
            ("2026-13-01T09:00", "That is not a date and time"),
            ("2026-03-29T02:30", "There is no such time in Europe/Zurich"),
            ("9999-12-31T23:59-12:00", "That is too far away."),
            ("0001-01-01T00:00", "That is too far away."),
        ],
    )
    def test_that_is_no_moment_is_explained(self, mara: Browser, written: str, sentence: str):
        answer = mara.get(TRAIL, query_string={"as-of": written})

        assert answer.status_code == 400
        assert sentence in words_in(answer)

    def test_of_an_hour_that_came_twice_takes_in_both(self, mara: Browser, neighbours: Neighbours):
        mara.get(f"{TRAIL}?as-of=2026-10-25T02:30")

        moments = [dict(request.url.params).get("as-of") for request in neighbours.asked]
        assert "2026-10-25T01:30:00Z" in moments

    def test_may_name_its_own_offset(self, mara: Browser, neighbours: Neighbours):
        mara.get(TRAIL, query_string={"as-of": "2026-09-10T12:00:00Z"})

        moments = [dict(request.url.params).get("as-of") for request in neighbours.asked]
        assert "2026-09-10T12:00:00Z" in moments


class TestTheChart:
    def test_is_drawn_for_the_record_of_a_vector(self, mara: Browser):
        answer = mara.get(f"{TRAIL}/phq9.svg?vector=history:31")

        assert answer.status_code == 200
        assert answer.mimetype == "image/svg+xml"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.text.startswith("<svg")
        assert "Rev. 2" in answer.text

    def test_of_a_record_without_totals_is_not_there(self, mara: Browser):
        assert mara.get(f"{TRAIL}/phq9.svg?vector=history:2").status_code == 404

    def test_is_only_for_who_is_signed_in(self, visitor: Browser):
        assert visitor.get(f"{TRAIL}/phq9.svg?vector=history:31").status_code == 302
