"""Codes, moments, people and facts in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from events.vocabulary import CATALOGUE
from services.history.domain import own_fields
from services.portal.pages import words
from services.portal.pages.icons import NAMES, icon
from services.portal.pages.moments import NoSuchMoment, Place, moment_written
from services.portal.pages.people import People
from services.portal.pages.stories import story_of
from services.portal.pages.timeline import plain
from services.portal.pages.titles import TITLES, icon_of, name_of, title_of

EXAMPLES = sorted((Path(__file__).parents[2] / "events" / "examples").glob("*.json"))
ZURICH = Place("Europe/Zurich")


def said_in(example: Path, *, sealed: bool) -> dict[str, Any]:
    body = json.loads(example.read_text())
    if not sealed:
        body.pop("sealed", None)
    return own_fields(CATALOGUE.decode(example.stem, msgspec.json.encode(body)))


class TestTitles:
    def test_are_there_for_every_fact_of_the_vocabulary(self):
        names = {name_of(type_name) for type_name in CATALOGUE.types()}

        assert names - set(TITLES) == set()

    def test_have_icons_that_are_there(self):
        assert {icon_of(name) for name in TITLES} <= NAMES
        assert all("<path" in icon(name) for name in NAMES)

    def test_of_a_fact_from_a_newer_version_are_its_words(self):
        assert title_of("referral.first-visit-missed") == "First visit missed"


class TestStories:
    @pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
    def test_tell_every_fact_in_a_line(self, example: Path):
        says = said_in(example, sealed=True)

        story = story_of(name_of(example.stem), says, ZURICH)

        assert "\n" not in story
        assert "{" not in story

    @pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
    def test_bear_that_a_patients_fields_are_gone(self, example: Path):
        says = said_in(example, sealed=False)

        assert "None" not in story_of(name_of(example.stem), says, ZURICH)
        assert all(isinstance(plain(value), str) for value in says.values())

    @pytest.mark.parametrize(
        ("name", "says", "story"),
        [
            ("intake.vitals-measured", {"systolic": 128, "diastolic": 82, "resting_heart_rate": 76},
             "128/82 mmHg; resting heart rate 76/min"),
            ("intake.safety-flag-raised", {"flag": "SI_POSITIVE"}, "Thoughts of death or self-harm"),
            ("intake.safety-flag-assessed", {"flag": "SI_POSITIVE", "hold": True},
             "Thoughts of death or self-harm; exercise stays on hold"),
            ("intake.mental-health-referral-needed", {"within_days": 1, "reasons": [{"code": "SEVERITY_COSIGN"}]},
             "Within 1 day; symptoms severe: a mental-health clinician co-signs"),
            ("monitoring.measure-repeated",
             {"instrument": "GAD7", "result": {"total": 12, "band": "moderate"}, "change": 5, "baseline": 7},
             "GAD-7: 12 (moderate), +5 against the baseline of 7"),
            ("intake.questionnaire-imported",
             {"instrument": "PHQ9", "result": {"total": None, "stated_total": 11}, "contradicts": True},
             "PHQ-9: 11 as stated; the stated total contradicts the answers"),
            ("monitoring.alert-overdue",
             {"missed": "2026-11-23T08:15:00Z", "level": "E1", "acknowledge_by": "2026-11-23T12:15:00Z"},
             "Nobody took it by 23 Nov 2026, 09:15; Look today; to be taken by 23 Nov 2026, 13:15"),
            ("monitoring.alert-overdue",
             {"missed": "2026-11-23T08:15:00Z", "level": "E0", "acknowledge_by": None},
             "Nobody took it by 23 Nov 2026, 09:15; Emergency: look now"),
            ("monitoring.alert-review-overdue", {"missed": "2026-11-23T08:00:00Z"},
             "Nobody had closed it by 23 Nov 2026, 09:00"),
            ("referral.declined", {"reason": "insufficient-info", "note": "No ECG."},
             "Too little information; No ECG."),
            ("intake.measure-imported", {"kind": "blood-pressure", "value": "120", "second": "80", "unit": "mm[Hg]"},
             "Blood pressure: 120/80 mm[Hg]"),
        ],
    )  # fmt: skip
    def test_say_what_matters(self, name: str, says: dict[str, Any], story: str):
        assert story_of(name, says, ZURICH) == story


class TestMoments:
    def test_are_written_in_wall_time_with_their_offset(self):
        summer, winter = "2026-07-01T22:30:00Z", "2026-11-23T08:00:05.25Z"

        assert ZURICH.both(summer) == "2 Jul 2026, 00:30"
        assert ZURICH.exact(summer) == "2 Jul 2026, 00:30:00 (UTC+02:00)"
        assert ZURICH.exact(winter) == "23 Nov 2026, 09:00:05 (UTC+01:00)"
        assert Place("Asia/Kolkata").offset(winter) == "UTC+05:30"

    @pytest.mark.parametrize("name", [None, "", "Mars/Olympus", "../etc/passwd", "a" * 300])
    def test_of_a_place_that_is_not_known_are_in_utc(self, name: str | None):
        assert Place(name).name == "UTC"

    def test_are_read_where_the_patient_lives(self):
        read = moment_written("2026-11-23T09:00", ZoneInfo("Europe/Zurich"))

        assert read == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

    def test_that_the_clocks_skipped_are_refused(self):
        with pytest.raises(NoSuchMoment, match="clocks went forward"):
            moment_written("2026-03-29T02:30", ZoneInfo("Europe/Zurich"))


class TestPeople:
    people = People("mara.lindt", {"dr.okafor": "physician"})

    def test_are_named_with_their_role(self):
        assert self.people.with_role("dr.okafor") == "dr.okafor, physician"
        assert self.people.with_role("mara.lindt", "care-coordinator") == "you, care coordinator"

    def test_with_a_random_id_are_named_by_their_role(self):
        random, other = "3f0c8a52-9d1e-4b7a-8c65-2f1e0d9b7a34", "77aa0c52-9d1e-4b7a-8c65-2f1e0d9b7a34"
        one = People("mara.lindt", {random: "physician"})
        two = People("mara.lindt", {random: "physician", other: "physician"})

        assert one.with_role(random) == "the physician"
        assert two.with_role(random) == "the physician 3f0c8a52"
        assert one.with_role(other, "patient") == "the patient 77aa0c52"
        assert one.name(other) == "77aa0c52"

    def test_that_nobody_named_are_caretrail_itself(self):
        assert self.people.with_role(None) == "CareTrail"

    def test_are_told_from_rules_that_act_for_them(self):
        rule = {"id": "policy:intake.record_the_clearance", "role": "service", "on_behalf_of": "mara.lindt"}

        assert self.people.actor(rule) == "CareTrail’s rule “record the clearance”, for you"
        assert self.people.actor({**rule, "on_behalf_of": None}) == "CareTrail’s rule “record the clearance”"

    def test_are_told_from_timers(self):
        timer = {"id": "timer:monitoring.note_the_review_that_is_overdue", "role": "service", "on_behalf_of": None}

        assert self.people.actor(timer) == "CareTrail’s rule “note the review that is overdue”"


class TestCodes:
    @pytest.mark.parametrize(
        ("code", "name"),
        [
            ("ACSM_ROW_4", "row 4 of the pre-participation table"),
            ("ACSM_ROW_4_CLEARED", "row 4 of the pre-participation table, cleared"),
            ("RF_SYNCOPE", "fainting"),
            ("UNSTABLE_ANGINA", "unstable angina"),
            ("BETA_BLOCKER", "beta-blocker or another rate-limiting medicine"),
            ("SOMETHING_NEW", "something new"),
        ],
    )
    def test_are_written_as_words(self, code: str, name: str):
        assert words.sign(code) == name

    def test_are_listed_as_one_says_them(self):
        assert words.listed([]) == ""
        assert words.listed(["a"]) == "a"
        assert words.listed(["a", "b", "c"]) == "a, b and c"
