"""History over HTTP: the timeline with its titles, the record, and refused reactions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from events.base import Actor
from events.history import HistoryReactionRefused
from services.history.service import SERVICE
from shared.clock import ShiftedClock
from shared.eventlog import Context
from shared.messaging import Refusal
from tests.history.trail import ANNA, Trail, screened_and_referred, trail
from tests.http.office import Office

OUTSIDER = Actor(id="olga", role="physician")
AUDITOR = Actor(id="ada", role="auditor")


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Trail]:
    """A patient who was screened and referred; Anna looks after them."""
    with trail(tmp_path) as opened:
        screened_and_referred(opened)
        opened.tell()
        yield opened


@pytest.fixture
def office(told: Trail, tmp_path: Path) -> Office:
    return Office(SERVICE, told.history, ShiftedClock(instant=told.clock.now), tmp_path / "keys")


class TestTheTimeline:
    def test_calls_every_fact_by_a_short_title_and_a_sentence(self, office: Office, told: Trail):
        rows = office.get(f"/patients/{told.patient}/timeline", ANNA).get_json()["items"]

        assert [row["title"] for row in rows] == [
            "Patient registered",
            "Patient team member joined",
            "Screening opened",
            "Screening concluded",
            "Referral requested",
            "Referral accepted",
        ]
        assert rows[0]["meaning"] == "A person becomes a patient of this organisation."

    def test_says_who_did_what_when_and_why(self, office: Office, told: Trail):
        (row,) = office.get(f"/patients/{told.patient}/timeline?limit=1&service=referral", ANNA).get_json()["items"]

        assert (row["type"], row["service"], row["position"]) == ("caretrail.referral.requested.v1", "referral", 1)
        assert row["actor"] == {"id": "anna", "role": "care-coordinator", "on_behalf_of": None}
        assert (row["occurred_at"], row["reason"], row["caused_by"]) == (
            "2026-11-23T09:05:00Z",
            "Type 2 diabetes",
            "request-1",
        )

    def test_ends_at_the_moment_that_is_asked_for(self, office: Office, told: Trail):
        page = office.get(f"/patients/{told.patient}/timeline?as-of=2026-11-23T09:03:30Z", AUDITOR).get_json()

        assert len(page["items"]) == 3

    def test_is_hidden_from_whoever_stands_outside(self, office: Office, told: Trail):
        assert office.get(f"/patients/{told.patient}/timeline", OUTSIDER).status_code == 404


class TestTheRecord:
    def test_has_a_section_for_refused_reactions(self, office: Office, told: Trail):
        record = office.get(f"/patients/{told.patient}/record", ANNA).get_json()

        assert (record["complete"], record["refused_reactions"]) == (True, [])
        assert record["referrals"][0]["provider"] == "paul"

    def test_is_asked_for_by_a_moment_or_by_a_vector(self, office: Office, told: Trail):
        path = f"/patients/{told.patient}/record?as-of=2026-11-23T09:03:30Z&vector=intake:1"

        assert office.get(path, ANNA).status_code == 400


class TestRefusedReactions:
    def test_wait_for_a_coordinator(self, office: Office, told: Trail):
        cause = told.history.fact(told.history.query(told.history.timeline(told.patient))[0])
        context = Context(ANNA, told.clock.now, cause.correlation_id, cause.event_id)
        told.history.save(Refusal.of(context, cause, "note_the_reading", HistoryReactionRefused, "Too old."))

        (row,) = office.get(f"/refused-reactions?patient_id={told.patient}", ANNA).get_json()["items"]
        answer = office.post(f"/refused-reactions/{row['id']}/settle", ANNA, {"resolution": "Read by hand."})

        assert (row["policy"], row["reason"]) == ("note_the_reading", "Too old.")
        assert (answer.status_code, answer.get_json()["settled"]) == (200, True)
